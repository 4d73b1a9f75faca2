// What is seen of a recording while it is made.
import { h } from "./dom.js";
import { clock } from "./format.js";
import { Waveform } from "./waveform.js";

const SHORT_PAUSE_S = 0.3; // belongs to what is sung; longer ones are left out when a voice is made

/// Shows the level and the last seconds of what is recorded.
export class Meter {
  constructor(advice = "Sing about an arm's length from the microphone. Headphones keep the backing out.") {
    this.time = h("strong.timer", { role: "timer" }, "0:00");
    this.fill = h("span.meter-fill");
    this.bar = h("div.meter", { "aria-hidden": "true" }, this.fill);
    this.words = h("p.small.quiet", advice);
    this.wave = new Waveform();
    this.wave.progress = 1;
    this.peaks = [];
    this.loudest = 0;
    this.seconds = 0;
    this.sounding = 0; // seconds that were no silence
    this.heardAt = -1;
  }
  add(peak, seconds) {
    const passed = seconds - this.seconds;
    this.seconds = seconds;
    if (peak > Math.max(0.004, this.loudest / 50)) this.heardAt = seconds;
    if (this.heardAt >= 0 && seconds - this.heardAt <= SHORT_PAUSE_S) this.sounding += passed;
    this.loudest = Math.max(peak, this.loudest * 0.995);
    this.peaks.push(Math.min(1, peak));
    this.time.textContent = clock(seconds);
    const db = 20 * Math.log10(Math.max(peak, 1e-3));
    this.fill.style.transform = `scaleX(${Math.max(0, 1 + db / 60)})`;
    this.bar.classList.toggle("hot", peak > 0.97);
    this.wave.setPeaks([...Array(Math.max(0, 120 - this.peaks.length)).fill(0), ...this.peaks.slice(-120)]);
    if (peak > 0.99) this.words.textContent = "Too loud: step back from the microphone or turn it down.";
    else if (seconds > 3 && this.loudest < 0.02)
      this.words.textContent = "Very quiet: is the right microphone on? Come closer.";
  }
}
