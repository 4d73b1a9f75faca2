// Which part of a recording is converted: trimmed on its waveform or typed, and played.
import { silence } from "./audio.js";
import { field, h, icon, set } from "./dom.js";
import { clamp, clock, parseClock } from "./format.js";
import { trimmer } from "./waveform.js";

/// A field for the trimmer's "start" or "end".
function timeField(trim, name, reset) {
  const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off" });
  input.addEventListener("change", () => {
    const seconds = parseClock(input.value);
    if (seconds === null) reset();
    else trim.write(name, seconds);
  });
  return input;
}

/// Plays the chosen part of `url` and shows the position on the trimmer.
function partPlayer(url, trim) {
  const audio = new Audio(url);
  audio.preload = "none";
  const button = h("button.round", { type: "button", "aria-label": "Play the part" }, icon("play"));
  let frame = 0;
  const follow = () => {
    if (audio.currentTime >= trim.part.end) audio.pause();
    trim.showHead(audio.paused ? null : audio.currentTime);
    if (!audio.paused) frame = requestAnimationFrame(follow);
  };
  button.addEventListener("click", () => {
    if (!audio.paused) return audio.pause();
    silence(audio);
    audio.currentTime = trim.part.start;
    audio.play().catch((error) => {
      if (error.name !== "AbortError") set(button, { "aria-label": "The recording cannot be played" });
    });
  });
  for (const name of ["play", "pause"])
    audio.addEventListener(name, () => {
      button.replaceChildren(icon(audio.paused ? "play" : "pause"));
      set(button, { "aria-label": audio.paused ? "Play the part" : "Pause" });
      follow();
    });
  return {
    button,
    pause: () => audio.pause(),
    /// Stops where the position has left the part.
    partChanged() {
      if (audio.currentTime < trim.part.start || audio.currentTime > trim.part.end) audio.pause();
    },
    destroy() {
      cancelAnimationFrame(frame);
      audio.pause();
      audio.removeAttribute("src");
    },
  };
}

/// `limit`: the longest part in seconds, 0: the whole recording; `footer`: below the controls; `changed()` is called
/// after each change. The start and end in `query` are chosen at first.
export function partCard({ recording, peaks, query, limit, footer, changed }) {
  const whole = recording.duration_s;
  const given = (name, fallback) => clamp(parseFloat(query.get(name)) || fallback, 0, whole);
  const start = given("start", 0);
  const end = Math.max(start, given("end", limit ? start + limit : whole));
  const trim = trimmer({ peaks, duration: whole, start, end, limit, change: update });
  const player = partPlayer(`/api/v1/recordings/${recording.id}/audio`, trim);
  const fields = { start: timeField(trim, "start", show), end: timeField(trim, "end", show) };
  const length = h("span.small.quiet");
  function show() {
    for (const [name, input] of Object.entries(fields)) input.value = clock(trim.part[name], true);
    length.textContent = `${clock(trim.part.end - trim.part.start, true)} of ${clock(whole, true)}`;
  }
  function update() {
    show();
    player.partChanged();
    changed();
  }
  const takeAll = () => {
    trim.write("start", 0);
    trim.write("end", limit ? Math.min(limit, whole) : whole);
  };
  show();
  return {
    part: trim.part,
    pause: player.pause,
    node: h(
      "section.card.stack",
      { "aria-labelledby": "part-title" },
      h("div.row.between", h("h2", { id: "part-title" }, "Which part?"), length),
      trim.node,
      h(
        "div.row.part-row",
        player.button,
        field("Start", fields.start),
        field("End", fields.end),
        h("button.button.slim", { type: "button", onclick: takeAll }, limit ? "From the start" : "All of it"),
      ),
      footer,
    ),
    destroy() {
      player.destroy();
      trim.wave.destroy();
    },
  };
}
