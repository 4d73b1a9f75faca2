// Whom the singer supports, and ending it.
import { get } from "../api.js";
import { h } from "../dom.js";
import { mine } from "./support.js";

export default async function subscriptions() {
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
        : [h("p.quiet", "You support nobody yet. A song's page says how.")]),
    );
  };
  await show();
  return { title: "Whom you support", node: h("section.stack.studio", h("h1", "Whom you support"), box) };
}
