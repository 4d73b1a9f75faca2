// The field of a password: a button that shows it and, for a new one, how strong it looks.
import { field, h } from "./dom.js";
import { plural } from "./format.js";

const MIN_LENGTH = 12;

// A part of what the service knows of (domain/password.cc): the service's answer is the one that counts.
const COMMON = String.raw`
  p[a@]s+w[o0]r[dt] qwert[yz] iloveyou letmein welcome admin(istrator)? sunshine princess dragon monkey football
  baseball superman batman starwars pokemon shadow master michael jennifer jessica ashley hello hallo secret
  summer winter chocolate voxconv karaoke microphone music voice song sing 1q2w3e4r 1qaz2wsx asdf zxcv
  (19|20)\d\d
`;
const WORDS = new RegExp(COMMON.trim().split(/\s+/).join("|"), "g");
const LEVELS = ["Easy to guess", "Could be better", "Good", "Strong"];

/// Characters that go on with a row: "abcd", "4321".
function rows(text) {
  let count = 0;
  for (let i = 2; i < text.length; ++i) {
    const step = text.charCodeAt(i) - text.charCodeAt(i - 1);
    if (Math.abs(step) <= 1 && step === text.charCodeAt(i - 1) - text.charCodeAt(i - 2)) ++count;
  }
  return count;
}

/// Roughly the bits to guess, 3 for a letter, 2 for others, 8 for a common word, little for
/// what goes on or comes again.
function bitsToGuess(password) {
  let bits = 0;
  const rest = password
    .toLowerCase()
    .replace(/[ ._-]/g, "")
    .replace(WORDS, () => ((bits += 8), ""))
    .replace(/(.{3,})(?=.*\1)/gu, () => ((bits += 3), ""));
  const letters = rest.match(/\p{L}/gu)?.length ?? 0;
  bits += 3 * letters + 2 * ([...rest].length - letters) - 2 * rows(rest);
  return Math.max(0, bits);
}

/// 0: too short or refused by the service, to 4.
function strengthOf(password) {
  const missing = MIN_LENGTH - [...password].length;
  if (missing > 0) return { level: 0, words: password ? `${plural(missing, "character")} to go` : "" };
  const bits = bitsToGuess(password);
  const level = bits < 24 ? 1 : bits < 30 ? 2 : bits < 50 ? 3 : 4;
  return { level, words: LEVELS[level - 1] };
}

function meterOf(input) {
  const meter = h("meter", {
    min: 0,
    max: 4,
    low: 2,
    high: 3,
    optimum: 4,
    value: 0,
    "aria-label": "Strength of the password",
  });
  const words = h("span.small", { role: "status" });
  input.addEventListener("input", () => {
    const strength = strengthOf(input.value);
    meter.value = strength.level;
    words.textContent = strength.words;
  });
  return h("div.strength", meter, words);
}

export function passwordField(label, { fresh = false } = {}) {
  const input = h("input", {
    type: "password",
    autocomplete: fresh ? "new-password" : "current-password",
    required: true,
    minlength: fresh ? MIN_LENGTH : null,
  });
  const show = h("button.link.small", { type: "button", "aria-label": `Show it: ${label}` }, "Show it");
  show.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    show.textContent = shown ? "Hide it" : "Show it";
    show.setAttribute("aria-label", `${show.textContent}: ${label}`);
  });
  const node = field(label, input, fresh && `At least ${MIN_LENGTH} characters. A sentence works well.`);
  node.append(h("div", show), fresh ? meterOf(input) : "");
  return { input, node };
}
