// Sing to a song: it plays in the headphones while the microphone records; the take goes to the studio with it.
import { get, poll, post } from "../api.js";
import { barAt, NOT_SEEN } from "../beats.js";
import { announce, field, h, icon, note, onPress, set, signButton, signUp, toast, write } from "../dom.js";
import { clamp, clock, credits, parseClock, plural, signed, spoken } from "../format.js";
import { canRecord } from "../recorder.js";
import { isMember, refreshAccount, session } from "../session.js";
import { SingAlong } from "../singalong.js";
import { upload } from "../upload.js";
import { dragAcross, timeSlider, Waveform } from "../waveform.js";

export default async function sing({ params, go }) {
  const leaving = new AbortController();
  const recording = await get(`/recordings/${params[0]}`);
  const stage = h("div.stack");
  const page = {
    recording,
    stage,
    go,
    leaving,
    along: new SingAlong(),
    show: (...nodes) => stage.replaceChildren(...nodes),
  };
  if (!canRecord()) page.show(note("bad", "Recording needs a newer browser and a secure (https) address."));
  else if (recording.state === "ready") offer(page);
  else wait(page);
  return {
    title: `Sing to ${recording.name}`,
    node: h("section.stack.studio", h("div", h("p.small.quiet", "Sing along"), h("h1", recording.name)), stage),
    destroy() {
      leaving.abort();
      page.along.destroy();
    },
  };
}

function wait(page) {
  page.show(h("div.card.stack.centred", h("h2", { role: "status" }, "Listening to it…")));
  poll(`/recordings/${page.recording.id}`, {
    finished: (now) => now.state !== "analysing",
    signal: page.leaving.signal,
  })
    .then((now) => {
      page.recording = now;
      if (now.state === "ready") offer(page);
      else page.show(note("bad", now.failure ?? "This upload is not complete; choose the file again."));
    })
    .catch((error) => error.name !== "AbortError" && page.show(note("bad", error.message)));
}

// ---- before: what is heard, headphones ----

/// Whether the music of all of it is there.
const separated = ({ stems, duration_s: whole }) =>
  Boolean(stems) && stems.start_s < 0.01 && stems.end_s > whole - 0.01;

function offer(page) {
  const { recording } = page;
  if (recording.has_music && recording.has_vocals && !separated(recording)) return choosePart(page);
  prepare(page, separated(recording) ? "music" : "all");
}

/// The song as it is, or without its singer.
function choosePart(page) {
  const { recording } = page;
  const minutes = Math.max(1, Math.ceil(recording.duration_s / 60));
  const price = minutes * session.config.separation_credits_per_minute;
  const take = onPress(
    h("button.button.primary", { type: "button" }, `Take the singer out, ${credits(price)}`),
    async () => {
      const job = await post(`/recordings/${recording.id}/separation`);
      refreshAccount().catch(() => {});
      page.go(`/app/jobs/${job.id}`);
    },
  );
  page.show(
    h(
      "section.card.stack",
      h("h2", "There is a singer in this song"),
      h("p.quiet", "You can sing to its music alone, or along with the singer."),
      h(
        "div.row",
        isMember() && take,
        h("button.button", { type: "button", onclick: () => prepare(page, "all") }, "Sing with the singer"),
      ),
      !isMember() && h("p.small.quiet", signUp("a"), " to have the singer taken out."),
    ),
  );
}

function prepare(page, part) {
  page.part = part;
  const start = onPress(
    h("button.button.primary.big", { type: "button" }, icon("mic"), "Open the microphone"),
    async () => {
      await page.along.open(`/api/v1/recordings/${page.recording.id}/audio?which=${part}`);
      if (!page.leaving.signal.aborted) ready(page);
    },
  );
  page.show(
    h(
      "section.card.stack",
      h("h2", "Put your headphones on"),
      h("p.quiet", "The music plays in them while you sing, so that the microphone hears your voice alone."),
      h("div", start),
    ),
  );
}

// ---- recording ----

function ready(page) {
  const { along } = page;
  const words = h("p.small.quiet", { role: "status" });
  const tell = () =>
    (words.textContent = along.measured
      ? `Your headphones and microphone are ${Math.round(along.delay * 1000)} ms late; that is taken out.`
      : `Not measured yet: ${Math.round(along.delay * 1000)} ms are assumed. You can also move the take afterwards.`);
  const measure = onPress(h("button.button", { type: "button" }, icon("headphones"), "Measure"), async () => {
    const found = await along.calibrate();
    tell();
    if (!found)
      toast("The clicks were not heard. Hold a headphone to the microphone, turn it up, and try again.", "bad");
    announce(found ? words.textContent : "The clicks were not heard");
  });
  tell();
  page.show(
    h(
      "section.card.stack",
      h("h2", "How late do you hear it?"),
      h(
        "p.quiet",
        "Hold a headphone to the microphone and press Measure: six clicks sound. Once for each pair of headphones.",
      ),
      h("div.row", measure, words),
    ),
    h(
      "section.card.stack",
      h("h2", "Ready?"),
      h("p.quiet", "The song begins a moment after you press. You can sing any part again afterwards."),
      h("div", h("button.button.primary.big", { type: "button", onclick: () => record(page, 0) }, icon("mic"), "Sing")),
    ),
  );
}

/// What is heard before `from`: a bar, whose beats are counted down, or as many seconds as it takes to breathe in.
function countIn({ rhythm }, from) {
  const start = rhythm?.bars.includes(from) ? rhythm.bars.findLast((bar) => bar <= from - 1.5) : undefined;
  if (start === undefined) return { lead: 2, left: (time) => Math.ceil(from - time) };
  const beats = rhythm.beats.filter((beat) => beat >= start && beat < from);
  return { lead: from - start, left: (time) => 1 + beats.filter((beat) => beat > time).length };
}

function record(page, from) {
  const { along } = page;
  const bar = h("span.quiet");
  const time = h("strong.timer", { role: "timer" }, clock(from));
  const fill = h("span.meter-fill");
  const loudness = h("div.meter", { "aria-hidden": "true" }, fill);
  const progress = h("progress", { max: along.duration, value: from, "aria-label": "Position in the song" });
  const done = (why) => {
    review(page);
    if (why) page.stage.prepend(note("bad", why));
  };
  const stop = () => {
    along.stop();
    done();
  };
  const { lead, left } = countIn(along, from);
  along.record(from, {
    lead,
    level: (peak) => {
      fill.style.transform = `scaleX(${Math.max(0, 1 + (20 * Math.log10(Math.max(peak, 1e-3))) / 60)})`;
      loudness.classList.toggle("hot", peak > 0.97);
      write(time, from - along.time > 0.1 ? `in ${left(along.time)}` : clock(along.time));
      write(bar, barWords(along));
      progress.value = along.time;
    },
    ended: done,
  });
  const button = h("button.button.primary.big", { type: "button", onclick: stop }, icon("stop"), "Stop");
  const heading = h("h2", h("span.dot", { "aria-hidden": "true" }), "Recording");
  page.show(
    h(
      "section.card.stack.recorder.live",
      h("div.row.between", heading, h("span.row", bar, time)),
      progress,
      loudness,
      h("div.row", button),
    ),
  );
  button.focus();
  announce("Recording");
}

// ---- after ----

/// "Bar 7"; nothing where beats are not clear.
function barWords({ rhythm, time }) {
  if (!rhythm) return "";
  const bar = barAt(rhythm.bars, time);
  return bar < 0 ? "Before bar 1" : `Bar ${bar + 1}`;
}

function review(page) {
  const { along } = page;
  if (!(along.to > along.from)) return ready(page);
  const title = h("h2", { tabindex: "-1" }, `Your take, ${clock(along.to - along.from)}`);
  const player = takePlayer(page);
  const exact = h("span", " A touch goes to the nearest bar; a typed time is exact.");
  const leave = (next) => () => {
    player.destroy();
    next();
  };
  const use = onPress(h("button.button.primary", { type: "button" }, icon("arrow"), "Use this take"), () =>
    send(page, player),
  );
  page.show(
    h(
      "section.card.stack.recorder",
      title,
      ...player.nodes,
      h(
        "div.row",
        use,
        ...againButtons(page, player, leave, exact),
        h("button.button.ghost", { type: "button", onclick: leave(() => record(page, 0)) }, "From the beginning"),
      ),
      h(
        "p.small.quiet",
        "Go to where it went wrong, or type the time, and sing again from there; what you sang before and after stays.",
        exact,
      ),
    ),
  );
  title.focus();
  announce(`Recorded ${plural(Math.round(along.to - along.from), "second")}`);
}

/// Sing again: from the bar that is shown, where there are bars, which `exact` speaks of; from where the play head is.
function againButtons(page, player, leave, exact) {
  const { along } = page;
  const words = h("span");
  const fromBar = h("button.button", { type: "button" }, icon("again"), words);
  const fromHere = h("button.button", { type: "button" }, icon("again"), "Sing again from here");
  const bar = () => Math.max(0, barAt(along.rhythm.bars, along.time));
  set(fromBar, { onclick: () => leave(() => record(page, along.rhythm.bars[bar()]))() });
  set(fromHere, { onclick: () => leave(() => record(page, along.time))() });
  player.onShow(() => {
    fromBar.hidden = exact.hidden = !along.rhythm;
    // A button's name stays still while it plays.
    if (along.rhythm) write(words, `Sing again from ${along.playing ? "this bar" : `bar ${bar() + 1}`}`);
    fromHere.classList.toggle("ghost", !fromBar.hidden);
  });
  return [fromBar, fromHere];
}

/// The bar of the play head, and the way to others.
function barRow(along, seek) {
  const words = h("strong.bar-number");
  /// Where the next bar (1) begins, or (-1) the one played now, unless it has just begun: then the one before it.
  /// Outermost are the song's own beginning and end.
  const beginning = (by) => {
    const { bars } = along.rhythm;
    if (by > 0) return bars.find((start) => start > along.time + NOT_SEEN) ?? along.duration;
    const before = along.time - (along.playing ? 0.5 : NOT_SEEN);
    return bars.findLast((start) => start < before) ?? 0;
  };
  const step = (by) => () => {
    seek(beginning(by));
    announce(barWords(along));
  };
  const node = h(
    "div.row.tight.nowrap",
    { role: "group", "aria-label": "Bars" },
    signButton("before", "Previous bar", { onclick: step(-1) }),
    words,
    signButton("after", "Next bar", { onclick: step(1) }),
  );
  return {
    node,
    beginning,
    show() {
      node.hidden = !along.rhythm;
      write(words, barWords(along));
    },
  };
}

function slider(label, hint, attributes, words, change) {
  const input = h("input", { type: "range", ...attributes });
  const out = h("output.small", words(Number(input.value)));
  input.addEventListener("input", () => {
    out.textContent = words(Number(input.value));
    input.setAttribute("aria-valuetext", out.textContent);
    change(Number(input.value));
  });
  const box = field(label, input, hint);
  box.querySelector("label").append(" ", out);
  return box;
}

/// Levels of voice and music, and the take's place.
function mixSliders(along) {
  const percent = (v) => `${v} %`;
  const level = (name) => ({ min: 0, max: 200, step: 5, value: String(Math.round(along[name] * 100)) });
  return h(
    "div.three",
    slider("Your voice", "", level("voiceLevel"), percent, (v) => along.levels({ voice: v / 100 })),
    slider("Music", "", level("backingLevel"), percent, (v) => along.levels({ backing: v / 100 })),
    slider(
      "Timing",
      "Moves your voice against the music.",
      { min: -300, max: 300, step: 5, value: String(Math.round(along.shift * 1000)) },
      (v) => (v === 0 ? "as recorded" : `${signed(v)} ms`),
      (v) => {
        along.shift = v / 1000;
        if (along.playing) along.listen(along.time);
      },
    ),
  );
}

/// A finger on the waveform means a bar, or the song's beginning.
function nearestBar({ rhythm }, seconds) {
  if (!rhythm) return seconds;
  const away = (start) => Math.abs(start - seconds);
  return rhythm.bars.reduce((best, start) => (away(start) < away(best) ? start : best), 0);
}

/// The take and the music together, with their levels and the take's place.
function takePlayer({ along }) {
  const wave = new Waveform(along.peaks());
  const head = h("span.head");
  const scrub = h("div.take-wave.scrub", wave.node, head);
  const play = h("button.round", { type: "button", "aria-label": "Play the take" }, icon("play"));
  // Typed, since on a phone a finger's width on the waveform is seconds of a song.
  const place = h("input.place", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": "Position" });
  const length = h("span.time", `/ ${clock(along.duration, true)}`);
  const from = along.from;
  let frame = 0;
  let shown = () => {};
  const seek = (seconds) => {
    const on = along.playing;
    along.stop();
    along.offset = seconds;
    if (on) along.listen(seconds);
    show();
    update();
  };
  const bars = barRow(along, seek);
  const update = timeSlider(scrub, {
    label: "Position",
    read: () => along.time,
    write: seek,
    high: () => along.duration,
    step: 1,
    page: (by) => (along.rhythm ? bars.beginning(by) : along.time + 6 * by),
    words: () => [barWords(along), spoken(along.time)].filter(Boolean).join(", "),
  });
  dragAcross(scrub, wave.node, (x) => seek(nearestBar(along, x * along.duration)));
  const show = () => {
    bars.show();
    shown();
    wave.setProgress(along.time / along.duration);
    head.style.left = `${(along.time / along.duration) * 100}%`;
    if (document.activeElement !== place) place.value = clock(along.time, true);
  };
  const follow = () => {
    cancelAnimationFrame(frame); // one at a time, however often it is called
    show();
    if (!along.playing) return;
    if (along.time < along.duration) frame = requestAnimationFrame(follow);
    else along.stop();
  };
  const changed = () => {
    play.replaceChildren(icon(along.playing ? "pause" : "play"));
    set(play, { "aria-label": along.playing ? "Pause" : "Play the take" });
    update();
    follow();
  };
  along.addEventListener("change", changed);
  place.addEventListener("change", () => {
    const seconds = parseClock(place.value);
    if (seconds !== null) seek(clamp(seconds, 0, along.duration));
    place.value = clock(along.time, true);
  });
  play.addEventListener("click", () => (along.playing ? along.stop() : along.listen(along.time)));
  along.offset = from;
  show();
  return {
    nodes: [scrub, h("div.row", play, h("div.row.tight.nowrap", place, length), bars.node), mixSliders(along)],
    /// Called with every move of the play head, and at once.
    onShow(then) {
      shown = then;
      show();
    },
    destroy() {
      cancelAnimationFrame(frame);
      along.removeEventListener("change", changed);
      along.stop();
      wave.destroy();
    },
  };
}

/// The take goes to the studio, with what it was sung to.
async function send(page, player) {
  const { along, recording, part, leaving } = page;
  along.stop();
  const { file, start_s: start } = along.file(`${recording.name.replace(/\.[^.]*$/, "")} (take).wav`);
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Upload" });
  page.stage.append(h("section.card.stack", h("h2", "Uploading your take"), bar));
  try {
    const id = await upload(file, {
      signal: leaving.signal,
      progress: (share) => (bar.value = share),
      waiting: () => {},
      about: { backing: recording.id, backing_start_s: start.toFixed(4), backing_part: part },
    });
    player.destroy();
    page.go(`/app/recordings/${id}`);
  } catch (error) {
    if (error.name === "AbortError") return;
    bar.closest("section").remove();
    throw error;
  }
}
