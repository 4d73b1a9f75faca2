// The account: name, password, where it is signed in, API tokens, export, delete.
import { del, get, patch, post } from "../api.js";
import { card, confirmed, field, h, icon, note, onPress, signButton, toast, working } from "../dom.js";
import { spoken, when } from "../format.js";
import { passwordField } from "../password.js";
import { isMember, session, setAccount } from "../session.js";

export default async function account({ go }) {
  if (!isMember())
    return {
      title: "Account",
      node: h(
        "section.stack.narrow",
        h("h1", "You are a guest"),
        h("p", "What you made stays in this browser's session until you sign up."),
        h("a.button.primary.fit", { href: "/app/signup" }, "Sign up"),
      ),
    };
  const [sessions, tokens] = await Promise.all([get("/sessions"), get("/tokens")]);
  const me = session.account;
  return {
    title: "Account",
    node: h(
      "section.stack.studio",
      h("h1", "Your account"),
      verification(me),
      h(
        "div.two",
        profile(me),
        password(),
        artistPage(),
        payments(),
        session.config.own_voices && ownVoices(),
        signedIn(sessions, go),
        apiTokens(tokens),
        exported(),
        erase(go),
      ),
    ),
  };
}

const artistPage = () =>
  card(
    "Your artist's page",
    h("p.quiet", "A public page with the songs that you choose: people find it, share it and follow it."),
    h("a.button.fit", { href: "/app/artist" }, "Your page"),
  );

const ownVoices = () =>
  card(
    "Your own voice",
    h(
      "p.quiet",
      `Make a voice of ${spoken(session.config.own_voices.needed_s)} of your singing or speech, `,
      "and decide who may sing with it.",
    ),
    h("a.button.fit", { href: "/app/own-voices" }, "Your voices"),
  );

function verification(me) {
  if (me.email_verified) return null;
  const button = onPress(h("button.link", { type: "button" }, "Send it again"), async () => {
    await post("/account/verification");
    toast("The mail is on its way");
  });
  return note(
    "info",
    `We sent a link to ${me.email}. Open it to confirm that the address is yours; then your free credits are here. `,
    button,
  );
}

function profile(me) {
  const name = h("input", { type: "text", value: me.name ?? "", autocomplete: "name", maxlength: 80 });
  const save = h("button.button", "Save");
  return card(
    "You",
    h(
      "form.stack",
      {
        onsubmit: working(save, async () => {
          setAccount(await patch("/account", { name: name.value }));
          toast("Saved");
        }),
      },
      h("p", h("span.label", "E-mail"), h("br"), me.email),
      field("Name", name, "Shown nowhere but here."),
      h("div", save),
    ),
  );
}

function password() {
  const current = passwordField("Current password");
  const next = passwordField("New password", { fresh: true });
  const change = h("button.button", "Change it");
  // For password managers.
  const user = h("input.visually-hidden", {
    type: "text",
    autocomplete: "username",
    value: session.account.email,
    tabindex: -1,
    "aria-hidden": "true",
    readonly: true,
  });
  const form = h(
    "form.stack",
    {
      onsubmit: working(change, async () => {
        await post("/account/password", { current: current.input.value, new: next.input.value });
        form.reset();
        next.input.dispatchEvent(new Event("input")); // the meter, too
        toast("Changed. Your other devices are signed out.");
      }),
    },
    user,
    current.node,
    next.node,
    h("div", change),
  );
  return card("Password", form);
}

function signedIn(sessions, go) {
  const out = onPress(h("button.button.danger", { type: "button" }, "Log out everywhere"), async () => {
    await del("/sessions");
    setAccount(null);
    go("/app/login");
  });
  return card(
    "Where you are signed in",
    h(
      "ul.lines",
      sessions.map((item) =>
        h(
          "li.line",
          h("span.grow", device(item.user_agent), item.current && h("span.badge", "this one")),
          h("span.small.quiet", when(item.last_seen)),
        ),
      ),
    ),
    h("div", out),
  );
}

function device(agent) {
  const browser = /Edg|OPR|Firefox|Chrome|Safari|curl|python/.exec(agent ?? "")?.[0] ?? "A program";
  const system = /Android|iPhone|iPad|Mac OS|Windows|Linux/.exec(agent ?? "")?.[0];
  return [{ Edg: "Edge", OPR: "Opera", python: "Python" }[browser] ?? browser, system && `on ${system}`]
    .filter(Boolean)
    .join(" ");
}

function apiTokens(tokens) {
  const list = h("ul.lines");
  const fresh = h("div", { role: "status" });
  const name = h("input", { type: "text", required: true, maxlength: 60, placeholder: "my script" });
  const make = h("button.button", "Make a token");
  const row = (token) => {
    const line = h(
      "li.line",
      h("span.grow", token.name),
      h("span.small.quiet", token.last_used ? `used ${when(token.last_used)}` : "never used"),
    );
    const end = async () => {
      const sure = await confirmed({
        title: "Revoke this token?",
        text: `Scripts that use "${token.name}" stop working at once.`,
        action: "Revoke it",
      });
      if (!sure) return;
      await del(`/tokens/${token.id}`);
      line.remove();
    };
    line.append(onPress(signButton("trash", `Revoke ${token.name}`), end));
    return line;
  };
  list.append(...tokens.map(row));
  const form = h(
    "form.stack",
    {
      onsubmit: working(make, async () => {
        const token = await post("/tokens", { name: name.value });
        fresh.replaceChildren(
          note("good", "Copy it now; it is not shown again:", h("p", h("code.token", token.token))),
        );
        list.append(row(token));
        form.reset();
      }),
    },
    field("For what?", name),
    h("div", make),
  );
  return card(
    "API tokens",
    h(
      "p.small.quiet",
      "For scripts: send it as “Authorization: Bearer …”. ",
      h("a", { href: "/api/v1/openapi.json", download: "" }, "API description"),
    ),
    list,
    fresh,
    form,
  );
}

const payments = () =>
  card(
    "Supporting and earning",
    h("p.quiet", "Whom you support, what fans pay to you, and what your voices earn."),
    h(
      "div.row",
      h("a.button", { href: "/app/subscriptions" }, "Whom you support"),
      h("a.button", { href: "/app/earnings" }, "Earnings"),
    ),
  );

const exported = () =>
  card(
    "Your data",
    h("p.quiet", "Everything we keep about you, as one JSON file."),
    h(
      "div.row",
      h("a.button", { href: "/api/v1/account/export", download: "voxconv-account.json" }, icon("download"), "Export"),
      h("a", { href: "/app/privacy" }, "What that is"),
    ),
  );

function erase(go) {
  const button = onPress(
    h("button.button.danger", { type: "button" }, icon("trash"), "Delete my account"),
    async () => {
      const answer = await confirmed({
        title: "Delete your account?",
        text: "Your recordings, songs, shared pages, artist's page and unused credits go for good; subscriptions end.",
        action: "Delete everything",
        input: passwordField("Your password").node,
      });
      if (answer === false) return;
      await del("/account", { password: answer });
      setAccount(null);
      toast("Your account is deleted");
      go("/");
    },
  );
  return card("Delete everything", h("p.quiet", "All that is yours goes, at once."), h("div", button));
}
