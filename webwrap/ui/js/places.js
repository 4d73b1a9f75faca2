// Where a song is published: other platforms, how it stands there, and what they take.
import { del, get, post } from "./api.js";
import { announce, confirmed, field, h, icon, note, onPress, select, signUp, toast, toggle } from "./dom.js";
import { mixOf } from "./player.js";
import { isMember, session } from "./session.js";

const MOVING = new Set(["queued", "uploading", "removing"]);
const WORDS = {
  queued: "Waiting for its turn",
  uploading: "On its way",
  published: "Published",
  failed: "Did not arrive",
  removing: "Being taken down",
  removed: "Taken down",
  linked: "Linked",
};
const VISIBILITY = { public: "Everyone", unlisted: "Who has the link", private: "Only me, at first" };

/// The card on a song's page. Returns {node, destroy, videoMade(id)}.
export function places(song, mix, go) {
  const list = h("div");
  const state = { video: null, timer: 0, gone: false };
  const node = h(
    "section.card.stack",
    { "aria-labelledby": "places-title" },
    h("h2", { id: "places-title" }, "Publish"),
    list,
    ...release(song, go),
  );
  const show = async () => {
    clearTimeout(state.timer);
    const [{ platforms, genres }, all] = await Promise.all([get("/platforms"), get(`/songs/${song.id}/publications`)]);
    if (state.gone) return;
    const now = (platform) => all.find((one) => one.platform === platform.id && one.state !== "removed");
    const context = { song, mix, genres, show, state };
    const open = list.querySelector("details[open]")?.dataset.platform;
    if (!open || !all.some((one) => MOVING.has(one.state)))
      list.replaceChildren(...platforms.map((platform) => place(platform, now(platform), context)));
    if (all.some((one) => MOVING.has(one.state))) state.timer = setTimeout(() => show().catch(() => {}), 2000);
  };
  if (isMember() && !song.preview) show().catch((error) => list.replaceChildren(note("bad", error.message)));
  return {
    node,
    destroy: () => ((state.gone = true), clearTimeout(state.timer)),
    videoMade: (id) => (state.video = id),
  };
}

function release(song, go) {
  if (!isMember()) return [h("p.quiet", "Publishing on other platforms needs an account."), signUp()];
  if (song.preview) return [h("p.quiet", "This is a preview; whole songs can be published.")];
  const button = onPress(
    h("button.button", { type: "button" }, icon("download"), "Make a release package"),
    async () => {
      const mine = (await get("/releases")).find((one) => one.form.tracks.some((track) => track.song === song.id));
      go(`/app/releases/${(mine ?? (await post("/releases", { songs: [song.id] }))).id}`);
    },
  );
  const words =
    "Spotify, Apple Music and Amazon take songs from distributors only: companies that deliver music to them. " +
    "The release package holds all that a distributor asks for.";
  return [h("p.quiet", words), h("div", button)];
}

function place(platform, publication, context) {
  const head = [h("strong", platform.title)];
  if (publication) head.push(h("span.badge", { class: `badge ${publication.state}` }, WORDS[publication.state]));
  else if (platform.connection?.broken) head.push(h("span.badge", "connect again"));
  const body =
    platform.kind === "link" ? linked(platform, publication, context) : uploaded(platform, publication, context);
  return h(
    "details.fold.place",
    { "data-platform": platform.id },
    h("summary", h("span.row.tight", ...head)),
    h("div.stack", ...body),
  );
}

const openLink = (publication) =>
  publication?.url &&
  h("a.button.fit", { href: publication.url, target: "_blank", rel: "noopener noreferrer" }, "Open it there");

// ---- platforms that only distributors deliver to ----

function linked(platform, publication, { song, show }) {
  const address = h("input", {
    type: "url",
    required: true,
    maxlength: 500,
    value: publication?.url ?? "",
    placeholder: "https://",
  });
  const save = async (event) => {
    event.preventDefault();
    await post(`/songs/${song.id}/publications`, { platform: platform.id, url: address.value.trim() })
      .then(() => (toast("Kept"), show()))
      .catch((error) => toast(error.message, "bad"));
  };
  const words =
    `${platform.title} takes songs from distributors only. Hand the release package to one; ` +
    "once the song is there, keep its address here.";
  const forget =
    publication &&
    onPress(h("button.button.danger", { type: "button" }, "Forget it"), async () => {
      await del(`/publications/${publication.id}`);
      await show();
    });
  const form = h(
    "form.stack",
    { onsubmit: save },
    field(`Address on ${platform.title}`, address),
    h("div.row", h("button.button", "Keep it"), forget),
  );
  return [h("p.small.quiet", words), openLink(publication), form];
}

// ---- platforms with an API ----

function uploaded(platform, publication, context) {
  if (!platform.configured)
    return [
      h(
        "p.small.quiet",
        `The operator of this service has not registered it at ${platform.title}, so songs cannot go there from here.`,
      ),
    ];
  if (publication && publication.state !== "failed") return standing(platform, publication, context);
  const failure = publication && note("bad", publication.failure);
  if (!platform.connection || platform.connection.broken) return [failure, ...connect(platform)];
  return [failure, connected(platform, context), publishForm(platform, context)];
}

function connect(platform) {
  const button = onPress(h("button.button.primary", { type: "button" }, `Connect ${platform.title}`), async () => {
    sessionStorage.setItem("voxconv.connecting", location.pathname);
    location.assign((await post(`/platforms/${platform.id}/connection`)).url);
  });
  return [
    h(
      "p.small.quiet",
      `You allow voxconv to publish in your name on a page of ${platform.title}; your password stays there.`,
    ),
    h("div", button),
  ];
}

function connected(platform, { show }) {
  const leave = onPress(h("button.link", { type: "button" }, "disconnect"), async () => {
    await del(`/platforms/${platform.id}/connection`);
    await show();
  });
  return h("p.small.quiet", `Connected as ${platform.connection.name} (`, leave, ")");
}

function standing(platform, publication, { show }) {
  const parts = [
    publication.note && h("p.small", publication.note),
    publication.failure && note("bad", publication.failure),
  ];
  if (MOVING.has(publication.state)) return [...parts, h("progress", { "aria-label": WORDS[publication.state] })];
  const down = onPress(h("button.button.danger", { type: "button" }, "Take it down there"), async () => {
    const sure = await confirmed({
      title: `Take it down from ${platform.title}?`,
      text: "Its page there goes, with its plays and comments.",
      action: "Take it down",
    });
    if (!sure) return;
    await del(`/publications/${publication.id}`);
    announce("It is being taken down");
    await show();
  });
  return [...parts, h("div.row", openLink(publication), down)];
}

function publishForm(platform, { song, mix, genres, show, state }) {
  if (platform.takes === "video" && !state.video)
    return h("p", `${platform.title} takes videos: make one under “Post it” first, then open this again.`);
  const title = h("input", { type: "text", required: true, maxlength: 100, value: song.title });
  const artist = h("input", { type: "text", required: true, maxlength: 100, value: session.account.name ?? "" });
  const about = h("textarea", { rows: 3, maxlength: 2000 });
  const genre = select(Object.fromEntries(genres.map((name) => [name, name])), "Pop");
  const seen = select(VISIBILITY, "public");
  let rights = false;
  const send = async () => {
    await post(`/songs/${song.id}/publications`, {
      platform: platform.id,
      title: title.value,
      artist: artist.value,
      description: about.value,
      genre: genre.value,
      visibility: seen.value,
      rights_confirmed: rights,
      ...mixOf(mix),
      ...(platform.takes === "video" ? { video: state.video } : {}),
    });
    announce("It is on its way");
    button.closest("details").open = false;
    await show();
  };
  const button = onPress(
    h("button.button.primary", { type: "button" }, icon("share"), `Publish on ${platform.title}`),
    send,
  );
  return h(
    "div.stack",
    field("Title", title),
    field("Artist", artist),
    field("Description", about, "That the vocal is AI-converted is added to it."),
    h("div.two", field("Genre", genre), field("Who sees it there", seen)),
    toggle("The song and the recording are mine to publish, or I have the licences", false, (on) => (rights = on)),
    h("div", button),
  );
}
