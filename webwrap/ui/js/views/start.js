// Where a song comes from: a file or the microphone.
import { get } from "../api.js";
import { silence } from "../audio.js";
import { announce, h, icon, note, set, toast } from "../dom.js";
import { bytes, clock, plural } from "../format.js";
import { Meter } from "../meter.js";
import { canRecord, Recorder } from "../recorder.js";
import { recordingLine } from "../recordings.js";
import { ensureAccount, isMember, session } from "../session.js";
import { upload } from "../upload.js";
import { Waveform } from "../waveform.js";

const FILES = "audio/*,video/mp4,video/webm,.flac,.opus,.m4a,.wav,.mp3,.ogg";

// What the browser asks before a page with an unfinished recording or upload is closed.
const hold = (event) => event.preventDefault();
const holdPage = (on) => window[on ? "addEventListener" : "removeEventListener"]("beforeunload", hold);

/// What the steps below share. show(...) replaces what is seen.
class Page {
  constructor({ voice, go }) {
    this.voice = voice;
    this.go = go;
    this.stage = h("div.stack");
    this.earlier = h("div");
    this.leaving = new AbortController();
    this.recorder = null;
    this.left = false;
  }
  show(...children) {
    this.stage.replaceChildren(...children.flat().filter(Boolean));
  }
  tell(...children) {
    this.stage.prepend(note("bad", ...children));
  }
  destroy() {
    this.left = true;
    holdPage(false);
    this.leaving.abort();
    this.recorder?.close();
    this.recorder = null;
  }
}

export default async function start({ query, go }) {
  const page = new Page({ voice: query.get("voice"), go });
  choose(page);
  if (session.account) {
    get("/recordings")
      .then((recordings) => showEarlier(page, recordings))
      .catch(() => {}); // only a convenience: the page works without
  }
  const guest = [
    `You are trying voxconv as a guest: one part of up to ${Math.round(session.config.preview_s)} seconds, free. `,
    h("a", { href: "/app/signup" }, "Sign up"),
    " for whole songs; what you make now stays yours.",
  ];
  return {
    title: "Sing or upload",
    node: h(
      "section.stack.narrow-wide",
      h("h1", "What shall we sing?"),
      !isMember() && note("info", ...guest),
      page.stage,
    ),
    destroy: () => page.destroy(),
  };
}

function showEarlier(page, recordings) {
  if (!recordings.length) return;
  const usable = recordings
    .filter((item) => item.state !== "failed" && item.state !== "uploading" && !item.voice)
    .slice(0, 6);
  const query = page.voice ? `?voice=${encodeURIComponent(page.voice)}` : "";
  const lines = usable.map((recording) => recordingLine(recording, { query }));
  page.earlier.replaceChildren(
    h(
      "section.stack.tight-stack",
      h("h2", "Sung before"),
      lines.length > 0 && h("ul.lines", lines),
      h("p", h("a", { href: "/app/recordings" }, "All recordings")),
    ),
  );
}

const maxBytes = () => (isMember() ? session.config.max_upload_bytes : session.config.guest_max_upload_bytes);

function choose(page) {
  holdPage(false);
  const mic = h(
    "button.source.mic",
    { type: "button", onclick: () => record(page) },
    h("span.source-icon", icon("mic")),
    h("strong.source-title", "Sing now"),
    h("span.quiet", "Record with this device's microphone"),
    h("span.small.quiet", "You can listen before anything is uploaded"),
  );
  if (!canRecord()) set(mic, { disabled: true, "aria-describedby": "no-mic" });
  const noMic = "Recording needs a newer browser and a secure (https) address; uploading works.";
  page.show(
    h("div.sources", dropZone(page), mic),
    singAlong(page),
    !canRecord() && h("p.small.quiet", { id: "no-mic" }, noMic),
    page.earlier,
  );
}

function fileInput(label, take) {
  const input = h("input.visually-hidden", { type: "file", accept: FILES, "aria-label": label });
  input.addEventListener("change", () => take(input.files[0]));
  return input;
}

/// A song to sing to, which is heard while the microphone records.
function singAlong(page) {
  const take = (file) => takeFile(page, file, "sing");
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

function dropZone(page) {
  const minutes = Math.round(session.config.max_duration_s / 60);
  const input = fileInput("Choose a song from your device", (file) => takeFile(page, file));
  const zone = h(
    "label.source.drop",
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
  zone.addEventListener("drop", (event) => takeFile(page, event.dataTransfer.files[0]));
  return zone;
}

/// `then`: where it is used: "recordings" (the studio) or "sing".
function takeFile(page, file, then = "recordings") {
  if (!file) return;
  if (file.size === 0) return toast("This file is empty. Choose another one.", "bad");
  if (file.size > maxBytes()) {
    const limit = `${bytes(maxBytes())} is the most${isMember() ? "" : " without an account"}`;
    return toast(`This file has ${bytes(file.size)}; ${limit}. Make it an mp3, or cut it.`, "bad");
  }
  send(page, file, () => choose(page), then);
}

/// back() shows what there was before, if it does not get through: a take is only here.
async function send(page, file, back, then = "recordings") {
  silence();
  holdPage(true);
  const stop = new AbortController();
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Upload" });
  const words = h("p.small.quiet", "Starting…");
  const cancel = h("button.button.slim", { type: "button", onclick: () => stop.abort() }, "Cancel");
  page.show(h("section.card.stack", h("h2", `Uploading ${file.name}`), bar, words, h("div.row", cancel)));
  announce(`Uploading ${file.name}`);
  page.leaving.signal.addEventListener("abort", () => stop.abort("left"));
  const offline = "The connection is gone. The upload goes on by itself when it is back; keep this page open.";
  try {
    await ensureAccount();
    const id = await upload(file, {
      signal: stop.signal,
      progress: (part) => {
        bar.value = part;
        words.textContent = `${Math.round(part * 100)} % of ${bytes(file.size)}`;
      },
      waiting: (on) => on && (words.textContent = offline),
    });
    holdPage(false);
    page.go(`/app/${then}/${id}${page.voice ? `?voice=${encodeURIComponent(page.voice)}` : ""}`);
  } catch (error) {
    if (page.left) return;
    back();
    if (error.name === "AbortError") return;
    const all = { href: "/app/recordings", target: "_blank", rel: "noopener" };
    page.tell(error.message, " ", error.code === "quota_exceeded" && h("a", all, "See them all"));
  }
}

async function record(page) {
  silence();
  const meter = new Meter();
  const stop = async (why) => {
    if (page.recorder !== recorder) return;
    page.recorder = null;
    const take = await recorder.stop();
    meter.wave.destroy();
    if (page.left) return;
    if (take.size) review(page, take, meter.seconds, meter.peaks);
    else choose(page);
    if (why) page.tell(why);
  };
  const level = (peak, seconds) => meter.add(peak, seconds);
  const recorder = new Recorder({ longest: session.config.max_duration_s, ended: stop, level });
  page.recorder = recorder;
  try {
    await recorder.start();
  } catch (error) {
    page.recorder = null;
    choose(page);
    return page.tell(error.message);
  }
  if (page.left || page.recorder !== recorder) return recorder.close();
  holdPage(true);
  const button = h("button.button.primary.big", { type: "button", onclick: () => stop() }, icon("stop"), "Stop");
  const heading = h("h2", h("span.dot", { "aria-hidden": "true" }), "Recording");
  page.show(
    h(
      "section.card.stack.recorder.live",
      h("div.row.between", heading, meter.time),
      h("div.take-wave", meter.wave.node),
      meter.bar,
      meter.words,
      h("div.row", button),
    ),
  );
  button.focus();
  announce("Recording");
}

function review(page, take, seconds, peaks) {
  holdPage(true);
  const url = URL.createObjectURL(take);
  const title = h("h2", { tabindex: "-1" }, `Your take, ${clock(seconds)}`);
  const wave = new Waveform(peaks);
  const then = (next) => () => {
    URL.revokeObjectURL(url);
    wave.destroy();
    next();
  };
  const button = (spec, next, ...words) => h(spec, { type: "button", onclick: then(next) }, ...words);
  const use = () => send(page, take, () => review(page, take, seconds, peaks));
  page.show(
    h(
      "section.card.stack.recorder",
      title,
      h("div.take-wave", wave.node),
      h("audio", { controls: true, src: url, "aria-label": "Your recording" }),
      h(
        "div.row",
        button("button.button.primary", use, icon("arrow"), "Use this take"),
        button("button.button", () => record(page), icon("again"), "Sing again"),
        h("a.button.ghost", { href: url, download: take.name }, icon("download"), "Save a copy"),
        button("button.button.ghost", () => choose(page), "Discard"),
      ),
    ),
  );
  title.focus();
  announce(`Recorded ${plural(Math.round(seconds), "second")}`);
}
