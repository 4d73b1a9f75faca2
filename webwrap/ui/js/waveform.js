// A waveform on a canvas: bars from peaks, coloured up to the play head. Colours come from CSS (--wave-on, --wave-off),
// so it follows the scheme. Own code because wavesurfer.js injects a <style> element, which our content security policy
// forbids.
import { h, set } from "./dom.js";
import { clamp, clock, spoken } from "./format.js";

const BAR = 3;
const GAP = 2;

export class Waveform {
  constructor(peaks = []) {
    this.peaks = peaks;
    this.progress = 0;
    this.node = h("canvas.wave", { "aria-hidden": "true" });
    this.resize = new ResizeObserver(() => this.draw());
    this.resize.observe(this.node);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw();
    this.scheme.addEventListener("change", this.redraw);
  }
  setPeaks(peaks) {
    this.peaks = peaks;
    this.draw();
  }
  setProgress(progress) {
    this.progress = progress;
    this.draw();
  }
  draw() {
    const width = this.node.clientWidth;
    const height = this.node.clientHeight;
    if (!width || !height) return;
    const scale = devicePixelRatio || 1;
    if (this.node.width !== Math.round(width * scale)) this.node.width = Math.round(width * scale);
    if (this.node.height !== Math.round(height * scale)) this.node.height = Math.round(height * scale);
    const pen = this.node.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(this.node);
    const on = style.getPropertyValue("--wave-on");
    const off = style.getPropertyValue("--wave-off");
    const count = Math.max(1, Math.floor((width + GAP) / (BAR + GAP)));
    for (let bar = 0; bar < count; ++bar) {
      const from = Math.floor((bar * this.peaks.length) / count);
      const to = Math.max(from + 1, Math.floor(((bar + 1) * this.peaks.length) / count));
      let peak = 0;
      for (let i = from; i < to && i < this.peaks.length; ++i) peak = Math.max(peak, this.peaks[i]);
      const size = Math.max(BAR, Math.pow(Math.min(1, peak), 0.7) * (height - 2));
      pen.fillStyle = (bar + 0.5) / count < this.progress ? on : off;
      pen.beginPath();
      pen.roundRect(bar * (BAR + GAP), (height - size) / 2, BAR, size, BAR / 2);
      pen.fill();
    }
  }
  destroy() {
    this.resize.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
  }
}

/// Makes `node` a slider for time: click, drag, arrow keys. `read()` gives the time, `write(seconds)` sets it. `page(by)`:
/// where PageUp (1) and PageDown (-1) lead; `words()`: the time for screen readers.
export function timeSlider(
  node,
  {
    label,
    read,
    write,
    low = () => 0,
    high,
    step = 5,
    page = (by) => read() + 6 * by * step,
    words = () => spoken(read()),
  },
) {
  const update = () =>
    set(node, {
      "aria-valuemin": low().toFixed(1),
      "aria-valuemax": high().toFixed(1),
      "aria-valuenow": read().toFixed(1),
      "aria-valuetext": words(),
    });
  set(node, { role: "slider", tabindex: 0, "aria-label": label });
  node.addEventListener("keydown", (event) => {
    const fine = event.shiftKey ? step / 10 : step;
    const to = {
      ArrowLeft: read() - fine,
      ArrowDown: read() - fine,
      ArrowRight: read() + fine,
      ArrowUp: read() + fine,
      PageUp: page(1),
      PageDown: page(-1),
      Home: low(),
      End: high(),
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    write(clamp(to, low(), high()));
    update();
  });
  update();
  return update;
}

/// Calls back with 0..1 across `node` while it is pressed and dragged.
export function dragAcross(node, area, move) {
  node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const place = (at) => {
      const box = area.getBoundingClientRect();
      move(clamp((at.clientX - box.left) / box.width, 0, 1));
    };
    node.setPointerCapture(event.pointerId);
    place(event);
    node.onpointermove = place;
    node.onpointerup = node.onpointercancel = () =>
      (node.onpointermove = node.onpointerup = node.onpointercancel = null);
  });
}

/// A waveform with two handles that choose a part; `change(start, end)` hears of it. `limit`: longest part in seconds
/// (a preview).
export function trimmer({ peaks, duration, start, end, limit, change }) {
  const least = Math.min(1, duration);
  const longest = limit || duration;
  const wave = new Waveform(peaks);
  const head = h("span.head", { hidden: true });
  const before = h("span.cut");
  const after = h("span.cut.right");
  const left = h("span.handle.left");
  const right = h("span.handle.right");
  const stage = h("div.trim", wave.node, before, after, head, left, right);
  const part = { start, end };
  const place = () => {
    before.style.width = left.style.left = `${(part.start / duration) * 100}%`;
    after.style.width = `${100 - (part.end / duration) * 100}%`;
    right.style.left = `${(part.end / duration) * 100}%`;
  };
  const write = (name, value) => {
    if (name === "start") {
      part.start = clamp(value, 0, Math.max(0, duration - least));
      part.end = clamp(part.end, part.start + least, Math.min(duration, part.start + longest));
    } else {
      part.end = clamp(value, least, duration);
      part.start = clamp(part.start, Math.max(0, part.end - longest), part.end - least);
    }
    place();
    refresh();
    change(part.start, part.end);
  };
  const updates = [
    timeSlider(left, {
      label: "Start of the part",
      read: () => part.start,
      write: (t) => write("start", t),
      high: () => duration,
      step: 1,
    }),
    timeSlider(right, {
      label: "End of the part",
      read: () => part.end,
      write: (t) => write("end", t),
      high: () => duration,
      step: 1,
    }),
  ];
  const refresh = () => updates.forEach((update) => update());
  dragAcross(left, stage, (x) => write("start", x * duration));
  dragAcross(right, stage, (x) => write("end", x * duration));
  place();
  return {
    node: h(
      "div",
      stage,
      h("div.scale.small.quiet", { "aria-hidden": "true" }, h("span", "0:00"), h("span", clock(duration))),
    ),
    wave,
    write,
    part,
    stage,
    showHead(seconds) {
      head.hidden = seconds === null;
      if (seconds !== null) head.style.left = `${clamp(seconds / duration, 0, 1) * 100}%`;
    },
  };
}
