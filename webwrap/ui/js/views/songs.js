// Everything made so far, and what is still being made.
import { get } from "../api.js";
import { playButton } from "../audio.js";
import { h, icon } from "../dom.js";
import { clock, keyWords, when } from "../format.js";

export default async function songs() {
  const [list, jobs] = await Promise.all([get("/songs"), get("/jobs")]);
  const active = jobs.filter((job) => job.kind === "convert" && (job.state === "queued" || job.state === "running"));
  const failed = jobs
    .filter((job) => job.kind === "convert" && job.state === "failed" && job.finished > Date.now() / 1000 - 86400)
    .slice(0, 3);
  const rows = list.map((song) =>
    h(
      "li.song",
      playButton(`/api/v1/songs/${song.id}/audio`, song.title),
      h(
        "div.grow",
        h("a.song-title", { href: `/app/songs/${song.id}` }, song.title),
        h(
          "p.small.quiet",
          [song.voice.title, keyWords(song.key), clock(song.duration_s), when(song.created)].join(" · "),
        ),
        h(
          "p.row.tight",
          song.preview && h("span.badge", "preview"),
          song.music && h("span.badge", "with music"),
          song.share && h("span.badge.shared", "shared"),
        ),
      ),
      h(
        "a.button.slim.song-again",
        { href: `/app/recordings/${song.recording}`, "aria-label": `${song.title}: again with another voice` },
        icon("again"),
        h("span", "Another voice"),
      ),
    ),
  );
  const made = list.length
    ? h("ul.songs", rows)
    : h(
        "div.card.stack.centred",
        h("div.listening.still", { "aria-hidden": "true" }, ...Array.from({ length: 5 }, () => h("span"))),
        h("h2", "No songs yet"),
        h("p.quiet", "Sing something or upload a song, choose a voice, and it appears here."),
        h("a.button.primary", { href: "/app/new" }, icon("mic"), "Sing something"),
      );
  return {
    title: "Songs",
    node: h(
      "section.stack.studio",
      h(
        "div.row.between",
        h("h1", "Your songs"),
        list.length > 0 && h("a.button.primary", { href: "/app/new" }, icon("mic"), "New song"),
      ),
      active.map((job) =>
        h(
          "a.card.row.between.active-job",
          { href: `/app/jobs/${job.id}` },
          h(
            "span",
            h("strong", job.state === "queued" ? "Waiting for its turn" : "Being made"),
            h("span.quiet", ` · ${job.voice}`),
          ),
          h("progress", { max: 1, value: job.state === "queued" ? undefined : job.progress, "aria-label": "Progress" }),
        ),
      ),
      failed.map((job) =>
        h(
          "a.note.bad.block",
          { href: `/app/jobs/${job.id}` },
          icon("alert"),
          h("span", `A conversion failed: ${job.failure} Its credits were given back.`),
        ),
      ),
      made,
    ),
  };
}
