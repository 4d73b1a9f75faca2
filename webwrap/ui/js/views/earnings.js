// For those who earn: the account that is paid, tiers for fans, what came in, statements.
import { del, get, post } from "../api.js";
import { card, confirmed, field, forMembers, h, icon, note, onPress, signButton, toast, working } from "../dom.js";
import { date, decimals, fraction, money, plural } from "../format.js";
import { isMember, refreshAccount, session } from "../session.js";

const WAYS =
  "Fans support you by the month or give tips, and members who sing with a voice that you published pay for it.";
const parts = (thousandths, currency) => money(Math.trunc(thousandths / 1000), currency);

export default async function earnings({ query }) {
  if (!isMember()) return forMembers("Earnings", "Earning needs an account.");
  if (query.has("back") || query.has("again")) await post("/earnings/account/check").catch(() => {});
  const box = h("div.stack");
  const show = async () => {
    const [now, payments, months] = await Promise.all([
      get("/earnings"),
      get("/earnings/payments"),
      get("/earnings/statements"),
    ]);
    now.stats = now.artist ? await get("/artist/stats") : null;
    now.names = now.voices.length && session.config.own_voices ? await get("/own-voices") : [];
    box.replaceChildren(...page(now, payments, months, show).filter(Boolean));
  };
  await show();
  return { title: "Earnings", node: h("section.stack.studio", h("h1", "Earnings"), h("p.quiet", WAYS), box) };
}

function page(now, payments, months, show) {
  if (!now.open && !months.length) return [note("info", "Nothing can be earned here: this service takes no payments.")];
  return [
    figures(now),
    account(now, show),
    h("div.two", tiers(now, show), voices(now)),
    payments.length > 0 && income(payments, show),
    months.length > 0 && statements(months),
    payouts(now),
  ];
}

const figure = (value, words) => h("div.figure", h("strong", value), h("span.small.quiet", words));

function figures(now) {
  const all = now.balances.flatMap((balance) => [
    figure(money(balance.at_stripe, balance.currency), "at Stripe"),
    figure(money(balance.at_bank, balance.currency), "paid out"),
    figure(parts(balance.royalties_thousandths, balance.currency), "royalties to come"),
  ]);
  return h(
    "div.figures.card",
    now.stats && figure(String(now.stats.plays), now.stats.plays === 1 ? "play" : "plays"),
    now.stats && figure(String(now.stats.followers), now.stats.followers === 1 ? "follower" : "followers"),
    figure(String(now.subscribers), now.subscribers === 1 ? "subscriber" : "subscribers"),
    all,
  );
}

// ---- the account that is paid ----

const leave = async (path) => location.assign((await post(path)).url);

function account(now, show) {
  const form = (words) =>
    onPress(h("button.button.primary", { type: "button" }, words, icon("arrow")), () => leave("/earnings/account"));
  if (!now.account)
    return card(
      "Getting paid",
      h(
        "p",
        "Stripe pays you out. It asks for your name and your bank account on its own page; we never see them. ",
        `Of what fans pay, ${share(now.fee_permille)} stay with this service.`,
      ),
      h("div", form("Set it up")),
    );
  if (now.account.missing === "closed")
    return card(
      "Getting paid",
      note(
        "bad",
        "Your account at Stripe was closed. When it is settled, open another one, so that fans can pay you again.",
      ),
      h("div", form("Open another one")),
    );
  if (!now.account.ready)
    return card(
      "Getting paid",
      note(
        "info",
        now.account.submitted
          ? "Stripe does not pay out to you yet. It may still be looking at what you entered, or need more."
          : "Stripe's form is not filled in yet; fans cannot pay until it is.",
      ),
      h("div", form("Go on")),
    );
  return card(
    "Getting paid",
    note(
      "good",
      `You are set up: Stripe pays out to your bank. ${share(now.fee_permille)} of what fans pay stay here.`,
    ),
    h(
      "div",
      onPress(h("button.button", { type: "button" }, "Your page at Stripe", icon("arrow")), async () => {
        try {
          await leave("/earnings/account/dashboard");
        } catch (error) {
          if (error.code === "account_closed") await show();
          throw error;
        }
      }),
    ),
  );
}

const share = (permille) => `${permille % 10 ? (permille / 10).toFixed(1) : permille / 10} %`;

// ---- tiers ----

/// The account says whether songs can be for subscribers.
const tiersChanged = (show) => Promise.all([show(), refreshAccount()]);

function tiers(now, show) {
  const open = now.tiers.filter((tier) => !tier.closed);
  const list = h(
    "ul.lines",
    open.map((tier) => {
      const close = signButton("trash", `Close ${tier.title}`);
      return h(
        "li.line",
        h(
          "div.grow",
          h("strong", tier.title),
          h("div.small", `${money(tier.amount, tier.currency)} a month`),
          h("div.small.quiet", tier.text),
        ),
        onPress(close, async () => {
          const sure = await confirmed({
            title: `Close “${tier.title}”?`,
            text: "Nobody can choose it any more. Those who support you with it go on as they are.",
            action: "Close it",
          });
          if (!sure) return;
          await del(`/earnings/tiers/${tier.id}`);
          await tiersChanged(show);
        }),
      );
    }),
  );
  return card(
    "What fans can choose",
    now.artist
      ? h("p.small", h("a", { href: `/app/support/${now.artist}` }, "The page where fans support you"))
      : note(
          "info",
          "Fans support an artist. ",
          h("a", { href: "/app/artist?next=/app/earnings" }, "Make your artist's page"),
          " first.",
        ),
    open.length ? list : now.artist && h("p.quiet", "Nothing yet: tips are all they can give."),
    now.artist && newTier(now, show),
  );
}

function newTier(now, show) {
  const title = h("input", { type: "text", required: true, maxlength: 60, placeholder: "Friends" });
  const text = h("input", { type: "text", maxlength: 500, placeholder: "My new songs, a week early" });
  const digits = decimals(now.currency);
  const amount = h("input", {
    type: "text",
    inputmode: "decimal",
    required: true,
    placeholder: fraction(now.amount_min * 3, digits),
  });
  const trial = h("input", { type: "number", min: 0, max: 31, value: 0 });
  const save = h("button.button", "Add it");
  const bad = h("div", { role: "status" });
  const send = async () => {
    const wanted = whole(amount.value, digits);
    if (wanted === null) throw new Error("Write the price as a number, such as 3.00.");
    bad.replaceChildren();
    await post("/earnings/tiers", {
      title: title.value,
      text: text.value,
      amount: wanted,
      trial_days: Number(trial.value) || 0,
    });
    toast("Fans can choose it now");
    await tiersChanged(show);
  };
  return h(
    "details.fold",
    h("summary", "Add one"),
    h(
      "form.stack",
      { onsubmit: working(save, send, (error) => bad.replaceChildren(note("bad", error.message))) },
      field("Name", title),
      field("What they get", text),
      field(
        `Price for a month, in ${now.currency.toUpperCase()}`,
        amount,
        "It cannot be changed later; add another one instead.",
      ),
      field("Days free of charge, once for each fan", trial),
      bad,
      h("div", save),
    ),
  );
}

/// "3.50" → 350, by the digits and not by a product of fractions; null: no price.
export function whole(text, digits) {
  const found = /^\s*(\d{1,9})(?:[.,](\d*))?\s*$/.exec(text);
  if (!found || (found[2] ?? "").length > digits) return null;
  return Number(found[1] + (found[2] ?? "").padEnd(digits, "0"));
}

// ---- voices ----

function voices(now) {
  if (!now.voices.length)
    return card(
      "Your voices",
      h("p.quiet", "Whoever publishes a voice gets a part of what others pay to sing with it. You have none yet."),
      session.config.own_voices && h("a.button.fit", { href: "/app/own-voices" }, "Make a voice of yours"),
    );
  const name = (id) => now.names.find((one) => one.id === id)?.title ?? id;
  return card(
    "Your voices",
    h(
      "ul.lines",
      now.voices.map((voice) =>
        h(
          "li.line",
          h("a.grow", { href: `/app/own-voices/${voice.voice}` }, name(voice.voice)),
          h("span.quiet", `${share(voice.royalty_permille)} of each bought credit`),
        ),
      ),
    ),
    h(
      "p.small.quiet",
      "Royalties of a month are sent to Stripe when another month has passed and they come to ",
      `${money(now.royalty_threshold, now.currency)} or more.`,
    ),
  );
}

// ---- tables ----

function table(label, heads, rows) {
  return h(
    "div.table-box",
    { tabindex: "0", role: "region", "aria-label": label },
    h(
      "table",
      h(
        "thead",
        h(
          "tr",
          heads.map((head) => h(head.number ? "th.number" : "th", { scope: "col" }, head.words ?? head)),
        ),
      ),
      h("tbody", rows),
    ),
  );
}

const numeric = (words) => ({ words, number: true });

function income(payments, show) {
  const row = (payment) => {
    const back = h("button.button.slim", { type: "button" }, "Give back");
    const state = payment.disputed
      ? "Disputed"
      : payment.refunded >= payment.charged
        ? "Given back"
        : payment.giving_back
          ? "Being given back"
          : onPress(back, async () => {
              const sure = await confirmed({
                title: `Give ${money(payment.charged - payment.refunded, payment.currency)} back?`,
                text: "The fan gets all of it back, and what you earned by it is taken from your account at Stripe.",
                action: "Give it back",
              });
              if (!sure) return;
              await post(`/earnings/payments/${payment.id}/refund`);
              await show();
            });
    return h(
      "tr",
      h("td.date", date(payment.paid)),
      h("td", payment.kind === "tip" ? "Tip" : "A month"),
      h("td.number", money(payment.charged, payment.currency)),
      h("td.number", money(payment.earned, payment.currency)),
      h("td", state),
    );
  };
  const heads = ["When", "What", numeric("Paid"), numeric("Yours"), "State"];
  return card("What fans paid", table("What fans paid", heads, payments.map(row)));
}

function statements(months) {
  const row = (line) =>
    h(
      "tr",
      h("td.date", line.month),
      h("td.number", money(line.from_fans, line.currency)),
      h("td.number", parts(line.royalties_thousandths, line.currency)),
      h("td.number", money(line.to_bank, line.currency)),
      h(
        "td",
        h("a", { href: `/api/v1/earnings/statements/${line.month}`, download: `voxconv-${line.month}.csv` }, "CSV"),
      ),
    );
  const heads = ["Month", numeric("Fans"), numeric("Royalties"), numeric("Bank"), "File"];
  return card("Statements", table("Statements", heads, months.map(row)));
}

const PAYOUTS = { pending: "on its way", paid: "arrived", failed: "came back" };

function payouts(now) {
  const lines = [
    ...now.payouts.map((one) => [
      one.arrival,
      `${money(one.amount, one.currency)} to your bank: ${PAYOUTS[one.state]}`,
    ]),
    ...now.transfers.map((one) => [
      one.created,
      `${money(one.amount, one.currency)} of royalties for ${plural(one.songs, "song")}: ` +
        (one.state === "sent" ? "sent" : "being sent"),
    ]),
  ].sort((a, b) => b[0] - a[0]);
  if (!lines.length) return null;
  return card(
    "Payouts",
    h(
      "ul.lines",
      lines.map(([time, words]) => h("li.line", h("span.grow", words), h("span.small.quiet", date(time)))),
    ),
  );
}
