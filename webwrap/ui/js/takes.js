// Recording in place: a button that becomes a recorder, then the take to listen to, then its upload.
import { silence } from "./audio.js";
import { announce, h, icon, note, toast } from "./dom.js";
import { bytes, clock, plural } from "./format.js";
import { Meter } from "./meter.js";
import { canRecord, Recorder } from "./recorder.js";
import { upload } from "./upload.js";

const NO_MIC = "Recording needs a newer browser and a secure (https) address; uploading works.";

/// A box in which one take after another is recorded and uploaded. `about()`: what the upload says of itself; sent():
/// called when one has arrived; level(seconds): hears how much was sung so far; busy(on): while it must not be removed.
export class TakeBox {
  constructor({ words, advice, longest, about, sent, level = () => {}, busy = () => {}, files = false }) {
    Object.assign(this, { words, advice, longest, about, sent, level, busy, files });
    this.node = h("div.stack");
    this.leaving = new AbortController();
    this.idle();
  }

  show(...children) {
    this.node.replaceChildren(...children.flat().filter(Boolean));
  }

  idle(problem = null) {
    this.busy(false);
    this.level(0);
    const record = h(
      "button.button.primary",
      { type: "button", disabled: !canRecord(), onclick: () => this.record() },
      icon("mic"),
      this.words,
    );
    this.show(
      problem && note("bad", problem),
      h("div.row", record, this.files && this.fileButton()),
      !canRecord() && h("p.small.quiet", NO_MIC),
    );
  }

  fileButton() {
    const input = h("input.visually-hidden", {
      type: "file",
      accept: "audio/*,.flac,.opus,.m4a,.wav,.mp3,.ogg",
      multiple: true,
    });
    input.addEventListener("change", async () => {
      for (const file of input.files) if (!(await this.send(file))) break;
    });
    return h("label.button.pick", input, icon("upload"), "Upload files");
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
      if (take.size) this.review(take, meter.seconds, why);
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
    const button = h("button.button.primary", { type: "button", onclick: () => stop() }, icon("stop"), "Stop");
    const heading = h("h3", h("span.dot", { "aria-hidden": "true" }), "Recording");
    this.show(
      h(
        "div.stack.recorder.live",
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

  review(take, seconds, problem) {
    const url = URL.createObjectURL(take);
    const then = (next) => () => {
      URL.revokeObjectURL(url);
      next();
    };
    const use = h(
      "button.button.primary",
      { type: "button", onclick: then(() => this.send(take, seconds)) },
      icon("check"),
      "Use it",
    );
    this.show(
      problem && note("bad", problem),
      h("audio", { controls: true, src: url, "aria-label": `Your take, ${clock(seconds)}` }),
      h(
        "div.row",
        use,
        h("button.button", { type: "button", onclick: then(() => this.record()) }, icon("again"), "Once more"),
        h("button.button.ghost", { type: "button", onclick: then(() => this.idle()) }, "Discard"),
      ),
    );
    use.focus();
    announce(`Recorded ${plural(Math.round(seconds), "second")}`);
  }

  /// Whether it arrived. A take that did not is offered again.
  async send(file, seconds = null) {
    this.busy(true);
    const stop = new AbortController();
    this.leaving.signal.addEventListener("abort", () => stop.abort("left"), { once: true });
    const bar = h("progress", { max: 1, value: 0, "aria-label": "Upload" });
    const words = h("p.small.quiet", "Starting…");
    const cancel = h("button.button.slim.fit", { type: "button", onclick: () => stop.abort() }, "Cancel");
    this.show(h("h3", `Uploading ${file.name}`), bar, words, cancel);
    announce(`Uploading ${file.name}`);
    try {
      const id = await upload(file, {
        signal: stop.signal,
        progress: (part) => {
          bar.value = part;
          words.textContent = `${Math.round(part * 100)} % of ${bytes(file.size)}`;
        },
        waiting: (on) => on && (words.textContent = "The connection is gone. It goes on by itself when it is back."),
        about: this.about(),
      });
      if (this.leaving.signal.aborted) return false;
      this.idle();
      await this.sent(id);
      return true;
    } catch (error) {
      if (this.leaving.signal.aborted) return false;
      const problem = error.name === "AbortError" ? null : error.message;
      if (seconds === null) this.idle(problem);
      else this.review(file, seconds, problem);
      if (problem) toast(problem, "bad");
      return false;
    }
  }

  destroy() {
    this.leaving.abort();
    this.recorder?.close();
    this.recorder = null;
  }
}
