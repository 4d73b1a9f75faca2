// Where a song comes from: a file or the microphone.
import { get } from "../api.js";
import { h, icon, note, onPress, set, signUp, toast } from "../dom.js";
import { bytes } from "../format.js";
import { canRecord } from "../recorder.js";
import { recordingLine } from "../recordings.js";
import { ensureAccount, isMember, session } from "../session.js";
import { NO_MIC, TakeBox } from "../takes.js";

const FILES = "audio/*,video/mp4,video/webm,.flac,.opus,.m4a,.wav,.mp3,.ogg";

// What the browser asks before a page with an unfinished recording or upload is closed.
const hold = (event) => event.preventDefault();
const holdPage = (on) => window[on ? "addEventListener" : "removeEventListener"]("beforeunload", hold);

/// The ways in, and what becomes of the one that is taken.
class Page extends TakeBox {
  constructor({ voice, go }) {
    const query = voice ? `?voice=${encodeURIComponent(voice)}` : "";
    super({
      frame: "section.card",
      heading: "h2",
      longest: session.config.max_duration_s,
      busy: holdPage,
      before: ensureAccount,
      earlier: h("div"),
      then: "recordings", // where an upload is used: there (the studio), or in "sing"
      sent: (id) => go(`/app/${this.then}/${id}${query}`),
    });
    this.query = query;
  }

  idle(problem = null) {
    this.busy(false);
    this.then = "recordings";
    const mic = h(
      "button.source.mic",
      { type: "button" },
      h("span.source-icon", icon("mic")),
      h("strong.source-title", "Sing now"),
      h("span.quiet", "Record with this device's microphone"),
      h("span.small.quiet", "You can listen before anything is uploaded"),
    );
    onPress(mic, () => this.record());
    if (!canRecord()) set(mic, { disabled: true, "aria-describedby": "no-mic" });
    this.show(
      problem && note("bad", problem),
      h("div.sources", dropZone(this), mic),
      singAlong(this),
      !canRecord() && h("p.small.quiet", { id: "no-mic" }, NO_MIC),
      this.earlier,
    );
  }

  trouble(error) {
    const all = { href: "/app/recordings", target: "_blank", rel: "noopener" };
    return [error.message, " ", error.code === "quota_exceeded" && h("a", all, "See them all")];
  }

  destroy() {
    super.destroy();
    holdPage(false);
  }
}

export default async function start({ query, go }) {
  const page = new Page({ voice: query.get("voice"), go });
  if (session.account) {
    get("/recordings")
      .then((recordings) => showEarlier(page, recordings))
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
      page.node,
    ),
    destroy: () => page.destroy(),
  };
}

function showEarlier(page, recordings) {
  if (!recordings.length) return;
  const usable = recordings
    .filter((item) => item.state !== "failed" && item.state !== "uploading" && !item.voice)
    .slice(0, 6);
  const lines = usable.map((recording) => recordingLine(recording, { query: page.query }));
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
  zone.addEventListener("drop", (event) => takeFile(page, event.dataTransfer.files[0]));
  return zone;
}

function takeFile(page, file, then = "recordings") {
  if (!file) return;
  if (file.size === 0) return toast("This file is empty. Choose another one.", "bad");
  if (file.size > maxBytes()) {
    const limit = `${bytes(maxBytes())} is the most${isMember() ? "" : " without an account"}`;
    return toast(`This file has ${bytes(file.size)}; ${limit}. Make it an mp3, or cut it.`, "bad");
  }
  page.then = then;
  page.send(file);
}
