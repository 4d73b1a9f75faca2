// The artist's own page, to edit, and how often the songs were heard.
import { del, get, put } from "../api.js";
import {
  card,
  confirmed,
  copyable,
  field,
  forMembers,
  h,
  icon,
  note,
  onPress,
  signButton,
  toast,
  working,
} from "../dom.js";
import { plural } from "../format.js";
import { pictureField } from "../picture.js";
import { isMember, ownPath, reachable, session } from "../session.js";
import { portrait } from "./discover.js";

const PICTURE_SIDE = 1024;

export default async function artist({ query, go }) {
  if (!isMember()) return forMembers("Become an artist", "A public page with your songs needs an account.");
  const mine = await get("/artist"); // null: none yet
  const stats = mine && (await get("/artist/stats"));
  return {
    title: mine ? "Your artist's page" : "Become an artist",
    node: h(
      "section.stack.studio",
      h("h1", mine ? "Your artist's page" : "Become an artist"),
      mine ? address(mine) : h("p.quiet", "A public page with your songs: people find it, share it and follow it."),
      !session.account.email_verified &&
        note("info", "First open the link in the mail that we sent you, so that we know your address is yours."),
      mine?.hidden &&
        note(
          "bad",
          "This page was hidden after a complaint. Nobody sees it or hears your songs, by link either. ",
          contact() ?? "Ask the operator of this site.",
        ),
      mine && !mine.hidden && !mine.has_songs && firstSong(),
      stats && listeners(stats),
      h("div.two", profile(mine, query, go), mine && h("div.stack", picture(mine), !mine.hidden && goodbye(go))),
    ),
  };
}

const firstSong = () =>
  note(
    "info",
    "No song is on your page yet. Go to ",
    h("a", { href: "/app/songs" }, "your songs"),
    ", open one, make a link, and choose “On your page”.",
  );

const contact = () => session.config.contact && `Write to ${session.config.contact}.`;

function address(mine) {
  const { field: shown, button } = copyable("Address", reachable(mine.url), { type: "url", words: "Copy the address" });
  return h(
    "div.stack.tight-stack",
    shown,
    h(
      "div.row",
      h("a.button.primary", { href: `/a/${mine.handle}`, target: "_blank" }, `Open @${mine.handle}`),
      button,
    ),
  );
}

function profile(mine, query, go) {
  const handle = h("input", {
    type: "text",
    value: mine?.handle ?? "",
    minlength: 3,
    maxlength: 30,
    required: true,
    autocapitalize: "none",
    autocomplete: "off",
    spellcheck: "false",
  });
  const name = h("input", {
    type: "text",
    value: mine?.name ?? session.account.name ?? "",
    maxlength: 60,
    required: true,
  });
  const bio = h("textarea", { maxlength: 1000, rows: 5, value: mine?.bio ?? "" });
  const links = linkFields(mine?.links ?? []);
  const save = h("button.button.primary", mine ? "Save" : "Make my page");
  const trouble = h("div");
  const submit = async () => {
    trouble.replaceChildren();
    await put("/artist", { handle: handle.value, name: name.value, bio: bio.value, links: links.values() });
    toast(mine ? "Saved" : "Your page is there");
    // To the song that was to be published, where she came from.
    await go(mine ? "/app/artist" : ownPath(query.get("next"), "/app/artist"), { replace: true });
  };
  const failed = (error) => trouble.replaceChildren(note("bad", error.message));
  return h(
    "form.card.stack",
    { onsubmit: working(save, submit, failed) },
    h("h2", "About you"),
    field("Handle", handle, handleHint(mine)),
    field("Name", name, "As people read it. Nobody else can have one that looks like it."),
    field("About", bio),
    links.node,
    trouble,
    h("div", save),
  );
}

const handleHint = (mine) =>
  `The address of your page: ${location.host}/a/${mine?.handle ?? "your-handle"}. Small letters, digits and hyphens.` +
  (mine ? " When you change it, the old address leads to the new one for 90 days." : "");

function linkFields(given) {
  const rows = h("div.stack.tight-stack");
  const add = (link = { title: "", url: "" }) => {
    const title = h("input", {
      type: "text",
      value: link.title,
      maxlength: 40,
      "aria-label": "What it is",
      placeholder: "What it is",
    });
    const url = h("input", {
      type: "url",
      value: link.url,
      maxlength: 300,
      "aria-label": "Address",
      placeholder: "https://…",
    });
    const remove = signButton("trash", "Remove this link");
    const row = h("div.link-row", title, url, remove);
    remove.addEventListener("click", () => (row.remove(), show()));
    rows.append(row);
  };
  const more = h(
    "button.button.slim.fit",
    { type: "button", onclick: () => (add(), show()) },
    icon("plus"),
    "Add a link",
  );
  const show = () => (more.hidden = rows.children.length >= session.config.limits.artist_links);
  given.forEach(add);
  show();
  return {
    node: h("fieldset.stack.tight-stack", h("legend.label", "Links"), rows, more),
    values: () =>
      [...rows.children]
        .map((row) => [...row.querySelectorAll("input")].map((input) => input.value.trim()))
        .filter(([title, url]) => title || url)
        .map(([title, url]) => ({ title: title || new URL(url).host, url })),
  };
}

// ---- the picture ----

/// The middle of a picture file as a small square one: phones need not send all that their cameras make.
async function squared(file) {
  const image = await createImageBitmap(file).catch(() => {
    throw new Error("This file is no picture that your browser can read: use a JPEG, PNG or WebP.");
  });
  const cut = Math.min(image.width, image.height);
  const side = Math.min(cut, PICTURE_SIDE);
  const canvas = h("canvas", { width: side, height: side });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, side, side);
  context.drawImage(image, (image.width - cut) / 2, (image.height - cut) / 2, cut, cut, 0, 0, side, side);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

function picture(mine) {
  const load = async () => {
    mine = await get("/artist");
    return mine.picture;
  };
  const view = () => h("div.big-portrait", portrait(mine));
  return card(
    "Picture",
    h("p.small.quiet", "It is cut to a square. Where and with what it was taken is not kept."),
    pictureField("/artist", mine.picture, load, { prepare: squared, view }),
  );
}

// ---- listeners ----

function listeners(stats) {
  const most = Math.max(1, ...stats.days.map((day) => day.plays));
  const lately = stats.days.reduce((sum, day) => sum + day.plays, 0);
  const bars = stats.days.map((day) => {
    const bar = h(day.plays ? "span.some" : "span", { title: `${day.day}: ${plural(day.plays, "play")}` });
    bar.style.height = `${Math.max(2, (100 * day.plays) / most)}%`;
    return bar;
  });
  return card(
    "Listeners",
    h(
      "div.row.figures",
      figure(stats.followers, "follower"),
      figure(stats.plays, "play"),
      figure(lately, "play", " in 30 days"),
    ),
    lately > 0 && h("div.bars", { role: "img", "aria-label": `${plural(lately, "play")} in the last 30 days` }, bars),
    stats.songs.length > 0 &&
      h(
        "ul.lines",
        stats.songs
          .slice(0, 10)
          .map((song) =>
            h(
              "li.line",
              h("a.grow", { href: `/app/songs/${song.id}` }, h("bdi", song.title)),
              h("span.small.quiet", plural(song.plays, "play")),
            ),
          ),
      ),
    h(
      "p.small.quiet",
      "A play counts after half a minute, or half of a short song, once a day for each listener. Your own do not. " +
        "Nobody sees who listens or follows.",
    ),
  );
}

const figure = (count, word, rest = "") =>
  h("p.figure", h("strong", String(count)), ` ${count === 1 ? word : `${word}s`}${rest}`);

function goodbye(go) {
  const button = onPress(
    h("button.button.danger", { type: "button" }, icon("trash"), "Give up this page"),
    async () => {
      const sure = await confirmed({
        title: "Give up your page?",
        text: "The page, its picture and its followers go. Your songs stay, and who has a link still hears them.",
        action: "Give it up",
      });
      if (!sure) return;
      await del("/artist");
      toast("The page is gone");
      go("/app/account");
    },
  );
  return card("No longer an artist", h("div", button));
}
