// Playing: one sound at a time on a page, and the A/B mixer.
import { h, icon, set } from "./dom.js";

let current = null;

/// Stops what plays now, so that two things never sound together.
export function silence(next = null) {
  if (current && current !== next) current.pause();
  current = next;
}

/// A round button that plays `url`.
export function playButton(url, label) {
  const audio = new Audio();
  audio.preload = "none";
  audio.src = url;
  const button = h(
    "button.round.soft.small-round",
    { type: "button", "aria-label": `Play ${label}`, "aria-pressed": "false" },
    icon("play"),
  );
  const show = () => {
    const on = !audio.paused;
    button.replaceChildren(icon(on ? "stop" : "play"));
    set(button, { "aria-label": `${on ? "Stop" : "Play"} ${label}`, "aria-pressed": String(on) });
  };
  for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, show);
  button.addEventListener("click", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (!audio.paused) return audio.pause();
    silence(audio);
    audio.currentTime = 0;
    audio.play().catch((error) => {
      if (error.name === "AbortError") return; // paused before it began
      set(button, { "aria-label": `${label} cannot be played`, disabled: true });
    });
  });
  button.audio = audio;
  return button;
}

// Whole songs are decoded, so that all their sounds run sample by sample together. Long ones are kept in less quality,
// decoded one after another, so that the memory they take has a bound: what a phone's browser gives a page is less.
const QUALITIES = [
  { rate: 44100, channels: 2 },
  { rate: 24000, channels: 1 },
  { rate: 12000, channels: 1 },
];
const MOST_BYTES = 340e6;
const MOST_BYTES_SMALL = 130e6;

/// Whether this device has little memory. Safari and Firefox do not tell how much there is: there, a phone, by its
/// screen however it is held, and by the finger that it is used with.
export function isSmall() {
  const isPhone = () => Math.min(screen.width, screen.height) <= 640 && matchMedia("(pointer: coarse)").matches;
  return (navigator.deviceMemory ?? (isPhone() ? 4 : 8)) <= 4;
}

/// How `seconds` of sound, all sounds together, are kept: the best that fits, else the last.
export function qualityOf(seconds, small) {
  const fits = ({ rate, channels }) => 4 * rate * channels * seconds <= (small ? MOST_BYTES_SMALL : MOST_BYTES);
  return QUALITIES.find(fits) ?? QUALITIES.at(-1);
}

function mono(buffer) {
  if (buffer.numberOfChannels === 1) return buffer;
  const mixed = new AudioBuffer({ length: buffer.length, sampleRate: buffer.sampleRate });
  const [out, left, right] = [mixed.getChannelData(0), buffer.getChannelData(0), buffer.getChannelData(1)];
  for (let i = 0; i < out.length; ++i) out[i] = (left[i] + right[i]) / 2;
  return mixed;
}

/// A sound file, decoded at `rate`.
async function decode(url, rate) {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error("The sound could not be loaded.");
  return new OfflineAudioContext(2, 1, rate).decodeAudioData(await response.arrayBuffer());
}

const factor = (db) => 10 ** (db / 20);

/// A soft ceiling for levels above 0 dB, as the limiter of a download.
export const ceiling = (context) =>
  new DynamicsCompressorNode(context, { threshold: -1, knee: 0, ratio: 20, attack: 0.002, release: 0.08 });

/// The original ("dry") and the converted voice ("wet"), of a cover also the music, with one play head. `gainDb`: of
/// all that a cover's mix has.
export class Mixer extends EventTarget {
  constructor({ dry, wet, music, duration, gainDb = 0 }) {
    super();
    this.urls = [dry, wet, music].filter(Boolean);
    this.hasMusic = Boolean(music);
    this.duration = duration;
    this.whole = factor(gainDb);
    this.offset = 0;
    this.playing = false;
    this.mode = "wet";
    this.solo = "all";
    this.wet = this.level = this.musicLevel = 1;
    this.buffers = null;
    this.loading = null;
    this.isReduced = false;
  }

  load() {
    this.loading ??= this.decodeAll().catch((error) => {
      this.loading = null;
      throw error;
    });
    return this.loading;
  }

  async decodeAll() {
    const buffers = [];
    const { rate, channels } = qualityOf(this.duration * this.urls.length, isSmall());
    this.isReduced = channels === 1;
    if (this.isReduced) for (const url of this.urls) buffers.push(mono(await decode(url, rate)));
    else buffers.push(...(await Promise.all(this.urls.map((url) => decode(url, rate)))));
    this.buffers = buffers;
    this.duration = Math.max(...buffers.map((buffer) => buffer.duration));
    this.tell();
  }

  async play() {
    silence(this);
    this.context ??= new AudioContext();
    const resumed = this.context.resume(); // within the user's gesture, before anything is awaited
    await Promise.all([this.load(), resumed]);
    if (this.playing || current !== this) return;
    if (this.offset >= this.duration - 0.05) this.offset = 0;
    if (!this.gains) {
      const out = ceiling(this.context);
      out.connect(this.context.destination);
      this.gains = this.buffers.map(() => this.context.createGain());
      this.gains.forEach((gain) => gain.connect(out));
      this.balance(0);
    }
    this.startedAt = this.context.currentTime + 0.02;
    this.sources = this.buffers.map((buffer, i) => {
      const source = this.context.createBufferSource();
      source.buffer = buffer;
      source.connect(this.gains[i]);
      source.start(this.startedAt, this.offset);
      return source;
    });
    this.playing = true;
    this.tell();
  }

  pause() {
    if (!this.playing) return;
    this.offset = this.time;
    this.playing = false;
    this.sources.forEach((source) => source.stop());
    this.tell();
  }

  get time() {
    return this.playing
      ? Math.min(this.duration, this.offset + Math.max(0, this.context.currentTime - this.startedAt))
      : this.offset;
  }

  seek(seconds) {
    const again = this.playing;
    this.pause();
    this.offset = Math.max(0, Math.min(seconds, this.duration));
    if (again && this.offset < this.duration - 0.05) this.play();
    else this.tell();
  }

  /// mode: whose voice, "dry": the original's; "wet": the blend. wet: 0..1. levelDb: of the voice, without music of the
  /// blend; musicDb. solo: "all", "voice", "music".
  set({ mode = this.mode, wet = this.wet, solo = this.solo, levelDb, musicDb } = {}) {
    Object.assign(this, { mode, wet, solo });
    if (levelDb !== undefined) this.level = factor(levelDb);
    if (musicDb !== undefined) this.musicLevel = factor(musicDb);
    this.balance(0.012);
  }

  /// What each sound is multiplied by. The original alone is heard as it was sung.
  levels() {
    const alone = this.mode === "dry";
    const voice = this.solo === "music" ? 0 : this.whole * (alone && !this.hasMusic ? 1 : this.level);
    const music = this.solo === "voice" ? 0 : this.whole * this.musicLevel;
    return [voice * (alone ? 1 : 1 - this.wet), voice * (alone ? 0 : this.wet), music];
  }

  balance(glide) {
    const now = this.context?.currentTime;
    const levels = this.levels();
    this.gains?.forEach((gain, i) => gain.gain.setTargetAtTime(levels[i], now, glide || 0.001));
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }

  destroy() {
    this.pause();
    this.buffers = null;
    this.context?.close();
    if (current === this) current = null;
  }
}
