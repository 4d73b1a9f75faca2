// The A/B player: the original and the converted voice with one play head, their blend and level; of a cover also the
// music, with a level of its own.
import { Mixer } from "./audio.js";
import { announce, field, h, icon, note, segments, set } from "./dom.js";
import { clock, signed } from "./format.js";
import { session } from "./session.js";
import { dragAcross, timeSlider, Waveform } from "./waveform.js";

const LANES = ["dry", "wet"]; // the original, the converted voice

function musicLane(peaks) {
  const wave = new Waveform(peaks);
  const name = h("span.lane-name", h("span", "Music"));
  return { wave, node: h("div.lane.music.on", name, h("div", wave.node)) };
}

function lane(mode, name, peaks, pick) {
  const wave = new Waveform(peaks);
  const attributes = { type: "radio", name: "ab", value: mode, checked: mode === "wet", onchange: () => pick(mode) };
  const radio = h("input.visually-hidden", attributes);
  const label = h("label.lane-name", radio, h("span", name));
  return { mode, name, wave, radio, node: h(`div.lane.${mode}`, label, h("div", wave.node)) };
}

/// A slider of the mix: `name` of mix, shown times `scale`.
function mixSlider(mix, name, { label, hint, min, max, step, scale = 1, words, changed }) {
  const out = h("output.small", words(mix[name] * scale));
  const input = h("input", { type: "range", min, max, step, value: String(mix[name] * scale) });
  input.addEventListener("input", () => {
    mix[name] = Number(input.value) / scale;
    out.textContent = words(Number(input.value));
    input.setAttribute("aria-valuetext", out.textContent);
    changed();
  });
  const box = field(label, input, hint);
  box.querySelector("label").append(" ", out);
  return box;
}

function mixSliders(mix, isCover, changed) {
  const blend = {
    label: "Blend",
    hint: "How much of the new voice, and how much of the original one.",
    min: 0,
    max: 100,
    step: 1,
    scale: 100,
    words: (v) => (v === 100 ? "new voice only" : v === 0 ? "original only" : `${Math.round(v)} % new voice`),
    changed,
  };
  const range = session.config.limits.level_db;
  const same = isCover ? "balance" : "blend and level";
  const level = (label, hint) => ({
    label,
    hint,
    min: range.minimum,
    max: range.maximum,
    step: 0.5,
    words: (v) => `${signed(v)} dB`,
    changed,
  });
  const kept = `Downloads and the shared song get the same ${same}.`;
  return h(
    isCover ? "div.three" : "div.grid",
    mixSlider(mix, "wet", blend),
    mixSlider(mix, "level_db", level(isCover ? "Voice" : "Level", kept)),
    isCover && mixSlider(mix, "music_db", level("Music", "How loud the music is beside the voice.")),
  );
}

const SOLOS = { all: "Everything", voice: "Voice only", music: "Music only" };

/// Space plays, a and b choose, unless something that takes keys itself has the focus. Returns what removes them.
function shortcuts(toggle, pick) {
  const keys = (event) => {
    if (event.target.closest("input, textarea, select, button, a, dialog, summary")) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      event.preventDefault();
      toggle();
    } else if (event.key === "a" || event.key === "b") pick(event.key === "a" ? "dry" : "wet");
  };
  document.addEventListener("keydown", keys);
  return () => document.removeEventListener("keydown", keys);
}

const shortcutWords = () =>
  h("span.small.quiet.keys", h("kbd", "space"), " play ", h("kbd", "a"), " original ", h("kbd", "b"), " new voice");

function mixerOf(song) {
  const audio = (which) => `/api/v1/songs/${song.id}/audio?which=${which}`;
  return new Mixer({
    dry: audio("original"),
    wet: audio("converted"),
    music: song.music && audio("music"),
    duration: song.duration_s,
    gainDb: song.gain_db,
  });
}

/// A mix as the service takes it.
export const mixOf = ({ wet, level_db, music_db }) => ({ wet: Math.round(wet * 100) / 100, level_db, music_db });

const REDUCED = "Played here in mono and lower quality, as the song is long for this device; downloads have all of it.";

/// `mix`: {wet: 0..1, level_db, music_db, changed()}, which the sliders set; changed() is called then.
export function comparison(song, peaks, mix) {
  const mixer = mixerOf(song);
  const names = { dry: "Original", wet: song.voice.title };
  const shapes = { dry: peaks.original, wet: peaks.converted };
  const lanes = LANES.map((mode) => lane(mode, names[mode], shapes[mode], pick));
  const music = song.music && musicLane(peaks.music);
  const waves = [...lanes, music].filter(Boolean).map((item) => item.wave);
  const head = h("div.lanes-head");
  const scrub = h("div.lanes-scrub", head);
  const play = h("button.round.play", { type: "button", "aria-label": "Play", onclick: togglePlay }, icon("play"));
  const time = h("span.time", "0:00");
  const swap = () => pick(mixer.mode === "dry" ? "wet" : "dry");
  const problem = h("div", { role: "alert" });
  const reduced = h("p.small.quiet", { hidden: true }, REDUCED);

  function pick(mode) {
    mixer.set({ mode });
    for (const item of lanes) {
      item.radio.checked = item.mode === mode;
      item.node.classList.toggle("on", item.mode === mode);
    }
    announce(`Hearing ${names[mode]}`);
  }
  async function togglePlay() {
    problem.replaceChildren();
    if (mixer.playing) return mixer.pause();
    set(play, { "aria-busy": "true", "aria-label": "Loading" });
    try {
      await mixer.play();
    } catch {
      const words = "The sound could not be loaded. Check your connection and press play again.";
      problem.replaceChildren(note("bad", words));
    }
    show();
  }
  function show() {
    reduced.hidden = !mixer.isReduced;
    const part = mixer.duration ? mixer.time / mixer.duration : 0;
    for (const wave of waves) wave.setProgress(part);
    head.style.left = `${part * 100}%`;
    time.textContent = `${clock(mixer.time)} / ${clock(mixer.duration)}`;
  }
  const stopFollowing = follow(mixer, play, scrub, show);
  const removeShortcuts = shortcuts(togglePlay, pick);
  const balance = () => mixer.set({ wet: mix.wet, levelDb: mix.level_db, musicDb: mix.music_db });
  const mixed = () => {
    balance();
    mix.changed?.();
    if (mixer.mode === "dry") pick("wet");
  };
  balance();
  pick("wet");
  show();
  if (!navigator.connection?.saveData) mixer.load().catch(() => {}); // play() tries again and tells
  const nodes = [...lanes, music].filter(Boolean).map((item) => item.node);
  const stage = h("div.lanes", { role: "group", "aria-label": "Compare" }, ...nodes, scrub);
  const solo = song.music && segments("Listen to", "solo", SOLOS, "all", (part) => mixer.set({ solo: part }));
  const switchButton = h("button.button.slim", { type: "button", onclick: swap }, icon("again"), h("span", "Switch"));
  const transport = h("div.row", play, time, switchButton, shortcutWords());
  return {
    mixer,
    node: h(
      "section.card.stack.player",
      { "aria-label": "Player" },
      stage,
      transport,
      problem,
      reduced,
      solo,
      mixSliders(mix, Boolean(song.music), mixed),
    ),
    destroy() {
      removeShortcuts();
      stopFollowing();
      mixer.destroy();
      waves.forEach((wave) => wave.destroy());
    },
  };
}

/// Keeps the play button, the position and its slider up to date. Returns what ends that.
function follow(mixer, play, scrub, show) {
  let frame = 0;
  const update = timeSlider(scrub, {
    label: "Position",
    read: () => mixer.time,
    write: (seconds) => mixer.seek(seconds),
    high: () => mixer.duration,
  });
  dragAcross(scrub, scrub, (x) => mixer.seek(x * mixer.duration));
  const next = () => {
    show();
    if (mixer.playing && mixer.time >= mixer.duration) mixer.pause();
    if (mixer.playing) frame = requestAnimationFrame(next);
  };
  mixer.addEventListener("change", () => {
    play.replaceChildren(icon(mixer.playing ? "pause" : "play"));
    set(play, { "aria-label": mixer.playing ? "Pause" : "Play", "aria-busy": null });
    cancelAnimationFrame(frame);
    update();
    next();
  });
  const timer = setInterval(() => mixer.playing && update(), 1000);
  return () => {
    clearInterval(timer);
    cancelAnimationFrame(frame);
  };
}
