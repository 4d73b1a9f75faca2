// A voice that somebody shared by a link: who it is, and how to sing with it.
import { get } from "../api.js";
import { playButton } from "../audio.js";
import { h, icon, note } from "../dom.js";
import { facts, portrait, rangeWords, rights } from "../voices.js";

export default async function voice({ params }) {
  let found;
  try {
    found = await get(`/voices/${params[0]}`);
  } catch (error) {
    if (error.status !== 404) throw error;
    return {
      title: "No such voice",
      node: h(
        "section.narrow.stack",
        h("h1", "This voice is not open any more"),
        note("info", "The link is wrong, or its owner has taken the voice back."),
        h("a.button.primary.fit", { href: "/app/new" }, "Sing with another voice"),
      ),
    };
  }
  return {
    title: found.title,
    node: h(
      "section.narrow.stack",
      h(
        "div.card.stack",
        h("div.row", portrait(found), h("div.grow", h("h1", found.title), h("p.small.quiet", facts(found)))),
        found.description && h("p", found.description),
        h("p.small", rangeWords(found)),
        found.sample_url &&
          h("div.row", playButton(found.sample_url, `a sample of ${found.title}`), h("span", "Hear it")),
        rights(found),
        h(
          "a.button.primary.fit",
          { href: `/app/new?voice=${encodeURIComponent(found.id)}` },
          icon("mic"),
          "Sing with this voice",
        ),
      ),
    ),
  };
}
