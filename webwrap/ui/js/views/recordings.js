// All recordings, also those that came to nothing: each takes of the room an account has.
import { get } from "../api.js";
import { h, icon } from "../dom.js";
import { bytes, plural } from "../format.js";
import { sampleButton } from "../sample.js";
import { bytesOf, recordingLine } from "../recordings.js";

export default async function recordings({ go }) {
  const kept = new Set(await get("/recordings"));
  const total = h("p.quiet", { role: "status" });
  const sample = sampleButton("button.button.fit", [icon("play"), "Try it with a sample song"], go);
  const show = () => {
    sample.hidden = kept.size > 0;
    const size = [...kept].reduce((sum, recording) => sum + bytesOf(recording), 0);
    total.textContent = kept.size
      ? `${plural(kept.size, "recording")}, ${bytes(size)} together. ` +
        "Uploads that broke off and files that cannot be used take room, too."
      : "Nothing uploaded or sung yet.";
  };
  const lines = [...kept].map((recording) =>
    recordingLine(recording, { gone: () => (kept.delete(recording), show()) }),
  );
  show();
  return {
    title: "Recordings",
    node: h(
      "section.stack.studio",
      h(
        "div.row.between",
        h("h1", "Your recordings"),
        h("a.button.primary", { href: "/app/new" }, icon("mic"), "Sing something"),
      ),
      total,
      lines.length > 0 && h("ul.lines", lines),
      sample,
    ),
  };
}
