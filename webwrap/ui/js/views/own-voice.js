// One own voice, from its recordings to who may use it. What is shown follows the voice's state.
import { del, get, patch, poll, post } from "../api.js";
import { playButton } from "../audio.js";
import { announce, card, confirmed, copyable, field, h, icon, note, onPress, signButton, toast } from "../dom.js";
import { clock, credits, plural, spoken } from "../format.js";
import { deleted } from "../recordings.js";
import { reachable, refreshAccount, session } from "../session.js";
import { takeButtons, TakeBox } from "../takes.js";
import { forgetVoices } from "../voices.js";
import { languageSelect, STATES } from "./own-voices.js";

const LONGEST_TAKE_S = 300;
const LONGEST_PHRASE_S = 60;
const ON_ITS_WAY = new Set(["uploading", "analysing"]);
const GONE = "The voice and its recordings are gone. Songs that were made with it stay.";
const STAGES = {
  preparing: "Listening to your recordings",
  training: "Learning your voice",
  writing: "Singing a sample",
};

class Page {
  constructor(voice, go) {
    this.voice = voice;
    this.go = go;
    this.base = `/own-voices/${voice.id}`;
    this.leaving = new AbortController();
    this.node = h("section.stack.narrow-wide");
    this.busy = new Set(); // boxes that record or upload: nothing may be drawn anew below them
    this.live = 0; // seconds sung in the take that is being recorded
    this.takes = this.box("takes", {
      ways: (box) => takeButtons(box, "Record", { files: true }),
      advice: "Speak or sing, low and high, soft and loud, in a quiet room; no music beside it.",
      longest: LONGEST_TAKE_S,
      level: (seconds) => this.count(seconds),
      about: () => ({ voice: voice.id }),
    });
    this.spoken = this.box("spoken", {
      ways: (box) => takeButtons(box, "Speak it"),
      advice: "Read it slowly, word by word, in your usual voice.",
      longest: LONGEST_PHRASE_S,
      about: () => ({ voice: voice.id, consent: this.voice.consent.id }),
    });
    this.takes.idle();
    this.spoken.idle();
    this.show();
    this.watch();
  }

  box(name, options) {
    return new TakeBox({ sent: () => this.refresh(), busy: (on) => this.hold(name, on), ...options });
  }

  hold(name, on) {
    this.busy[on ? "add" : "delete"](name);
    if (!this.busy.size && this.late) this.show();
  }

  count(seconds) {
    this.live = seconds;
    this.counter?.();
  }

  take(voice) {
    const before = this.voice;
    this.voice = voice;
    if (before.state !== voice.state || before.hidden !== voice.hidden) {
      forgetVoices();
      announce(`${voice.title}: ${STATES[voice.state]}`);
      if (before.state === "training") refreshAccount().catch(() => {});
    }
    if (this.busy.size) this.late = true;
    else this.show();
  }

  async refresh() {
    this.take(await get(this.base));
  }

  /// Asks as long as somebody is there: workers and operators change it, too.
  watch() {
    poll(this.base, {
      finished: () => false,
      onchange: (voice) => this.take(voice),
      signal: this.leaving.signal,
      every: 1500,
    }).catch((error) => error.name !== "AbortError" && toast(error.message, "bad"));
  }

  /// A button that does something, and shows what the voice is then.
  button(spec, words, work, attributes = {}) {
    return onPress(h(spec, { type: "button", ...attributes }, words), async () => {
      await work();
      await this.refresh();
    });
  }

  show() {
    this.late = false;
    const { voice } = this;
    const parts = {
      draft: [recordingsCard, consentCard],
      consent: [consentedCard, trainCard],
      training: [progressCard],
      private: [hearCard, accessCard],
      link: [hearCard, accessCard],
      review: [hearCard, accessCard],
      published: [hearCard, accessCard],
      withdrawn: [],
    }[voice.state];
    const focused = document.activeElement?.dataset?.keep;
    this.counter = null;
    const children = [
      h("div", h("p.small.quiet", h("a", { href: "/app/own-voices" }, "Your voices")), h("h1", voice.title)),
      h("p.quiet", { role: "status" }, `Now: ${STATES[voice.state]}.`),
      voice.hidden && note("bad", h("strong", "An operator has closed this voice. "), voice.hidden),
      voice.refusal && note("bad", h("strong", "It was not published. "), voice.refusal),
      voice.state === "withdrawn" && note("info", GONE),
      ...parts.map((part) => part(this)),
      voice.state !== "withdrawn" && endCard(this),
    ];
    this.node.replaceChildren(...children.filter(Boolean));
    if (focused) this.node.querySelector(`[data-keep="${focused}"]`)?.focus();
  }

  destroy() {
    this.leaving.abort();
    this.takes.destroy();
    this.spoken.destroy();
  }
}

// ---- what it is made of ----

function recordingsCard(page) {
  const { voice, takes } = page;
  const bar = h("progress", { max: 1, "aria-label": "How much there is of what is needed" });
  const words = h("p", { role: "status" });
  page.counter = () => {
    const there = voice.usable_s + page.live;
    bar.value = Math.min(1, there / voice.needed_s);
    words.replaceChildren(
      h("strong", `${clock(there)} of ${clock(voice.needed_s)}`),
      there < voice.needed_s ? " minutes that can be used" : ": that is enough. More makes it better.",
    );
  };
  page.counter();
  return card(
    "1. Your recordings",
    h(
      "p.quiet",
      "Your voice alone, without music. Silence does not count, nor recordings of less than 5 seconds. " +
        `${spoken(voice.needed_s)} are enough to be recognised; different moods and pitches help.`,
    ),
    words,
    bar,
    voice.recordings.length > 0 &&
      h(
        "ul.lines",
        voice.recordings.map((recording) => recordingLine(page, recording)),
      ),
    takes.node,
  );
}

function recordingLine(page, recording) {
  const state =
    recording.state === "failed"
      ? recording.failure
      : ON_ITS_WAY.has(recording.state)
        ? "listening to it…"
        : `${clock(recording.usable_s)} of ${clock(recording.duration_s)} can be used`;
  const remove = async () => (await deleted(recording)) && page.refresh();
  return h(
    "li.line",
    recording.state === "ready" && playButton(`/api/v1/recordings/${recording.id}/audio`, recording.name),
    h("div.grow", recording.name, h("div.small.quiet", state)),
    signButton("trash", `Delete ${recording.name}`, { "data-keep": recording.id, onclick: remove }),
  );
}

// ---- consent ----

function consentCard(page) {
  const { voice } = page;
  const { consent } = voice;
  const waiting = voice.recordings.some((recording) => ON_ITS_WAY.has(recording.state));
  const parts =
    voice.usable_s < voice.needed_s || waiting
      ? [
          h(
            "p.quiet",
            waiting ? "In a moment, when all recordings were listened to." : "When there are enough recordings.",
          ),
        ]
      : consent?.verdict === "asked" && consent.expires * 1000 > Date.now()
        ? phrase(page)
        : consent?.verdict === "checking"
          ? [h("p", { role: "status" }, h("span.spinner"), " Comparing it with your recordings…")]
          : consent?.verdict === "review"
            ? [note("info", consent.reason), askAgain(page, "Speak another phrase instead")]
            : agreement(page);
  return card("2. Say that it is your voice", ...parts);
}

function agreement(page) {
  const { consent, language } = page.voice;
  const { terms, phrase_languages: languages } = session.config.own_voices;
  const agreed = h("input", { type: "checkbox", "data-keep": "agreed" });
  const spokenIn = languages.includes(language.slice(0, 2)) ? language.slice(0, 2) : languages[0];
  const choice = languageSelect(spokenIn, languages, { "data-keep": "language" });
  const ask = page.button("button.button.primary.fit", "Show me the phrase", async () => {
    if (!agreed.checked) throw new Error("Please read the terms and say that you agree.");
    await post(`${page.base}/phrases`, { agreed: true, language: choice.value });
  });
  return [
    consent?.verdict === "refused" && consent.reason && note("bad", consent.reason),
    h(
      "p",
      "Nobody may make a voice of somebody else. So you read a phrase aloud, which is a new one each time, " +
        "and we compare it with your recordings.",
    ),
    h("details", h("summary", "What you agree to"), h("p.small", terms)),
    h("label.switch", agreed, h("span", "It is my own voice, and I agree.")),
    field("Language of the phrase", choice),
    ask,
  ];
}

function phrase(page) {
  const { consent } = page.voice;
  const left = Math.max(1, Math.round((consent.expires * 1000 - Date.now()) / 60000));
  return [
    h("p.quiet", `Read all of this aloud within ${plural(left, "minute")}:`),
    h("blockquote.phrase", { lang: consent.language }, consent.phrase),
    page.spoken.node,
    askAgain(page, "Another phrase"),
  ];
}

const askAgain = (page, words) =>
  page.button("button.link.fit", words, () =>
    post(`${page.base}/phrases`, { agreed: true, language: page.voice.consent.language }),
  );

// ---- training ----

function consentedCard(page) {
  return card(
    "Your consent is here",
    h(
      "p",
      `${clock(page.voice.usable_s)} minutes of recordings, and the phrase you spoke. `,
      "They stay as they are from now on.",
    ),
    page.button("button.link.fit", "Change the recordings (the phrase must be spoken again)", () =>
      del(`${page.base}/consent`),
    ),
  );
}

function trainCard(page) {
  const { price } = page.voice.training;
  const balance = session.account?.balance ?? 0;
  const enough = balance >= price;
  const train = page.button(
    "button.button.primary.fit",
    "Make my voice",
    async () => {
      await post(`${page.base}/training`);
      refreshAccount().catch(() => {});
    },
    { disabled: !enough, "data-keep": "train" },
  );
  return card(
    "3. Make the voice",
    h(
      "p",
      h("strong", credits(price)),
      `; you have ${balance}. `,
      !enough && h("a", { href: "/app/credits" }, "Get credits"),
    ),
    h(
      "p.quiet",
      "It takes a quarter of an hour and more, since songs of others go first. You can close this page. " +
        "If it fails, you get the credits back.",
    ),
    train,
  );
}

function progressCard(page) {
  const { job } = page.voice.training;
  const running = job?.state === "running";
  const words = running
    ? `${STAGES[job.stage] ?? "Beginning"}, ${Math.floor(job.progress * 100)} %`
    : "Waiting for its turn. What was learned so far is kept.";
  const cancel =
    job && page.button("button.button.fit", "Cancel", () => del(`/jobs/${job.id}`), { "data-keep": "cancel" });
  return card(
    "Your voice is being made",
    h("p", { role: "status" }, words),
    h("progress.big-progress", { max: 1, value: running ? job.progress : undefined, "aria-label": "Progress" }),
    h("p.small.quiet", "You can close this page; it goes on."),
    cancel,
  );
}

// ---- use ----

function hearCard(page) {
  const { voice } = page;
  if (!voice.sample_url) return null;
  return card(
    "Hear it",
    h(
      "div.row.nowrap",
      playButton(voice.sample_url, `${voice.title}: a sample`),
      h("span", "Somebody else's singing, in your voice"),
    ),
    h("a.button.primary.fit", { href: `/app/new?voice=${voice.id}` }, icon("mic"), "Sing with it"),
  );
}

const ACCESS = {
  private: ["Only me", "Nobody else can find it or convert with it."],
  link: ["Who has the link", "Whoever you send the link to can convert with it."],
  published: ["Everybody here", "A person listens first. Then it stands among the voices, and you earn with it."],
};

function accessCard(page) {
  const { voice } = page;
  const now = voice.state === "review" ? "published" : voice.state;
  const choose = async (access) => {
    try {
      await post(`${page.base}/access`, { access });
    } catch (error) {
      toast(error.message, "bad");
    }
    await page.refresh();
  };
  const choices = Object.entries(ACCESS).map(([value, [title, words]]) =>
    h(
      "label.choice",
      h("input", {
        type: "radio",
        name: "access",
        value,
        checked: value === now,
        "data-keep": value,
        onchange: () => choose(value),
      }),
      h("span", h("strong", title), h("span.small.quiet", words)),
    ),
  );
  return card(
    "Who may sing with it?",
    h("div.stack.tight-stack", { role: "radiogroup", "aria-label": "Who may sing with it" }, choices),
    h(
      "p.small.quiet",
      "Of what others paid for the credits that they spend on your published voice, ",
      `${voice.royalty_permille / 10} % are yours. `,
      h("a", { href: "/app/earnings" }, "Earnings"),
    ),
    voice.state === "review" &&
      note("info", "A person listens to it; we tell you by mail. Until then only you can use it."),
    voice.link_url && linkField(page),
  );
}

function linkField(page) {
  const { field: address, button: copy } = copyable("Link", reachable(page.voice.link_url), { type: "url" });
  const renew = page.button("button.button.ghost", "New link, the old one ends", () =>
    post(`${page.base}/access`, { access: "link" }),
  );
  return h("div.stack.tight-stack", address, h("div.row", copy, renew));
}

// ---- its name, its end ----

function endCard(page) {
  const { voice } = page;
  const fixed = voice.state === "review" || voice.state === "published";
  const rename = async () => {
    const input = field("Name", h("input", { type: "text", value: voice.title, maxlength: 60, required: true }));
    const title = await confirmed({
      title: "Rename it",
      text: "Songs that were made keep the old name.",
      action: "Rename",
      input,
    });
    if (title)
      await patch(page.base, { title }).then(
        () => page.refresh(),
        (error) => toast(error.message, "bad"),
      );
  };
  const remove = async () => {
    const text = voice.trained
      ? "Nobody can convert with it any more, at once; the voice and its recordings are deleted for good. " +
        "Songs that were made stay."
      : "Its recordings are deleted for good.";
    if (!(await confirmed({ title: `Delete "${voice.title}"?`, text, action: "Delete it" }))) return;
    try {
      await del(page.base);
      forgetVoices();
      page.go("/app/own-voices");
    } catch (error) {
      toast(error.message, "bad");
    }
  };
  return h(
    "div.row",
    !fixed && h("button.button", { type: "button", onclick: rename }, icon("edit"), "Rename"),
    h(
      "button.button.danger",
      { type: "button", onclick: remove },
      icon("trash"),
      voice.trained ? "Withdraw and delete it" : "Delete it",
    ),
  );
}

export default async function ownVoice({ params, go }) {
  const page = new Page(await get(`/own-voices/${params[0]}`), go);
  return { title: page.voice.title, node: page.node, destroy: () => page.destroy() };
}
