// Credits: what is there, where it went, more of it. Also where Stripe's checkout returns to (?order=…).
import { get, poll, post } from "../api.js";
import { announce, forMembers, h, note, working } from "../dom.js";
import { credits, money, signed, when } from "../format.js";
import { isMember, refreshAccount, session } from "../session.js";

export default async function creditsPage({ query, go }) {
  if (!isMember())
    return forMembers(
      "Credits",
      "Credits belong to an account. Signing up and confirming your e-mail address gives you " +
        `${credits(session.config.free_credits)}.`,
    );
  const leaving = new AbortController();
  const { config } = session;
  const figure = h("p.balance");
  const held = h("p.small.quiet");
  const book = h("div");
  async function load() {
    const now = await get("/credits");
    figure.replaceChildren(h("strong", String(now.balance)), ` ${now.balance === 1 ? "credit" : "credits"}`);
    held.textContent =
      now.reserved > 0
        ? `${credits(now.reserved)} held for songs being made; given back if one fails.`
        : `${credits(config.credits_per_minute)} for each started minute of song.`;
    book.replaceChildren(history(now.history));
  }
  await load();
  refreshAccount().catch(() => {});
  const outcome = h("div", { role: "status" });
  const order = query.get("order");
  if (order) watchOrder(order, query.has("cancelled"), { outcome, load, signal: leaving.signal });
  return {
    title: "Credits",
    node: h(
      "section.stack.studio",
      h("h1", "Credits"),
      session.account.email_verified
        ? null
        : note(
            "info",
            `Open the link that we sent to ${session.account.email}, `,
            `and ${credits(config.free_credits)} are yours for nothing. `,
            h("a", { href: "/app/account" }, "Send it again"),
          ),
      outcome,
      h("div.two", h("section.card.stack.tight-stack.balance-card", h("h2", "You have"), figure, held), shop(config)),
      h("section.card.stack", h("h2", "History"), book),
    ),
    destroy: () => leaving.abort(),
  };
}

/// Waits for what becomes of an order after Stripe's page, and tells. `cancelled`: how they came back; the order itself
/// knows better.
function watchOrder(order, cancelled, { outcome, load, signal }) {
  const words = cancelled ? "Asking what became of the purchase…" : "Waiting for the payment to be confirmed…";
  outcome.replaceChildren(note("info", words));
  const late = "The payment is still being confirmed. You can go on; the credits arrive by themselves.";
  const slow = !cancelled && setTimeout(() => outcome.replaceChildren(note("info", late)), 20000);
  const unpaid = () => note("info", "The purchase was cancelled. Nothing was charged.");
  poll(`/orders/${order}`, { finished: (now) => cancelled || now.state in OUTCOMES, every: 1500, signal })
    .then(async (now) => {
      await load();
      await refreshAccount();
      outcome.replaceChildren((OUTCOMES[now.state] ?? unpaid)(now));
      announce(outcome.textContent);
    })
    .catch((error) => error.name !== "AbortError" && outcome.replaceChildren(note("bad", error.message)))
    .finally(() => clearTimeout(slow));
  signal.addEventListener("abort", () => clearTimeout(slow));
}

function shop({ shop: open, packs, currency }) {
  if (!open)
    return h(
      "section.card.stack",
      h("h2", "Get more"),
      h("p.quiet", "This service sells no credits: its shop is not set up."),
    );
  return h(
    "section.card.stack",
    h("h2", "Get more"),
    h(
      "ul.packs",
      packs.map((pack) => {
        const buy = h(
          "button.button.primary",
          { type: "button", "aria-label": `Buy ${pack.title} for ${money(pack.amount, currency)}` },
          money(pack.amount, currency),
        );
        buy.addEventListener(
          "click",
          working(buy, async () => {
            const { checkout_url: url } = await post("/orders", { pack: pack.id });
            location.assign(url);
          }),
        );
        return h(
          "li.pack",
          h(
            "span.grow",
            h("strong", pack.title),
            h("span.small.quiet", `${money(pack.amount / pack.credits, currency)} a credit`),
          ),
          buy,
        );
      }),
    ),
    h("p.small.quiet", "You pay on Stripe's page; we never see your card. Credits do not expire."),
  );
}

// What became of an order, once that is settled.
const OUTCOMES = {
  paid: () => note("good", h("strong", "Thank you! "), "Your credits are here."),
  failed: () =>
    note("bad", "The payment did not go through. Nothing was charged; try again or use another way to pay."),
  expired: () =>
    note(
      "bad",
      "The purchase was not finished in time. Nothing was charged; choose a pack again if you still want it.",
    ),
  refunded: (order) =>
    note(
      "info",
      `This purchase was refunded: ${money(order.refunded_amount, order.currency)} went back to you, `,
      "and its credits were taken back.",
    ),
  disputed: () =>
    note(
      "bad",
      "This payment is disputed. As long as the dispute is open, you can neither convert nor buy; ",
      "if the money goes back, so do the credits.",
    ),
};

// What a line is about; its note says of what. Others' notes say it all.
const KINDS = { reserve: "Held for", capture: "Paid for", release: "Given back for" };

function history(lines) {
  if (!lines.length) return h("p.quiet", "Nothing yet.");
  return h(
    "div.table-box",
    { tabindex: "0", role: "region", "aria-label": "History" },
    h(
      "table",
      h(
        "thead",
        h(
          "tr",
          h("th", { scope: "col" }, "When"),
          h("th", { scope: "col" }, "What"),
          h("th.number", { scope: "col" }, "Change"),
          h("th.number", { scope: "col" }, "Left"),
        ),
      ),
      h(
        "tbody",
        lines.map((line) =>
          h(
            "tr",
            h("td", when(line.time)),
            h("td", [KINDS[line.kind], line.note].filter(Boolean).join(" ")),
            h(
              "td.number",
              { "data-sign": line.amount > 0 ? "plus" : line.amount < 0 ? "minus" : "zero" },
              signed(line.amount),
            ),
            h("td.number", String(line.balance)),
          ),
        ),
      ),
    ),
  );
}
