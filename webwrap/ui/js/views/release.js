// A release: what distributors ask for, the cover, and the package to hand over.
import { del, get, poll, post, put } from "../api.js";
import { announce, card, confirmed, field, h, icon, note, onPress, select, toast, toggle } from "../dom.js";
import { clock, languageName } from "../format.js";
import { pictureField } from "../picture.js";

const LANGUAGES = "en de fr es it pt nl pl sv da nb fi cs ru uk tr el he ar hi ja ko zh".split(" ");
const OTHERWISE = "If not, the distributor gives you one.";
const EXPLICIT = { "": "Choose…", not_explicit: "No", explicit: "Yes", edited: "No, they were taken out" };
const WRITERS = { composer: "music", lyricist: "words", composer_lyricist: "music and words" };
const ARTISTS = { main: "main artist", featured: "featured" };

export default async function release({ params, go }) {
  const path = `/releases/${params[0]}`;
  const page = { path, go, release: await get(path), saving: null };
  const { form } = page.release;
  page.problems = h("div.stack", { role: "status" });
  page.pack = h("div.stack");
  const cover = pictureField(path, page.release.picture, async () => {
    page.release = { ...(await get(path)), form };
    refresh(page);
    return page.release.picture;
  });
  refresh(page);
  const node = h(
    "section.stack.studio",
    h(
      "div.stack.tight-stack",
      h("p.small.quiet", songsOf(page.release)),
      h("h1", "Release package"),
      h(
        "p.quiet",
        "All that a distributor asks for, as one file to hand over to one. Changes are kept as you make them.",
      ),
    ),
    h(
      "div.two",
      about(page),
      card("Cover", h("p.small.quiet", "A square picture of at least 3000 × 3000 pixels."), cover),
    ),
    form.tracks.map((track, index) => song(page, track, index)),
    packing(page),
    h("div.row", remover(page)),
  );
  return { title: "Release package", node, destroy: () => clearTimeout(page.saving) };
}

/// The way back.
const songsOf = (release) =>
  release.songs.map((one, index) => [index > 0 && ", ", h("a", { href: `/app/songs/${one.id}` }, one.title)]);

// ---- keeping what is typed ----

function changed(page) {
  clearTimeout(page.saving);
  page.saving = setTimeout(() => save(page).catch((error) => toast(error.message, "bad")), 700);
}

async function save(page) {
  clearTimeout(page.saving);
  const { form } = page.release;
  page.release = { ...(await put(page.path, form)), form };
  refresh(page);
}

const text = (page, object, name, label, attributes = {}, hint = undefined) =>
  field(
    label,
    h("input", {
      type: "text",
      value: object[name],
      maxlength: 120,
      oninput: (event) => ((object[name] = event.target.value), changed(page)),
      ...attributes,
    }),
    hint,
  );

function choice(page, object, name, label, options) {
  const onchange = (event) => ((object[name] = event.target.value), changed(page));
  return field(label, select(options, object[name], { onchange }));
}

/// Names with what each of them is; one more line is always there.
function people(page, object, name, label, roles) {
  const list = h("div.stack.tight-stack", { role: "group", "aria-label": label });
  const keep = () => {
    object[name] = [...list.children]
      .map((line) => ({ name: line.querySelector("input").value.trim(), role: line.querySelector("select").value }))
      .filter((one) => one.name);
    if (list.lastChild.querySelector("input").value.trim()) add();
    changed(page);
  };
  const add = (one = { name: "", role: Object.keys(roles)[0] }) => {
    const number = list.children.length + 1;
    const who = h("input", {
      type: "text",
      value: one.name,
      maxlength: 100,
      "aria-label": `${label} ${number}`,
      oninput: keep,
    });
    const role = select(roles, one.role, { "aria-label": `${label} ${number}: as what`, onchange: keep });
    list.append(h("div.row.nowrap.person", who, role));
  };
  object[name].forEach(add);
  add();
  return h("div.field", h("span.label", label), list);
}

// ---- the form ----

function about(page) {
  const { form } = page.release;
  return card(
    "About it",
    text(page, form, "title", "Title"),
    text(page, form, "version", "Version, if any", { placeholder: "Acoustic" }),
    people(page, form, "artists", "Artist", ARTISTS),
    text(page, form, "genre", "Genre", { maxlength: 60, placeholder: "Pop" }),
    text(page, form, "label", "Label, if any", { maxlength: 100 }),
    h(
      "div.two",
      text(page, form, "p_owner", "Who owns the recording (P)", { maxlength: 100 }),
      text(page, form, "c_owner", "Who owns cover and texts (C)", { maxlength: 100 }),
    ),
    h(
      "div.two",
      text(page, form, "release_date", "Release day, if fixed", { type: "date" }),
      text(page, form, "upc", "UPC or EAN, if you have one", { maxlength: 20 }, OTHERWISE),
    ),
  );
}

function song(page, track, index) {
  const facts = page.release.songs.find((one) => one.id === track.song);
  const languages = {
    "": "Choose…",
    ...Object.fromEntries(LANGUAGES.map((code) => [code, languageName(code)])),
    zxx: "There are no words",
  };
  const original = h(
    "div.two",
    text(page, track, "original_title", "Title of the original"),
    text(page, track, "original_artist", "Who made it known", { maxlength: 100 }),
  );
  original.hidden = !track.is_cover;
  const cover = toggle("This is a cover of another song", track.is_cover, (on) => {
    track.is_cover = on;
    original.hidden = !on;
    changed(page);
  });
  return card(
    `Song ${index + 1}: ${facts?.title ?? "deleted"}`,
    facts &&
      h(
        "p.small.quiet",
        `${clock(facts.duration_s)} · voice ${facts.voice.title} · `,
        `licence: ${facts.voice.licence ?? "not known any more"}`,
      ),
    h("div.two", text(page, track, "title", "Title"), text(page, track, "version", "Version, if any")),
    people(page, track, "writers", "Written by", WRITERS),
    h(
      "div.two",
      choice(page, track, "language", "Sung in", languages),
      choice(page, track, "explicit_words", "Are the words explicit?", EXPLICIT),
    ),
    cover,
    original,
    h(
      "div.two",
      text(page, track, "isrc", "ISRC, if you have one", { maxlength: 20 }, OTHERWISE),
      text(page, track, "iswc", "ISWC, if you know it", { maxlength: 20 }),
    ),
  );
}

// ---- the package ----

function packing(page) {
  const { form } = page.release;
  const make = async () => {
    await save(page);
    const job = await post(`${page.path}/package`);
    await watch(page, job.id);
  };
  page.button = onPress(h("button.button.primary", { type: "button" }, icon("download"), "Make the package"), make);
  refresh(page);
  return card(
    "Package",
    toggle(
      "I may release this: the song, the recording and the cover are mine, or I have the licences",
      form.rights_confirmed,
      (on) => {
        form.rights_confirmed = on;
        changed(page);
      },
    ),
    page.problems,
    h("div", page.button),
    page.pack,
  );
}

async function watch(page, id) {
  const bar = h("progress", { max: 1, "aria-label": "Making the package" });
  page.pack.replaceChildren(h("p.small.quiet", "Mastering and packing…"), bar);
  await poll(`/jobs/${id}`, { onchange: (now) => (bar.value = now.progress) });
  const { form } = page.release;
  page.release = { ...(await get(page.path)), form };
  announce("The package is ready");
  refresh(page);
}

function refresh(page) {
  const { problems, package: made } = page.release;
  if (page.button) page.button.disabled = problems.length > 0;
  page.problems.replaceChildren(
    ...(problems.length
      ? [
          h("p", "Still to do:"),
          h(
            "ul.listed.todo",
            problems.map((one) => h("li", todo(page, one))),
          ),
        ]
      : [note("good", "Everything is there.")]),
  );
  if (!made) return page.pack.replaceChildren();
  page.pack.replaceChildren(
    ...[
      made.failure && note("bad", made.failure),
      made.url && made.outdated && note("info", "You changed something since: make the package again."),
      made.url && loudness(made.loudness),
      made.url && h("a.button.fit", { href: made.url, download: "" }, icon("download"), "Save the package"),
    ].filter(Boolean),
  );
}

function todo(page, { field: name, detail }) {
  const index = /^tracks\[(\d+)\]/.exec(name)?.[1];
  const words = detail[0].toUpperCase() + detail.slice(1);
  return index !== undefined && page.release.form.tracks.length > 1 ? `Song ${Number(index) + 1}: ${words}` : words;
}

function loudness(all) {
  const lines = all.map((one, index) => {
    const level = one.integrated_lufs === null ? "silent" : `${one.integrated_lufs.toFixed(1)} LUFS`;
    const peak = one.true_peak_dbtp === null ? "" : `, true peak ${one.true_peak_dbtp.toFixed(1)} dBTP`;
    return h("li", `Song ${index + 1}: ${level}${peak}`);
  });
  return h("ul.small.quiet", lines);
}

function remover(page) {
  return onPress(h("button.button.danger", { type: "button" }, icon("trash"), "Delete this release"), async () => {
    const sure = await confirmed({
      title: "Delete this release?",
      text: "The form, the cover and the package go; the songs stay.",
      action: "Delete it",
    });
    if (!sure) return;
    clearTimeout(page.saving);
    await del(page.path);
    page.go("/app/songs");
  });
}
