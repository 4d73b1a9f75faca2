// Voices: cards, samples and the picture of pitch ranges.
import { get } from "./api.js";
import { playButton } from "./audio.js";
import { h } from "./dom.js";
import { clamp, languageName, noteName, semitones } from "./format.js";
import { session } from "./session.js";

let list = null;
let asker = null; // whose voices are among them

/// Of all that are offered; `more`: the id or the secret of another one, which then comes first.
export async function allVoices(more = null) {
  const id = session.account?.id;
  if (asker !== id) list = null;
  asker = id;
  list ??= get("/voices").catch((error) => {
    list = null;
    throw error;
  });
  const voices = await list;
  if (!more || voices.some((voice) => voice.id === more)) return voices;
  const other = await get(`/voices/${encodeURIComponent(more)}`).catch(() => null);
  return other ? [other, ...voices] : voices;
}

/// After a voice of one's own was opened or closed.
export const forgetVoices = () => (list = null);

const LOW = 36; // C2
const HIGH = 84; // C6

const place = (bar, low, high) => {
  const from = clamp((semitones(low) - LOW) / (HIGH - LOW), 0, 0.98);
  const to = clamp((semitones(high) - LOW) / (HIGH - LOW), from + 0.02, 1);
  bar.style.left = `${from * 100}%`;
  bar.style.width = `${(to - from) * 100}%`;
  return bar;
};

/// Where the voice is at home, and (a second bar) where the singer is, moved by `key` semitones.
export function rangeChart(voice, singer, key = 0) {
  const factor = 2 ** (key / 12);
  const sung = singer?.f0_low > 0;
  const words = [`${voice.title} is at home from ${noteName(voice.f0_low)} to ${noteName(voice.f0_high)}.`];
  if (sung)
    words.push(
      `Your melody${key ? " in this key" : ""}: ${noteName(singer.f0_low * factor)} ` +
        `to ${noteName(singer.f0_high * factor)}.`,
    );
  return h(
    "div.range",
    { role: "img", "aria-label": words.join(" ") },
    h(
      "div.range-lane",
      ["C2", "C3", "C4", "C5", "C6"].map((name) => h("span.range-tick", { "data-note": name })),
      place(h("span.range-bar.voice"), voice.f0_low, voice.f0_high),
    ),
    sung && h("div.range-lane", place(h("span.range-bar.singer"), singer.f0_low * factor, singer.f0_high * factor)),
  );
}

export const portrait = (voice) =>
  h(
    "span.portrait",
    {
      "aria-hidden": "true",
      "data-hue": String([...voice.id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 5),
    },
    voice.title.slice(0, 1).toUpperCase(),
  );

const BY = { you: "your own", member: "a member's own" };

export const facts = (voice) =>
  [BY[voice.by], languageName(voice.language), voice.gender, ...(voice.tags ?? [])].filter(Boolean).join(" · ");

/// "Range C3 to A3, mostly around E3".
export const rangeWords = (voice) =>
  voice.f0_low > 0
    ? `Range ${noteName(voice.f0_low)} to ${noteName(voice.f0_high)}, mostly around ${noteName(voice.f0_median)}`
    : "Range not known";

const SINGS_HIGHER = 1.6; // ranges are those of speech; the same voice sings higher, as in the key's suggestion
const HIGH_VOICE = 200,
  LOW_VOICE = 130; // Hz, medians of melodies that only women and children, or only men, sing at ease

/// How badly a voice fits a melody, in semitones: what lies outside of its range in the best octave, and the octaves to
/// get there. A man's voice is no first choice for a high one, nor a woman's for a low one, whatever the numbers say.
function misfit(voice, singer) {
  if (voice.by === "you") return -1;
  if (!(singer?.f0_median > 0) || !(voice.f0_low > 0)) return 0;
  const outside = (octave) =>
    Math.max(0, 12 * Math.log2(voice.f0_low / singer.f0_low) - octave) +
    Math.max(0, 12 * Math.log2(singer.f0_high / (voice.f0_high * SINGS_HIGHER)) + octave);
  const best = Math.min(...[-24, -12, 0, 12, 24].map((octave) => outside(octave) + Math.abs(octave) / 2));
  const other =
    (singer.f0_median > HIGH_VOICE && voice.gender === "male") ||
    (singer.f0_median < LOW_VOICE && voice.gender === "female");
  return best + (other ? 48 : 0);
}

/// The voices, those first that fit the singer best.
export const byFit = (voices, singer) => [...voices].sort((a, b) => misfit(a, singer) - misfit(b, singer));

/// Licence and consent, folded away but there.
export const rights = (voice) =>
  h(
    "details.rights.small",
    h("summary", "Licence and consent"),
    h("p", h("strong", "Licence: "), voice.licence),
    h("p", h("strong", "Consent: "), voice.consent),
    voice.attribution && h("p", h("strong", "By: "), voice.attribution),
    h("p.quiet", `Version ${voice.version}`),
  );

/// A gallery of radio cards. pick(voice) hears of the choice.
export function voiceGallery(voices, singer, chosen, pick) {
  return h(
    "div.voices",
    { role: "radiogroup", "aria-label": "Voice" },
    voices.map((voice) => {
      const radio = h("input.visually-hidden", {
        type: "radio",
        name: "voice",
        value: voice.id,
        checked: voice.id === chosen,
        onchange: () => pick(voice),
      });
      return h(
        "div.voice",
        h(
          "label.voice-pick",
          radio,
          portrait(voice),
          h("span.voice-name", h("strong", voice.title), h("span.small.quiet", facts(voice))),
          h("span.tick", { "aria-hidden": "true" }),
        ),
        h("div.voice-play", voice.sample_url && playButton(voice.sample_url, `a sample of ${voice.title}`)),
        h("p.small.quiet", voice.description),
        h("p.small", rangeWords(voice)),
        rangeChart(voice, singer),
        rights(voice),
      );
    }),
  );
}
