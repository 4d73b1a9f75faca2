// Tells the service that somebody listens, once for each song and page: at the beginning, and after a while of it. What
// counts is for the service to say.
import { post } from "./api.js";

export function countPlays(audio, share) {
  let heard = 0;
  let last = null;
  let started = null;
  let told = false;
  const start = () => {
    started ??= post(`/shares/${share}/plays`).catch(() => null);
    last = audio.currentTime;
  };
  const listen = async () => {
    const passed = audio.currentTime - (last ?? audio.currentTime);
    last = audio.currentTime;
    if (passed > 0 && passed < 2) heard += passed; // a jump is not heard
    const play = await started;
    if (told || !play || heard < play.after_s) return;
    told = true;
    post(`/plays/${play.id}`).catch(() => {});
  };
  audio.addEventListener("play", start);
  audio.addEventListener("timeupdate", listen);
  audio.addEventListener("ended", listen);
  return audio;
}
