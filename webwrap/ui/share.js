// Turns the plain <audio> of public pages into players, with a waveform on a song's own, counts plays, and sends the
// report form. Without this file the pages still play.
import { h, icon, note, set } from "./js/dom.js";
import { get, post } from "./js/api.js";
import { playButton } from "./js/audio.js";
import { clock } from "./js/format.js";
import { countPlays } from "./js/plays.js";
import { dragAcross, timeSlider, Waveform } from "./js/waveform.js";

async function player(page, audio) {
  const id = page.dataset.share;
  countPlays(audio, id);
  const { peaks } = await get(`/shares/${id}/peaks`);
  const duration = () =>
    Number.isFinite(audio.duration) && audio.duration > 0 ? audio.duration : Number(page.dataset.duration);
  const wave = new Waveform(peaks);
  const scrub = h("div.share-scrub", wave.node);
  const play = h("button.round", { type: "button", "aria-label": "Play" }, icon("play"));
  const time = h("p.share-time.small");
  const update = timeSlider(scrub, {
    label: "Position",
    read: () => audio.currentTime,
    write: (seconds) => (audio.currentTime = seconds),
    high: duration,
  });
  dragAcross(scrub, wave.node, (x) => (audio.currentTime = x * duration()));
  const show = () => {
    wave.setProgress(audio.currentTime / duration());
    time.textContent = `${clock(audio.currentTime)} / ${clock(duration())}`;
  };
  const follow = () => {
    show();
    if (!audio.paused) requestAnimationFrame(follow);
  };
  play.addEventListener("click", () => (audio.paused ? audio.play().catch(failed) : audio.pause()));
  const failed = () =>
    audio.after(note("bad", "The song could not be loaded. Check your connection and press play again."));
  for (const name of ["play", "pause", "ended", "seeked", "loadedmetadata"])
    audio.addEventListener(name, () => {
      play.replaceChildren(icon(audio.paused ? "play" : "pause"));
      set(play, { "aria-label": audio.paused ? "Play" : "Pause" });
      update();
      follow();
    });
  audio.controls = false;
  audio.hidden = true;
  audio.before(h("div.share-player", play, scrub), time);
  show();
}

function report(form) {
  const fields = [...form.children];
  const fold = h("details", h("summary.small", page.dataset.share ? "Report this song" : "Report this page"));
  form.replaceWith(fold);
  fold.append(form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const data = Object.fromEntries(new FormData(form));
    if (!data.email) delete data.email;
    try {
      await post(form.dataset.report, data);
      form.replaceChildren(note("good", "Thank you. A person will look at it."));
    } catch (error) {
      form.replaceChildren(note("bad", error.message), ...fields);
    }
  });
}

/// A song in an artist's list: one button.
function row(item) {
  const audio = item.querySelector("audio");
  if (!audio) return; // for subscribers
  const button = playButton(audio.src, item.dataset.title);
  countPlays(button.audio, item.dataset.share);
  audio.replaceWith(button);
}

const page = document.querySelector("main");
const audio = page.dataset.share && page.querySelector("audio");
if (audio) player(page, audio).catch(() => {}); // the plain player stays
page.querySelectorAll("li[data-share]").forEach(row);
const form = page.querySelector("form[data-report]");
if (form) report(form);
