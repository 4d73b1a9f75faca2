// The forms: sign up, log in, reset a password, verify an address.
import { post } from "../api.js";
import { field, h, note, toast, working } from "../dom.js";
import { credits } from "../format.js";
import { passwordField } from "../password.js";
import { isMember, ownPath, refreshAccount, session, setAccount } from "../session.js";

/// Only pages of this app: an address from outside must not lead elsewhere.
const safe = (next) => ownPath(next, "/app/new");

function formPage({ title, intro, fields, action, submit, below }) {
  const button = h("button.button.primary.big.full", action);
  const trouble = h("div");
  const form = h(
    "form.stack",
    {
      onsubmit: working(
        button,
        async () => {
          trouble.replaceChildren();
          await submit();
        },
        (error) => trouble.replaceChildren(note("bad", error.message)),
      ),
    },
    ...fields,
    trouble,
    button,
  );
  return {
    title,
    node: h(
      "section.form-page",
      h(
        "div.card.stack",
        h("h1", title),
        intro && h("p.quiet", intro),
        form,
        below && h("div.stack.tight-stack.small", below),
      ),
    ),
  };
}

const email = () => h("input", { type: "email", autocomplete: "email", required: true, inputmode: "email" });

export default async function entry({ params, query, go }) {
  const next = safe(query.get("next"));
  const carry = query.get("next") ? `?next=${encodeURIComponent(next)}` : "";
  return {
    signup: () => signUp(next, carry, go),
    login: () => logIn(next, carry, go),
    reset: () => (query.get("token") ? newOne(query.get("token"), go) : reset()),
    verify: () => verify(query.get("token")),
  }[params[0]]();
}

function signUp(next, carry, go) {
  const mail = email();
  const password = passwordField("Password", { fresh: true });
  return formPage({
    title: "Sign up",
    intro: [
      `${credits(session.config.free_credits)} to begin with, for nothing, once your e-mail address is confirmed.`,
      session.account?.kind === "guest" && " What you made as a guest comes along.",
    ],
    fields: [field("E-mail", mail), password.node],
    action: "Create my account",
    submit: async () => {
      setAccount(await post("/accounts", { email: mail.value, password: password.input.value }));
      toast("Welcome! Open the link in the mail that we sent you: then your free credits are here.");
      go(next);
    },
    below: [
      h(
        "p",
        "We keep your address and what you make, for nothing but this service: ",
        h("a", { href: "/app/privacy" }, "your data here"),
        ".",
      ),
      h("p", "Already here? ", h("a", { href: `/app/login${carry}` }, "Log in")),
    ],
  });
}

function logIn(next, carry, go) {
  const mail = email();
  const password = passwordField("Password");
  return formPage({
    title: "Log in",
    fields: [field("E-mail", mail), password.node],
    action: "Log in",
    submit: async () => {
      setAccount(await post("/sessions", { email: mail.value, password: password.input.value }));
      go(next);
    },
    below: [
      h("p", h("a", { href: "/app/reset" }, "Forgot the password?")),
      h("p", "New here? ", h("a", { href: `/app/signup${carry}` }, "Sign up")),
    ],
  });
}

function reset() {
  const mail = email();
  const view = formPage({
    title: "Reset your password",
    intro: "We send you a link that lets you choose a new one.",
    fields: [field("E-mail", mail)],
    action: "Send the link",
    submit: async () => {
      await post("/password-resets", { email: mail.value });
      view.node.replaceChildren(
        h(
          "div.card.stack",
          h("h1", "Look into your mail"),
          h("p", "If there is an account for this address, a link is on its way. It works for an hour."),
        ),
      );
    },
  });
  return view;
}

function newOne(token, go) {
  const password = passwordField("New password", { fresh: true });
  return formPage({
    title: "A new password",
    intro: "All your devices are signed out.",
    fields: [password.node],
    action: "Save it",
    submit: async () => {
      await post("/password-resets/confirm", { token, password: password.input.value });
      setAccount(null);
      toast("Saved. Log in with it now.");
      go("/app/login");
    },
  });
}

async function verify(token) {
  let result;
  try {
    await post("/verifications", { token: token ?? "" });
    await refreshAccount().catch(() => {});
    result = [h("h1", "Your address is confirmed"), note("good", "Thank you. Your free credits are here.")];
  } catch (error) {
    result = [
      h("h1", "This link does not work"),
      note("bad", error.message),
      isMember() && h("a", { href: "/app/account" }, "Send a new one from your account page"),
    ].filter(Boolean);
  }
  return {
    title: "Confirm your address",
    node: h(
      "section.form-page",
      h("div.card.stack", ...result, h("a.button.primary.fit", { href: "/app/new" }, "Sing something")),
    ),
  };
}
