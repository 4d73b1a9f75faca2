// Whom the singer supports, and ending it.
import { get } from "../api.js";
import { forMembers, h } from "../dom.js";
import { isMember } from "../session.js";
import { mine } from "./support.js";

export default async function subscriptions() {
  if (!isMember()) return forMembers("Whom you support", "Supporting artists needs an account.");
  const box = h("div.stack");
  const show = async () => {
    const all = await get("/subscriptions");
    box.replaceChildren(
      ...(all.length
        ? all.map((one) =>
            h(
              "div.stack.tight-stack",
              h("h2", h("a", { href: `/app/support/${one.artist.id}` }, one.artist.name)),
              mine(one, show),
            ),
          )
        : [
            h("p.quiet", "Nobody yet. An artist whom you can support says so on the artist's page."),
            h("a.button.fit", { href: "/app/discover" }, "Discover artists"),
          ]),
    );
  };
  await show();
  return { title: "Whom you support", node: h("section.stack.studio", h("h1", "Whom you support"), box) };
}
