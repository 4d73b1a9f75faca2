// Starts the app: the frame around every page and the router.
import { del } from "./api.js";
import { announce, h, icon, logo, note, set, toast } from "./dom.js";
import { silence } from "./audio.js";
import { contactAddress, credits } from "./format.js";
import { isMember, loadSession, onSession, session, setAccount } from "./session.js";

const ROUTES = [
  [/^\/$/, () => import("./views/landing.js")],
  [/^\/app\/?$/, () => import("./views/start.js")],
  [/^\/app\/new$/, () => import("./views/start.js")],
  [/^\/app\/recordings$/, () => import("./views/recordings.js")],
  [/^\/app\/recordings\/(\w+)$/, () => import("./views/studio.js")],
  [/^\/app\/sing\/(\w+)$/, () => import("./views/sing.js")],
  [/^\/app\/jobs\/(\w+)$/, () => import("./views/job.js")],
  [/^\/app\/songs$/, () => import("./views/songs.js")],
  [/^\/app\/songs\/(\w+)$/, () => import("./views/song.js")],
  [/^\/app\/discover$/, () => import("./views/discover.js")],
  [/^\/app\/artist$/, () => import("./views/artist.js")],
  [/^\/app\/own-voices$/, () => import("./views/own-voices.js")],
  [/^\/app\/own-voices\/(\w+)$/, () => import("./views/own-voice.js")],
  [/^\/app\/voices\/(\w+)$/, () => import("./views/voice.js")],
  [/^\/app\/releases\/(\w+)$/, () => import("./views/release.js")],
  [/^\/app\/connected\/(\w+)$/, () => import("./views/connected.js")],
  [/^\/app\/credits$/, () => import("./views/credits.js")],
  [/^\/app\/account$/, () => import("./views/account.js")],
  [/^\/app\/earnings$/, () => import("./views/earnings.js")],
  [/^\/app\/support\/([\w-]+)$/, () => import("./views/support.js")],
  [/^\/app\/subscriptions$/, () => import("./views/subscriptions.js")],
  [/^\/app\/privacy$/, () => import("./views/privacy.js")],
  [/^\/app\/(signup|login|reset|verify)$/, () => import("./views/entry.js")],
];
// Pages that show nothing without an account.
const PRIVATE = new RegExp(
  "^/app/(recordings|sing|jobs|songs|artist|own-voices|releases|connected|credits|account|earnings|subscriptions)",
);

const main = document.getElementById("main");
let leave = null; // what the shown view wants done when it goes
let latest = 0; // counts renderings: only the last one is shown
let shown = false; // before the first view, a footer would jump when it comes

function go(path, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", path);
  return render();
}

async function render() {
  const mine = ++latest;
  const url = new URL(location.href);
  const [pattern, load] = ROUTES.find(([test]) => test.test(url.pathname)) ?? [];
  leave?.();
  leave = null;
  silence();
  if (PRIVATE.test(url.pathname) && !session.account)
    return go(`/app/login?next=${encodeURIComponent(url.pathname + url.search)}`, { replace: true });
  main.setAttribute("aria-busy", "true");
  const waiting = setTimeout(() => {
    const words = h("div.loading", { role: "status" }, h("span.spinner"), "Loading…");
    if (mine === latest) main.replaceChildren(words);
  }, 250);
  let view;
  try {
    view = load
      ? await (await load()).default({ params: pattern.exec(url.pathname).slice(1), query: url.searchParams, go })
      : missing();
  } catch (error) {
    if (error.status === 401) {
      setAccount(null);
      return go(`/app/login?next=${encodeURIComponent(url.pathname + url.search)}`, { replace: true });
    }
    view = broken(error);
  } finally {
    clearTimeout(waiting);
  }
  if (mine !== latest) return view?.destroy?.();
  leave = view.destroy ?? null;
  shown = true;
  document.title = view.title ? `${view.title} · voxconv` : "voxconv: sing it, hear it in another voice";
  main.replaceChildren(view.node);
  main.removeAttribute("aria-busy");
  frame();
  if (mine > 1) {
    scrollTo(0, 0);
    const heading = main.querySelector("h1");
    if (heading) set(heading, { tabindex: "-1" }).focus({ preventScroll: true });
    announce(document.title);
  }
}

const missing = () => ({
  title: "Not found",
  node: h(
    "section.narrow.stack",
    h("h1", "There is nothing here"),
    h("p", "The address is wrong, or what was here has been deleted."),
    h("a.button.primary.fit", { href: "/app/new" }, "Sing something"),
  ),
});

const broken = (error) =>
  error.status === 404
    ? missing()
    : {
        title: "Something went wrong",
        node: h(
          "section.narrow.stack",
          h("h1", "That did not work"),
          note("bad", error.message),
          h("button.button.primary.fit", { onclick: render }, icon("again"), "Try again"),
        ),
      };

// ---- the frame ----

function tab(href, label) {
  const here = location.pathname === href || (href !== "/" && location.pathname.startsWith(`${href}/`));
  return h("a.tab", { href, "aria-current": here ? "page" : null }, label);
}

/// A sign alone on phones, where there is no room for the word.
const discoverTab = () =>
  h(
    "a.tab.sign-tab",
    {
      href: "/app/discover",
      "aria-label": "Discover",
      "aria-current": location.pathname === "/app/discover" && "page",
    },
    icon("headphones"),
    h("span", "Discover"),
  );

function frame() {
  const { account } = session;
  const member = isMember();
  document
    .getElementById("top")
    .replaceChildren(
      h(
        "nav.bar",
        { "aria-label": "Main" },
        h("a.brand", { href: "/", "aria-label": "voxconv, start page" }, logo(), h("span", "voxconv")),
        h("div.tabs", tab("/app/new", "Sing"), account && tab("/app/songs", "Songs"), discoverTab()),
        h(
          "div.row.tight",
          member &&
            h(
              "a.pill",
              { href: "/app/credits", "aria-label": `${credits(account.balance)}, to the credits page` },
              icon("coin"),
              String(account.balance),
            ),
          member &&
            h(
              "a.avatar",
              { href: "/app/account", "aria-label": "Your account" },
              (account.name || account.email).slice(0, 1).toUpperCase(),
            ),
          !member && h("a.tab", { href: "/app/login" }, "Log in"),
          !member && h("a.button.slim.primary", { href: "/app/signup" }, "Sign up"),
        ),
      ),
    );
  if (!shown) return;
  document
    .getElementById("bottom")
    .replaceChildren(
      h(
        "div.foot.small.quiet",
        h("p", "Convert only recordings that you may use. Every file made here says that its vocal is AI-converted."),
        h(
          "div.row",
          member && h("button.link", { type: "button", onclick: logOut }, "Log out"),
          h("a", { href: "/app/discover" }, "Discover"),
          h("a", { href: "/app/privacy" }, "Privacy"),
          session.config?.contact && h("a", { href: contactAddress(session.config.contact) }, "Contact and takedowns"),
        ),
      ),
    );
}

async function logOut() {
  try {
    await del("/sessions/current");
    setAccount(null);
    go("/");
  } catch (error) {
    toast(error.message, "bad");
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (
    !link ||
    event.defaultPrevented ||
    event.button ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    link.target ||
    link.hasAttribute("download")
  )
    return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !ROUTES.some(([test]) => test.test(url.pathname))) return;
  event.preventDefault();
  go(url.pathname + url.search);
});
addEventListener("popstate", render);
onSession(frame);

try {
  await loadSession();
  await render();
} catch (error) {
  shown = true;
  frame();
  main.replaceChildren(
    h(
      "section.narrow.stack",
      h("h1", "voxconv is out of reach"),
      note("bad", error.message),
      h("button.button.primary.fit", { onclick: () => location.reload() }, icon("again"), "Try again"),
    ),
  );
}
