// A job on its way: place in the queue, progress, cancel, what went wrong.
import { del, get, over, poll } from "../api.js";
import { announce, h, icon, note, working } from "../dom.js";
import { credits } from "../format.js";
import { refreshAccount } from "../session.js";

const STAGES = {
  reading: "Reading your recording",
  separating: "Taking the voice out of the music",
  converting: "Singing it in the new voice",
  writing: "Writing the song",
  preparing: "Listening to your recordings",
  training: "Learning your voice",
};

export default async function job({ params, go }) {
  const leaving = new AbortController();
  const path = `/jobs/${params[0]}`;
  const first = await get(path);
  const bar = h("progress.big-progress", { max: 1, "aria-label": "Progress" });
  const title = h("h1");
  const words = h("p.quiet");
  const percent = h("p.percent", { "aria-hidden": "true" });
  const connection = h("p.small.quiet", { role: "status" });
  const cancel = h("button.button", { type: "button" }, "Cancel");
  const listening = h("div.listening", { "aria-hidden": "true" }, ...Array.from({ length: 5 }, () => h("span")));
  const card = h("div.card.stack.centred", listening, title, percent, bar, words, connection, cancel);
  const box = h("section.stack.narrow", card);
  const found = first.kind === "separate" ? "you sing to it when it is there" : "the song will be under Songs";
  cancel.addEventListener(
    "click",
    working(cancel, async () => show(await del(path))),
  );

  const refund = (now) =>
    now.price > 0
      ? `Your ${credits(now.price)} ${now.price === 1 ? "was" : "were"} given back.`
      : "Nothing was charged.";
  const again = (now) =>
    h(
      "a.button.primary.fit",
      { href: `/app/recordings/${now.recording}${now.voice ? `?voice=${encodeURIComponent(now.voice)}` : ""}` },
      icon("again"),
      "Back to the recording",
    );

  function show(now) {
    connection.textContent = "";
    if (now.kind === "train") return go(`/app/own-voices/${now.voice}`, { replace: true });
    if (now.state === "done")
      return go(now.kind === "separate" ? `/app/sing/${now.recording}` : `/app/songs/${now.song}`, { replace: true });
    if (now.state === "failed") {
      announce(`It failed. ${now.failure} ${refund(now)}`);
      return box.replaceChildren(
        h("h1", "It did not work"),
        note("bad", now.failure, " ", h("strong", refund(now))),
        again(now),
      );
    }
    if (now.state === "cancelled") {
      announce(`Cancelled. ${refund(now)}`);
      return box.replaceChildren(h("h1", "Cancelled"), note("good", refund(now)), again(now));
    }
    if (now.state === "queued") {
      title.textContent = "Waiting for its turn";
      words.textContent =
        now.position > 0 ? `${now.position} ahead of you. You can close this page; ${found}.` : "You are next.";
      percent.textContent = "";
      bar.removeAttribute("value");
    } else {
      title.textContent = STAGES[now.stage] ?? "Working on it";
      words.textContent = `You can close this page; ${found}.`;
      percent.textContent = `${Math.floor(now.progress * 100)} %`;
      bar.value = now.progress;
    }
    announce(
      now.state === "queued"
        ? `${title.textContent}. ${words.textContent}`
        : `${title.textContent}, ${Math.floor(now.progress * 10) * 10} percent`,
    );
  }

  show(first);
  if (!over(first))
    poll(path, {
      onchange: show,
      onerror: () =>
        (connection.textContent = "The connection is gone; the work goes on. Waiting for it to come back…"),
      signal: leaving.signal,
    })
      .then(() => refreshAccount())
      .catch((error) => error.name !== "AbortError" && card.append(note("bad", error.message)));
  return { title: "Converting", node: box, destroy: () => leaving.abort() };
}
