#!/usr/bin/env python3
"""An artist in a real browser against the real service: a page, a picture, a song for everyone, listeners, followers and their mails, discover,
a report (see journey.py)."""
import os
import re
import subprocess
import urllib.request
import xml.etree.ElementTree as ET

from journey import CONVERTED_WITHIN, DATA, ROOT, Journey, main
from selenium.webdriver.common.keys import Keys

SONG, PICTURE = DATA / "song.flac", ROOT / "webwrap/ui/og.png"
OTHER_PICTURE = ROOT / "docs/images/web-player.png"


class ArtistJourney(Journey):
    @classmethod
    def prepare(cls):
        os.environ["WEBWRAP_ANNOUNCE_DELAY_S"] = "0"  # followers hear at once
        return {}

    # --- steps

    def mailed(self, pattern):
        """The last address of this kind that was mailed: without a mail server, mails are in the log."""
        found = re.findall(self.service.url + pattern, self.service.log.read_text(errors="replace"))
        return found[-1] if found else None

    def make_song(self, b):
        """A real conversion of three seconds, shared by a link; the address of its page in the app."""
        b.open("/app/new")
        b.find(".sources")
        b.driver.find_element("css selector", "input[type=file]").send_keys(str(SONG))
        b.find(".trim", 120)
        end = b.driver.find_elements("css selector", ".part-row input")[1]
        b.press(end)
        end.send_keys(Keys.CONTROL, "a")
        end.send_keys("0:03.0", Keys.TAB)
        button = b.button("Convert", ".go")
        b.until(button.is_enabled, 60, message="no price came")
        b.press(button)
        b.until(lambda: b.driver.find_elements("css selector", ".player"), CONVERTED_WITHIN, "the song did not come")
        b.press(b.button("Make a link"))
        b.until(lambda: b.driver.find_elements("css selector", "input[type=url]"), 120, "no link came")
        return b.run("return location.pathname")

    def choose(self, b, words):
        look = lambda: next((e for e in b.driver.find_elements("css selector", ".segments label") if e.text == words), None)  # noqa: E731
        # In one go: the choices may be drawn anew between finding and pressing one.
        b.until(lambda: (label := look()) and (b.press(label) or True), message=f"no choice {words!r}")

    def fill(self, b, label, text):
        field = b.run("return [...document.querySelectorAll('label')].find((l) => l.textContent === arguments[0]).control", label)
        b.press(field)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)

    def command(self, *arguments):
        done = subprocess.run([self.webwrap, *arguments, "--config", str(self.service.config)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def fetch(self, path):
        with urllib.request.urlopen(self.service.url + path, timeout=20) as answer:
            return answer.read()

    # --- the test

    def test_an_artist_and_her_listeners(self):
        maria, anyone, nina = self.new_browser(), self.new_browser(), self.new_browser()
        self.sign_up(maria, "maria@example.org")
        song = self.make_song(maria)

        # Everyone cannot hear it before there is a page.
        self.choose(maria, "On your page")
        maria.press(maria.button("Make your page"))
        maria.until(lambda: "Become an artist" in maria.text("h1"), message="no form")
        maria.console("publishing without a page", meant="409")
        maria.look("a1-become-an-artist")
        self.become_artist(maria, song)

        # A stranger finds the page and follows; programs that look at links in mails do nothing.
        anyone.open("/a/maria")
        self.assertIn("No songs yet", anyone.text())
        anyone.find("#follow-email").send_keys("fan@example.org")
        anyone.press(anyone.button("Follow"))
        anyone.until(lambda: "Look into your mail" in anyone.text("h1"), message="no word of the mail")
        anyone.look("a4-follow-asked")
        confirm = anyone.until(lambda: self.mailed(r"/follow/confirm/[\w-]+"), message="no mail")
        anyone.open(confirm)
        anyone.look("a5-follow-confirm")
        anyone.press(anyone.button("Yes, tell me"))
        anyone.until(lambda: "You follow @maria" in anyone.text("h1"), message="not confirmed")

        # She publishes the song, and the mail about it goes out.
        maria.open(song)
        self.choose(maria, "On your page")
        maria.until(lambda: "On your artist's page" in maria.text(), message="it was not published")
        maria.press(maria.labelled("label.switch", "Listeners"))
        maria.until(lambda: b"<enclosure" in self.fetch("/a/maria/feed.xml"), message="no sound in the feed")
        maria.press(maria.labelled("details.fold summary", "another site"))
        code = maria.run("return document.querySelector('input[aria-label=\"Code for another site\"]').value")
        self.assertRegex(code, r'^<iframe src="http://[^"]+/embed/\w+" width="480" height="180" title="[^"]+" loading="lazy"')
        maria.look("a6-song-for-everyone")
        stop = anyone.until(lambda: self.mailed(r"/follow/stop/[\w-]+"), 60, "nobody was told")
        self.listen(anyone)
        self.discover(nina)

        # The artist sees numbers.
        maria.open("/app/artist")
        figures = lambda: " ".join(maria.text(".figures").split())  # noqa: E731
        maria.until(lambda: "1 play" in figures(), message="the play was not counted")
        self.assertIn("2 followers", figures())
        maria.look("a10-listeners", dark=True)

        # Another handle: the old address leads to the page.
        self.fill(maria, "Handle", "maria-sings")
        maria.press(maria.button("Save"))
        maria.until(lambda: maria.driver.find_elements("css selector", "a[href='/a/maria-sings']"), message="it was not saved")
        anyone.open("/a/maria")
        self.assertTrue(anyone.driver.current_url.endswith("/a/maria-sings"))

        anyone.open(stop)
        anyone.press(anyone.button("Stop them"))
        anyone.until(lambda: "No more mails" in anyone.text("h1"), message="the mails go on")
        self.report(anyone)
        self.audited()
        self.fine()

    def become_artist(self, b, song):
        self.fill(b, "Handle", "voxconv")
        self.fill(b, "Name", "Maria & the Otters")
        self.fill(b, "About", "Sings in the bath.\nNow with <b>otters</b>.")
        b.press(b.button("Add a link"))
        title, url = b.driver.find_elements("css selector", ".link-row input")
        title.send_keys("Home")
        url.send_keys("https://example.org/maria")
        b.press(b.button("Make my page"))
        b.until(lambda: "reserved" in b.text(".note.bad"), message="a name of the service was taken")
        b.console("a reserved handle", meant="422")
        self.fill(b, "Handle", "maria")
        b.press(b.button("Make my page"))
        b.until(lambda: b.run("return location.pathname") == song, message="it does not lead back to the song")
        b.open("/app/artist")
        b.until(lambda: "Your artist's page" in b.text("h1"), message="no page")
        self.assertIn("No song is on your page yet", b.text())
        source = lambda: b.run("return document.querySelector('img.portrait')?.src ?? null")  # noqa: E731
        b.driver.find_element("css selector", "input[type=file]").send_keys(str(PICTURE))
        first = b.until(source, 120, "no picture came")
        b.driver.find_element("css selector", "input[type=file]").send_keys(str(OTHER_PICTURE))
        b.until(lambda: source() not in (None, first), 120, "the old picture is shown")
        b.press(b.button("Remove it"))
        b.until(lambda: source() is None, message="the picture is still there")
        self.assertEqual(b.run("return document.activeElement.textContent"), "Choose a picture", "the focus went with the button")
        b.driver.find_element("css selector", "input[type=file]").send_keys(str(SONG))
        b.until(lambda: "no picture that your browser can read" in b.text(".note.bad"), message="a song was taken for a picture")
        b.driver.find_element("css selector", "input[type=file]").send_keys(str(OTHER_PICTURE))
        b.until(source, 120, "no picture came after one was removed")
        self.assertNotIn("no picture that your browser", b.text(), "what was wrong before is still said")
        b.look("a2-artist-edit", dark=True)
        b.open("/a/maria")
        b.look("a3-page-without-songs")

    def listen(self, b):
        b.open("/a/maria")
        self.assertIn("Maria & the Otters", b.text("h1"))
        self.assertIn("Now with <b>otters</b>.", b.text(".artist-bio"))
        b.look("a7-page", dark=True)
        b.press(b.find(".artist-song button"))
        b.until(lambda: b"1 play" in self.fetch("/a/maria"), 40, "the play does not count")
        b.press(b.find(".artist-song .song-title"))
        b.until(lambda: "by Maria" in b.text(), message="the song's page does not name her")
        b.look("a8-song-page")
        feed = ET.fromstring(self.fetch("/a/maria/feed.xml"))
        self.assertEqual(len(feed.findall("channel/item")), 1)
        enclosure = feed.find("channel/item/enclosure")
        self.assertEqual(len(urllib.request.urlopen(enclosure.get("url")).read()), int(enclosure.get("length")))
        self.assertIn(b"/a/maria</loc>", self.fetch("/sitemap.xml"))
        self.assertEqual(self.fetch("/a/maria/picture.jpg")[:3], b"\xff\xd8\xff")

    def discover(self, b):
        self.sign_up(b, "nina@example.org")
        b.open("/app/discover")
        b.find(".song .song-title")
        b.press(b.button("Follow", ".artist-card"))
        b.until(lambda: "Following" in b.text(".artist-card"), message="she does not follow")
        b.look("a9-discover", dark=True)
        self.choose(b, "Following")
        b.until(lambda: "list=followed" in b.driver.current_url and b.driver.find_elements("css selector", ".song"), message="nothing of who is followed")
        self.choose(b, "Most played")
        b.until(lambda: "list=played" in b.driver.current_url and "1 play" in b.text(".song"), message="nothing was played")

    def report(self, b):
        b.open("/a/maria-sings")
        b.press(b.find("summary"))
        b.find("#reason").send_keys("That is not Maria.")
        b.press(b.button("Send the report"))
        b.until(lambda: "A person will look at it" in b.text(), message="the report was not taken")
        b.look("a11-reported")
        waiting = self.command("reports")
        self.assertIn("That is not Maria.", waiting)
        self.command("reports", "--decide", waiting.split()[0], "hide", "--by", "the test", "--note", "She wrote to us.")
        self.assertIn("artist hidden by the test", self.command("reports", "--all"))
        b.open("/a/maria-sings")
        self.assertIn("There is no such artist here", b.text("h1"))
        b.console("a hidden page", meant="404")
        b.look("a12-hidden", console=False)


if __name__ == "__main__":
    main()
