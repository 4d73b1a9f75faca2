// Beats and bars of a song. Where sounds begin is seen in how the energy of three bands grows; the tempo is what their
// autocorrelation and an even grid agree on. A song that keeps its tempo has that grid; the beats of others are found
// by dynamic programming (D. Ellis, "Beat tracking by dynamic programming", Journal of New Music Research 36, 2007).
// Bars are what recurs with every third or fourth beat: bass, accents, changes of the chord.

const RATE = 200; // values a second of what is looked at; samples are read once
const REACH = 4; // values: what sounds in 20 ms is compared with the 20 ms before
const BASS_HZ = 150;
const BRIGHT_HZ = 2000;
const FLOOR = 0.003; // of a band's mean energy: what is softer is silence
const BASS = 3; // how much bass counts: drums and basses play on the beat, guitars and cymbals between beats, too

const USUAL_BPM = 120; // expected tempos: log-normal
const SPREAD = 0.9; // octaves
const LEAST_BPM = 60;
const MOST_BPM = 190;
const LEAST_BEATS = 8;
const RATIOS = [1, 2 / 3, 3 / 2]; // dotted rhythms are taken for beats
const AUDIBLE = 0.7; // nats: the onsets' least effective value; songs reach 1.5
const STANDS_OUT = 8; // standard errors by which an even grid's onsets exceed others; speech and noise reach 7
const RECURS = 0.2; // correlation of onsets with those one to four beats later; speech and noise reach 0.15
const EVEN = 0.7; // share of what free beats catch that an even grid has to catch
const LOOSE = 400; // how much even distances count against loud onsets while the tempo is looked for,
const TIGHT = 5000; // and once it is known

const PREFERS_FOUR = 0.1; // by how much more bars of three have to explain

const CHORD_RATE = 2000; // about: samples a second of what chords are read from
const CHORD_HZ = 500;
const NOTES = Array.from({ length: 36 }, (_, i) => 65.4 * 2 ** (i / 12)); // Hz, from C2 on
const SEARCHED = 300 * RATE; // values in which an even grid is looked for, before it is fitted to more
const PIECE = 20 * RATE; // values that must not tell of another tempo
const BLOCK_MS = 15; // for which the page waits, at most about

const mean = (values) => {
  let sum = 0;
  for (let i = 0; i < values.length; ++i) sum += values[i];
  return values.length && sum / values.length;
};
const rms = (values) => Math.sqrt(mean(values.map((value) => value * value)));

/// { bpm, beats, bars, perBar } of an AudioBuffer: seconds at which its beats and bars begin. null: no clear beat. The
/// page goes on meanwhile; ends with an AbortError where `signal` (of an AbortController) says so.
export async function findBars(buffer, signal) {
  let until = 0;
  const pause = async () => {
    if (performance.now() < until) return;
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    until = performance.now() + BLOCK_MS;
  };
  const { onsets, bass, chords } = await listen(buffer, pause);
  if (rms(onsets) < AUDIBLE) return null;
  const found = await findBeats(onsets, pause);
  if (!found) return null;
  const usual = mean(onsets);
  const begin = onsets.findIndex((value) => value > usual) - REACH; // silence before a song is no bar
  const places = found.filter((place) => place >= begin);
  if (places.length < LEAST_BEATS) return null;
  const near = (values) => places.map((place) => nearest(values, place));
  const { perBar, first } = findMeter([near(bass), near(onsets), await chordChanges(chords, places, pause)]);
  const beats = places.map((place) => place / RATE);
  return {
    bpm: (60 * (beats.length - 1)) / (beats.at(-1) - beats[0]),
    beats,
    bars: beats.filter((_, i) => i >= first && (i - first) % perBar === 0),
    perBar,
  };
}

/// Seconds that are not seen of a time, which is rounded to a tenth.
export const NOT_SEEN = 0.06;

/// The number, from 0 on, of the bar that `seconds` lie in; -1: before the first. A time that reads like a bar's
/// beginning lies in it.
export const barAt = (bars, seconds) => bars.findLastIndex((start) => start <= seconds + NOT_SEEN);

/// How much louder sounds get, RATE times a second: all bands together (onsets), and the bass; and the song's deep
/// samples, for chords.
async function listen(buffer, pause) {
  const { sampleRate: rate, length } = buffer;
  const hop = rate / RATE;
  const every = Math.round(rate / CHORD_RATE);
  const [left, right] = [0, buffer.numberOfChannels - 1].map((channel) => buffer.getChannelData(channel));
  const [low, middle, high] = [0, 1, 2].map(() => new Float32Array(Math.floor(length / hop)));
  const deep = new Float32Array(Math.ceil(length / every));
  const [slow, fast, dark] = [BASS_HZ, BRIGHT_HZ, CHORD_HZ].map((hz) => 1 - Math.exp((-2 * Math.PI * hz) / rate));
  let [bass, bass2, body, body2, chord, chord2] = [0, 0, 0, 0, 0, 0]; // three low-passes, each twice
  for (let k = 0, i = 0; k < low.length; ++k) {
    if (k % RATE === 0) await pause();
    let [lowest, between, highest] = [0, 0, 0];
    for (const end = Math.round((k + 1) * hop); i < end; ++i) {
      const x = left[i] + right[i];
      bass += slow * (x - bass);
      bass2 += slow * (bass - bass2);
      body += fast * (x - body);
      body2 += fast * (body - body2);
      chord += dark * (x - chord);
      chord2 += dark * (chord - chord2);
      lowest += bass2 * bass2;
      between += (body2 - bass2) * (body2 - bass2);
      highest += (x - body2) * (x - body2);
      if (i % every === 0) deep[i / every] = chord2;
    }
    low[k] = lowest;
    middle[k] = between;
    high[k] = highest;
  }
  const sum = growth(low).map((value) => BASS * value);
  for (const energy of [middle, high]) {
    await pause();
    growth(energy).forEach((value, k) => (sum[k] += value));
  }
  await pause();
  const most = 5 * rms(sum); // so that the first sound after silence is not all that counts
  return {
    onsets: sum.map((value) => Math.min(value, most)),
    bass: growth(low, Math.sqrt), // amplitudes: in nats, all that follows silence is alike
    chords: { rate: rate / every, samples: deep },
  };
}

/// By how much the energy of REACH values exceeds that of those before: in nats, or in what `scale` makes of energies.
function growth(energy, scale = Math.log) {
  const floor = FLOOR * REACH * mean(energy) + 1e-9;
  const levels = energy.map((_, k) => {
    let sum = floor;
    for (let i = Math.max(0, k - REACH); i < k; ++i) sum += energy[i];
    return scale(sum);
  });
  return levels.map((level, k) => Math.max(0, (levels[k + REACH] ?? level) - level));
}

/// The largest value within 10 ms; those beside the place count less, so that it is drawn to the middle.
function nearest(values, place) {
  const at = Math.round(place);
  let most = 0;
  for (let by = -2; by <= 2; ++by) most = Math.max(most, (1 - 0.1 * Math.abs(by)) * (values[at + by] ?? 0));
  return most;
}

/// The distance of beats in values, and how much recurs after it.
async function findTempo(onsets, pause) {
  const middle = mean(onsets);
  const centred = onsets.map((value) => value - middle);
  const recurs = new Float32Array((4 * 60 * RATE) / LEAST_BPM + 2);
  for (let lag = 0; lag < recurs.length; ++lag) {
    await pause();
    let sum = 0;
    for (let k = lag; k < centred.length; ++k) sum += centred[k] * centred[k - lag];
    recurs[lag] = sum;
  }
  const at = (lag) => {
    const whole = Math.floor(lag);
    return (recurs[whole] + (lag - whole) * (recurs[whole + 1] - recurs[whole])) / recurs[0];
  };
  let best = { score: -Infinity };
  for (let bpm = LEAST_BPM; bpm <= MOST_BPM; bpm *= 1.0005) {
    const period = (60 * RATE) / bpm;
    const clarity = (at(period) + at(2 * period) + at(3 * period) + at(4 * period)) / 4;
    const score = clarity * Math.exp(-0.5 * (Math.log2(bpm / USUAL_BPM) / SPREAD) ** 2);
    if (score > best.score) best = { score, clarity, period };
  }
  return best;
}

/// By how many standard errors the values at places exceed the others.
function standsOut(values, places) {
  const usual = mean(values);
  const deviation = rms(values.map((value) => value - usual));
  return ((mean(places.map((place) => values[Math.round(place)])) - usual) / deviation) * Math.sqrt(places.length);
}

/// Places of the beats; null: none are clear.
async function findBeats(onsets, pause) {
  const reached = onsets.map((_, k) => nearest(onsets, k));
  const { period, clarity } = await findTempo(onsets, pause);
  const grid = await clearestGrid(reached, period, pause);
  if (!grid) return null;
  const isClear = grid.clarity >= STANDS_OUT;
  const recurs = clarity >= RECURS;
  if (!isClear && !recurs) return null;
  const start = isClear ? grid.step : period;
  const rough = await trackBeats(onsets, () => start, LOOSE, pause);
  const free = await trackBeats(onsets, smoothed(rough, start), TIGHT, pause);
  const isEven = isClear && grid.worth >= EVEN * mean(free.map((place) => reached[place]));
  if (!isEven && !recurs) return null;
  const places = isEven ? grid.places : free;
  return (await keepsTime(onsets, reached, places, pause)) ? places : null;
}

/// The even beats, of this tempo or of what it may be taken for, that stand out most; null: too short.
async function clearestGrid(reached, period, pause) {
  let best = null;
  for (const ratio of RATIOS) {
    const grid = await evenGrid(reached, period * ratio, pause);
    if (!grid) continue;
    grid.clarity = standsOut(reached, grid.places);
    if (!(grid.clarity <= best?.clarity)) best = grid;
  }
  return best;
}

/// Whether no piece of the song tells clearly of another tempo than that of these beats.
async function keepsTime(onsets, reached, places, pause) {
  for (let from = 0; from + PIECE / 2 < onsets.length; from += PIECE) {
    const piece = onsets.subarray(from, from + PIECE);
    if (rms(piece) < AUDIBLE) continue;
    const own = places.filter((place) => place >= from && place < from + PIECE).map((place) => place - from);
    const values = reached.subarray(from, from + PIECE);
    const { period } = await findTempo(piece, pause);
    const other = await clearestGrid(values, period, pause);
    if (!other || other.clarity < STANDS_OUT || standsOut(values, own) > other.clarity / 2) continue;
    // Twice and half the tempo are the same one.
    const octaves = Math.log2((own.at(-1) - own[0]) / (own.length - 1) / other.step);
    if (!(Math.abs(octaves - Math.round(octaves)) < 0.05)) return false;
  }
  return true;
}

/// The even beats, at most 1 % faster or slower, with the loudest onsets: found in the first minutes, then fitted to
/// twice as much, until that is the whole song.
async function evenGrid(reached, period, pause) {
  const bpm = (60 * RATE) / period;
  const whole = reached.length - 1;
  if (bpm < 0.97 * LEAST_BPM || bpm > 1.03 * MOST_BPM || whole < LEAST_BEATS * period) return null;
  let end = Math.min(whole, SEARCHED);
  let best = { worth: -1 };
  const search = async (low, high, factor, from, to, by) => {
    for (let step = low; step <= high; step *= factor) {
      await pause();
      for (let first = from; first < Math.min(to, step); first += by) {
        let sum = 0;
        let count = 0;
        for (let place = first; place < end; place += step, ++count) sum += reached[Math.round(place)];
        if (sum > best.worth * count) best = { worth: sum / count, step, first };
      }
    }
  };
  const fine = () => (0.03 * period) / end; // so that the last beat moves by a thirtieth of a beat
  await search(0.99 * period, 1.01 * period, 1 + fine(), 0, Infinity, 2);
  for (; ; end = Math.min(whole, 2 * end), best.worth = -1) {
    const { step, first } = best;
    const by = fine();
    await search(step * (1 - by), step * (1 + by), 1 + by / 8, Math.max(0, first - 3), first + 3, 0.5);
    if (end === whole) break;
  }
  const places = best.first > best.step - REACH ? [0] : []; // a song may begin with its first beat
  for (let place = best.first; place < end; place += best.step) places.push(place);
  return { ...best, places };
}

/// The beats whose onsets and even distances together are worth most.
async function trackBeats(onsets, periodAt, tightness, pause) {
  const scale = rms(onsets);
  const worth = new Float32Array(onsets.length);
  const before = new Int32Array(onsets.length).fill(-1);
  const logs = Float32Array.from({ length: (4 * 60 * RATE) / LEAST_BPM }, (_, gap) => Math.log(Math.max(1, gap)));
  for (let k = 0; k < onsets.length; ++k) {
    if (k % RATE === 0) await pause();
    const period = periodAt(k);
    const even = Math.log(period);
    let most = 0; // of the first beat, which has none before it
    for (let gap = Math.round(period / 2), far = Math.min(k, Math.round(2 * period)); gap <= far; ++gap) {
      const value = worth[k - gap] - tightness * (logs[gap] - even) ** 2;
      if (value > most) {
        most = value;
        before[k] = k - gap;
      }
    }
    worth[k] = onsets[k] / scale + most;
  }
  let last = onsets.length - 1;
  for (let k = last; k > onsets.length - periodAt(last); --k) if (worth[k] > worth[last]) last = k;
  const places = [];
  for (let place = last; place >= 0; place = before[place]) places.push(place);
  return places.reverse();
}

/// The distance of beats at a place: the mean of those usual among the 16 before and the 16 after it.
function smoothed(places, period) {
  const gaps = places.slice(1).map((place, i) => place - places[i]);
  const usual = gaps.map((_, i) => {
    const some = gaps.slice(Math.max(0, i - 16), i + 17).sort((a, b) => a - b);
    return mean(some.slice(some.length >> 2, some.length - (some.length >> 2)));
  });
  let i = 0;
  return (k) => {
    if (k < places[i]) i = 0;
    while (i < usual.length - 1 && places[i + 1] < k) ++i;
    return usual[i] ?? period;
  };
}

/// How much the notes of each beat differ from those of the beat before, 0 to 1 (Goertzel's algorithm).
async function chordChanges({ rate, samples }, places, pause) {
  const factors = NOTES.map((hz) => 2 * Math.cos((2 * Math.PI * hz) / rate));
  const notes = [];
  for (const [i, place] of places.entries()) {
    await pause();
    const from = Math.max(0, Math.round((place * rate) / RATE));
    const to = Math.min(samples.length, Math.round(((places[i + 1] ?? place + RATE / 2) * rate) / RATE));
    notes[i] = factors.map((factor) => {
      let now = 0;
      let past = 0;
      for (let k = from; k < to; ++k) {
        const next = samples[k] + factor * now - past;
        past = now;
        now = next;
      }
      return Math.sqrt(Math.max(0, now * now + past * past - factor * now * past));
    });
  }
  const product = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  return notes.map((now, i) => {
    const past = notes[i - 1] ?? now;
    const size = Math.sqrt(product(now, now) * product(past, past));
    return size > 0 ? 1 - product(now, past) / size : 0;
  });
}

/// Beats of a bar, and the first beat that begins one, by what recurs in features of the beats.
function findMeter(features) {
  const count = features[0].length;
  const centred = features.map((values) => {
    const middle = mean(values);
    const scale = rms(values.map((value) => value - middle)) || 1;
    return values.map((value) => (value - middle) / scale);
  });
  const meters = [4, 3].map((perBar) => {
    let explained = 0;
    const phases = new Array(perBar).fill(0); // what recurs most says where bars begin
    for (const values of centred) {
      const profile = phases.map((_, phase) => mean(values.filter((_, i) => i % perBar === phase)));
      // How much of the deviation it explains, less what chance would.
      const share = mean(profile.map((value) => value * value)) - (perBar - 1) / count;
      explained += share;
      profile.forEach((value, phase) => (phases[phase] += Math.max(0, share) * value));
    }
    const first = phases.reduce((best, value, phase) => (value > phases[best] + 1e-3 ? phase : best), 0);
    return { perBar, first, explained };
  });
  return meters[1].explained > meters[0].explained + PREFERS_FOUR ? meters[1] : meters[0];
}
