// A finished song: compare, mix, download, share, go on.
import { del, get, patch, poll, post } from "../api.js";
import { Mixer } from "../audio.js";
import { announce, confirmed, field, h, icon, note, set, toast, toggle, working } from "../dom.js";
import { clock, keyWords, signed, when } from "../format.js";
import { isMember, session } from "../session.js";
import { dragAcross, timeSlider, Waveform } from "../waveform.js";

export default async function song({ params, go }) {
  const id = params[0];
  const [found, peaks] = await Promise.all([get(`/songs/${id}`), get(`/songs/${id}/peaks`)]);
  // What is shared is what was kept; changed(): called when the singer moves a slider.
  const mix = { wet: found.share?.wet ?? 1, level_db: found.share?.level_db ?? 0, changed: null };
  const player = comparison(found, peaks, mix);
  const title = h("h1", found.title);
  const rename = h("button.round.soft.small-round.plain", { type: "button", "aria-label": "Change the title" }, icon("edit"));
  rename.addEventListener("click", async () => {
    const input = h("input", { type: "text", value: found.title, maxlength: 120, required: true });
    const wanted = await confirmed({ title: "Change the title", text: "It is shown to you and on the shared page.", action: "Save", input: field("Title", input) });
    if (!wanted || wanted === found.title) return;
    try {
      await patch(`/songs/${id}`, { title: wanted });
      title.textContent = found.title = wanted;
    } catch (error) {
      toast(error.message, "bad");
    }
  });
  const remove = h("button.button.danger.ghost", { type: "button" }, icon("trash"), "Delete this song");
  remove.addEventListener(
    "click",
    working(remove, async () => {
      if (!(await confirmed({ title: "Delete this song?", text: "The song, its downloads and its shared page go for good. Your recording stays.", action: "Delete it" }))) return;
      await del(`/songs/${id}`);
      go("/app/songs");
    }),
  );
  const another = `/app/recordings/${found.recording}`;
  return {
    title: found.title,
    node: h(
      "section.stack.studio",
      h("div.stack.tight-stack", h("div.row.nowrap", title, rename), h("p.quiet", `${found.voice.title} · ${keyWords(found.key)} · ${clock(found.duration_s)} · ${when(found.created)}`), h("p", h("span.ai", icon("info"), "AI-converted vocal"))),
      found.preview &&
        note(
          "info",
          "This is a preview. ",
          isMember() ? h("a", { href: `${another}?voice=${encodeURIComponent(found.voice.id)}` }, "Convert the whole song") : h("span", h("a", { href: `/app/signup?next=${encodeURIComponent(`${another}?voice=${found.voice.id}`)}` }, "Sign up"), ` for whole songs: ${session.config.free_credits} credits are on us.`),
        ),
      player.node,
      h("div.two", downloads(found, mix), sharing(found, mix)),
      h("div.row", h("a.button.primary", { href: another }, icon("again"), "Again with another voice"), remove),
    ),
    destroy: () => player.destroy(),
  };
}

// ---- the A/B player ----

function comparison(song, peaks, mix) {
  const mixer = new Mixer({ dry: `/api/v1/songs/${song.id}/audio?which=original`, wet: `/api/v1/songs/${song.id}/audio?which=converted`, duration: song.duration_s });
  const lanes = [
    ["dry", "Original", peaks.original],
    ["wet", song.voice.title, peaks.converted],
  ].map(([mode, name, shape]) => {
    const wave = new Waveform(shape);
    const radio = h("input.visually-hidden", { type: "radio", name: "ab", value: mode, checked: mode === "wet", onchange: () => pick(mode) });
    return { mode, name, wave, radio, node: h(`div.lane.${mode}`, h("label.lane-name", radio, h("span", name)), h("div.lane-wave", wave.node)) };
  });
  const heads = h("div.lanes-head");
  const stage = h("div.lanes", { role: "group", "aria-label": "Compare" }, lanes.map((lane) => lane.node), h("div.lanes-scrub", heads));
  const scrub = stage.lastChild;
  const play = h("button.round.play", { type: "button", "aria-label": "Play" }, icon("play"));
  const time = h("span.time", "0:00");
  const swap = h("button.button.slim", { type: "button", onclick: () => pick(mixer.mode === "dry" ? "wet" : "dry") }, icon("again"), h("span", "Switch"));
  const trouble = h("div", { role: "alert" });

  function pick(mode) {
    mixer.set({ mode });
    for (const lane of lanes) {
      lane.radio.checked = lane.mode === mode;
      lane.node.classList.toggle("on", lane.mode === mode);
    }
    announce(`Hearing ${lanes.find((lane) => lane.mode === mode).name}`);
  }
  async function toggle_play() {
    trouble.replaceChildren();
    if (mixer.playing) return mixer.pause();
    set(play, { "aria-busy": "true", "aria-label": "Loading" });
    try {
      await mixer.play();
    } catch {
      trouble.replaceChildren(note("bad", "The sound could not be loaded. Check your connection and press play again."));
    }
    show();
  }
  play.addEventListener("click", toggle_play);

  let frame = 0;
  function show() {
    const part = mixer.duration ? mixer.time / mixer.duration : 0;
    for (const lane of lanes) lane.wave.setProgress(part);
    heads.style.left = `${part * 100}%`;
    time.textContent = `${clock(mixer.time)} / ${clock(mixer.duration)}`;
  }
  const update = timeSlider(scrub, { label: "Position", read: () => mixer.time, write: (seconds) => mixer.seek(seconds), high: () => mixer.duration });
  dragAcross(scrub, scrub, (x) => mixer.seek(x * mixer.duration));
  function follow() {
    show();
    if (mixer.playing && mixer.time >= mixer.duration) mixer.pause();
    if (mixer.playing) frame = requestAnimationFrame(follow);
  }
  mixer.addEventListener("change", () => {
    play.replaceChildren(icon(mixer.playing ? "pause" : "play"));
    set(play, { "aria-label": mixer.playing ? "Pause" : "Play", "aria-busy": null });
    cancelAnimationFrame(frame);
    update();
    follow();
  });
  const clockwork = setInterval(() => mixer.playing && update(), 1000);
  const keys = (event) => {
    if (event.target.closest("input, textarea, select, button, a, dialog, summary") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      event.preventDefault();
      toggle_play();
    } else if (event.key === "a" || event.key === "b") pick(event.key === "a" ? "dry" : "wet");
  };
  document.addEventListener("keydown", keys);

  const slider = (name, label, hint, attributes, words, change) => {
    const out = h("output.small", words(mix[name] * (attributes.scale ?? 1)));
    const input = h("input", { type: "range", ...attributes, value: String(mix[name] * (attributes.scale ?? 1)) });
    input.addEventListener("input", () => {
      mix[name] = Number(input.value) / (attributes.scale ?? 1);
      out.textContent = words(Number(input.value));
      input.setAttribute("aria-valuetext", out.textContent);
      change();
      mix.changed?.();
      if (mixer.mode === "dry") pick("wet");
    });
    const box = field(label, input, hint);
    box.querySelector("label").append(" ", out);
    return box;
  };
  mixer.set({ wet: mix.wet, levelDb: mix.level_db });
  pick("wet");
  show();
  if (!navigator.connection?.saveData) mixer.load().catch(() => {}); // play() tries again and tells
  return {
    node: h(
      "section.card.stack.player",
      { "aria-label": "Player" },
      stage,
      h("div.row.transport", play, time, swap, h("span.small.quiet.keys", h("kbd", "space"), " play ", h("kbd", "a"), " original ", h("kbd", "b"), " new voice")),
      trouble,
      h(
        "div.grid",
        slider("wet", "Blend", "How much of the new voice, and how much of you.", { min: 0, max: 100, step: 1, scale: 100 }, (v) => (v === 100 ? "new voice only" : v === 0 ? "only you" : `${Math.round(v)} % new voice`), () => mixer.set({ wet: mix.wet })),
        slider("level_db", "Level", "Downloads and the shared song get the same blend and level.", { min: -24, max: 12, step: 0.5 }, (v) => `${signed(v)} dB`, () => mixer.set({ levelDb: mix.level_db })),
      ),
    ),
    destroy() {
      document.removeEventListener("keydown", keys);
      clearInterval(clockwork);
      cancelAnimationFrame(frame);
      mixer.destroy();
      lanes.forEach((lane) => lane.wave.destroy());
    },
  };
}

// ---- download ----

/// The blend that is heard, as a file: the finished render.
async function rendered(song, mix, format, state, words) {
  const bar = h("progress", { max: 1, "aria-label": "Preparing" });
  state.replaceChildren(h("p.small.quiet", words), bar);
  let render = await post(`/songs/${song.id}/renders`, { format, wet: Math.round(mix.wet * 100) / 100, level_db: mix.level_db });
  const over = (now) => now.state === "done" || now.state === "failed" || now.state === "cancelled";
  if (!render.url || !over(render)) render = await poll(`/renders/${render.id}`, { finished: over, every: 600, onchange: (now) => (bar.value = now.progress) });
  if (render.state !== "done") throw new Error(`${render.failure || "The file could not be made."} It costs nothing; try again.`);
  return render;
}

const FORMATS = { mp3: "small, plays everywhere", wav: "as it is, large", flac: "as it is, half the size" };

function downloads(song, mix) {
  let format = "mp3";
  const hint = h("p.small.quiet", FORMATS[format]);
  const state = h("div", { role: "status" });
  const button = h("button.button.primary", { type: "button" }, icon("download"), "Download");
  button.addEventListener(
    "click",
    working(
      button,
      async () => {
        const render = await rendered(song, mix, format, state, "Preparing your file…");
        const link = h("a", { href: render.url, download: "" }, "Save it again");
        state.replaceChildren(h("p.small", "Your file is ready. ", link));
        link.click();
      },
      (error) => state.replaceChildren(note("bad", error.message)),
    ),
  );
  return h(
    "section.card.stack",
    { "aria-labelledby": "download-title" },
    h("h2", { id: "download-title" }, "Download"),
    h(
      "div.segments",
      { role: "radiogroup", "aria-label": "Format" },
      Object.keys(FORMATS).map((name) => h("label", h("input.visually-hidden", { type: "radio", name: "format", value: name, checked: name === format, onchange: () => ((format = name), (hint.textContent = FORMATS[name])) }), h("span", name))),
    ),
    hint,
    h("div", button),
    state,
  );
}

// ---- share ----

function sharing(song, mix) {
  const box = h("div.stack");
  const state = h("div", { role: "status" });
  const failed = (error) => state.replaceChildren(note("bad", error.message));
  // By the page's own address where the service was told no other: at home it is reached by several names.
  const address_of = (share) => (session.config.public_url ? share.url : new URL(new URL(share.url).pathname, location.origin).href);
  const card = h("section.card.stack", { "aria-labelledby": "share-title" }, h("h2", { id: "share-title" }, "Share"), box);
  const show = () => {
    if (!isMember()) return box.replaceChildren(h("p.quiet", "Sharing needs an account, so that you can take a song back."), h("a.button.fit", { href: `/app/signup?next=${encodeURIComponent(location.pathname)}` }, "Sign up"));
    const { share } = song;
    if (!share) {
      const make = h("button.button", { type: "button" }, icon("share"), "Make a link");
      make.addEventListener("click", working(make, async () => {
        const render = await rendered(song, mix, "mp3", state, "Preparing the song with your blend and level…");
        song.share = await post(`/songs/${song.id}/share`, { allow_download: false, render: render.id });
        show();
        announce("The link is ready");
      }, failed));
      mix.changed = null;
      return box.replaceChildren(h("p.quiet", "Only you can hear this song. A link lets everyone who has it listen, with your blend and level; the page says that the vocal is AI-converted."), h("div", make), state);
    }
    state.replaceChildren();
    const url = address_of(share);
    const address = h("input", { type: "url", readonly: true, value: url, "aria-label": "Link", onfocus: () => address.select() });
    const copy = h("button.button", { type: "button" }, icon("copy"), "Copy");
    copy.addEventListener("click", working(copy, async () => {
      try {
        await navigator.clipboard.writeText(url);
        toast("Link copied");
      } catch {
        address.select();
        toast("Copy it from the field", "bad");
      }
    }));
    const send = navigator.share && h("button.button.primary", { type: "button", onclick: () => navigator.share({ title: song.title, url }).catch(() => {}) }, icon("share"), "Share");
    const stop = h("button.button.ghost.danger", { type: "button" }, "Stop sharing");
    stop.addEventListener("click", working(stop, async () => {
      await del(`/shares/${share.id}`);
      song.share = null;
      show();
      announce("Not shared any more");
    }));
    const again = h("button.button", { type: "button" }, icon("again"), "Share this blend instead");
    again.addEventListener("click", working(again, async () => {
      const render = await rendered(song, mix, "mp3", state, "Preparing the song with your blend and level…");
      song.share = await patch(`/shares/${share.id}`, { render: render.id });
      show();
      announce("Listeners hear the new blend");
    }, failed));
    const another = h("div", { hidden: true }, again);
    mix.changed = () => (another.hidden = Math.abs(mix.wet - song.share.wet) < 0.005 && Math.abs(mix.level_db - song.share.level_db) < 0.05);
    mix.changed();
    box.replaceChildren(
      address,
      h("div.row", send, copy, h("a.button.ghost", { href: url, target: "_blank", rel: "noopener" }, "Open")),
      toggle("Listeners may download it", share.allow_download, async (on) => {
        try {
          await patch(`/shares/${share.id}`, { allow_download: on });
          share.allow_download = on;
        } catch (error) {
          toast(error.message, "bad");
          show();
        }
      }),
      another,
      state,
      h("div", stop),
    );
  };
  show();
  return card;
}
