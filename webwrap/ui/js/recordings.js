// What was uploaded or sung: its line in a list, and how it is deleted.
import { del } from "./api.js";
import { confirmed, h, signButton, toast } from "./dom.js";
import { bytes, clock, when } from "./format.js";

const STATES = { uploading: "upload not complete", analysing: "looking at it…", failed: "cannot be used" };

/// All that it takes: the file, and what it was taken apart into.
export const bytesOf = (recording) => recording.size + (recording.stems?.bytes ?? 0);

const size = (recording) => bytes(bytesOf(recording)) + (recording.stems ? " with its separated music" : "");

/// Asks, then deletes; resolves to whether it is gone.
export async function deleted(recording) {
  const sure = await confirmed({
    title: "Delete this recording?",
    text: `"${recording.name}" goes for good. Songs made from it stay.`,
    action: "Delete it",
  });
  if (!sure) return false;
  try {
    await del(`/recordings/${recording.id}`);
    return true;
  } catch (error) {
    toast(error.message, "bad");
    return false;
  }
}

/// gone() hears of its deletion.
export function recordingLine(recording, { query = "", gone } = {}) {
  const remove = async () => {
    if (!(await deleted(recording))) return;
    (line.nextElementSibling ?? line.previousElementSibling)?.querySelector("button").focus();
    line.remove();
    gone?.();
  };
  const line = h(
    "li.line",
    h(
      "div.grow",
      recording.voice
        ? h("a", { href: `/app/own-voices/${recording.voice}` }, recording.name)
        : h("a", { href: `/app/recordings/${recording.id}${query}` }, recording.name),
      h(
        "div.small.quiet",
        [
          STATES[recording.state] ?? clock(recording.duration_s),
          size(recording),
          when(recording.created),
          recording.voice && "for your voice",
        ]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    signButton("trash", `Delete ${recording.name}`, { onclick: remove }),
  );
  return line;
}
