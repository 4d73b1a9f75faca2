// What is to be made of a recording: its part, the voice, the key, the price, go.
import { get, poll, post } from "../api.js";
import { announce, h, icon, note, set, signUp, toggle, working } from "../dom.js";
import { clock, credits, noteName, plural } from "../format.js";
import { keyCard } from "../key.js";
import { partCard } from "../part.js";
import { deleted } from "../recordings.js";
import { isMember, refreshAccount, session } from "../session.js";
import { allVoices, byFit, voiceGallery } from "../voices.js";

const QUOTE_DELAY_MS = 250; // after the last change of what is asked for
const round = (seconds) => Math.round(seconds * 100) / 100;

export default async function studio({ params, query, go }) {
  const leaving = new AbortController();
  const recording = await get(`/recordings/${params[0]}`);
  const body = h("div.stack");
  let cleanup = null;

  const show = async (found) => {
    if (found.state === "failed") {
      body.replaceChildren(
        note("bad", h("strong", "This recording cannot be used. "), found.failure, " Nothing was charged."),
        endings("Try another one", found, go),
      );
      return announce("This recording cannot be used");
    }
    const [voices, { peaks }] = await Promise.all([
      allVoices(query.get("voice")),
      get(`/recordings/${found.id}/peaks`, leaving.signal),
    ]);
    if (leaving.signal.aborted) return;
    const parts = controls({ recording: found, voices: byFit(voices, found), peaks, query, go });
    cleanup = parts.destroy;
    body.replaceChildren(...parts.nodes);
    announce("Ready: choose the part, the voice and the key");
  };

  if (recording.state === "ready" || recording.state === "failed") {
    await show(recording);
  } else if (recording.state === "uploading") {
    body.replaceChildren(
      note("info", "This upload is not complete. Choose the same file again and it goes on where it stopped. "),
      endings("Go on", recording, go),
    );
  } else {
    body.replaceChildren(analysing());
    poll(`/recordings/${recording.id}`, { finished: (now) => now.state !== "analysing", signal: leaving.signal })
      .then(show)
      .catch((error) => error.name !== "AbortError" && body.replaceChildren(note("bad", error.message)));
  }
  return {
    title: recording.name,
    node: h("section.stack.studio", h("div", h("p.small.quiet", "Your recording"), h("h1", recording.name)), body),
    destroy() {
      leaving.abort();
      cleanup?.();
    },
  };
}

/// For a recording with which nothing else can be done: another one, or delete it.
function endings(words, recording, go) {
  const remove = async () => (await deleted(recording)) && go("/app/new");
  return h(
    "div.row",
    h("a.button.primary", { href: "/app/new" }, words),
    h("button.button.danger", { type: "button", onclick: remove }, icon("trash"), "Delete this recording"),
  );
}

const analysing = () =>
  h(
    "div.card.stack.centred",
    h("div.listening", { "aria-hidden": "true" }, ...Array.from({ length: 5 }, () => h("span"))),
    h("h2", { role: "status" }, "Listening to it…"),
    h(
      "p.quiet",
      "Finding out how long it is, whether there is music in it, and which notes are sung. That takes a few seconds.",
    ),
  );

function controls({ recording, voices, peaks, query, go }) {
  const member = isMember();
  const limit = member ? 0 : session.config.preview_s;
  const options = {};
  let voice = voices.find((item) => item.id === query.get("voice")) ?? voices[0];
  let order = null; // made last, but asked by the others
  const part = partCard({
    recording,
    peaks,
    query,
    limit,
    footer:
      limit > 0 &&
      h("p.small.quiet", `As a guest you hear up to ${Math.round(limit)} seconds. `, signUp("a"), " for all of it."),
    changed: () => order.askForPrice(),
  });
  const music = musicCard(recording, () => {
    key.show();
    order.askForPrice();
  });
  const suggested = () => order?.suggestedKey();
  const key = keyCard({ recording, options, suggested, voice: () => voice, octavesOnly: music.kept });
  order = orderBar({
    member,
    voice: () => voice,
    wanted: (preview) => {
      const { start, end } = part.part;
      const last = preview ? Math.min(end, start + session.config.preview_s) : end;
      const wish = { recording: recording.id, voice: voice.id, start_s: round(start), end_s: round(last), preview };
      return { ...wish, keep_music: music.kept() };
    },
    options: () => ({ ...options, key: key.key() }),
    priced: key.show,
    started: (job) => go(`/app/jobs/${job.id}`),
    beforeOrder: part.pause,
  });
  order.askForPrice();
  const chooseVoice = (chosen) => {
    voice = chosen;
    order.askForPrice();
  };
  return {
    nodes: [part.node, music.node, voiceCard(recording, voices, voice, chooseVoice), key.node, order.node],
    destroy() {
      order.destroy();
      part.destroy();
    },
  };
}

/// Whether the music stays; changed() is called when that is switched.
function musicCard(recording, changed) {
  const { backing, has_music: music, has_vocals: vocals } = recording;
  let on = Boolean(backing) || (music && vocals);
  const words = backing
    ? "The song you sang to goes under the new voice. You can balance both afterwards."
    : music
      ? vocals
        ? "The singing is taken out of the music, gets the new voice, and goes back in."
        : "We heard music in it, but nobody singing. If somebody does, switch this on."
      : "We heard nothing but a voice. If there is music beside it, switch this on.";
  const label = backing ? "Put the music under my voice" : "Keep the music and change the voice";
  const sing = music && h("a", { href: `/app/sing/${recording.id}` }, "Sing it yourself instead");
  return {
    kept: () => on,
    node: h(
      "section.card.stack",
      { "aria-labelledby": "music-title" },
      h("div.row.between", h("h2", { id: "music-title" }, "And the music?"), sing),
      toggle(label, on, (wanted) => {
        on = wanted;
        changed();
      }),
      h("p.small.quiet", words),
    ),
  };
}

function voiceCard(recording, voices, voice, choose) {
  const legend =
    recording.f0_low > 0 &&
    h(
      "p.small.legend",
      h("span", h("span.swatch.singer"), `you: ${noteName(recording.f0_low)} to ${noteName(recording.f0_high)}`),
      h("span", h("span.swatch.voice"), "the voice's home"),
    );
  return h(
    "section.card.stack",
    { "aria-labelledby": "voice-title" },
    h("div.row.between", h("h2", { id: "voice-title" }, "Whose voice?"), legend),
    voiceGallery(voices, recording, voice?.id, choose),
    isMember() &&
      session.config.own_voices &&
      h("p.small", h("a", { href: "/app/own-voices" }, "Make a voice of your own")),
  );
}

/// The price of what is wanted, and the buttons that order it. wanted(preview): the job without its options; priced():
/// called when a price has come; started(job): called with the job that was made.
function orderBar({ member, voice, wanted, options, priced, started, beforeOrder }) {
  const price = h("div.price", { "aria-live": "polite" }, h("span.quiet", "Asking for the price…"));
  const problem = h("div", { "aria-live": "assertive" });
  const words = member ? "Convert" : "Make the preview";
  const goButton = h("button.button.primary.big", { type: "submit", disabled: true }, words);
  const freeButton = member && h("button.button", { type: "button" }, "Free preview");
  const node = h("form.go", h("div.go-inner", price, h("div.row.go-buttons", freeButton, goButton)), problem);
  let quote = null;
  let timer = 0;
  let latest = 0; // quote requests so far: only the last one's answer counts

  async function askNow() {
    if (!voice()) return price.replaceChildren(h("strong", "Choose a voice"));
    const mine = ++latest;
    try {
      const answer = await post("/quotes", { ...wanted(false), preview: !member });
      if (mine !== latest) return;
      quote = answer;
      goButton.disabled = !quote.enough;
      price.replaceChildren(...(member ? priceWords(quote) : previewWords(quote, voice())));
      priced();
    } catch (error) {
      const again = h("button.link", { type: "button", onclick: askNow }, "Ask again");
      if (mine === latest) price.replaceChildren(h("strong.bad-text", error.message), again);
    }
  }
  function askForPrice() {
    clearTimeout(timer);
    goButton.disabled = true;
    timer = setTimeout(askNow, QUOTE_DELAY_MS);
  }
  const make = orderer(wanted, options);
  const order = async (preview) => {
    problem.replaceChildren();
    beforeOrder();
    started(await make(preview));
  };
  const refused = (error) => {
    problem.replaceChildren(note("bad", error.message, wayOut(error, member)));
    askForPrice();
  };
  node.addEventListener(
    "submit",
    working(goButton, () => order(!member), refused),
  );
  if (freeButton) set(freeButton, { onclick: working(freeButton, () => order(true), refused) });
  return { node, askForPrice, suggestedKey: () => quote?.suggested_key, destroy: () => clearTimeout(timer) };
}

/// Posts jobs. The same request has the same key, so that pressing twice on a bad connection makes one job.
function orderer(wanted, options) {
  const keys = {};
  return async (preview) => {
    const body = { ...wanted(preview), options: options() };
    const id = JSON.stringify(body);
    keys[id] ??= [...crypto.getRandomValues(new Uint8Array(16))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");
    const job = await post("/jobs", body, { "Idempotency-Key": keys[id] });
    refreshAccount().catch(() => {});
    return job;
  };
}

function wayOut(error, member) {
  if (error.code === "not_enough_credits") return h("span", " ", h("a", { href: "/app/credits" }, "Get credits"));
  return member ? "" : h("span", " ", signUp("a"));
}

const previewWords = (quote, voice) => [
  h("strong", "Free preview"),
  h("span.small.quiet", `${plural(Math.round(quote.seconds), "second")} in ${voice.title}'s voice`),
];

const musicPrice = (quote) =>
  !quote.keep_music
    ? ""
    : quote.separation > 0
      ? ` with its music, ${quote.price - quote.separation} for each further voice`
      : " with its music";

const priceWords = (quote) => [
  h("strong", credits(quote.price)),
  quote.enough
    ? h("span.small.quiet", `for ${clock(quote.seconds)}${musicPrice(quote)}; you have ${quote.balance}`)
    : h(
        "span.small",
        `You have ${quote.balance}: ${credits(quote.price - quote.balance)} short. `,
        h("a", { href: "/app/credits" }, "Get credits"),
        " or choose a shorter part.",
      ),
];
