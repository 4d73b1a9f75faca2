// Recording in place: a button that becomes a recorder, then the take to listen to, then its upload.
import { silence } from "./audio.js";
import { announce, h, icon, note, onPress } from "./dom.js";
import { bytes, clock, plural } from "./format.js";
import { Meter } from "./meter.js";
import { canRecord, Recorder } from "./recorder.js";
import { upload } from "./upload.js";
import { Waveform } from "./waveform.js";

export const NO_MIC = "Recording needs a newer browser and a secure (https) address; uploading works.";
const OFFLINE = "The connection is gone. The upload goes on by itself when it is back; keep this page open.";

const nothing = () => {};

/// A box in which one take after another is recorded and uploaded. Whoever makes one calls idle() to show it.
export class TakeBox {
  /// ways(box): what there is to choose from before and after a take, as nodes; they call box.record() and box.send().
  /// `advice`: said below the level (without: the meter's own); `longest`: seconds of a take.
  /// before(): done before an upload; about(): what the upload says of itself; sent(id): called when one has arrived;
  /// trouble(error): what is said of one that failed. level(seconds): hears how much was sung so far; busy(on): while
  /// it must not be removed. `frame`, `heading`: what its steps look like.
  constructor({
    ways,
    advice,
    longest,
    sent,
    before = nothing,
    about = nothing,
    trouble = (error) => error.message,
    level = nothing,
    busy = nothing,
    frame = "div",
    heading = "h3",
  }) {
    Object.assign(this, { ways, advice, longest, sent, before, about, trouble, level, busy, frame, heading });
    this.node = h("div.stack");
    this.leaving = new AbortController();
  }

  show(...children) {
    this.node.replaceChildren(...children.flat().filter(Boolean));
  }

  step(...children) {
    return h(this.frame, h("div.stack.recorder", ...children));
  }

  /// What there is before and after a take; `problem`: why it is shown again.
  idle(problem = null) {
    this.busy(false);
    this.level(0);
    this.show(problem && note("bad", problem), this.ways(this));
  }

  async record() {
    silence();
    this.busy(true);
    const meter = new Meter(this.advice);
    const stop = async (why) => {
      if (this.recorder !== recorder) return;
      this.recorder = null;
      const take = await recorder.stop();
      meter.wave.destroy();
      if (this.leaving.signal.aborted) return;
      if (take.size) this.review({ take, seconds: meter.seconds, peaks: meter.peaks }, why);
      else this.idle(why);
    };
    const level = (peak, seconds) => {
      meter.add(peak, seconds);
      this.level(meter.sounding);
    };
    const recorder = new Recorder({ longest: this.longest, ended: stop, level });
    this.recorder = recorder;
    try {
      await recorder.start();
    } catch (error) {
      this.recorder = null;
      return this.idle(error.message);
    }
    if (this.leaving.signal.aborted) return recorder.close();
    const button = h("button.button.primary.big", { type: "button", onclick: () => stop() }, icon("stop"), "Stop");
    const heading = h(this.heading, h("span.dot", { "aria-hidden": "true" }), "Recording");
    const wave = h("div.take-wave", meter.wave.node);
    const head = h("div.row.between", heading, meter.time);
    this.show(h("div.live", this.step(head, wave, meter.bar, meter.words, h("div.row", button))));
    button.focus();
    announce("Recording");
  }

  review(taken, problem) {
    const { take, seconds, peaks } = taken;
    this.busy(true);
    const url = URL.createObjectURL(take);
    const wave = new Waveform(peaks);
    const button = (spec, sign, words, next) => {
      const onclick = () => {
        URL.revokeObjectURL(url);
        wave.destroy();
        next();
      };
      return h(`button.button${spec}`, { type: "button", onclick }, sign && icon(sign), words);
    };
    const title = h(this.heading, { tabindex: "-1" }, `Your take, ${clock(seconds)}`);
    const buttons = [
      button(".primary", "check", "Use this take", () => this.send(take, { taken })),
      button("", "again", "Once more", () => this.record()),
      h("a.button.ghost", { href: url, download: take.name }, icon("download"), "Save a copy"),
      button(".ghost", null, "Discard", () => this.idle()),
    ];
    this.show(
      problem && note("bad", problem),
      this.step(
        title,
        h("div.take-wave", wave.node),
        h("audio", { controls: true, src: url, "aria-label": "Your recording" }),
        h("div.row", buttons),
      ),
    );
    title.focus();
    announce(`Recorded ${plural(Math.round(seconds), "second")}`);
  }

  /// Whether it arrived. `taken`: what review() shows of a take, which is offered again when it did not; `sent`: for
  /// this file, instead of the box's.
  async send(file, { taken = null, sent = this.sent } = {}) {
    silence();
    this.busy(true);
    const stop = new AbortController();
    this.leaving.signal.addEventListener("abort", () => stop.abort("left"), { once: true });
    const bar = h("progress", { max: 1, value: 0, "aria-label": "Upload" });
    const words = h("p.small.quiet", "Starting…");
    const cancel = h("button.button.slim.fit", { type: "button", onclick: () => stop.abort() }, "Cancel");
    this.show(this.step(h(this.heading, `Uploading ${file.name}`), bar, words, cancel));
    announce(`Uploading ${file.name}`);
    let id;
    try {
      await this.before();
      id = await upload(file, {
        signal: stop.signal,
        progress: (part) => {
          bar.value = part;
          words.textContent = `${Math.round(part * 100)} % of ${bytes(file.size)}`;
        },
        waiting: (on) => on && (words.textContent = OFFLINE),
        about: this.about(),
      });
    } catch (error) {
      if (this.leaving.signal.aborted) return false;
      const problem = error.name === "AbortError" ? null : this.trouble(error);
      if (taken) this.review(taken, problem);
      else this.idle(problem);
      return false;
    }
    if (this.leaving.signal.aborted) return false;
    this.busy(false);
    await sent(id);
    if (!this.leaving.signal.aborted) this.idle();
    return true;
  }

  destroy() {
    this.leaving.abort();
    this.recorder?.close();
    this.recorder = null;
  }
}

/// Ways to a take: a button that records and says so in `words`; with `files`, also one for recordings that are there.
export function takeButtons(box, words, { files = false } = {}) {
  const record = h("button.button.primary", { type: "button", disabled: !canRecord() }, icon("mic"), words);
  onPress(record, () => box.record());
  return [h("div.row", record, files && fileButton(box)), !canRecord() && h("p.small.quiet", NO_MIC)];
}

function fileButton(box) {
  const input = h("input.visually-hidden", {
    type: "file",
    accept: "audio/*,.flac,.opus,.m4a,.wav,.mp3,.ogg",
    multiple: true,
  });
  input.addEventListener("change", async () => {
    for (const file of input.files) if (!(await box.send(file))) break;
  });
  return h("label.button.pick", input, icon("upload"), "Upload files");
}
