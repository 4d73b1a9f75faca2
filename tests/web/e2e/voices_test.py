#!/usr/bin/env python3
"""A member's own voice in a real browser against the real service, from the microphone to published and earning (see journey.py)."""
import base64
import os
import subprocess

from journey import CONVERTED_WITHIN, DATA, Journey, main

SPEECH, SONG = DATA / "speech.flac", DATA / "song.flac"
# A microphone into which a recording is spoken, again and again: put in the place of the real one.
MICROPHONE = """
    navigator.mediaDevices.getUserMedia = async () => {
      const context = new AudioContext(), bytes = Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0));
      const source = new AudioBufferSourceNode(context, {buffer: await context.decodeAudioData(bytes.buffer), loop: true});
      const heard = context.createMediaStreamDestination();
      source.connect(heard);
      source.start();
      return heard.stream;
    };"""


class OwnVoice(Journey):
    @classmethod
    def prepare(cls):
        # Where a recogniser is installed it would hear that the microphone does not speak the phrase.
        os.environ["XDG_DATA_HOME"] = str(cls.run_folder / "home")
        return {"own_voice_s": 6, "training_steps": 4, "training_credits": 3, "free_credits": 3, "credits_per_minute": 4}

    def member(self, name):
        """A browser in which a new member is signed in."""
        b = self.new_browser()
        b.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument",
                                 {"source": MICROPHONE % base64.b64encode(SPEECH.read_bytes()).decode()})
        self.sign_up(b, f"{name}@example.org")
        return b

    def operator(self, *arguments):
        done = subprocess.run([self.webwrap, "voices", *arguments, "--config", str(self.service.config)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def approve(self, b):
        """With the mark that `show` prints for what was looked at."""
        voice = self.voice(b)
        self.operator("approve", voice, self.operator("show", voice).split(f"webwrap voices approve {voice} ")[1].split()[0])

    def record(self, b, words, seconds):
        b.press(b.button(words))
        b.find(".live")
        b.until(lambda: b.text(".timer") >= f"0:0{seconds}", message="nothing is recorded")
        b.press(b.button("Stop"))
        b.press(b.button("Use this take"))

    def status(self, b, words, timeout=30):
        b.until(lambda: words in b.text(), timeout, f"nothing says {words!r}")

    def gather(self, b):
        b.open("/app/account")
        b.press(b.button("Your voices"))
        self.status(b, "3 credits")
        b.look("01-own-voices", dark=True)
        b.find("form input[type=text]").send_keys("Anna")
        b.press(b.button("Begin"))
        self.status(b, "0:00 of 0:06")
        b.driver.find_element("css selector", "input[type=file]").send_keys(str(SPEECH))
        self.status(b, "of 0:04 can be used", 60)
        self.assertIn("When there are enough recordings", b.text())
        b.press(b.button("Record"))
        b.find(".live")
        b.until(lambda: b.text(".timer") >= "0:08", message="nothing is recorded")  # the file is too short to count
        self.assertIn("that is enough", b.text(), "what is sung now does not count")
        b.look("02-recording")
        b.press(b.button("Stop"))
        b.look("03-take")
        b.press(b.button("Use this take"))
        b.until(lambda: b.text().count("can be used") == 2, 60, "the take was not looked at")

    def consent(self, b):
        b.press(b.button("Show me the phrase"))
        b.until(lambda: "say that you agree" in b.text("#toasts"), message="who does not agree gets a phrase")
        b.press(b.find("input[type=checkbox]"))
        b.press(b.button("Show me the phrase"))
        first = b.text(".phrase")
        self.assertIn("my own voice", first)
        b.press(b.button("Another phrase"))
        b.until(lambda: b.text(".phrase") != first, message="it is the same phrase again")
        b.look("04-phrase", dark=True)
        self.record(b, "Speak it", 4)
        self.status(b, "A person will listen", 90)
        b.look("05-consent-review")
        self.assertIn("its consent must be heard", self.operator())
        shown = self.operator("show", self.voice(b))
        self.assertIn("similarity", shown)
        self.assertIn("listen", shown)
        self.approve(b)
        self.status(b, "Make the voice")

    def voice(self, b):
        return b.run("return location.pathname.split('/').pop()")

    def test_from_the_microphone_to_published_and_earning(self):
        b = self.member("anna")
        self.gather(b)
        self.consent(b)
        b.look("06-price")
        b.press(b.button("Make my voice"))
        self.status(b, "is being made")
        b.look("07-training")
        self.status(b, "Hear it", CONVERTED_WITHIN)
        self.assertEqual(b.text(".pill"), "0")
        b.press(b.button("a sample"))
        b.button("Stop Anna: a sample")
        b.look("08-private", dark=True)

        # By its link, then for all.
        b.press(b.labelled(".choice", "Who has the link"))
        link = b.find("input[type=url]").get_attribute("value")
        b.look("09-link")
        ben = self.member("ben")
        ben.open(link)
        self.assertIn("Anna", ben.text("h1"))
        ben.look("10-voice")
        b.press(b.labelled(".choice", "Everybody here"))
        self.status(b, "A person listens to it")
        b.look("11-review")
        ben.open(link)
        self.assertIn("not open any more", ben.text("h1"))
        ben.console("a closed link", meant="404")
        self.approve(b)
        self.status(b, "Now: published")
        b.look("12-published", dark=True)

        # Another member sings with it, and pays: of the four credits three were given to him, one he bought.
        ben.open("/app/credits")
        ben.find(".packs")
        ben.press(ben.button("30 credits"))
        ben.press(ben.find("#pay"))
        ben.until(lambda: "Your credits are here" in ben.text(), 40, "the credits did not come")
        ben.open("/app/new")
        ben.find(".sources")
        ben.driver.find_element("css selector", "input[type=file]").send_keys(str(SONG))
        ben.find(".trim", 90)
        pick = ben.labelled(".voice-pick", "Anna")
        self.assertIn("a member's own", pick.text)
        ben.press(pick)
        ben.look("13-studio")
        go = ben.button("Convert", ".go")
        ben.until(go.is_enabled, message="no price came")
        ben.press(go)
        ben.until(lambda: ben.driver.find_elements("css selector", ".player"), CONVERTED_WITHIN, "the song was not made")
        self.assertIn("Anna", ben.text())
        b.open("/app/earnings")
        self.status(b, "royalties to come")
        cheapest = min(pack["amount"] * 1000 // pack["credits"] for pack in b.run("return fetch('/api/v1/config').then((r) => r.json())")["packs"])
        balances = b.run("return fetch('/api/v1/earnings').then((r) => r.json())")["balances"]
        self.assertEqual([one["royalties_thousandths"] for one in balances], [cheapest * 200 // 1000], "a fifth of the cheapest credit there is")
        b.look("15-earning", dark=True)
        b.driver.back()

        # Withdrawn, it is gone; the song stays.
        b.press(b.button("Withdraw"))
        b.press(b.button("Delete it", "dialog"))
        b.until(lambda: "deleted" in b.text(".lines"), message="it is not gone")
        b.look("14-withdrawn")
        self.assertNotIn("Anna", ben.run("return fetch('/api/v1/voices').then((r) => r.text())"))
        self.assertEqual(len(ben.run("return fetch('/api/v1/songs').then((r) => r.json())")), 1)
        self.audited()
        self.fine()


if __name__ == "__main__":
    main()
