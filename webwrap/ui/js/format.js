// Numbers and words for people.

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/// 83.4 → "1:23.4" (tenths) or "1:23".
export function clock(seconds, tenths = false) {
  const value = Math.max(0, tenths ? Math.round(seconds * 10) / 10 : Math.floor(seconds));
  const minutes = Math.floor(value / 60);
  const rest = value - minutes * 60;
  return `${minutes}:${tenths ? rest.toFixed(1).padStart(4, "0") : String(Math.floor(rest)).padStart(2, "0")}`;
}

/// What clock() makes, or "83.4", in seconds; null: neither.
export function parseClock(text) {
  const match = /^\s*(?:(\d+):)?(\d+(?:[.,]\d+)?)\s*$/.exec(text);
  return match ? Number(match[1] ?? 0) * 60 + Number(match[2].replace(",", ".")) : null;
}

/// For screen readers: "1 minute 23 seconds".
export function spoken(seconds) {
  const minutes = Math.floor(seconds / 60);
  const rest = Math.round(seconds - minutes * 60);
  return [minutes && plural(minutes, "minute"), (rest || !minutes) && plural(rest, "second")].filter(Boolean).join(" ");
}

export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
export const credits = (count) => plural(count, "credit");

/// The operator's contact is an address of mail or of a page.
export const contactAddress = (contact) => (contact.includes("@") ? `mailto:${contact}` : contact);

// What Stripe does not count in hundredths (https://docs.stripe.com/currencies). Browsers' own digits are others: no
// hundredths of forints, rupiahs or krónur, which Stripe has.
const WHOLE = new Set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "));
const THOUSANDTHS = new Set("BHD JOD KWD OMR TND".split(" "));

/// How many digits of an amount stand behind the point.
export const decimals = (code) => (WHOLE.has(code.toUpperCase()) ? 0 : THOUSANDTHS.has(code.toUpperCase()) ? 3 : 2);

/// 499 with two digits → "4.99", to be typed over.
export const fraction = (amount, digits) => (amount / 10 ** digits).toFixed(digits);

/// `amount` as Stripe counts it: 499, "eur" → "€4.99"; 500, "jpy" → "¥500".
export function money(amount, code) {
  const currency = code.toUpperCase();
  const digits = decimals(currency);
  return new Intl.NumberFormat(undefined, { style: "currency", currency, maximumFractionDigits: digits }).format(
    amount / 10 ** digits,
  );
}

export const bytes = (count) =>
  count < 1e6 ? `${Math.max(1, Math.round(count / 1e3))} kB` : `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;

export const when = (seconds) =>
  new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(seconds * 1000));

export const date = (seconds) =>
  new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(new Date(seconds * 1000));

export const semitones = (hz) => 12 * Math.log2(hz / 440) + 69;

const NOTES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
/// 440 → "A4".
export function noteName(hz) {
  const midi = Math.round(semitones(hz));
  return `${NOTES[((midi % 12) + 12) % 12]}${Math.floor(midi / 12) - 1}`;
}

export const signed = (value) => (value > 0 ? `+${value}` : value < 0 ? `−${Math.abs(value)}` : "0");

/// "+12" as words: "one octave up".
export function keyWords(key) {
  if (key === 0) return "same key";
  const up = key > 0 ? "up" : "down";
  if (Math.abs(key) === 12) return `one octave ${up}`;
  if (Math.abs(key) === 24) return `two octaves ${up}`;
  return `${plural(Math.abs(key), "semitone")} ${up}`;
}

export function languageName(code) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(code);
  } catch {
    return code;
  }
}
