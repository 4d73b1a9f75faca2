// The free song of the landing page as a recording of whoever has none at hand.
import { get } from "./api.js";
import { h, onPress, toast } from "./dom.js";
import { ensureAccount } from "./session.js";
import { upload } from "./upload.js";

// Songs that are made of it are called by this, so that who sang it stays named.
const NAME = "Crazy Glue by Josh Woodward.mp3";
const UNREACHABLE = "The sample song could not be loaded. Check your connection and try again.";

const OFFLINE = "The connection is gone. This goes on by itself when it is back.";

/// The id of the sample's recording: the one that is there, so that a second use takes no room, or a new one.
/// waiting(true) while the connection is gone.
async function sampleRecording(waiting) {
  const response = await fetch("/assets/sample/song.mp3").catch(() => null);
  if (!response?.ok) throw new Error(UNREACHABLE);
  const file = new File([await response.arrayBuffer()], NAME, { type: "audio/mpeg", lastModified: 0 });
  await ensureAccount();
  const same = ({ name, size, state }) =>
    name === NAME && size === file.size && (state === "ready" || state === "analysing");
  const there = (await get("/recordings")).find(same);
  const quietly = { progress: () => {}, waiting, signal: new AbortController().signal };
  return there?.id ?? upload(file, quietly);
}

/// Takes the sample to the studio. `spec`, `words`: of the button; `query`: of the studio's address.
export function sampleButton(spec, words, go, query = "") {
  const button = h(spec, { type: "button" }, ...words);
  return onPress(button, async () => {
    let gone = false;
    const id = await sampleRecording((on) => {
      if (on && !gone) toast(OFFLINE, "bad"); // once, however often it is tried
      gone = on;
    });
    if (button.isConnected) await go(`/app/recordings/${id}${query}`); // else the singer has gone elsewhere meanwhile
  });
}
