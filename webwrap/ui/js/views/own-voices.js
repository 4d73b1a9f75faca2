// A member's own voices: the list, and how a new one begins.
import { get, post } from "../api.js";
import { playButton } from "../audio.js";
import { field, forMembers, h, icon, note, select, working } from "../dom.js";
import { credits, languageName, spoken } from "../format.js";
import { isMember, session } from "../session.js";

export const STATES = {
  draft: "recordings are gathered",
  consent: "ready to be trained",
  training: "being trained",
  private: "only you can use it",
  link: "open to who has its link",
  review: "a person looks at it",
  published: "published",
  withdrawn: "deleted",
};

const LANGUAGES = "en de fr es it nl pt pl ru uk sv da fi cs tr ja zh ko".split(" ");

export const languageSelect = (chosen, codes = LANGUAGES, attributes = {}) =>
  select(Object.fromEntries([chosen, ...codes].map((code) => [code, languageName(code)])), chosen, attributes);

const line = (voice) =>
  h(
    "li.line",
    voice.sample_url && playButton(voice.sample_url, voice.title),
    h(
      "div.grow",
      h("a", { href: `/app/own-voices/${voice.id}` }, voice.title),
      h(
        "div.small.quiet",
        [voice.hidden ? "closed by an operator" : STATES[voice.state], languageName(voice.language)].join(" · "),
      ),
    ),
  );

function newVoice(go) {
  const title = h("input", { type: "text", required: true, maxlength: 60, autocomplete: "off" });
  const language = languageSelect((navigator.language || "en").slice(0, 2));
  const gender = select({ "": "rather not say", female: "female", male: "male" }, "");
  const button = h("button.button.primary.fit", icon("mic"), "Begin");
  const begin = working(button, async () => {
    const voice = await post("/own-voices", {
      title: title.value.trim(),
      language: language.value,
      gender: gender.value,
    });
    go(`/app/own-voices/${voice.id}`);
  });
  return h(
    "form.card.stack",
    { onsubmit: begin },
    h("h2", "A new voice"),
    field("What shall it be called?", title, "Others see this name if you let them sing with it."),
    h("div.two", field("Language you record in", language), field("Voice", gender, "It helps to suggest a key.")),
    button,
  );
}

export default async function ownVoices({ go }) {
  const config = session.config.own_voices;
  if (!config)
    return {
      title: "Your voices",
      node: h("section.narrow.stack", h("h1", "Your voices"), h("p", "Own voices are not made here.")),
    };
  if (!isMember()) return forMembers("Your own voice", "Sing anything in your voice. It needs an account.");
  const voices = await get("/own-voices");
  const kept = voices.filter((voice) => voice.state !== "withdrawn");
  const steps = [
    `Record or upload ${spoken(config.needed_s)} of your own singing or speech.`,
    "Read a phrase aloud, so that nobody makes a voice of somebody else.",
    `We make the voice: that takes a while and costs ${credits(config.training_credits)}.`,
    "Only you can use it, until you open it to others.",
  ];
  return {
    title: "Your voices",
    node: h(
      "section.stack.narrow-wide",
      h("h1", "Your own voice"),
      h("p.lead", "Sing anything in your voice, or let others sing with it."),
      voices.length > 0 && h("ul.lines.card", voices.map(line)),
      kept.length === 0 &&
        h(
          "ol.stack.tight-stack.listed",
          steps.map((words) => h("li", words)),
        ),
      !session.account?.email_verified
        ? note("info", "Open the link that we sent to your e-mail address first; then you can begin.")
        : kept.length < config.most
          ? newVoice(go)
          : note("info", `You have ${kept.length} voices, which is the most there can be.`),
    ),
  };
}
