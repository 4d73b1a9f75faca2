// How late a sound that was played comes back through the microphone: clicks at known places, found again by
// cross-correlation.

// Uneven, so that only the right shift lays all of them over each other.
const CLICKS_S = [0, 0.31, 0.67, 0.93, 1.37, 1.71];
const CLICK_S = 0.008;
const LOW_HZ = 1500;
const HIGH_HZ = 5000;

/// The longest delay that is looked for; Bluetooth takes about 0.3 s.
export const MAX_DELAY_S = 0.6;

/// The clicks, short rising tones, as samples.
export function clickTrain(rate) {
  const samples = new Float32Array(Math.round((CLICKS_S.at(-1) + CLICK_S) * rate));
  const length = Math.round(CLICK_S * rate);
  for (const place of CLICKS_S)
    for (let i = 0; i < length; ++i) {
      const t = i / rate;
      const phase = 2 * Math.PI * (LOW_HZ * t + ((HIGH_HZ - LOW_HZ) * t * t) / (2 * CLICK_S));
      samples[Math.round(place * rate) + i] = 0.8 * Math.sin(phase) * Math.sin((Math.PI * i) / length) ** 2;
    }
  return samples;
}

/// By how many samples `heard` lies behind `played` (both begin at one moment), from `least` to `most`. `clarity`: how
/// far the correlation there stands out from the largest one more than 20 ms away; below 2 the answer is a guess.
export function findDelay(played, heard, { rate, least = 0, most = MAX_DELAY_S * rate }) {
  const places = Int32Array.from(played.keys()).filter((i) => played[i] !== 0);
  const values = Float32Array.from(places, (i) => played[i]);
  const first = Math.round(least);
  const sums = new Float32Array(Math.max(1, Math.round(most) - first + 1));
  for (let shift = 0; shift < sums.length; ++shift) {
    let sum = 0;
    for (let i = 0; i < places.length; ++i) {
      const at = places[i] + first + shift;
      if (at >= 0 && at < heard.length) sum += values[i] * heard[at];
    }
    sums[shift] = Math.abs(sum); // microphones may turn a sound upside down
  }
  const best = sums.reduce((found, value, i) => (value > sums[found] ? i : found), 0);
  const near = 0.02 * rate;
  const other = sums.reduce((largest, value, i) => (Math.abs(i - best) > near ? Math.max(largest, value) : largest), 0);
  return { delay: first + best, clarity: sums[best] > 0 ? sums[best] / Math.max(other, 1e-9) : 0 };
}
