// A picture of a song, release or artist: seen, chosen, taken away.
import { del, poll, put } from "./api.js";
import { announce, h, icon, note, onPress, working } from "./dom.js";

/// `path`: whose it is, as "/songs/<id>"; `picture`: as the service tells it, or null; load(): resolves to how the
/// service tells it after a change. prepare(file): what is sent of the file that was chosen; view(picture): what shows
/// it, or nothing.
export function pictureField(path, picture, load, { prepare = (file) => file, view = cover } = {}) {
  const seen = h("div");
  const state = h("div", { role: "status" });
  const failed = (error) => state.replaceChildren(note("bad", error.message));
  const input = h("input", { type: "file", accept: "image/jpeg,image/png,image/webp", hidden: true });
  const choose = h(
    "button.button",
    { type: "button", onclick: () => input.click() },
    icon("upload"),
    "Choose a picture",
  );
  const remove = h("button.button.danger", { type: "button" }, "Remove it");
  const show = (now) => {
    seen.replaceChildren(...[view(now)].filter(Boolean));
    seen.hidden = !seen.hasChildNodes();
    remove.hidden = !now;
  };
  const send = async () => {
    const file = input.files[0];
    input.value = "";
    if (!file) return;
    state.replaceChildren(h("p.small.quiet", "Looking at the picture…"));
    const { id } = await put(`${path}/picture`, await prepare(file));
    const done = await poll(`/jobs/${id}`, { every: 500 });
    if (done.state !== "done") throw new Error(done.failure || "The picture could not be taken in; try again.");
    show(await load());
    state.replaceChildren();
    announce("The picture is there");
  };
  const takeAway = async () => {
    await del(`${path}/picture`);
    show(await load());
    state.replaceChildren();
    choose.focus(); // the button that had it is gone
    announce("The picture is gone");
  };
  input.addEventListener("change", working(choose, send, failed));
  onPress(remove, takeAway, failed);
  show(picture);
  return h("div.stack", seen, h("div.row", input, choose, remove), state);
}

const cover = (picture) =>
  picture &&
  h("img.cover", {
    src: `${picture.url}?size=small&t=${picture.created}`,
    alt: "The picture",
    width: 160,
    height: 160,
  });
