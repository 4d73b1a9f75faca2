// Songs and artists that everyone may hear.
import { del, get, post } from "../api.js";
import { playButton } from "../audio.js";
import { h, icon, onPress, segments } from "../dom.js";
import { clock, plural } from "../format.js";
import { countPlays } from "../plays.js";
import { isMember, session } from "../session.js";

const LISTS = { new: "New", played: "Most played", followed: "Following" };
const EMPTY = {
  new: "No songs yet. Yours could be the first: make an artist's page, and publish a song on it.",
  played: "Nothing was played lately. Play what is new.",
  followed: "Follow artists, and what they publish appears here.",
};

export default async function discover({ query, go }) {
  const chosen = LISTS[query.get("list")] ? query.get("list") : "new";
  const known = isMember() && session.account.email_verified;
  if (chosen === "followed" && !isMember())
    return go(`/app/login?next=${encodeURIComponent("/app/discover?list=followed")}`, { replace: true });
  const [found, follows] = await Promise.all([get(`/discover?list=${chosen}`), known ? get("/follows") : []]);
  const followed = new Set(follows.map((artist) => artist.handle));
  const show = (list) => go(`/app/discover?list=${list}`, { replace: true });
  return {
    title: "Discover",
    node: h(
      "section.stack.studio",
      h("div.row.between", h("h1", "Discover"), h("a.button", { href: "/app/artist" }, icon("mic"), "Your page")),
      segments("Which songs", "list", LISTS, chosen, show),
      found.songs.length
        ? h("ul.songs", found.songs.map(songRow))
        : h("p.card.quiet", chosen === "followed" && !known && isMember() ? UNKNOWN : EMPTY[chosen]),
      found.artists.length > 0 && h("h2", chosen === "followed" ? "Artists you follow" : "Artists"),
      h(
        "ul.artists",
        found.artists.map((artist) => artistCard(artist, known, followed)),
      ),
      h("p.small.quiet", "The vocals of all songs here are AI-converted. Each song's page has a way to report it."),
    ),
  };
}

const UNKNOWN = "Open the link in the mail that we sent you: then you can follow artists.";

function listen(song) {
  if (song.for_subscribers)
    return h(
      "a.round.soft.small-round",
      { href: `/s/${song.id}`, "aria-label": `${song.title}, for subscribers` },
      icon("coin"),
    );
  const button = playButton(`/api/v1/shares/${song.id}/audio`, song.title);
  countPlays(button.audio, song.id);
  return button;
}

function songRow(song) {
  return h(
    "li.song",
    listen(song),
    h(
      "div.grow",
      h("a.song-title", { href: `/s/${song.id}` }, h("bdi", song.title)),
      h(
        "p.small.quiet",
        h("a", { href: `/a/${song.artist.handle}` }, h("bdi", song.artist.name)),
        ` · ${song.voice.title} · ${clock(song.duration_s)} · ${plural(song.plays, "play")}`,
        song.for_subscribers ? " · for subscribers" : "",
      ),
    ),
    portrait(song.artist),
  );
}

/// By this page's own host. With the query, which is another for another picture: caches keep the old one.
function pathOf(address) {
  const { pathname, search } = new URL(address);
  return pathname + search;
}

export const portrait = (artist) =>
  artist.thumbnail
    ? h("img.portrait.photo", {
        src: pathOf(artist.thumbnail),
        alt: "",
        width: 54,
        height: 54,
        loading: "lazy",
      })
    : h("span.portrait", { "aria-hidden": "true", "data-hue": artist.handle.length % 5 }, initial(artist.name));

const initial = (name) => [...name][0].toUpperCase();

function artistCard(artist, known, followed) {
  const count = h("p.small.quiet");
  const tell = () => (count.textContent = `@${artist.handle} · ${plural(artist.followers, "follower")}`);
  tell();
  return h(
    "li.artist-card",
    portrait(artist),
    h("div.grow", h("a.song-title", { href: `/a/${artist.handle}` }, h("bdi", artist.name)), count),
    known ? followButton(artist, followed, tell) : h("a.button.slim", { href: `/a/${artist.handle}` }, "Open"),
  );
}

function followButton(artist, followed, tell) {
  const words = () => [
    followed.has(artist.handle) ? "Following" : "Follow",
    h("span.visually-hidden", ` ${artist.name}`),
  ];
  const button = h("button.button.slim", { type: "button", "aria-pressed": followed.has(artist.handle) }, words());
  return onPress(button, async () => {
    const on = !followed.has(artist.handle);
    await (on ? post(`/artists/${artist.handle}/follow`) : del(`/artists/${artist.handle}/follow`));
    if (on) followed.add(artist.handle);
    else followed.delete(artist.handle);
    artist.followers += on ? 1 : -1;
    tell();
    button.setAttribute("aria-pressed", String(on));
    button.replaceChildren(...words());
  });
}
