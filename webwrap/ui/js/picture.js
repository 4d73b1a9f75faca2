// The picture of a song or release: seen, chosen, taken away.
import { del, poll, put } from "./api.js";
import { announce, h, icon, note, onPress } from "./dom.js";

/// `path`: "/songs/<id>" or "/releases/<id>"; `picture`: as the service tells it, or null; changed(): afterwards.
export function pictureField(path, picture, changed) {
  const state = h("div", { role: "status" });
  const failed = (error) => state.replaceChildren(note("bad", error.message));
  const file = h("input.visually-hidden", {
    type: "file",
    accept: "image/jpeg,image/png,image/webp",
    tabindex: -1,
    "aria-label": "Picture",
  });
  const choose = h(
    "button.button",
    { type: "button", onclick: () => file.click() },
    icon("upload"),
    "Choose a picture",
  );
  const send = async () => {
    state.replaceChildren(h("p.small.quiet", "Looking at the picture…"));
    const job = await put(`${path}/picture`, file.files[0]);
    const done = await poll(`/jobs/${job.id}`, { every: 500 });
    if (done.state !== "done") throw new Error(done.failure || "The picture could not be taken in; try again.");
    announce("The picture is there");
    await changed();
  };
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    choose.disabled = true;
    await send().catch(failed);
    choose.disabled = false;
    file.value = "";
  });
  const remove =
    picture &&
    onPress(
      h("button.button.danger", { type: "button" }, "Remove it"),
      async () => {
        await del(`${path}/picture`);
        await changed();
      },
      failed,
    );
  const shown =
    picture &&
    h("img.cover", {
      src: `${picture.url}?size=small&t=${picture.created}`,
      alt: "The picture",
      width: 160,
      height: 160,
    });
  return h("div.stack", shown, h("div.row", file, choose, remove), state);
}
