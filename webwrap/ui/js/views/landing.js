// The start page: what this is, and a way in without an account.
import { Mixer, playButton } from "../audio.js";
import { h, icon, segments, set } from "../dom.js";
import { credits } from "../format.js";
import { sampleButton } from "../sample.js";
import { isMember, session } from "../session.js";
import { allVoices, facts, portrait, rangeWords } from "../voices.js";

// A phrase as bars: the same melody in two voices.
const PHRASE = [
  12, 26, 44, 60, 52, 36, 58, 82, 96, 74, 50, 34, 22, 38, 62, 88, 100, 84, 66, 48, 30, 18, 28, 46, 70, 92, 78, 56, 40,
  24, 14, 8,
];

function picture(sample) {
  const bars = (name) =>
    h(
      `div.hero-bars.${name}`,
      { "aria-hidden": "true" },
      PHRASE.map((height, i) => {
        const bar = h("span");
        bar.style.height = `${height}%`;
        bar.style.animationDelay = `${i * -0.11}s`;
        return bar;
      }),
    );
  const tag = (name, words) => h(`span.hero-tag.${name}`, { "aria-hidden": "true" }, words);
  return h(
    "div.hero-art",
    h("div.hero-lane", tag("dry", "you"), bars("dry")),
    h("div.hero-lane", tag("wet", "a new voice"), bars("wet")),
    sample.node,
  );
}

/// A song made here, as it was and in another voice: both play in step. It can be taken to the studio.
function beforeAndAfter(go) {
  const file = (name) => `/assets/sample/${name}.mp3`;
  const mixer = new Mixer({ dry: file("song"), wet: file("cover"), duration: 15.5 });
  const play = h("button.round.play", { type: "button" });
  const problem = h("p.small", { role: "alert" });
  let frame = 0;
  const show = () => {
    play.replaceChildren(icon(mixer.playing ? "pause" : "play"));
    set(play, { "aria-label": mixer.playing ? "Pause the sample song" : "Play the sample song" });
    const next = () => {
      if (mixer.playing && mixer.time >= mixer.duration) mixer.pause();
      if (mixer.playing) frame = requestAnimationFrame(next);
    };
    next();
  };
  const press = async () => {
    if (mixer.playing) return mixer.pause();
    problem.textContent = "";
    await mixer.play().catch(() => (problem.textContent = "The sample could not be loaded. Check your connection."));
  };
  play.addEventListener("click", press);
  mixer.addEventListener("change", show);
  show();
  const about = [
    "“Crazy Glue” by ",
    h("a", { href: "https://www.joshwoodward.com" }, "Josh Woodward"),
    ", CC BY 4.0, ",
  ];
  const terms = h("a", { href: "/assets/sample/LICENSE.txt", target: "_blank" }, "excerpt, voice changed");
  return {
    mixer,
    node: h(
      "div.stack.tight-stack.sample",
      h(
        "div.row.nowrap",
        play,
        h(
          "div.grow",
          segments("Hear", "sample", { dry: "Before", wet: "After" }, "wet", (mode) => mixer.set({ mode })),
        ),
      ),
      sampleButton("button.button", [icon("arrow"), "Try it with this song"], go),
      h("p.small", ...about, terms),
      problem,
    ),
    destroy() {
      cancelAnimationFrame(frame);
      mixer.destroy();
    },
  };
}

const step = (number, title, text) =>
  h("li.step", h("span.step-number", { "aria-hidden": "true" }, String(number)), h("h3", title), h("p.quiet", text));

export default async function landing({ go }) {
  const { config } = session;
  const voices = await allVoices().catch(() => []);
  const preview = Math.round(config.preview_s);
  const each = config.credits_per_minute;
  const sample = beforeAndAfter(go);
  return {
    destroy: sample.destroy,
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
            "the voice changes, and the music plays on.",
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
        picture(sample),
      ),
      h(
        "section.stack",
        h("h2", "From your voice to the new one"),
        h(
          "ol.steps",
          step(
            1,
            "Sing or upload",
            "A whole song with its music, or a voice alone. You can also sing to a backing track.",
          ),
          step(2, "Choose a voice and a key", "Hear each voice first. We suggest the key in which it sounds at home."),
          step(
            3,
            "Compare and keep",
            "Balance voice and music while they play. Download the song, its voice or its music, or share a link.",
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
