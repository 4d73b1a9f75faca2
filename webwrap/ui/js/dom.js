// Builds DOM nodes: h("button.button.primary", {onclick: go}, "Go"). No HTML strings anywhere, so nothing that users
// type can become markup.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set([
  "value",
  "checked",
  "disabled",
  "selected",
  "htmlFor",
  "textContent",
  "muted",
  "indeterminate",
]);

export function h(spec, ...rest) {
  const [tag, ...classes] = spec.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  if (rest[0]?.constructor === Object) set(node, rest.shift());
  node.append(...rest.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function set(node, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) node[name] = value;
    else if (value === false || value === null) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

const ICONS = {
  play: "M8 5.5v13l11-6.5z",
  pause: "M7 5h3.6v14H7zM13.4 5H17v14h-3.6z",
  stop: "M6 6h12v12H6z",
  mic: "M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5 11a7 7 0 0 0 14 0M12 18v3",
  upload: "M12 16V4M7 9l5-5 5 5M4 17v2a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-2",
  download: "M12 4v12M7 11l5 5 5-5M4 19h16",
  share: "M12 15V3M8 7l4-4 4 4M6 11H5v10h14V11h-1",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  again: "M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  check: "M5 12.5l4.5 4.5L19 7.5",
  alert: "M12 8v5M12 16.5v.5M12 3l9.5 17h-19z",
  info: "M12 11v6M12 7.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  coin: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM14.5 9.5a3.5 3.5 0 1 0 0 5",
  arrow: "M5 12h14M13 6l6 6-6 6",
  edit: "M4 20h4L19 9l-4-4L4 16z",
  headphones: "M4 15v-2a8 8 0 0 1 16 0v2M4 14h3v6H5a1 1 0 0 1-1-1zM20 14h-3v6h2a1 1 0 0 0 1-1z",
  minus: "M6 12h12",
  plus: "M12 6v12M6 12h12",
  before: "M15 6l-6 6 6 6",
  after: "M9 6l6 6-6 6",
};
const SOLID = new Set(["play", "pause", "stop"]);

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", SOLID.has(name) ? "icon solid" : "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export const logo = () => h("img", { src: "/assets/favicon.svg", alt: "", width: 34, height: 34 });

/// Sets a node's text; called with each frame, nothing is written that is there already.
export function write(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/// Tells screen readers.
export const announce = (text) => write(document.getElementById("announcer"), text);

/// Says something for a moment at the foot of the page.
export function toast(text, kind = "good") {
  const node = h(`div.toast.${kind}`, icon(kind === "bad" ? "alert" : "check"), h("span", text));
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), kind === "bad" ? 9000 : 5000);
}

export const note = (kind, ...children) =>
  h(
    `div.note.${kind}`,
    { role: kind === "bad" ? "alert" : null },
    icon(kind === "bad" ? "alert" : kind === "good" ? "check" : "info"),
    h("div", ...children),
  );

export function field(label, input, hint) {
  input.id ||= `field-${Math.random().toString(36).slice(2, 9)}`;
  const help = hint && h("span.small.quiet", { id: `${input.id}-hint` }, hint);
  if (help) input.setAttribute("aria-describedby", help.id);
  return h("div.field", h("label", { htmlFor: input.id }, label), input, help);
}

/// One of a few: `options` are {value: words}; onchange(value) hears of the choice.
export const segments = (label, name, options, chosen, onchange) =>
  h(
    "div.segments",
    { role: "radiogroup", "aria-label": label },
    Object.entries(options).map(([value, words]) => {
      const attributes = { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) };
      return h("label", h("input.visually-hidden", attributes), h("span", words));
    }),
  );

/// Text to copy: a field that shows it, and a button. Browsers have no clipboard for pages of plain http: there the
/// field is selected.
export function copyable(label, text, { type = "text", words = "Copy" } = {}) {
  const field = h("input", { type, readonly: true, value: text, "aria-label": label, onfocus: () => field.select() });
  const button = onPress(h("button.button", { type: "button" }, icon("copy"), words), async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied");
    } catch {
      field.focus();
      field.select();
      toast("Copy it from the field", "bad");
    }
  });
  return { field, button };
}

/// A small round button with a sign alone; `label` says what it does.
export const signButton = (sign, label, attributes = {}) =>
  h("button.round.soft.small-round.plain", { type: "button", "aria-label": label, ...attributes }, icon(sign));

/// `options`: {value: words}.
export const select = (options, chosen, attributes = {}) =>
  h(
    "select",
    attributes,
    Object.entries(options).map(([value, words]) => h("option", { value, selected: value === chosen }, words)),
  );

export const card = (title, ...children) => h("section.card.stack", h("h2", title), ...children);

/// The way to an account, and back to `next`.
export const signUp = (spec = "a.button.fit", next = location.pathname + location.search, words = "Sign up") =>
  h(spec, { href: `/app/signup?next=${encodeURIComponent(next)}` }, words);

/// What guests see of a page that needs an account.
export const forMembers = (title, words) => ({
  title,
  node: h("section.stack.narrow", h("h1", title), h("p", words), signUp("a.button.primary.fit")),
});

/// A switch with its label.
export function toggle(label, checked, onchange) {
  const box = h("input", { type: "checkbox", checked, onchange: () => onchange(box.checked) });
  return h("label.switch", box, h("span", label));
}

/// Asks before something that cannot be undone; resolves to whether it was confirmed (or to the text typed when
/// `prompt` is an input).
export function confirmed({ title, text, action, input }) {
  return new Promise((resolve) => {
    const done = (answer) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const form = h(
      "form",
      { onsubmit: (event) => (event.preventDefault(), done(input ? input.querySelector("input").value : true)) },
      h("h2", { id: "dialog-title" }, title),
      h("p.quiet", text),
      input,
      h(
        "div.row.end",
        h("button.button", { type: "button", onclick: () => done(false) }, "Keep it"),
        h("button.button.danger", action),
      ),
    );
    const dialog = h(
      "dialog",
      { "aria-labelledby": "dialog-title", oncancel: (event) => (event.preventDefault(), done(false)) },
      form,
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/// A button that is off and says so while `work` runs; errors become a toast unless `onerror` takes them.
export function working(button, work, onerror = (error) => toast(error.message, "bad")) {
  return async (event) => {
    event?.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
      return await work(event);
    } catch (error) {
      onerror(error);
    } finally {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  };
}

/// The button, with `work` done when it is pressed (working).
export function onPress(button, work, onerror) {
  button.addEventListener("click", working(button, work, onerror));
  return button;
}
