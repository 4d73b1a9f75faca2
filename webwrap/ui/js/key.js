// In which key the song is converted, and the further options.
import { field, h, icon, toggle } from "./dom.js";
import { clamp, keyWords, plural, signed } from "./format.js";
import { session } from "./session.js";
import { rangeChart } from "./voices.js";

const OCTAVE = 12;
const OCTAVES = [
  [-OCTAVE, "Octave down"],
  [0, "Same"],
  [OCTAVE, "Octave up"],
];

const octaveRadios = (onchange) =>
  OCTAVES.map(([octave]) =>
    h("input.visually-hidden", { type: "radio", name: "octave", value: String(octave), onchange }),
  );

/// An octave and semitones beside it. `suggested()`: the key that is used until the singer chooses one, undefined: not
/// known yet. `voice()`: the chosen voice. `octavesOnly()`: music is kept, in whose key the voice has to stay.
export function keyCard({ recording, suggested, voice, octavesOnly, options }) {
  let chosen = null;
  const chart = h("div");
  const words = h("output.key-words");
  const reset = h(
    "button.button.slim.ghost",
    { type: "button", onclick: () => choose(null) },
    icon("again"),
    "Use the suggestion",
  );
  const radios = octaveRadios(() => choose(octaveNow() + (octavesOnly() ? 0 : fine())));
  const slider = h("input", {
    type: "range",
    min: -OCTAVE,
    max: OCTAVE,
    step: 1,
    value: "0",
    "aria-label": "Fine: semitones",
    oninput: () => choose(octaveNow() + fine()),
  });
  const fine = () => Number(slider.value);
  const octaveNow = () => Number(radios.find((radio) => radio.checked)?.value ?? 0);
  const suggestion = () => suggested() ?? 0;
  const key = () => {
    const wished = chosen ?? suggestion();
    return octavesOnly() ? Math.round(wished / OCTAVE) * OCTAVE : wished;
  };
  const choose = (semitones) => {
    chosen = semitones;
    show();
  };
  const step = (by) => {
    slider.value = String(clamp(fine() + by, -OCTAVE, OCTAVE));
    choose(octaveNow() + fine());
  };
  const stepButton = (label, name, by) =>
    h("button.round.soft.small-round", { type: "button", "aria-label": label, onclick: () => step(by) }, icon(name));
  function show() {
    const value = key();
    // A key that was set by hand keeps its octave and fine parts; a suggestion is split into them here.
    if (chosen === null || octaveNow() + fine() !== value) {
      const octave = value > OCTAVE / 2 ? OCTAVE : value < -OCTAVE / 2 ? -OCTAVE : 0;
      for (const radio of radios) radio.checked = Number(radio.value) === octave;
      slider.value = String(value - octave);
    }
    fineRow.hidden = octavesOnly();
    slider.setAttribute("aria-valuetext", plural(fine(), "semitone"));
    const isSuggested = suggested() !== undefined && suggestion() === value;
    words.replaceChildren(h("strong", keyWords(value)), isSuggested ? h("span.badge", "suggested") : "");
    reset.hidden = suggested() === undefined || isSuggested;
    if (voice()) chart.replaceChildren(rangeChart(voice(), recording, value));
  }
  const fineRow = h(
    "div.fine",
    stepButton("One semitone down", "minus", -1),
    h("div.grow", slider),
    stepButton("One semitone up", "plus", 1),
  );
  show();
  const node = h(
    "section.card.stack",
    { "aria-labelledby": "key-title" },
    h("div.row.between", h("h2", { id: "key-title" }, "In which key?"), words),
    h(
      "div.segments",
      { role: "radiogroup", "aria-label": "Octave" },
      radios.map((radio, i) => h("label", radio, h("span", OCTAVES[i][1]))),
    ),
    fineRow,
    chart,
    h("div", reset),
    toggle("Remove background noise", session.config.options.denoise.default, (on) => (options.denoise = on)),
    furtherOptions(options),
  );
  return { node, key, show };
}

/// A slider for an option of the conversion, whose range and default are the service's.
function optionSlider(options, name, label, hint, step, show) {
  const range = session.config.options[name];
  const out = h("output.small", show(range.default));
  const input = h("input", {
    type: "range",
    min: range.minimum,
    max: range.maximum,
    step,
    value: String(range.default),
  });
  input.addEventListener("input", () => {
    options[name] = Number(input.value);
    out.textContent = show(options[name]);
    input.setAttribute("aria-valuetext", out.textContent);
  });
  const box = field(label, input, hint);
  box.querySelector("label").append(" ", out);
  return box;
}

function furtherOptions(options) {
  const { seed, keep_stereo: stereo } = session.config.options;
  const most = Math.min(seed.maximum, Number.MAX_SAFE_INTEGER);
  const seedField = h("input", {
    type: "number",
    min: seed.minimum,
    max: most,
    step: 1,
    value: String(seed.default),
    inputmode: "numeric",
  });
  seedField.addEventListener("change", () => {
    options.seed = clamp(Math.floor(Number(seedField.value)) || seed.default, seed.minimum, most);
  });
  const slider = (...rest) => optionSlider(options, ...rest);
  return h(
    "details.fold",
    h("summary", "Advanced"),
    h(
      "div.grid",
      slider("formant", "Formant", "Smaller or larger throat, in semitones; the melody stays.", 0.5, (v) => signed(v)),
      slider(
        "loudness",
        "Follow my loudness",
        "At 0 % the voice keeps its own dynamics.",
        0.05,
        (v) => `${Math.round(v * 100)} %`,
      ),
      slider("pause_db", "Quieten pauses", "How much softer it gets between phrases.", 1, (v) => `${v} dB`),
      field("Seed", seedField, "Another number gives slightly different breath."),
      toggle("Convert left and right each by itself", stereo.default, (on) => (options.keep_stereo = on)),
    ),
  );
}
