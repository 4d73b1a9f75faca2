// Where a song comes from: a file or the microphone.
import { get } from "../api.js";
import { h, icon, note, onPress, set, signUp, toast } from "../dom.js";
import { bytes } from "../format.js";
import { canRecord } from "../recorder.js";
import { recordingLine } from "../recordings.js";
import { sampleButton } from "../sample.js";
import { ensureAccount, isMember, session } from "../session.js";
import { NO_MIC, TakeBox } from "../takes.js";

const FILES = "audio/*,video/mp4,video/webm,.flac,.opus,.m4a,.wav,.mp3,.ogg";

// What the browser asks before a page with an unfinished recording or upload is closed.
const hold = (event) => event.preventDefault();
const holdPage = (on) => window[on ? "addEventListener" : "removeEventListener"]("beforeunload", hold);

export default async function start({ query, go }) {
  const voice = query.get("voice");
  const carried = voice ? `?voice=${encodeURIComponent(voice)}` : "";
  const earlier = h("div");
  const use = (place) => (id) => go(`/app/${place}/${id}${carried}`);
  const takes = new TakeBox({
    frame: "section.card",
    heading: "h2",
    longest: session.config.max_duration_s,
    ways: (box) => [...ways(box, use("sing")), sampleSource(go, carried), earlier],
    busy: holdPage,
    before: ensureAccount,
    sent: use("recordings"),
    trouble,
  });
  takes.idle();
  if (session.account) {
    get("/recordings")
      .then((recordings) => showEarlier(earlier, recordings, carried))
      .catch(() => {}); // only a convenience: the page works without
  }
  const guest = [
    `You are trying voxconv as a guest: one part of up to ${Math.round(session.config.preview_s)} seconds, free. `,
    signUp("a"),
    " for whole songs; what you make now stays yours.",
  ];
  return {
    title: "Sing or upload",
    node: h(
      "section.stack.narrow-wide",
      h("h1", "What shall we sing?"),
      !isMember() && note("info", ...guest),
      takes.node,
    ),
    destroy: () => {
      takes.destroy();
      holdPage(false);
    },
  };
}

/// A file, the microphone, or both at once; sing(id): where a song to sing to is used.
function ways(box, sing) {
  const mic = h(
    "button.source.mic",
    { type: "button" },
    h("span.source-icon", icon("mic")),
    h("strong.source-title", "Sing now"),
    h("span.quiet", "Record with this device's microphone"),
    h("span.small.quiet", "You can listen before anything is uploaded"),
  );
  onPress(mic, () => box.record());
  if (!canRecord()) set(mic, { disabled: true, "aria-describedby": "no-mic" });
  return [
    h("div.sources", dropZone(box), mic),
    singAlong(box, sing),
    !canRecord() && h("p.small.quiet", { id: "no-mic" }, NO_MIC),
  ];
}

/// For who has no song at hand: the one of the landing page.
const sampleSource = (go, query) =>
  sampleButton(
    "button.source.along",
    [
      h("span.source-icon", icon("play")),
      h(
        "span",
        h("strong.source-title", "No song at hand?"),
        h("span.quiet", "Try it with ours: 15 seconds of “Crazy Glue” by Josh Woodward, free to use (CC BY 4.0)"),
      ),
    ],
    go,
    query,
  );

function trouble(error) {
  const all = { href: "/app/recordings", target: "_blank", rel: "noopener" };
  return [error.message, " ", error.code === "quota_exceeded" && h("a", all, "See them all")];
}

function showEarlier(place, recordings, query) {
  if (!recordings.length) return;
  const usable = recordings
    .filter((item) => item.state !== "failed" && item.state !== "uploading" && !item.voice)
    .slice(0, 6);
  const lines = usable.map((recording) => recordingLine(recording, { query }));
  place.replaceChildren(
    h(
      "section.stack.tight-stack",
      h("h2", "Sung before"),
      lines.length > 0 && h("ul.lines", lines),
      h("p", h("a", { href: "/app/recordings" }, "All recordings")),
    ),
  );
}

const maxBytes = () => (isMember() ? session.config.max_upload_bytes : session.config.guest_max_upload_bytes);

function fileInput(label, take) {
  const input = h("input.visually-hidden", { type: "file", accept: FILES, "aria-label": label });
  input.addEventListener("change", () => take(input.files[0]));
  return input;
}

/// A song to sing to, which is heard while the microphone records.
function singAlong(box, sing) {
  const take = (file) => takeFile(box, file, { sent: sing });
  return h(
    "label.source.along",
    fileInput("Choose a song or a backing track to sing to", take),
    h("span.source-icon", icon("headphones")),
    h(
      "span",
      h("strong.source-title", "Sing along"),
      h("span.quiet", "Choose a song or a backing track; it plays in your headphones while you sing"),
    ),
  );
}

function dropZone(box) {
  const minutes = Math.round(session.config.max_duration_s / 60);
  const input = fileInput("Choose a song from your device", (file) => takeFile(box, file));
  const zone = h(
    "label.source",
    input,
    h("span.source-icon", icon("upload")),
    h("strong.source-title", "Upload a song"),
    h("span.quiet", "Tap to choose, or drop a file here"),
    h("span.small.quiet", `mp3, wav, flac, m4a, ogg and more, up to ${bytes(maxBytes())} and ${minutes} minutes`),
  );
  const over = (on) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", on);
  };
  for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, over(true));
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, over(false));
  zone.addEventListener("drop", (event) => takeFile(box, event.dataTransfer.files[0]));
  return zone;
}

function takeFile(box, file, options = {}) {
  if (!file) return;
  if (file.size === 0) return toast("This file is empty. Choose another one.", "bad");
  if (file.size > maxBytes()) {
    const limit = `${bytes(maxBytes())} is the most${isMember() ? "" : " without an account"}`;
    return toast(`This file has ${bytes(file.size)}; ${limit}. Make it an mp3, or cut it.`, "bad");
  }
  box.send(file, options);
}
