// Supporting an artist: tiers, a tip; where Stripe's checkout returns to (?subscription=… or ?tip=…).
import { get, poll, post } from "../api.js";
import { announce, card, field, h, icon, note, onPress, signUp, working } from "../dom.js";
import { date, decimals, fraction, money, plural } from "../format.js";
import { isMember } from "../session.js";
import { whole } from "./earnings.js";

export default async function support({ params, query, go }) {
  const address = params[0];
  const leaving = new AbortController();
  const outcome = h("div", { role: "status" });
  const box = h("div.stack");
  // Where the fan came from, kept over Stripe's pages: there it is the support that opens the song.
  const key = `voxconv.song.${address}`;
  const song = query.get("song") ?? sessionStorage.getItem(key);
  if (query.has("song")) sessionStorage.setItem(key, song);
  let offer = null;
  const show = async () => {
    offer = await get(`/artists/${address}/offer`);
    box.replaceChildren(...page(offer, song, show).filter(Boolean));
  };
  await show();
  for (const kind of ["subscription", "tip"])
    if (query.has(kind)) watch(kind, query, { outcome, show, signal: leaving.signal });
  return {
    title: `Support ${offer.artist.name}`,
    node: h("section.stack.studio", h("h1", `Support ${offer.artist.name}`), outcome, box),
    destroy: () => leaving.abort(),
    go,
  };
}

/// Waits for what becomes of a payment after Stripe's page.
function watch(kind, query, { outcome, show, signal }) {
  const path = kind === "tip" ? `/tips/${query.get("tip")}` : `/subscriptions/${query.get("subscription")}`;
  const cancelled = query.has("cancelled");
  const over = (now) => cancelled || now.supporting || !["created", "pending", "active"].includes(now.state);
  outcome.replaceChildren(note("info", "Waiting for the payment to be confirmed…"));
  poll(path, { finished: over, every: 1500, signal })
    .then(async (now) => {
      const paid = now.supporting || now.state === "paid";
      outcome.replaceChildren(
        paid
          ? note(
              "good",
              h("strong", "Thank you! "),
              kind === "tip" ? "Your tip is on its way." : "Your support has begun.",
            )
          : note("info", "Nothing was paid. Choose again if you still want to."),
      );
      announce(outcome.textContent);
      await show();
    })
    .catch((error) => error.name !== "AbortError" && outcome.replaceChildren(note("bad", error.message)));
}

function page(offer, song, show) {
  if (offer.own) return [note("info", "This is what fans see. ", h("a", { href: "/app/earnings" }, "Change it"))];
  const { handle, name } = offer.artist;
  const back = h(
    "p",
    song ? h("a", { href: `/s/${song}` }, "Back to the song") : handle && h("a", { href: `/a/${handle}` }, name),
  );
  if (!offer.open) return [note("info", "This artist cannot be supported now."), back];
  if (!isMember())
    return [
      h("p", "Supporting needs an account, so that you can end it and listen on all your devices."),
      ...tiers(offer, null),
      signUp("a.button.primary.fit"),
    ];
  if (offer.subscription) return [mine(offer.subscription, show), back, tip(offer)];
  return [...tiers(offer, (tier) => choose(offer, tier)), tip(offer), back];
}

const choose = async (offer, tier) => {
  const made = await post(`/artists/${offer.artist.id}/subscriptions`, { tier: tier.id });
  location.assign(made.checkout_url);
};

function tiers(offer, chosen) {
  if (!offer.tiers.length) return [h("p.quiet", "There is nothing to subscribe to yet.")];
  return [
    h(
      "ul.packs.card",
      offer.tiers.map((tier) => {
        const price = `${money(tier.amount, tier.currency)} a month`;
        const button = h(
          "button.button.primary",
          { type: "button", "aria-label": `${tier.title} for ${price}` },
          price,
        );
        return h(
          "li.pack",
          h(
            "span.grow",
            h("strong", tier.title),
            h(
              "span.small.quiet",
              [tier.text, tier.trial_days && `${plural(tier.trial_days, "day")} free`].filter(Boolean).join(" · "),
            ),
          ),
          chosen ? onPress(button, () => chosen(tier)) : h("span", price),
        );
      }),
    ),
    h("p.small.quiet", "You pay on Stripe's page, month by month, and can end it at any time."),
  ];
}

/// The subscription that there is, with what can be done about it.
export function mine(subscription, show) {
  const until = subscription.paid_through && date(subscription.paid_through);
  const words = subscription.cancels
    ? `It ends with what you have paid for: ${until ?? "now"}.`
    : subscription.late
      ? "The last payment did not go through. Stripe tries again; check the card in its mail."
      : `Paid until ${until}; it goes on by itself.`;
  const act = (label, path) =>
    onPress(h("button.button", { type: "button" }, label), async () => {
      await post(`/subscriptions/${subscription.id}/${path}`);
      await show();
      announce(label);
    });
  return card(
    subscription.tier ?? "Your support",
    h("p", `${money(subscription.amount, subscription.currency)} a month. `, words),
    subscription.state === "active" &&
      h("div", subscription.cancels ? act("Go on supporting", "resume") : act("End it", "cancel")),
  );
}

function tip(offer) {
  const digits = decimals(offer.currency);
  const amount = h("input", {
    type: "text",
    inputmode: "decimal",
    required: true,
    value: fraction(offer.tip_min * 5, digits),
  });
  const give = h("button.button", icon("coin"), "Give a tip");
  const bad = h("div", { role: "status" });
  const send = async () => {
    const wanted = whole(amount.value, digits);
    if (wanted === null) throw new Error("Write the amount as a number, such as 5.00.");
    location.assign((await post(`/artists/${offer.artist.id}/tips`, { amount: wanted })).checkout_url);
  };
  return card(
    "Just once",
    h(
      "form.stack",
      { onsubmit: working(give, send, (error) => bad.replaceChildren(note("bad", error.message))) },
      field(
        `A tip, in ${offer.currency.toUpperCase()}`,
        amount,
        `Between ${money(offer.tip_min, offer.currency)} and ${money(offer.tip_max, offer.currency)}.`,
      ),
      bad,
      h("div", give),
    ),
  );
}
