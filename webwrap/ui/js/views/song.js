// A finished song: compare, mix, download, share, go on.
import { del, get, over, patch, poll, post } from "../api.js";
import {
  announce,
  confirmed,
  copyable,
  field,
  h,
  icon,
  note,
  onPress,
  segments,
  signButton,
  signUp,
  toast,
  toggle,
} from "../dom.js";
import { clock, credits, keyWords, when } from "../format.js";
import { comparison, mixOf } from "../player.js";
import { places } from "../places.js";
import { isMember, reachable, session } from "../session.js";
import { videos } from "../video.js";

export default async function song({ params, go }) {
  const id = params[0];
  const [found, peaks] = await Promise.all([get(`/songs/${id}`), get(`/songs/${id}/peaks`)]);
  const hidden = found.share && isMember() && (await get("/artist"))?.hidden;
  // What is shared is what was kept; changed(): called when a slider is moved.
  const { wet = 1, level_db = 0, music_db = 0 } = found.share ?? {};
  const mix = { wet, level_db, music_db, changed: null };
  const player = comparison(found, peaks, mix);
  const facts = [found.voice.title, keyWords(found.key), clock(found.duration_s), when(found.created)];
  const published = places(found, mix, go);
  const another = `/app/recordings/${found.recording}`;
  return {
    title: found.title,
    node: h(
      "section.stack.studio",
      h(
        "div.stack.tight-stack",
        title(found),
        h("p.quiet", facts.join(" · ")),
        h("p", h("span.ai", icon("info"), "AI-converted vocal")),
      ),
      found.preview &&
        note("info", "This is a preview. ", wholeSong(`${another}?voice=${encodeURIComponent(found.voice.id)}`)),
      hidden &&
        note("bad", "Your artist's page was hidden after a complaint. Nobody hears your songs, by link either."),
      player.node,
      h(
        "div.row",
        h("a.button.primary", { href: another }, icon("again"), "Again with another voice"),
        found.music && h("a.button", { href: `/app/sing/${found.recording}` }, icon("mic"), "Sing it yourself"),
      ),
      h("div.two", downloads(found, mix), sharing(found, mix)),
      h("div.two", videos(found, mix, published.videoMade), published.node),
      h("div", remover(id, go)),
    ),
    destroy: () => (player.destroy(), published.destroy()),
  };
}

function wholeSong(address) {
  if (isMember()) return h("a", { href: address }, "Convert the whole song");
  const { free_credits: free } = session.config;
  return h(
    "span",
    signUp("a", address),
    free > 0 ? ` for whole songs: ${credits(free)} are on us.` : " for whole songs.",
  );
}

function title(found) {
  const heading = h("h1", found.title);
  const rename = onPress(signButton("edit", "Change the title"), async () => {
    const wanted = await confirmed({
      title: "Change the title",
      text: "It is shown to you and on the shared page.",
      action: "Save",
      input: field("Title", h("input", { type: "text", value: found.title, maxlength: 120, required: true })),
    });
    if (!wanted || wanted === found.title) return;
    await patch(`/songs/${found.id}`, { title: wanted });
    heading.textContent = found.title = wanted;
  });
  return h("div.row.nowrap", heading, rename);
}

function remover(id, go) {
  return onPress(h("button.button.danger", { type: "button" }, icon("trash"), "Delete this song"), async () => {
    const sure = await confirmed({
      title: "Delete this song?",
      text:
        "The song, its downloads and its shared page go for good. " +
        "Your recording stays, and so does what you published elsewhere.",
      action: "Delete it",
    });
    if (!sure) return;
    await del(`/songs/${id}`);
    go("/app/songs");
  });
}

// ---- download ----

/// The mix that is heard, or its voice or music alone, as a file: the finished render.
async function rendered(song, mix, format, parts, state, words) {
  const bar = h("progress", { max: 1, "aria-label": "Preparing" });
  state.replaceChildren(h("p.small.quiet", words), bar);
  let render = await post(`/songs/${song.id}/renders`, { format, parts, ...mixOf(mix) });
  if (!render.url || !over(render))
    render = await poll(`/renders/${render.id}`, {
      every: 600,
      onchange: (now) => (bar.value = now.progress),
    });
  if (render.state !== "done")
    throw new Error(`${render.failure || "The file could not be made."} It costs nothing; try again.`);
  return render;
}

const PARTS = { all: "The song", vocals: "Voice", music: "Instrumental" };
const FORMATS = { mp3: "small, plays everywhere", wav: "as it is, large", flac: "as it is, half the size" };

function downloads(song, mix) {
  let format = "mp3";
  let parts = "all";
  const hint = h("p.small.quiet", FORMATS[format]);
  const state = h("div", { role: "status" });
  const save = async () => {
    const render = await rendered(song, mix, format, parts, state, "Preparing your file…");
    const link = h("a", { href: render.url, download: "" }, "Save it again");
    state.replaceChildren(h("p.small", "Your file is ready. ", link));
    link.click();
  };
  const failed = (error) => state.replaceChildren(note("bad", error.message));
  const button = onPress(h("button.button.primary", { type: "button" }, icon("download"), "Download"), save, failed);
  return h(
    "section.card.stack",
    { "aria-labelledby": "download-title" },
    h("h2", { id: "download-title" }, "Download"),
    song.music && segments("What", "parts", PARTS, parts, (value) => (parts = value)),
    segments("Format", "format", { mp3: "mp3", wav: "wav", flac: "flac" }, format, (value) => {
      format = value;
      hint.textContent = FORMATS[value];
    }),
    hint,
    h("div", button),
    state,
  );
}

// ---- share ----

function sharing(song, mix) {
  const box = h("div.stack");
  const heading = h("h2", { id: "share-title" }, "Share");
  const show = () => {
    mix.changed = null;
    if (!isMember()) box.replaceChildren(...signUpToShare());
    else box.replaceChildren(...(song.share ? shared(song, mix, show) : unshared(song, mix, show)).filter(Boolean));
  };
  show();
  return h("section.card.stack", { "aria-labelledby": "share-title" }, heading, box);
}

const signUpToShare = () => [h("p.quiet", "Sharing needs an account, so that you can take a song back."), signUp()];

const shareRender = (song, mix, state) =>
  rendered(song, mix, "mp3", "all", state, "Preparing the song as you mixed it…");

function unshared(song, mix, show) {
  const state = h("div", { role: "status" });
  const failed = (error) => state.replaceChildren(note("bad", error.message));
  const share = async () => {
    const render = await shareRender(song, mix, state);
    song.share = await post(`/songs/${song.id}/share`, { allow_download: false, render: render.id });
    show();
    announce("The link is ready");
  };
  const make = onPress(h("button.button", { type: "button" }, icon("share"), "Make a link"), share, failed);
  const words =
    "Only you can hear this song. A link lets everyone who has it listen, with your blend and level; " +
    "the page says that the vocal is AI-converted.";
  return [h("p.quiet", words), h("div", make), state];
}

function shared(song, mix, show) {
  const { share } = song;
  const stop = onPress(h("button.button.danger", { type: "button" }, "Stop sharing"), async () => {
    await del(`/shares/${share.id}`);
    song.share = null;
    show();
    announce("Not shared any more");
  });
  const download = toggle("Listeners may download it", share.allow_download, async (on) => {
    try {
      await patch(`/shares/${share.id}`, { allow_download: on });
      share.allow_download = on;
    } catch (error) {
      toast(error.message, "bad");
      show();
    }
  });
  return [
    ...link(song.title, reachable(share.url)),
    audience(share),
    hasAccess(share) && access(share),
    download,
    embedding(song),
    ...otherBlend(song, mix, show),
    h("div", stop),
  ];
}

/// Whether there is a choice of who hears it: who has nobody to choose is not asked, but for taking it back.
const hasAccess = (share) =>
  session.account.can_have_subscribers || share.subscribers_only || share.subscriber_download;

const ACCESS = { all: "Everyone", early: "Fans first", fans: "Fans only" };
const EARLY_DAYS = 7;

/// Who hears it: everyone who has the link, or those who support the singer, for a week or for good.
function access(share) {
  const state = h("p.small.quiet", { role: "status" });
  const tell = () => {
    state.textContent = !share.subscribers_only
      ? ""
      : share.opens
        ? `Everyone hears it from ${when(share.opens)} on.`
        : "Only those who support you hear it.";
  };
  const choose = async (value) => {
    const opens = value === "early" ? Math.floor(Date.now() / 1000) + EARLY_DAYS * 86400 : 0;
    try {
      Object.assign(share, await patch(`/shares/${share.id}`, { subscribers_only: value !== "all", opens }));
    } catch (error) {
      toast(error.message, "bad");
    }
    tell();
  };
  const files = toggle("Subscribers may download it", share.subscriber_download, async (on) => {
    try {
      Object.assign(share, await patch(`/shares/${share.id}`, { subscriber_download: on }));
    } catch (error) {
      toast(error.message, "bad");
    }
  });
  tell();
  const chosen = share.subscribers_only ? (share.opens ? "early" : "fans") : "all";
  const choice = segments("Who hears it", "access", ACCESS, chosen, choose);
  return h("div.stack.tight-stack", h("span.label", "Who hears it"), choice, state, files);
}

const AUDIENCES = { unlisted: "By its link", public: "On your page" };
const AUDIENCE_HINTS = {
  unlisted: "Nobody finds it without the link.",
  public: "On your artist's page, in its feed and under Discover, too. Who follows you is told by mail, once.",
};

const makePage = () => `/app/artist?next=${encodeURIComponent(location.pathname)}`;

/// By link or for everyone; the latter needs an artist's page.
function audience(share) {
  const box = h("div.stack.tight-stack");
  const choice = (trouble) => [
    h("span.label", "Where it is found"),
    segments("Where it is found", "audience", AUDIENCES, share.visibility, change),
    h("p.small.quiet", AUDIENCE_HINTS[share.visibility]),
    trouble,
  ];
  const draw = (trouble) => box.replaceChildren(...choice(trouble).filter(Boolean));
  const change = async (visibility) => {
    try {
      Object.assign(share, await patch(`/shares/${share.id}`, { visibility }));
      draw();
      announce(AUDIENCE_HINTS[visibility]);
    } catch (error) {
      const page = error.code === "no_artist" && h("a", { href: makePage() }, " Make your page");
      draw(note("bad", error.message, page || ""));
    }
  };
  draw();
  return box;
}

function link(name, url) {
  const { field: address, button: copy } = copyable("Link", url, { type: "url" });
  const send = () => navigator.share({ title: name, url }).catch(() => {});
  const share =
    navigator.share && h("button.button.primary", { type: "button", onclick: send }, icon("share"), "Share");
  const open = h("a.button", { href: url, target: "_blank", rel: "noopener" }, "Open");
  return [address, h("div.row", share, copy, open)];
}

/// For a page of one's own: the same frame that oEmbed gives.
function embedding(song) {
  const frame = h("iframe", {
    src: new URL(`/embed/${song.share.id}`, reachable(song.share.url)).href,
    width: 480,
    height: 180,
    title: song.title,
    loading: "lazy",
    frameborder: 0,
  });
  const { field: code, button } = copyable("Code for another site", frame.outerHTML);
  return h(
    "details.fold",
    h("summary", "Put the player on another site"),
    h("div.stack.tight-stack", code, h("div.row", button)),
  );
}

/// A button, while the sliders stand elsewhere than what is shared.
function otherBlend(song, mix, show) {
  const state = h("div", { role: "status" });
  const failed = (error) => state.replaceChildren(note("bad", error.message));
  const replace = async () => {
    const render = await shareRender(song, mix, state);
    song.share = await patch(`/shares/${song.share.id}`, { render: render.id });
    show();
    announce("Listeners hear the new blend");
  };
  const button = h("button.button", { type: "button" }, icon("again"), "Share this blend instead");
  const box = h("div", onPress(button, replace, failed));
  mix.changed = () => {
    const { wet, level_db: level, music_db: music } = song.share;
    const near = (a, b) => Math.abs(a - b) < 0.05;
    box.hidden = Math.abs(mix.wet - wet) < 0.005 && near(mix.level_db, level) && near(mix.music_db, music);
  };
  mix.changed();
  return [h("div", box, state)];
}
