// What is kept of whom, for how long, and how to see and delete it. The facts are those of docs/security.md.
import { h } from "../dom.js";
import { contactAddress } from "../format.js";
import { isMember, session } from "../session.js";

const KEPT = [
  [
    "Your e-mail address, your name if you give one, your password as a hash that cannot be turned back",
    "until you delete your account",
  ],
  [
    "Where you are signed in: when, and with which browser",
    "until you log out, 14 days without a visit, 30 days at most",
  ],
  [
    "Recordings you upload or sing, the voices and music they were taken apart into, and the songs made of them",
    "until you delete them or your account; an upload that was broken off, a day",
  ],
  [
    "Your own voice, if you make one: its recordings, a description of how it sounds, the phrase you spoke and how " +
      "it was checked",
    "until you delete the voice; the phrase as text and the check, until you delete your account",
  ],
  ["Downloads made of a song", "the newest ten of each song"],
  [
    "Credits and orders. Card numbers never reach us: Stripe asks for them on its own page",
    "for the books; once your account is deleted, under a number that leads to nobody",
  ],
  [
    "Whom you support and what you paid, what fans paid to you and your voices earned. Bank accounts never reach us",
    "for the books; once your account is deleted, under a number that leads to nobody",
  ],
  [
    "Your network address, to stop guessing and flooding; the web server may write it into its log, too",
    "a day at most, the log as its operator sets",
  ],
  ["That your e-mail address had its free credits, as a hash", "180 days, also after your account is deleted"],
  [
    "Pictures, release forms and packages, and your names on platforms that you connected; what opens those accounts " +
      "is encrypted",
    "until you delete or disconnect them",
  ],
  ["What you write when you report a song or an artist, and your e-mail if you want an answer", "with the report"],
  [
    "As an artist: your page, its picture without where and with what it was taken, and how often songs were heard",
    "until you give the page up; that nobody else takes its names, 90 days longer",
  ],
  [
    "Whom you follow by mail: your address, known to nobody else, not to the artist either",
    "until you press stop, in any of those mails; unconfirmed, three days",
  ],
  [
    "Who heard a song, as a number that means nothing without a secret of the day",
    "until midnight UTC; then the count",
  ],
  ["What you made as a guest, without an account", "as long as the session in this browser, then it is removed"],
];

function yours() {
  const account = h("a", { href: "/app/account" }, "your account's page");
  if (isMember())
    return h(
      "p",
      "On ",
      account,
      " you can export all of it as one file and delete the account with everything in it, at once.",
    );
  return h(
    "p",
    "With an account, its page exports all of it as one file and deletes the account with everything in it, ",
    "at once. As a guest you can delete each song and each recording.",
  );
}

export default async function privacy() {
  const { contact } = session.config;
  return {
    title: "Your data here",
    node: h(
      "section.stack.narrow-wide",
      h("h1", "Your data here"),
      h(
        "p.lead",
        "We keep what the service needs to work, and use it for nothing else: no advertising, no tracking, ",
        "no training of voices with your recordings, but your own voice if you ask for it.",
      ),
      h("h2", "What is kept, and for how long"),
      h(
        "ul.lines",
        KEPT.map(([what, long]) => h("li.line", h("div.grow", h("strong", what), h("div.quiet", `Kept ${long}.`)))),
      ),
      h("h2", "What others see"),
      h(
        "p",
        "Only songs that you share, by their link or on your artist's page, until you stop sharing, and those that ",
        "you publish on other platforms. Artists see how many listen and follow and what was paid to them, never who. ",
        "Payments are made with Stripe, which learns your e-mail address. Mails go to your address only: to confirm ",
        "it, about your password, and about songs of artists you follow.",
      ),
      h("h2", "In your browser"),
      h(
        "p",
        "One cookie that keeps you signed in, one that knows this browser for a year so that wrong guesses of ",
        "strangers do not lock you out, and a note in the browser's storage that you are. No others.",
      ),
      h("h2", "See it, delete it"),
      yours(),
      contact &&
        h(
          "p",
          "Who runs this service answers for it, and for all other questions about your data: ",
          h("a", { href: contactAddress(contact) }, contact),
          ".",
        ),
    ),
  };
}
