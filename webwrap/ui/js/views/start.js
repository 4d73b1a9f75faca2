// Where a song comes from: a file or the microphone.
import { get } from "../api.js";
import { silence } from "../audio.js";
import { announce, h, icon, note, set, toast } from "../dom.js";
import { bytes, clock, plural } from "../format.js";
import { canRecord, Recorder } from "../recorder.js";
import { recordingLine } from "../recordings.js";
import { ensureAccount, isMember, session } from "../session.js";
import { upload } from "../upload.js";
import { Waveform } from "../waveform.js";

export default async function start({ query, go }) {
  const { config } = session;
  const most = isMember() ? config.max_upload_bytes : config.guest_max_upload_bytes;
  const voice = query.get("voice");
  const leaving = new AbortController();
  const stage = h("div.stack");
  let recorder = null;
  let left = false;

  // What the browser asks before a page with an unfinished recording or upload is closed.
  const hold = (event) => event.preventDefault();
  const holdPage = (on) => window[on ? "addEventListener" : "removeEventListener"]("beforeunload", hold);

  const show = (...children) => stage.replaceChildren(...children.flat().filter(Boolean));

  /// back() shows what there was before, if it does not get through: a take is only here.
  async function send(file, back) {
    silence();
    holdPage(true);
    const stop = new AbortController();
    const bar = h("progress", { max: 1, value: 0, "aria-label": "Upload" });
    const words = h("p.small.quiet", "Starting…");
    const cancel = h("button.button.slim", { type: "button", onclick: () => stop.abort() }, "Cancel");
    show(h("section.card.stack", h("h2", `Uploading ${file.name}`), bar, words, h("div.row", cancel)));
    announce(`Uploading ${file.name}`);
    leaving.signal.addEventListener("abort", () => stop.abort("left"));
    try {
      await ensureAccount();
      const id = await upload(file, {
        signal: stop.signal,
        progress: (part) => {
          bar.value = part;
          words.textContent = `${Math.round(part * 100)} % of ${bytes(file.size)}`;
        },
        waiting: (on) => on && (words.textContent = "The connection is gone. The upload goes on by itself when it is back; keep this page open."),
      });
      holdPage(false);
      go(`/app/recordings/${id}${voice ? `?voice=${encodeURIComponent(voice)}` : ""}`);
    } catch (error) {
      if (left) return;
      back();
      if (error.name === "AbortError") return;
      const room = error.code === "quota_exceeded" && h("a", { href: "/app/recordings", target: "_blank", rel: "noopener" }, "See them all");
      stage.prepend(note("bad", error.message, " ", room));
    }
  }

  function take(file) {
    if (!file) return;
    if (file.size === 0) return toast("This file is empty. Choose another one.", "bad");
    if (file.size > most) return toast(`This file has ${bytes(file.size)}; ${bytes(most)} is the most${isMember() ? "" : " without an account"}. Make it an mp3, or cut it.`, "bad");
    send(file, choose);
  }

  function review(take, seconds, peaks) {
    holdPage(true);
    const url = URL.createObjectURL(take);
    const title = h("h2", { tabindex: "-1" }, `Your take, ${clock(seconds)}`);
    const audio = h("audio", { controls: true, src: url, "aria-label": "Your recording" });
    const wave = new Waveform(peaks);
    const done = (next) => () => {
      URL.revokeObjectURL(url);
      wave.destroy();
      next();
    };
    show(
      h(
        "section.card.stack.recorder",
        title,
        h("div.take-wave", wave.node),
        audio,
        h(
          "div.row",
          h("button.button.primary", { type: "button", onclick: done(() => send(take, () => review(take, seconds, peaks))) }, icon("arrow"), "Use this take"),
          h("button.button", { type: "button", onclick: done(record) }, icon("again"), "Sing again"),
          h("a.button.ghost", { href: url, download: take.name }, icon("download"), "Save a copy"),
          h("button.button.ghost", { type: "button", onclick: done(choose) }, "Discard"),
        ),
      ),
    );
    title.focus();
    announce(`Recorded ${plural(Math.round(seconds), "second")}`);
  }

  async function record() {
    silence();
    const time = h("strong.timer", { role: "timer" }, "0:00");
    const meter = h("span.meter-fill");
    const meterBox = h("div.meter", { "aria-hidden": "true" }, meter);
    const words = h("p.small.quiet", "Sing about an arm's length from the microphone. Headphones keep the backing out.");
    const wave = new Waveform();
    const peaks = [];
    let loudest = 0;
    let seconds = 0;
    const stop = async (why) => {
      if (recorder !== mine) return;
      recorder = null;
      const take = await mine.stop();
      wave.destroy();
      if (left) return;
      if (take.size) review(take, seconds, peaks);
      else choose();
      if (why) stage.prepend(note("bad", why));
    };
    const mine = new Recorder({
      longest: config.max_duration_s,
      ended: stop,
      level: (peak, at) => {
        seconds = at;
        loudest = Math.max(peak, loudest * 0.995);
        peaks.push(Math.min(1, peak));
        time.textContent = clock(at);
        const db = 20 * Math.log10(Math.max(peak, 1e-3));
        meter.style.transform = `scaleX(${Math.max(0, 1 + db / 60)})`;
        meterBox.classList.toggle("hot", peak > 0.97);
        wave.progress = 1;
        wave.setPeaks(peaks.length < 120 ? [...Array(120 - peaks.length).fill(0), ...peaks] : peaks.slice(-120));
        if (peak > 0.99) words.textContent = "Too loud: step back from the microphone or turn it down.";
        else if (at > 3 && loudest < 0.02) words.textContent = "Very quiet: is the right microphone on? Come closer.";
      },
    });
    recorder = mine;
    try {
      await mine.start();
    } catch (error) {
      recorder = null;
      choose();
      return stage.prepend(note("bad", error.message));
    }
    if (left || recorder !== mine) return mine.close();
    holdPage(true);
    const button = h("button.button.primary.big", { type: "button", onclick: () => stop() }, icon("stop"), "Stop");
    show(h("section.card.stack.recorder.live", h("div.row.between", h("h2", h("span.dot", { "aria-hidden": "true" }), "Recording"), time), h("div.take-wave", wave.node), meterBox, words, h("div.row", button)));
    button.focus();
    announce("Recording");
  }

  function choose() {
    holdPage(false);
    const input = h("input.visually-hidden", { type: "file", accept: "audio/*,video/mp4,video/webm,.flac,.opus,.m4a,.wav,.mp3,.ogg", "aria-label": "Choose a song from your device", onchange: () => take(input.files[0]) });
    const zone = h(
      "label.source.drop",
      input,
      h("span.source-icon", icon("upload")),
      h("strong.source-title", "Upload a song"),
      h("span.quiet", "Tap to choose, or drop a file here"),
      h("span.small.quiet", `mp3, wav, flac, m4a, ogg and more, up to ${bytes(most)} and ${Math.round(config.max_duration_s / 60)} minutes`),
    );
    for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (event) => (event.preventDefault(), zone.classList.add("over")));
    for (const name of ["dragleave", "drop"]) zone.addEventListener(name, (event) => (event.preventDefault(), zone.classList.remove("over")));
    zone.addEventListener("drop", (event) => take(event.dataTransfer.files[0]));
    const mic = h(
      "button.source.mic",
      { type: "button", onclick: record },
      h("span.source-icon", icon("mic")),
      h("strong.source-title", "Sing now"),
      h("span.quiet", "Record with this device's microphone"),
      h("span.small.quiet", "You can listen before anything is uploaded"),
    );
    if (!canRecord()) set(mic, { disabled: true, "aria-describedby": "no-mic" });
    show(h("div.sources", zone, mic), !canRecord() && h("p.small.quiet", { id: "no-mic" }, "Recording needs a newer browser and a secure (https) address; uploading works."), earlierBox);
  }

  const earlierBox = h("div");
  choose();
  if (session.account) {
    get("/recordings")
      .then((recordings) => earlier(earlierBox, recordings, voice))
      .catch(() => {}); // only a convenience: the page works without
  }

  return {
    title: "Sing or upload",
    node: h(
      "section.stack.narrow-wide",
      h("h1", "What shall we sing?"),
      !isMember() && note("info", "You are trying voxconv as a guest: one part of up to ", `${Math.round(config.preview_s)} seconds, free. `, h("a", { href: "/app/signup" }, "Sign up"), " for whole songs; what you make now stays yours."),
      stage,
    ),
    destroy() {
      left = true;
      holdPage(false);
      leaving.abort();
      recorder?.close();
      recorder = null;
    },
  };
}

function earlier(box, recordings, voice) {
  if (!recordings.length) return;
  const usable = recordings.filter((recording) => recording.state !== "failed" && recording.state !== "uploading").slice(0, 6);
  const query = voice ? `?voice=${encodeURIComponent(voice)}` : "";
  box.replaceChildren(h("section.stack.tight-stack", h("h2", "Sung before"), usable.length > 0 && h("ul.lines", usable.map((recording) => recordingLine(recording, { query }))), h("p", h("a", { href: "/app/recordings" }, "All recordings"))));
}
