// Share videos: a part of the song with its picture and a moving waveform, to post anywhere.
import { get, over, poll, post } from "./api.js";
import { announce, field, h, icon, note, onPress, segments } from "./dom.js";
import { clock } from "./format.js";
import { pictureField } from "./picture.js";
import { mixOf } from "./player.js";
import { isMember, session } from "./session.js";

const SHAPES = { vertical: "Vertical", square: "Square" };
const LENGTHS = { 15: "15 s", 30: "30 s", 60: "60 s" };

/// The card on a song's page. `made`: hears of each finished video.
export function videos(song, mix, made = () => {}) {
  const box = h("section.card.stack", { "aria-labelledby": "video-title" }, h("h2", { id: "video-title" }, "Post it"));
  if (!session.config.videos) {
    box.append(h("p.quiet", "Videos cannot be made on this machine: it has no H.264 encoder."));
    return box;
  }
  const words =
    "A short video with your picture, the title and a moving waveform, for feeds and stories. " +
    "It says that the vocal is AI-converted.";
  box.append(h("p.quiet", words), ...[picturePart(song), ...maker(song, mix, made)].filter(Boolean));
  return box;
}

function picturePart(song) {
  if (!isMember()) return null;
  const load = async () => (song.picture = (await get(`/songs/${song.id}`)).picture);
  return pictureField(`/songs/${song.id}`, song.picture, load);
}

function maker(song, mix, made) {
  const chosen = { shape: "vertical", length: "30" };
  const latest = () => Math.max(0, song.duration_s - Math.min(Number(chosen.length), song.duration_s));
  const told = h("output");
  const start = h("input", { type: "range", min: 0, max: latest(), step: 0.5, value: 0 });
  const tell = () => {
    start.max = latest();
    const from = Number(start.value);
    told.textContent = `${clock(from)} to ${clock(Math.min(song.duration_s, from + Number(chosen.length)))}`;
  };
  start.addEventListener("input", tell);
  tell();
  const result = h("div", { role: "status" });
  const make = async () => {
    const bar = h("progress", { max: 1, "aria-label": "Making the video" });
    result.replaceChildren(h("p.small.quiet", "Making the video. This takes about as long as it plays…"), bar);
    const wish = { shape: chosen.shape, start_s: Number(start.value), length_s: Number(chosen.length) };
    let job = await post(`/songs/${song.id}/videos`, { ...wish, ...mixOf(mix) });
    if (!over(job)) job = await poll(`/renders/${job.id}`, { onchange: (now) => (bar.value = now.progress) });
    if (job.state !== "done")
      throw new Error(`${job.failure || "The video could not be made."} It costs nothing; try again.`);
    announce("The video is ready");
    result.replaceChildren(player(song, job));
    made(job.id);
  };
  const failed = (error) => result.replaceChildren(note("bad", error.message));
  const button = onPress(h("button.button.primary", { type: "button" }, icon("play"), "Make the video"), make, failed);
  return [
    segments("Shape", "shape", SHAPES, chosen.shape, (value) => (chosen.shape = value)),
    segments("Length", "video-length", LENGTHS, chosen.length, (value) => ((chosen.length = value), tell())),
    latest() > 0 && h("div.stack.tight-stack", field("From where on", start), told),
    h("div", button),
    result,
  ];
}

function player(song, job) {
  const name = `${song.title.replace(/[^\p{L}\p{N} _-]/gu, "") || "song"}.mp4`;
  const save = h("a.button", { href: job.url, download: name }, icon("download"), "Save");
  const view = h("video.share-video", { src: job.url, controls: true, playsinline: true, preload: "metadata" });
  const row = h("div.row", save);
  // Phones take the file itself; whether they do can be asked without it.
  const probe = new File([""], name, { type: "video/mp4" });
  if (navigator.canShare?.({ files: [probe] }))
    row.prepend(
      onPress(h("button.button.primary", { type: "button" }, icon("share"), "Share"), async () => {
        const bytes = await (await fetch(job.url, { credentials: "same-origin" })).blob();
        const file = new File([bytes], name, { type: "video/mp4" });
        await navigator.share({ files: [file], title: song.title }).catch((error) => {
          if (error.name !== "AbortError") throw error;
        });
      }),
    );
  return h("div.stack", view, row);
}
