// The start page: what this is, and a way in without an account.
import { playButton } from "../audio.js";
import { h, icon } from "../dom.js";
import { credits } from "../format.js";
import { isMember, session } from "../session.js";
import { allVoices, facts, portrait, rangeWords } from "../voices.js";

// A phrase as bars: the same melody in two voices.
const PHRASE = [
  12, 26, 44, 60, 52, 36, 58, 82, 96, 74, 50, 34, 22, 38, 62, 88, 100, 84, 66, 48, 30, 18, 28, 46, 70, 92, 78, 56, 40,
  24, 14, 8,
];

function picture() {
  const bars = (name) =>
    h(
      `div.hero-bars.${name}`,
      PHRASE.map((height, i) => {
        const bar = h("span");
        bar.style.height = `${height}%`;
        bar.style.animationDelay = `${i * -0.11}s`;
        return bar;
      }),
    );
  return h(
    "div.hero-art",
    { "aria-hidden": "true" },
    h("div.hero-lane", h("span.hero-tag.dry", "you"), bars("dry")),
    h("div.hero-lane", h("span.hero-tag.wet", "a new voice"), bars("wet")),
  );
}

const step = (number, title, text) =>
  h("li.step", h("span.step-number", { "aria-hidden": "true" }, String(number)), h("h3", title), h("p.quiet", text));

export default async function landing() {
  const { config } = session;
  const voices = await allVoices().catch(() => []);
  const preview = Math.round(config.preview_s);
  const each = config.credits_per_minute;
  return {
    node: h(
      "div.stack.wide-gap",
      h(
        "section.hero",
        h(
          "div.stack",
          h("h1.display", "Sing it. Hear it in ", h("em", "another voice.")),
          h(
            "p.lead",
            "Upload a song or sing into your phone. The melody, the words and the timing stay yours; ",
            "the voice changes.",
          ),
          h(
            "div.row",
            h("a.button.primary.big", { href: "/app/new" }, icon("mic"), isMember() ? "Sing something" : "Try it now"),
            !isMember() && h("a.button.big", { href: "/app/signup" }, "Sign up"),
          ),
          !isMember() &&
            h(
              "p.small.quiet",
              `Trying needs no account: a free preview of ${preview} seconds. `,
              `Signing up with a confirmed e-mail address gives ${credits(config.free_credits)}, `,
              each === 1 ? "for a minute of song each." : `for songs at ${credits(each)} a minute.`,
            ),
        ),
        picture(),
      ),
      h(
        "section.stack",
        h("h2", "From your voice to the new one"),
        h(
          "ol.steps",
          step(1, "Sing or upload", "A capella works best. The upload goes on by itself when the connection breaks."),
          step(2, "Choose a voice and a key", "Hear each voice first. We suggest the key in which it sounds at home."),
          step(
            3,
            "Compare and keep",
            "Switch between both versions while they play. Download as mp3, wav or flac, or share a link.",
          ),
        ),
      ),
      voices.length > 0 &&
        h(
          "section.stack",
          h("h2", "The voices"),
          h("p.quiet", "Each one was recorded and published under a free licence by the person it belongs to."),
          h(
            "ul.shelf",
            voices.map((voice) =>
              h(
                "li.shelf-voice",
                portrait(voice),
                h(
                  "div.grow",
                  h("strong", voice.title),
                  h("div.small.quiet", facts(voice)),
                  h("div.small.quiet", rangeWords(voice)),
                  h("div.small.quiet", voice.licence),
                ),
                voice.sample_url && playButton(voice.sample_url, `a sample of ${voice.title}`),
              ),
            ),
          ),
        ),
    ),
  };
}
