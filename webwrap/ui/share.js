// Turns the public page's plain <audio> into a player with a waveform, and sends its report form. Without this file the
// page still plays.
import { h, icon, note, set } from "./js/dom.js";
import { get, post } from "./js/api.js";
import { clock } from "./js/format.js";
import { dragAcross, timeSlider, Waveform } from "./js/waveform.js";

const page = document.querySelector("[data-share]");
const id = page.dataset.share;

async function player(audio) {
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
  const fold = h("details", h("summary.small", "Report this song"));
  form.replaceWith(fold);
  fold.append(form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const data = Object.fromEntries(new FormData(form));
    if (!data.email) delete data.email;
    try {
      await post(`/shares/${id}/reports`, data);
      form.replaceChildren(note("good", "Thank you. A person will look at it."));
    } catch (error) {
      form.replaceChildren(note("bad", error.message), ...fields);
    }
  });
}

const audio = page.querySelector("audio");
if (audio) player(audio).catch(() => {}); // the plain player stays
const form = page.querySelector("form[data-report]");
if (form) report(form);
