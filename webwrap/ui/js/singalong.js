// Sings along: a backing plays while the microphone records, and what was sung is laid where it was heard.
import { ceiling, silence } from "./audio.js";
import { findBars } from "./beats.js";
import { clickTrain, findDelay, MAX_DELAY_S } from "./latency.js";
import { microphone } from "./recorder.js";

const LEAD_S = 0.25; // before anything planned sounds, so that nothing is late
const SEAM_S = 0.015; // over which a new take is faded into an old one
const CLEAR = 2; // of findDelay()

let known = null; // the delay that was measured last, in seconds: the same headphones for the next song

/// One backing and the take that is sung to it, as samples on the backing's time line.
export class SingAlong extends EventTarget {
  constructor() {
    super();
    this.delay = known ?? 0.1;
    this.measured = known !== null;
    this.from = this.to = 0; // seconds: what of the take is sung
    this.shift = 0; // seconds by which the singer moved the take
    this.voiceLevel = this.backingLevel = 1;
    this.rhythm = null; // what this.listened, findBars() of the backing, ends with
  }

  /// Within a press of a button. Throws an Error with a sentence; may then be tried again.
  async open(url) {
    try {
      await this.connect(url);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async connect(url) {
    this.leaving = new AbortController();
    this.context = new AudioContext({ latencyHint: "interactive" });
    const started = this.context.resume();
    this.stream = await microphone();
    await Promise.all([started, this.context.audioWorklet.addModule("/assets/js/capture.js")]);
    this.capture = new AudioWorkletNode(this.context, "capture", { numberOfOutputs: 1 });
    this.capture.port.onmessage = ({ data }) => this.listening?.(data);
    this.context.createMediaStreamSource(this.stream).connect(this.capture);
    // What is not connected to the speakers is not run everywhere; nothing is put out.
    this.capture.connect(this.context.destination);
    this.out = ceiling(this.context);
    this.out.connect(this.context.destination);
    for (const track of this.stream.getTracks()) track.onended = () => this.stopped("The microphone went away.");
    if (!this.measured) this.delay = this.estimate();
    const response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok) throw new Error("The song could not be loaded. Check your connection and try again.");
    this.backing = await this.context.decodeAudioData(await response.arrayBuffer());
    this.samples = new Float32Array(this.backing.length); // the take
    this.listened = findBars(this.backing, this.leaving.signal);
    this.listened
      .then((found) => {
        this.rhythm = found;
        this.tell();
      })
      .catch(() => {}); // time is told in seconds, then
  }

  get rate() {
    return this.context.sampleRate;
  }

  get duration() {
    return this.backing.duration;
  }

  /// What the browser knows of the way out and in.
  estimate() {
    const input = this.stream.getTracks()[0].getSettings().latency ?? 0;
    return (this.context.outputLatency || this.context.baseLatency || 0) + input;
  }

  /// Plays clicks and finds them in what the microphone hears. Resolves to whether they were found; else the delay
  /// stays as it was.
  async calibrate() {
    this.stop();
    const { rate } = this;
    const clicks = clickTrain(rate);
    const buffer = new AudioBuffer({ length: clicks.length, sampleRate: rate });
    buffer.copyToChannel(clicks, 0);
    const start = Math.round((this.context.currentTime + LEAD_S) * rate);
    const heard = new Float32Array(Math.ceil(clicks.length + MAX_DELAY_S * rate));
    this.play(buffer, start / rate, 0, 1);
    await new Promise((resolve) => {
      this.listening = ({ frame, samples }) => {
        samples.forEach((sample, i) => {
          const at = frame + i - start;
          if (at >= 0 && at < heard.length) heard[at] = sample;
        });
        if (frame - start > heard.length) resolve();
      };
    });
    this.listening = null;
    const found = findDelay(clicks, heard, { rate });
    if (found.clarity < CLEAR) return false;
    this.delay = known = found.delay / rate;
    this.measured = true;
    return true;
  }

  play(buffer, when, offset, level) {
    const source = this.context.createBufferSource();
    const gain = this.context.createGain();
    source.buffer = buffer;
    gain.gain.value = level;
    source.connect(gain).connect(this.out);
    source.start(when, Math.max(0, offset));
    (this.sources ??= []).push(source);
    return gain;
  }

  /// Plays the backing from a moment before `from` seconds and records from there on. What was sung before stays where
  /// nothing new is sung. level(peak), ended(why): when it stopped by itself.
  record(from, { level, ended, lead = 2 }) {
    this.stop();
    this.settle();
    silence(this);
    const { rate, samples } = this;
    const begin = Math.max(0, from - lead);
    const start = Math.round((this.context.currentTime + LEAD_S) * rate);
    const fresh = !(this.to > this.from);
    const shift = Math.round((begin - this.delay) * rate) - start; // from the context's frames to the song's
    const old = samples.slice();
    const first = Math.round(from * rate);
    let last = first;
    this.startedAt = start / rate;
    this.startedFrom = begin;
    this.backingGain = this.play(this.backing, start / rate, begin, this.backingLevel);
    if (begin < from && !fresh)
      this.play(this.takeBuffer(), start / rate, begin, this.voiceLevel).gain.setValueAtTime(
        0,
        start / rate + from - begin,
      );
    this.onEnd = ended;
    this.listening = (data) => {
      level(data.samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0));
      data.samples.forEach((sample, i) => {
        const at = data.frame + i + shift;
        if (at < first || at >= samples.length) return;
        samples[at] = sample;
        last = at + 1;
      });
      if (data.frame + shift >= samples.length) this.stopped();
    };
    this.finish = () => {
      if (last === first) return;
      blend(samples, old, first, last, Math.round(SEAM_S * rate));
      this.from = fresh ? from : Math.min(this.from, from);
      this.to = fresh ? last / rate : Math.max(this.to, last / rate);
    };
    this.playing = this.recording = true;
    this.tell();
  }

  takeBuffer() {
    const buffer = new AudioBuffer({ length: this.samples.length, sampleRate: this.rate });
    buffer.copyToChannel(this.samples, 0);
    return buffer;
  }

  /// Moves the take to where the singer put it: the delay was as much longer or shorter.
  settle() {
    const by = Math.round(this.shift * this.rate);
    const old = this.samples.slice();
    this.samples.fill(0);
    for (let i = Math.max(0, -by); i < old.length && i + by < old.length; ++i) this.samples[i + by] = old[i];
    this.from = Math.max(0, this.from + this.shift);
    this.to = Math.max(0, Math.min(this.duration, this.to + this.shift));
    this.delay -= this.shift;
    this.shift = 0;
  }

  /// Both together from `from` seconds on.
  listen(from) {
    this.stop();
    silence(this);
    const when = this.context.currentTime + 0.05;
    this.startedAt = when;
    this.startedFrom = from;
    this.backingGain = this.play(this.backing, when, from, this.backingLevel);
    const late = this.shift - from; // a take that was moved later may begin after this
    this.voiceGain = this.play(this.takeBuffer(), when + Math.max(0, late), Math.max(0, -late), this.voiceLevel);
    this.playing = true;
    this.tell();
  }

  levels({ voice = this.voiceLevel, backing = this.backingLevel }) {
    this.voiceLevel = voice;
    this.backingLevel = backing;
    if (this.voiceGain) this.voiceGain.gain.value = voice;
    if (this.backingGain) this.backingGain.gain.value = backing;
  }

  /// Seconds of the song.
  get time() {
    if (!this.playing) return this.offset ?? 0;
    return Math.min(this.duration, this.startedFrom + Math.max(0, this.context.currentTime - this.startedAt));
  }

  stop() {
    if (this.playing) this.offset = this.time;
    this.sources?.forEach((source) => source.stop());
    this.sources = [];
    this.listening = null;
    this.playing = this.recording = false;
    this.finish?.();
    this.finish = null;
    this.tell();
  }

  pause() {
    this.stop();
  }

  stopped(why) {
    if (!this.recording) return;
    this.stop();
    this.onEnd?.(why);
  }

  /// The outline of the take, for a waveform.
  peaks(count = 1000) {
    const length = this.samples.length / count;
    return Array.from({ length: count }, (_, k) => {
      let peak = 0;
      for (let i = Math.floor(k * length); i < (k + 1) * length; ++i) peak = Math.max(peak, Math.abs(this.samples[i]));
      return peak;
    });
  }

  /// The take as a file, and the second of the song at which it begins.
  file(name) {
    this.settle();
    const sung = this.samples.subarray(Math.round(this.from * this.rate), Math.round(this.to * this.rate));
    return { file: new File([wav(sung, this.rate)], name, { type: "audio/wav" }), start_s: this.from };
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }

  destroy() {
    this.onEnd = null;
    if (this.context) this.stop();
    this.close();
  }

  close() {
    this.leaving?.abort();
    this.stream?.getTracks().forEach((track) => track.stop());
    this.context?.close().catch(() => {});
    this.context = null;
  }
}

/// Fades from the old samples into the new ones, [first, last), and back.
function blend(samples, old, first, last, seam) {
  for (let i = 0; i < seam && first + i < last; ++i) {
    const share = (i + 0.5) / seam;
    samples[first + i] = share * samples[first + i] + (1 - share) * old[first + i];
    const at = last - 1 - i;
    if (at > first + seam) samples[at] = share * samples[at] + (1 - share) * old[at];
  }
}

/// 16 bits, one channel.
function wav(samples, rate) {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, word) => [...word].forEach((letter, i) => bytes.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  bytes.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, 2 * rate, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  text(36, "data");
  bytes.setUint32(40, 2 * samples.length, true);
  for (let i = 0; i < samples.length; ++i)
    bytes.setInt16(44 + 2 * i, Math.round(32767 * Math.max(-1, Math.min(1, samples[i]))), true);
  return bytes.buffer;
}
