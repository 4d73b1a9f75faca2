#!/usr/bin/env python3
"""Releasing a song in a real browser: its picture, a share video, publishing on a fake SoundCloud, the release package (see journey.py)."""
import hashlib
import struct
import sys
import zipfile
import zlib

from journey import DATA, ROOT, Journey, main

sys.path.append(str(ROOT / "tests" / "web"))
from api_client import PASSWORD, Client  # noqa: E402
from platforms_test import Platforms  # noqa: E402

SONG = DATA / "song.flac"
EMAIL = "releases@example.org"


def write_picture(path, side):
    """A PNG of a few colours that run into each other."""
    rows = b"".join(b"\0" + bytes(channel for x in range(side) for channel in (255 * x // side, 90 + 100 * y // side, 200 - 120 * x // side))
                    for y in range(0, side, 50) for _ in (0,))
    row_bytes = 1 + 3 * side
    rows = b"".join(rows[i * row_bytes:(i + 1) * row_bytes] * 50 for i in range(side // 50))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b""))


class Releasing(Journey):
    @classmethod
    def prepare(cls):
        cls.platforms = Platforms()
        cls.addClassCleanup(cls.platforms.stop)
        return cls.platforms.settings()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        singer = Client(cls.service.port)
        singer.sign_up(EMAIL, cls.service.log)
        singer.must(200, "PATCH", "/account", {"name": "Ada Test"})
        voice = singer.must(200, "GET", "/voices").json[0]["id"]
        cls.song = singer.make_song(SONG.read_bytes(), "Night & Day", voice, 2)[1]
        cls.picture = cls.work / "cover.png"
        write_picture(cls.picture, 3000)

    def setUp(self):
        super().setUp()
        b = self.browser = self.new_browser()
        b.open("/app/login")
        b.find("input[type=email]").send_keys(EMAIL)
        b.find("input[type=password]").send_keys(PASSWORD)
        b.press(b.button("Log in"))
        b.find("a.avatar")

    def choose_picture(self):
        b = self.browser
        b.button("Choose a picture")
        b.driver.find_element("css selector", "input[type=file]").send_keys(str(self.picture))
        b.find("img.cover", 60)
        b.until(lambda: b.run("return document.querySelector('img.cover').naturalWidth") == 1000, 20, "the picture is not shown")

    def fill(self, label, value):
        b = self.browser
        field = b.run("return [...document.querySelectorAll('label')].find((label) => label.textContent === arguments[0] && label.control)?.control", label)
        self.assertIsNotNone(field, label)
        b.run("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event(arguments[0].tagName === 'SELECT' ? 'change' : 'input', {bubbles: true}))",
              field, value)

    def test_1_a_video_to_post(self):
        b = self.browser
        b.open(f"/app/songs/{self.song}")
        self.choose_picture()
        b.press(b.find("input[name=shape][value=square] + span"))
        b.press(b.button("Make the video"))
        b.find("video.share-video", 120)
        b.until(lambda: b.run("return document.querySelector('video').videoWidth") == 1080, 30, "the video does not load")
        self.assertEqual(b.run("return document.querySelector('video').videoHeight"), 1080)
        self.assertAlmostEqual(b.run("return document.querySelector('video').duration"), 2, delta=0.2)
        b.look("song-with-video", dark=True)
        self.fine()

    def place(self, platform):
        b = self.browser
        css = f"details[data-platform={platform}]"
        if not b.run(f"return document.querySelector('{css}')?.open"):
            b.press(b.find(f"{css} summary"))
        return css

    def test_2_published_elsewhere(self):
        b = self.browser
        b.open(f"/app/songs/{self.song}")
        b.press(b.button("Connect SoundCloud", self.place("soundcloud")))
        b.press(b.find("#allow"))
        b.find("details[data-platform=soundcloud]")
        self.assertNotIn("code=", b.driver.current_url)
        css = self.place("soundcloud")
        self.assertIn("Connected as Test singer", b.text(css))
        b.look("song-publish")
        b.press(b.find(f"{css} .switch input"))
        b.press(b.button("Publish on SoundCloud", css))
        b.until(lambda: "Published" in b.text(f"{css} summary"), 90, "SoundCloud does not have it")
        self.place("soundcloud")
        self.assertEqual(b.button("Open it there", css).get_attribute("href"), "https://soundcloud.com/test/1")
        css = self.place("spotify")
        self.assertIn("distributors only", b.text(css))
        b.find(f"{css} input[type=url]").send_keys("https://open.spotify.com/track/abc")
        b.press(b.button("Keep it", css))
        b.until(lambda: "Linked" in b.text(f"{css} summary"), 20, "the link is not kept")
        b.look("song-published")
        css = self.place("soundcloud")
        b.press(b.button("Take it down there", css))
        b.press(b.button("Take it down", "dialog"))
        b.until(lambda: not self.platforms.control("state")["tracks"], 60, "it is still there")
        self.fine()

    def test_3_the_package(self):
        b = self.browser
        b.open(f"/app/songs/{self.song}")
        b.press(b.button("Make a release package"))
        b.find(".todo")
        b.look("release-begun")
        self.assertIn("choose a cover", b.text(".todo").lower())
        self.choose_picture()
        self.fill("Genre", "Pop")
        self.fill("Sung in", "en")
        self.fill("Are the words explicit?", "not_explicit")
        writer = b.find("input[aria-label='Written by 1']")
        writer.send_keys("Cole Test")
        b.run("const role = document.querySelector('select[aria-label=\"Written by 1: as what\"]'); role.value = 'composer_lyricist'; role.dispatchEvent(new Event('change'))")
        b.press(b.find("section.card:last-of-type .switch input"))
        b.until(lambda: "Everything is there" in b.text(), 20, "something is still missing")
        b.press(b.button("Make the package"))
        link = b.button("Save the package", timeout=120)
        b.look("release-packed", dark=True)
        link.click()
        package = self.downloads / "Night & Day.zip"
        b.until(lambda: package.exists() or list(self.downloads.glob("*.zip")), 30, "no download")
        with zipfile.ZipFile(package if package.exists() else next(self.downloads.glob("*.zip"))) as archive:
            self.assertIsNone(archive.testzip())
            sums = dict(reversed(line.split("  ")) for line in archive.read("checksums.sha256").decode().splitlines())
            self.assertEqual(set(sums) | {"checksums.sha256"}, set(archive.namelist()))
            for name, expected in sums.items():
                self.assertEqual(hashlib.sha256(archive.read(name)).hexdigest(), expected, name)
            self.assertTrue(archive.read("resources/01.flac").startswith(b"fLaC"))
            self.assertIn(b"<ContainsAI>Partly</ContainsAI>", archive.read("ern.xml"))
            self.assertIn(b"Night &amp; Day", archive.read("ern.xml"))
            self.assertIn("Cole Test", archive.read("metadata.csv").decode())
        self.audited()
        self.fine()


if __name__ == "__main__":
    main()
