// One recording on the bench: its part, the voice, the key, the price, go.
import { get, poll, post } from "../api.js";
import { silence } from "../audio.js";
import { announce, field, h, icon, note, set, toggle, working } from "../dom.js";
import { clamp, clock, credits, keyWords, noteName, plural, signed } from "../format.js";
import { deleted } from "../recordings.js";
import { isMember, refreshAccount, session } from "../session.js";
import { allVoices, byFit, rangeChart, voiceGallery } from "../voices.js";
import { trimmer } from "../waveform.js";

export default async function studio({ params, query, go }) {
  const leaving = new AbortController();
  const recording = await get(`/recordings/${params[0]}`);
  const body = h("div.stack");
  const view = { title: recording.name, node: h("section.stack.studio", h("div", h("p.small.quiet", "Your recording"), h("h1", recording.name)), body), destroy: () => (leaving.abort(), cleanup?.()) };
  let cleanup = null;
  const end = (words) => h("div.row", h("a.button.primary", { href: "/app/new" }, words), h("button.button.ghost.danger", { type: "button", onclick: async () => (await deleted(recording)) && go("/app/new") }, icon("trash"), "Delete this recording"));

  const ready = async (found) => {
    if (found.state === "failed") {
      body.replaceChildren(note("bad", h("strong", "This recording cannot be used. "), found.failure, " Nothing was charged."), end("Try another one"));
      return announce("This recording cannot be used");
    }
    const [voices, { peaks }] = await Promise.all([allVoices(), get(`/recordings/${found.id}/peaks`, leaving.signal)]);
    if (leaving.signal.aborted) return;
    const parts = bench(found, byFit(voices, found), peaks, query, go);
    cleanup = parts.destroy;
    body.replaceChildren(...parts.nodes);
    announce("Ready: choose the part, the voice and the key");
  };

  if (recording.state === "ready" || recording.state === "failed") await ready(recording);
  else if (recording.state === "uploading") body.replaceChildren(note("info", "This upload is not complete. Choose the same file again and it goes on where it stopped. "), end("Go on"));
  else {
    body.replaceChildren(h("div.card.stack.centred", h("div.listening", { "aria-hidden": "true" }, ...Array.from({ length: 5 }, () => h("span"))), h("h2", { role: "status" }, "Listening to it…"), h("p.quiet", "Finding out how long it is and which notes you sing. That takes a few seconds.")));
    poll(`/recordings/${recording.id}`, { finished: (now) => now.state !== "analysing", signal: leaving.signal })
      .then(ready)
      .catch((error) => error.name !== "AbortError" && body.replaceChildren(note("bad", error.message)));
  }
  return view;
}

function bench(recording, voices, peaks, query, go) {
  const { config } = session;
  const member = isMember();
  const most = member ? 0 : config.preview_s;
  const number = (name, fallback) => (Number.isFinite(parseFloat(query.get(name))) ? parseFloat(query.get(name)) : fallback);
  const whole = recording.duration_s;
  const choice = {
    voice: voices.find((voice) => voice.id === query.get("voice")) ?? voices[0],
    key: null, // null: the suggestion is followed
    options: {},
  };
  let quote = null;
  const signUp = `/app/signup?next=${encodeURIComponent(location.pathname + location.search)}`;

  // ---- the part ----
  const start = clamp(number("start", 0), 0, whole);
  const audio = new Audio(`/api/v1/recordings/${recording.id}/audio`);
  audio.preload = "none";
  const trim = trimmer({ peaks, duration: whole, start, end: clamp(number("end", most ? start + most : whole), start, whole), limit: most, change: partChanged });
  const startField = timeField("start");
  const endField = timeField("end");
  const length = h("span.small.quiet");
  function timeField(name) {
    const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", value: clock(trim.part[name], true) });
    input.addEventListener("change", () => {
      const seconds = parse(input.value);
      if (seconds === null) return showPart();
      trim.write(name, seconds);
    });
    return input;
  }
  function showPart() {
    startField.value = clock(trim.part.start, true);
    endField.value = clock(trim.part.end, true);
    length.textContent = `${clock(trim.part.end - trim.part.start, true)} of ${clock(whole, true)}`;
  }
  function partChanged() {
    showPart();
    if (!audio.paused && (audio.currentTime < trim.part.start || audio.currentTime > trim.part.end)) audio.pause();
    ask();
  }
  const listen = h("button.round", { type: "button", "aria-label": "Play the part" }, icon("play"));
  listen.addEventListener("click", () => {
    if (!audio.paused) return audio.pause();
    silence(audio);
    audio.currentTime = trim.part.start;
    audio.play().catch((error) => error.name !== "AbortError" && set(listen, { "aria-label": "The recording cannot be played" }));
  });
  let frame = 0;
  const follow = () => {
    if (audio.currentTime >= trim.part.end) audio.pause();
    trim.showHead(audio.paused ? null : audio.currentTime);
    if (!audio.paused) frame = requestAnimationFrame(follow);
  };
  for (const name of ["play", "pause"])
    audio.addEventListener(name, () => {
      listen.replaceChildren(icon(audio.paused ? "play" : "pause"));
      set(listen, { "aria-label": audio.paused ? "Play the part" : "Pause" });
      follow();
    });
  showPart();

  const partCard = h(
    "section.card.stack",
    { "aria-labelledby": "part-title" },
    h("div.row.between", h("h2", { id: "part-title" }, "Which part?"), length),
    trim.node,
    h("div.row.part-row", listen, field("Start", startField), field("End", endField), h("button.button.slim", { type: "button", onclick: () => (trim.write("start", 0), trim.write("end", most ? Math.min(most, whole) : whole)) }, most ? "From the start" : "All of it")),
    most > 0 && h("p.small.quiet", `As a guest you hear up to ${Math.round(most)} seconds. `, h("a", { href: signUp }, "Sign up"), " for all of it."),
  );

  // ---- the voice ----
  const voiceCard = h(
    "section.card.stack",
    { "aria-labelledby": "voice-title" },
    h("div.row.between", h("h2", { id: "voice-title" }, "Whose voice?"), recording.f0_low > 0 && h("p.small.legend", h("span", h("span.swatch.singer"), `you: ${noteName(recording.f0_low)} to ${noteName(recording.f0_high)}`), h("span", h("span.swatch.voice"), "the voice's home"))),
    voiceGallery(voices, recording, choice.voice?.id, (voice) => {
      choice.voice = voice;
      ask();
    }),
  );

  // ---- the key ----
  const chart = h("div");
  const keyWordsBox = h("output.key-words");
  const reset = h("button.button.slim.ghost", { type: "button", onclick: () => setKey(null) }, icon("again"), "Use the suggestion");
  const radios = [-12, 0, 12].map((octave) => h("input.visually-hidden", { type: "radio", name: "octave", value: String(octave), onchange: () => setKey(octave + fine()) }));
  const fineSlider = h("input", { type: "range", min: -12, max: 12, step: 1, value: "0", "aria-label": "Fine: semitones", oninput: () => setKey(octaveNow() + fine()) });
  const fine = () => Number(fineSlider.value);
  const octaveNow = () => Number(radios.find((radio) => radio.checked)?.value ?? 0);
  const suggestion = () => {
    let semitones = Math.round(quote?.suggested_key ?? 0);
    while (Math.abs(semitones) > MOST_KEY) semitones -= 12 * Math.sign(semitones);
    return semitones;
  };
  const key = () => choice.key ?? suggestion();
  function setKey(value) {
    choice.key = value;
    showKey();
  }
  function showKey() {
    const value = key();
    const octave = value > 6 ? 12 : value < -6 ? -12 : 0;
    // A key that the singer set keeps its octave and fine parts; a suggestion is split into them here.
    if (choice.key === null || octaveNow() + fine() !== value) {
      radios.forEach((radio) => (radio.checked = Number(radio.value) === octave));
      fineSlider.value = String(value - octave);
    }
    fineSlider.setAttribute("aria-valuetext", plural(fine(), "semitone"));
    const suggested = quote && suggestion() === value;
    keyWordsBox.replaceChildren(h("strong", keyWords(value)), suggested ? h("span.badge", "suggested") : "");
    reset.hidden = !quote || suggested;
    if (choice.voice) chart.replaceChildren(rangeChart(choice.voice, recording, value));
  }
  const step = (by) => {
    fineSlider.value = String(clamp(fine() + by, -12, 12));
    setKey(octaveNow() + fine());
  };
  const keyCard = h(
    "section.card.stack",
    { "aria-labelledby": "key-title" },
    h("div.row.between", h("h2", { id: "key-title" }, "In which key?"), keyWordsBox),
    h("div.segments", { role: "radiogroup", "aria-label": "Octave" }, radios.map((radio, i) => h("label", radio, h("span", ["Octave down", "Same", "Octave up"][i])))),
    h("div.fine", h("button.round.soft.small-round", { type: "button", "aria-label": "One semitone down", onclick: () => step(-1) }, icon("minus")), h("div.grow", fineSlider), h("button.round.soft.small-round", { type: "button", "aria-label": "One semitone up", onclick: () => step(1) }, icon("plus"))),
    chart,
    h("div", reset),
    advanced(choice.options),
  );

  // ---- price and go ----
  const price = h("div.price", { "aria-live": "polite" }, h("span.quiet", "Asking for the price…"));
  const trouble = h("div", { "aria-live": "assertive" });
  const goButton = h("button.button.primary.big", { type: "submit", disabled: true }, member ? "Convert" : "Make the preview");
  const freeButton = member && h("button.button", { type: "button" }, "Free preview");
  const requestKeys = {};
  async function order(preview) {
    trouble.replaceChildren();
    audio.pause();
    const { start: from, end } = trim.part;
    const ask_for = {
      recording: recording.id,
      voice: choice.voice.id,
      start_s: round(from),
      end_s: round(preview ? Math.min(end, from + config.preview_s) : end),
      preview,
      options: { ...choice.options, key: key() },
    };
    // The same wish has the same key, so that pressing twice on a bad connection makes one job; another wish gets another.
    const wish = JSON.stringify(ask_for);
    requestKeys[wish] ??= [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const job = await post("/jobs", ask_for, { "Idempotency-Key": requestKeys[wish] });
    refreshAccount().catch(() => {});
    go(`/app/jobs/${job.id}`);
  }
  const refused = (error) => {
    trouble.replaceChildren(note("bad", error.message, error.code === "not_enough_credits" ? h("span", " ", h("a", { href: "/app/credits" }, "Get credits")) : !member ? h("span", " ", h("a", { href: signUp }, "Sign up")) : ""));
    ask();
  };
  const bar = h("form.go", h("div.go-inner", price, h("div.row.go-buttons", freeButton, goButton)), trouble);
  const submit = working(goButton, () => order(!member), refused);
  bar.addEventListener("submit", submit);
  if (freeButton) freeButton.addEventListener("click", working(freeButton, () => order(true), refused));

  let timer = 0;
  let asked = 0;
  function ask() {
    clearTimeout(timer);
    goButton.disabled = true;
    timer = setTimeout(fetchQuote, 250);
  }
  async function fetchQuote() {
    if (!choice.voice) return price.replaceChildren(h("strong", "Choose a voice"));
    const mine = ++asked;
    try {
      const answer = await post("/quotes", { recording: recording.id, voice: choice.voice.id, start_s: round(trim.part.start), end_s: round(trim.part.end), preview: !member });
      if (mine !== asked) return;
      quote = answer;
      showPrice();
      showKey();
    } catch (error) {
      if (mine === asked) price.replaceChildren(h("strong.bad-text", error.message), h("button.link", { type: "button", onclick: fetchQuote }, "Ask again"));
    }
  }
  function showPrice() {
    goButton.disabled = !quote.enough;
    if (!member) return price.replaceChildren(h("strong", "Free preview"), h("span.small.quiet", `${plural(Math.round(quote.seconds), "second")} in ${choice.voice.title}'s voice`));
    price.replaceChildren(
      h("strong", credits(quote.price)),
      quote.enough
        ? h("span.small.quiet", `for ${clock(quote.seconds)}; you have ${quote.balance}`)
        : h("span.small", `You have ${quote.balance}: ${credits(quote.price - quote.balance)} short. `, h("a", { href: "/app/credits" }, "Get credits"), " or choose a shorter part."),
    );
  }
  showKey();
  ask();
  return {
    nodes: [partCard, voiceCard, keyCard, bar],
    destroy() {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
      audio.pause();
      audio.removeAttribute("src");
      trim.wave.destroy();
    },
  };
}

const MOST_KEY = 24;
const round = (seconds) => Math.round(seconds * 100) / 100;

/// "1:23.4" or "83.4" → seconds; null: neither.
function parse(text) {
  const match = /^\s*(?:(\d+):)?(\d+(?:[.,]\d+)?)\s*$/.exec(text);
  return match ? Number(match[1] ?? 0) * 60 + Number(match[2].replace(",", ".")) : null;
}

function advanced(options) {
  const slider = (name, label, hint, { min, max, step, value, show }) => {
    const out = h("output.small", show(value));
    const input = h("input", { type: "range", min, max, step, value: String(value) });
    input.addEventListener("input", () => {
      options[name] = Number(input.value);
      out.textContent = show(Number(input.value));
      input.setAttribute("aria-valuetext", out.textContent);
    });
    const box = field(label, input, hint);
    box.querySelector("label").append(" ", out);
    return box;
  };
  const seed = h("input", { type: "number", min: 0, max: 4294967295, step: 1, value: "0", inputmode: "numeric", onchange: () => (options.seed = clamp(Math.floor(Number(seed.value)) || 0, 0, 4294967295)) });
  return h(
    "details.fold",
    h("summary", "Advanced"),
    h(
      "div.grid",
      slider("formant", "Formant", "Smaller or larger throat, in semitones; the melody stays.", { min: -12, max: 12, step: 0.5, value: 0, show: (v) => signed(v) }),
      slider("loudness", "Follow my loudness", "At 0 % the voice keeps its own dynamics.", { min: 0, max: 1, step: 0.05, value: 1, show: (v) => `${Math.round(v * 100)} %` }),
      slider("pause_db", "Quieten pauses", "How much softer it gets between phrases.", { min: 0, max: 60, step: 1, value: 20, show: (v) => `${v} dB` }),
      field("Seed", seed, "Another number gives slightly different breath."),
      toggle("Convert left and right each by itself", false, (on) => (options.keep_stereo = on)),
    ),
  );
}
