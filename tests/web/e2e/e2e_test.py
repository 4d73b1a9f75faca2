#!/usr/bin/env python3
"""The whole user journey in a real browser against the real service (see journey.py)."""
import array
import base64
import math
import random
import re
import struct
import wave

from journey import CONVERTED_WITHIN, DATA, DESKTOP, PASSWORD, PHONE, Journey, main
from selenium.webdriver.common.keys import Keys

SONG, SONG_WITH_MUSIC = DATA / "song.flac", DATA / "song_with_music.ogg"
IN_STEP_S = 0.02  # what sounds together may be apart
NEAR_BAR_S = 0.03  # what is found of a bar's beginning may be off
# A microphone that hears what the page plays, 137 ms later and softer: put in the place of the real one.
LOOPBACK = """
    const connect = AudioNode.prototype.connect, Context = window.AudioContext;
    window.AudioContext = class extends Context {
      constructor(options) {
        super(options);
        this.way = this.createDelay(1);
        this.way.delayTime.value = 0.137;
        const softer = this.createGain(), heard = this.createMediaStreamDestination();
        softer.gain.value = 0.4;
        connect.call(this.way, softer);
        connect.call(softer, heard);
        navigator.mediaDevices.getUserMedia = async () => heard.stream;
      }
    };
    AudioNode.prototype.connect = function (to, ...rest) {
      if (to instanceof AudioDestinationNode && this.context.way) connect.call(this, this.context.way);
      return connect.call(this, to, ...rest);
    };"""
SIGNATURES = {"mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3"), "wav": (b"RIFF",), "flac": (b"fLaC",)}


def sing_to(path, seconds=8, rate=48000, times=1):
    """A sung vowel for the microphone: a few notes with harmonics and vibrato, all of it so many times."""
    phase, frames = 0.0, bytearray()
    for i in range(seconds * rate):
        t = i / rate
        note = (220, 247, 262, 294)[int(t) % 4] * (1 + 0.008 * math.sin(2 * math.pi * 5.5 * t))
        phase += 2 * math.pi * note / rate
        value = sum(math.sin(k * phase) / k for k in range(1, 8)) * 0.25 * min(1, 8 * (t % 1), 8 * (1 - t % 1))
        frames += struct.pack("<h", int(32767 * max(-1, min(1, value))))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(bytes(frames) * times)


def drums(path, beats, per_bar, seconds, rate=22050):
    """A kick on each bar's first beat (and, softer, on the third of four), a snare on the second and fourth of four, a cymbal on each beat."""
    noise = random.Random(1)
    samples = array.array("d", bytes(8 * int(seconds * rate)))

    def strike(at, loud, tone_hz, hiss, decay_s):
        for i in range(min(int(6 * decay_s * rate), len(samples) - round(at * rate))):
            t = i / rate
            sound = (1 - hiss) * math.sin(2 * math.pi * tone_hz * t) + hiss * noise.uniform(-1, 1)
            samples[round(at * rate) + i] += loud * sound * math.exp(-t / decay_s)

    for i, beat in enumerate(beats):
        place = i % per_bar
        strike(beat, 0.12, 0, 1, 0.015)
        if place == 0 or (per_bar, place) == (4, 2):
            strike(beat, 0.3 if place else 0.5, 65, 0, 0.06)
        elif per_bar == 4:
            strike(beat, 0.25, 190, 0.7, 0.04)
    write_sound(path, samples, rate)


def drone(path, seconds=30, rate=22050):
    """A chord that swells and has no beats."""
    samples = [sum(0.1 * (1 + 0.4 * math.sin(t * (0.7 + k / 3))) * math.sin(2 * math.pi * hz * t) for k, hz in enumerate((110, 165, 220.5, 331)))
               for t in (i / rate for i in range(seconds * rate))]
    write_sound(path, samples, rate)


def write_sound(path, samples, rate):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(array.array("h", (int(32767 * max(-1, min(1, x))) for x in samples)).tobytes())


def even(bpm, first, seconds):
    return [first + i * 60 / bpm for i in range(math.ceil((seconds - first) * bpm / 60))]


class WholeJourney(Journey):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.microphone = cls.work / "microphone.wav"
        sing_to(cls.microphone)

    def setUp(self):
        super().setUp()
        self.browser = self.new_browser(self.microphone)

    # --- steps

    def member(self, email):
        """One who has just confirmed the address, ready to upload; before that there is nothing to spend."""
        b = self.browser
        link = self.register(b, email)
        b.open("/app/credits")
        self.assertEqual(b.text(".balance"), "0 credits")
        self.assertIn("Open the link", b.text())
        self.confirm(b, link)
        b.open("/app/new")
        b.find(".sources")

    def choose_password(self):
        """The meter and the button that shows what was typed."""
        b = self.browser
        password = b.find("input[type=password]")
        levels = []
        for part, words in (("passw", "7 characters to go"), ("ord123456", "Easy to guess"), (" of my", "Could be better"), (" old", "Good"), (" quiet cat and its otters", "Strong")):
            password.send_keys(part)
            self.assertEqual(b.text(".strength span"), words)
            levels.append(b.run("return document.querySelector('meter').value"))
        self.assertEqual(levels, [0, 1, 2, 3, 4])
        self.assertEqual(password.get_attribute("type"), "password")
        b.press(b.button("Show it"))
        self.assertEqual(password.get_attribute("type"), "text")
        b.press(b.button("Hide it"))
        self.assertEqual(password.get_attribute("type"), "password")

    def upload(self, song=SONG):
        b = self.browser
        b.find(".sources")
        b.driver.find_element("css selector", "input[type=file]").send_keys(str(song))
        b.find(".trim", 90)

    def apart(self, first, second, most=0.2):
        """By how many seconds one sound lies behind another, both as the browser decodes them; lists of addresses are added up."""
        return self.browser.driver.execute_async_script("""
            const [first, second, most, done] = arguments, rate = 8000;
            const sum = async (urls) => {
              const all = await Promise.all(urls.map(async (url) => {
                const answer = await fetch(url);
                if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
                const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await answer.arrayBuffer());
                return buffer.getChannelData(0);
              }));
              return all[0].map((x, i) => all.reduce((total, one) => total + (one[i] ?? 0), 0));
            };
            (async () => {
              const { findDelay } = await import('/assets/js/latency.js');
              const found = findDelay(await sum(first), await sum(second), { rate, least: -most * rate, most: most * rate });
              return found.delay / rate;
            })().then(done, (error) => done(String(error)));""", first, second, most)

    def shorten(self, seconds):
        """Sets the end of the part in its field, the start by keyboard on the handle."""
        b = self.browser
        end = b.driver.find_elements("css selector", ".part-row input")[1]
        b.press(end)
        end.send_keys(Keys.CONTROL, "a")
        end.send_keys(f"0:{seconds + 1:04.1f}", Keys.TAB)
        handle = b.find(".handle.left")
        handle.send_keys(Keys.ARROW_RIGHT)
        self.assertEqual(handle.get_attribute("aria-valuenow"), "1.0")
        self.assertIn(f"0:{seconds:04.1f} of", b.text("[aria-labelledby=part-title]"))

    def choose_voice(self, title):
        b = self.browser
        b.press(b.labelled(".voice-pick", title))

    def order(self, words):
        b = self.browser
        button = b.button(words, ".go")
        b.until(button.is_enabled, message="no price came")
        b.press(button)
        b.find(".big-progress, .player", 30)

    def arrive(self):
        b = self.browser
        b.until(lambda: b.driver.find_elements("css selector", ".player") or b.driver.find_elements("css selector", ".note.bad"), CONVERTED_WITHIN)
        self.assertFalse(b.driver.find_elements("css selector", ".note.bad"), b.text())

    def position(self):
        """Seconds that the player shows."""
        minutes, seconds = self.browser.text(".time").split(" / ")[0].split(":")
        return int(minutes) * 60 + int(seconds)

    # --- tests

    def test_a_guest_hears_a_preview(self):
        b = self.browser
        b.open("/")
        self.assertIn("another voice", b.text("h1"))
        b.find(".shelf-voice")
        b.look("01-landing", dark=True)
        b.press(b.button("Try it now"))
        b.find(".sources")
        b.look("02-start-guest")
        self.upload()
        self.shorten(2.5)
        b.look("03-bench-guest")
        self.order("Make the preview")
        self.arrive()
        self.assertIn("This is a preview", b.text())
        self.assertIn("Sharing needs an account", b.text())
        b.look("04-song-guest")
        self.fine()

    def test_the_sample_song(self):
        """Before anything is uploaded: what the service does, to be heard on the start page."""
        b = self.browser
        b.open("/")
        b.press(b.button("Play the sample song"))
        b.button("Pause the sample song")
        for mode in ("Before", "After"):
            b.press(next(e for e in b.driver.find_elements("css selector", ".sample label") if e.text == mode))
            b.button("Pause the sample song")
        b.press(b.button("Pause the sample song"))
        b.button("Play the sample song")
        self.assertLess(abs(self.apart(["/assets/sample/song.mp3"], ["/assets/sample/cover.mp3"])), IN_STEP_S)
        self.assertIn("Attribution 4.0", b.run("return fetch('/assets/sample/LICENSE.txt').then((r) => r.text())"))
        b.look("33-landing-sample", dark=True)
        # With one tap it is a recording like any other: its music is heard, and a guest's preview is made of it.
        b.press(b.button("Try it with this song"))
        b.find(".trim", CONVERTED_WITHIN)
        self.assertIn("Crazy Glue by Josh Woodward", b.text("h1"))
        self.assertTrue(b.driver.find_element("css selector", "[aria-labelledby=music-title] input").is_selected(), "its music was not heard")
        b.until(lambda: "Free preview" in b.text(".price"), message="no preview is offered")
        b.look("34-studio-sample")
        self.shorten(3)
        self.order("Make the preview")
        self.arrive()
        self.assertEqual(len(b.driver.find_elements("css selector", ".lane")), 3, "voice and music are not apart")
        # Tried again from elsewhere it is the same recording, which takes no more room.
        recordings = lambda: b.run("return fetch('/api/v1/recordings').then((r) => r.json())")  # noqa: E731
        first = recordings()
        self.assertEqual([one["name"] for one in first], ["Crazy Glue by Josh Woodward.mp3"])
        b.open("/app/new?voice=kathleen")
        b.look("35-start-sample")
        b.press(b.button("No song at hand?"))
        b.find(".trim", CONVERTED_WITHIN)
        self.assertTrue(b.run("return location.pathname").endswith(first[0]["id"]))
        self.assertIn("kathleen", b.run("return document.querySelector('input[name=voice]:checked').value"))
        self.assertEqual(len(recordings()), 1)
        self.fine()

    def test_the_sample_song_from_an_empty_list(self):
        b = self.browser
        b.open("/app/new")
        b.find(".sources")
        b.run("return fetch('/api/v1/guests', {method: 'POST'}).then((r) => r.status)")
        b.run("localStorage.setItem('voxconv.signed-in', '1')")
        b.open("/app/recordings")
        b.look("36-no-recordings")
        b.line(offline=True)
        b.press(b.button("Try it with a sample song"))
        b.until(lambda: "could not be loaded" in b.text("#toasts"), message="nothing is said about the lost connection")
        b.line()
        b.console("offline", meant="ERR_INTERNET_DISCONNECTED")
        b.press(b.button("Try it with a sample song"))
        b.find(".trim", CONVERTED_WITHIN)
        b.open("/app/recordings")
        b.find(".line")
        self.assertFalse(b.driver.find_element("xpath", "//button[contains(., 'sample song')]").is_displayed())
        self.fine()

    def test_nothing_jumps(self):
        """The cumulative layout shift of the start page, as browsers measure it (below 0.1 is good): https://web.dev/cls."""
        b = self.browser
        for width, height, mobile in (PHONE, DESKTOP):
            b.size(width, height, mobile)
            b.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
            b.open("/")
            b.find(".shelf-voice")
            b.run("return document.fonts.ready.then(() => true)")
            shifts = b.driver.execute_async_script("""
                const done = arguments[0], seen = [];
                new PerformanceObserver((list) => seen.push(...list.getEntries())).observe({type: 'layout-shift', buffered: true});
                setTimeout(() => done(seen.filter((one) => !one.hadRecentInput).map((one) => one.value)), 1000);""")
            self.assertLess(sum(shifts), 0.1, f"the page jumps at {width}: {shifts}")

    def test_long_songs_in_little_memory(self):
        """Sounds of a long song are kept in less quality where a device has little memory, and still run together."""
        b = self.browser
        b.size(*PHONE)
        b.open("/")
        b.find(".hero")
        tell = lambda memory: b.run(f"Object.defineProperty(navigator, 'deviceMemory', {{configurable: true, value: {memory}}})")  # noqa: E731
        for memory, small in ((4, True), (8, False)):
            tell(memory)
            self.assertIs(b.module("audio.js", "it.isSmall()"), small, memory)
        tell("undefined")  # as in Safari and Firefox
        landscape, small_window = (844, 390, True), (500, 700, False)
        for size, touched, small in ((PHONE, True, True), (landscape, True, True), (DESKTOP, False, False), (DESKTOP, True, False), (small_window, False, False)):
            b.size(*size)
            b.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touched, "maxTouchPoints": 5})
            self.assertIs(b.module("audio.js", "it.isSmall()"), small, (size, touched))
        b.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
        b.size(*PHONE)
        for seconds, small, rate in ((900, False, 44100), (1000, False, 24000), (4000, False, 12000), (300, True, 44100), (400, True, 24000), (1300, True, 24000), (1400, True, 12000), (3600, True, 12000)):
            self.assertEqual(b.module("audio.js", f"it.qualityOf({seconds}, {str(small).lower()}).rate"), rate, (seconds, small))
        for memory, rate, channels in ((8, 44100, 2), (2, 24000, 1)):
            # It is said to be a minute too long for a phone; what is decoded is the sample.
            heard = b.driver.execute_async_script("""
                const [memory, done] = arguments;
                Object.defineProperty(navigator, 'deviceMemory', {configurable: true, value: memory});
                (async () => {
                  const { Mixer } = await import('/assets/js/audio.js'), file = '/assets/sample/song.mp3';
                  const mixer = new Mixer({dry: file, wet: '/assets/sample/cover.mp3', music: file, duration: 200});
                  await mixer.play();
                  await new Promise((resolve) => setTimeout(resolve, 600));
                  const time = mixer.time;
                  const told = {rates: mixer.buffers.map((one) => one.sampleRate), channels: mixer.buffers.map((one) => one.numberOfChannels),
                                reduced: mixer.isReduced, time};
                  mixer.destroy();
                  return told;
                })().then(done, (error) => done(String(error)));""", memory)
            self.assertEqual((heard["rates"], heard["channels"][1], heard["reduced"]), ([rate] * 3, channels, channels == 1), heard)
            self.assertGreater(heard["time"], 0.2)
        b.size(*DESKTOP)
        self.fine()

    def test_a_song_with_music(self):
        b = self.browser
        self.member("maria@example.org")
        self.upload(SONG_WITH_MUSIC)
        switch = lambda: b.driver.find_element("css selector", "[aria-labelledby=music-title] input")  # noqa: E731
        self.assertTrue(switch().is_selected(), "the music is not kept by itself")
        self.assertIn("you:", b.text(".legend"))
        self.assertFalse(b.driver.find_element("css selector", ".fine").is_displayed(), "semitones would leave the music's key")
        b.until(lambda: "2 credits" in b.text(".price") and "1 for each further voice" in b.text(".price"), message="no price with the separation")
        b.press(switch())
        b.until(lambda: "1 credit" in b.text(".price") and "further" not in b.text(".price"), message="the price did not change")
        self.assertTrue(b.driver.find_element("css selector", ".fine").is_displayed())
        b.press(switch())
        self.shorten(3)
        self.choose_voice("Kathleen")
        b.look("27-studio-music", dark=True)
        self.order("Convert")
        self.arrive()

        self.assertEqual(len(b.driver.find_elements("css selector", ".lane")), 3)
        b.press(b.button("Play", ".player"))
        b.until(lambda: self.position() >= 1, message="the cover does not play")
        levels = lambda: b.run("return window.levels()")  # noqa: E731
        b.run("""window.levels = () => [...document.querySelectorAll('.player input[type=range]')].map((input) => Number(input.value));""")
        self.assertEqual(levels(), [100, 0, 0])
        for solo in ("Voice only", "Music only", "Everything"):
            b.press(next(e for e in b.driver.find_elements("css selector", ".player .segments label") if e.text == solo))
        voice, music = b.driver.find_elements("css selector", ".player input[type=range]")[1:]
        voice.send_keys(Keys.ARROW_RIGHT)
        music.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
        self.assertEqual(levels(), [100, 0.5, -1])
        b.press(b.find("h1"))
        b.look("28-song-music", dark=True)

        # The parts are in step with each other and with what was uploaded.
        song = b.run("return location.pathname.replace('/app', '/api/v1')")
        recording = b.run("return fetch(arguments[0]).then((r) => r.json()).then((s) => s.recording)", song)
        part = lambda which: f"{song}/audio?which={which}"  # noqa: E731
        self.assertLess(abs(self.apart([part("original"), part("music")], [part("song")], 0.1)), IN_STEP_S)
        self.assertLess(abs(self.apart([part("converted"), part("music")], [part("song")], 0.1)), IN_STEP_S)
        whole = self.apart([part("original"), part("music")], [f"/api/v1/recordings/{recording}/audio"], 1.2)
        self.assertLess(abs(whole - 1), IN_STEP_S, "the part begins at 1 s")

        # Each of the three downloads.
        for what, name in (("Instrumental", "song_with_music (instrumental).mp3"), ("Voice", "song_with_music (vocals).mp3"), ("The song", "song_with_music.mp3")):
            b.press(next(e for e in b.driver.find_elements("css selector", "[aria-labelledby=download-title] label") if e.text == what))
            b.press(b.button("Download", "[aria-labelledby=download-title]"))
            b.until(lambda: (self.downloads / name).exists(), 60, f"no {name} came")
        # What the singer kept is what is shared.
        b.press(b.button("Make a link"))
        b.until(lambda: b.driver.find_elements("css selector", "input[aria-label=Link]"), 60, "no link came")
        kept = b.run("return fetch(arguments[0]).then((r) => r.json()).then((s) => [s.share.wet, s.share.level_db, s.share.music_db])", song)
        self.assertEqual(kept, [1, 0.5, -1])
        # Another voice on it costs the conversion alone.
        b.press(b.button("Again with another voice"))
        b.find(".trim")
        self.shorten(3)
        b.until(lambda: b.text(".price strong") == "1 credit", message="the second voice is no cheaper")
        self.audited()
        self.fine()

    def test_latency(self):
        """Clicks are found again, however late, soft, noisy or upside down they come back; where there are none, that is said."""
        b = self.browser
        b.open("/")
        b.find(".hero")
        for late, gain, noise in ((0.0, 1, 0.0), (0.137, 0.05, 0.005), (0.31, -0.02, 0.004), (0.55, 0.3, 0.02)):
            found = b.module("latency.js", f"""(() => {{
                const rate = 48000, clicks = it.clickTrain(rate), late = Math.round({late} * rate);
                let seed = 1;
                const random = () => (seed = (seed * 16807) % 2147483647) / 1073741823.5 - 1;
                const heard = Float32Array.from({{length: 3 * rate}}, (_, i) => {gain} * (clicks[i - late] ?? 0) + {noise} * random());
                return it.findDelay(clicks, heard, {{ rate }});
            }})()""")
            self.assertLess(abs(found["delay"] / 48000 - late), 0.001, (late, found))
            self.assertGreater(found["clarity"], 2, late)
        nothing = b.module("latency.js", """(() => {
            const rate = 48000, clicks = it.clickTrain(rate);
            let seed = 1;
            const random = () => (seed = (seed * 16807) % 2147483647) / 1073741823.5 - 1;
            return it.findDelay(clicks, Float32Array.from({length: 3 * rate}, () => 0.05 * random()), { rate });
        })()""")
        self.assertLess(nothing["clarity"], 2)

    def sung_until(self, time):
        """Whether this time of the song was reached, or its end."""
        return self.browser.run("const now = document.querySelector('.timer')?.textContent; return !now || (!now.startsWith('in') && now >= arguments[0])", time)

    def type_place(self, typed):
        place = self.browser.find(".place")
        self.browser.press(place)
        place.send_keys(Keys.CONTROL, "a")
        place.send_keys(typed, Keys.TAB)

    def stop_singing(self):
        """The song may have ended by itself, on a busy machine or while pictures were taken."""
        b = self.browser
        b.run("document.querySelector('.live button')?.click()")
        b.until(lambda: "Your take" in b.text(), message="there is no take")

    def test_singing_along(self):
        b = self.browser
        self.member("sina@example.org")
        b.driver.find_element("css selector", ".along input[type=file]").send_keys(str(SONG_WITH_MUSIC))
        b.button("Take the singer out, 1 credit", timeout=90)
        b.look("29-sing-part")
        b.press(b.button("Sing with the singer"))
        b.run(LOOPBACK)
        b.press(b.button("Open the microphone"))
        b.press(b.button("Measure"))
        b.until(lambda: "that is taken out" in b.text(), 20, "the clicks were not found")
        measured = int(re.search(r"(\d+) ms late", b.text())[1])
        self.assertGreater(measured, 130)
        self.assertLess(measured, 400)
        b.look("30-sing-ready", dark=True)
        b.press(b.button("Sing", "main .card:last-child"))
        b.find(".live")
        b.until(lambda: b.text(".timer") >= "0:04", 30, "the song does not go on")
        b.look("31-sing-live")
        self.stop_singing()
        # Again from 2.1 s on, by the keys or typed; what was sung before stays.
        scrub, place = b.find("[role=slider][aria-label=Position]"), b.find(".place")
        scrub.send_keys(Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.SHIFT, Keys.ARROW_RIGHT)
        self.assertEqual(place.get_attribute("value"), "0:02.1")
        for typed, taken in (("0:01.3", "1.3"), ("nonsense", "1.3"), ("9:00", scrub.get_attribute("aria-valuemax")), ("2,1", "2.1")):
            self.type_place(typed)
            self.assertEqual(scrub.get_attribute("aria-valuenow"), taken)
        b.run("""window.seams = [];
            import('/assets/js/singalong.js').then(({ SingAlong }) => {
              const record = SingAlong.prototype.record;
              SingAlong.prototype.record = function (from, rest) { seams.push(from); return record.call(this, from, rest); };
            });""")
        b.press(b.button("Sing again from here"))
        b.find(".live")
        b.until(lambda: self.sung_until("0:03"), 30)
        self.stop_singing()
        self.assertAlmostEqual(b.run("return window.seams[0]"), 2.1, places=3)
        b.press(b.button("Play the take"))
        b.until(lambda: b.find(".place").get_attribute("value") >= "0:01.0", message="the take does not play")
        b.press(b.button("Pause"))
        b.look("32-sing-take", dark=True)
        b.press(b.button("Use this take"))
        b.find(".trim", 90)
        self.assertIn("Put the music under my voice", b.text("[aria-labelledby=music-title]"))
        b.until(lambda: "1 credit" in b.text(".price"), message="no price")
        self.choose_voice("Kathleen")
        self.order("Convert")
        self.arrive()
        # What the microphone heard was the song itself: voice and music of the result must lie over each other.
        song = b.run("return location.pathname.replace('/app', '/api/v1')")
        late = self.apart([f"{song}/audio?which=music"], [f"{song}/audio?which=original"])
        self.assertLess(abs(late), IN_STEP_S, "the take does not lie where it was sung")
        self.audited()
        self.fine()

    def bars_of(self, path, left=False):
        """What the page finds of a sound file's beats; None: no clear beat; a word: what it failed with. `left`: at once."""
        return self.browser.driver.execute_async_script("""
            const [data, left, done] = arguments, bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const leaving = new AbortController();
            Promise.all([import('/assets/js/beats.js'), new OfflineAudioContext(2, 1, 48000).decodeAudioData(bytes.buffer)])
              .then(([it, buffer]) => {
                const found = it.findBars(buffer, leaving.signal);
                if (left) leaving.abort();
                return found;
              }).then(done, (error) => done(error.name));""", base64.b64encode(path.read_bytes()).decode(), left)

    def assertBars(self, found, true):
        self.assertEqual(len(found), len(true), (found, true))
        for a, b in zip(found, true):
            self.assertLess(abs(a - b), NEAR_BAR_S, (found, true))

    def test_bars(self):
        """Bars of four and of three, of a tempo that wanders, and none where there is no beat."""
        b = self.browser
        b.open("/")
        b.find(".hero")
        sound = self.work / "drums.wav"
        wandering = [0.4]
        while wandering[-1] < 39:
            wandering.append(wandering[-1] + 0.55 * (1 + 0.03 * math.sin(wandering[-1] / 9)))
        for beats, per_bar, seconds in ((even(104, 0.7, 20), 4, 20), (even(138, 1.3, 20), 3, 20), (even(92, 0, 20), 4, 20), (wandering, 4, 40)):
            drums(sound, beats, per_bar, seconds)
            found = self.bars_of(sound)
            self.assertIsInstance(found, dict, (per_bar, beats[:2]))
            self.assertEqual(found["perBar"], per_bar)
            self.assertAlmostEqual(found["bpm"], 60 * (len(beats) - 1) / (beats[-1] - beats[0]), delta=0.5)
            self.assertBars(found["bars"], beats[::per_bar])
        drone(self.work / "drone.wav")
        # No bars are better than wrong ones.
        drums(self.work / "changing.wav", even(100, 1, 40) + even(130, 40, 80), 4, 80)
        for beatless in (self.work / "drone.wav", DATA / "speech.flac", self.work / "changing.wav"):
            self.assertIsNone(self.bars_of(beatless), beatless.name)
        self.assertEqual(self.bars_of(sound, left=True), "AbortError", "the search goes on when nobody waits for it any more")

    def sing_to_upload(self, sound):
        """From an upload to a first take of some seconds, by a microphone that hears what the page plays."""
        b = self.browser
        b.open("/app/new")
        b.find(".sources")
        b.driver.find_element("css selector", ".along input[type=file]").send_keys(str(sound))
        b.until(lambda: "Put your headphones on" in b.text(), CONVERTED_WITHIN, "the upload is not sung to")
        b.run(LOOPBACK)
        b.run("""import('/assets/js/singalong.js').then(({ SingAlong }) => {
              const record = SingAlong.prototype.record;
              SingAlong.prototype.record = function (from, rest) {
                Object.assign(window, { along: this, from, lead: rest.lead });
                return record.call(this, from, rest);
              };
            });""")
        b.press(b.button("Open the microphone"))
        b.press(b.button("Sing", "main .card:last-child"))
        b.find(".live")
        b.until(lambda: self.sung_until("0:06"), 60, "the song does not go on")

    def test_singing_again_from_a_bar(self):
        b = self.browser
        self.member("bo@example.org")
        beats = even(104, 0.7, 40)
        bars = beats[::4]
        drums(self.work / "drums.wav", beats, 4, 40)
        self.sing_to_upload(self.work / "drums.wav")
        b.until(lambda: re.search(r"Bar [34]\b", b.text(".live")), message="the bar is not shown")
        b.look("61-sing-bar-live")
        self.stop_singing()
        self.assertBars(b.run("return along.rhythm.bars"), bars)
        scrub = b.find("[role=slider][aria-label=Position]")
        row = "[role=group][aria-label=Bars]"

        def at(bar):
            self.assertEqual(b.text(row), f"Bar {bar}")
            self.assertLess(abs(float(scrub.get_attribute("aria-valuenow")) - bars[bar - 1]), NEAR_BAR_S + 0.05)
            self.assertIn(f"Bar {bar}, ", scrub.get_attribute("aria-valuetext"))

        self.assertEqual(b.text(row), "Before bar 1")
        for press, bar in (("Next bar", 1), ("Next bar", 2), ("Next bar", 3), ("Previous bar", 2)):
            b.press(b.button(press))
            at(bar)
        self.assertEqual(b.run("return document.getElementById('announcer').textContent"), "Bar 2")
        scrub.send_keys(Keys.PAGE_DOWN)
        at(1)
        # Outermost are the song's own beginning and end.
        for _ in range(2):
            b.press(b.button("Previous bar"))
            self.assertEqual((scrub.get_attribute("aria-valuenow"), b.text(row)), ("0.0", "Before bar 1"))
        scrub.send_keys(Keys.END)
        b.press(b.button("Next bar"))
        self.assertEqual(scrub.get_attribute("aria-valuenow"), scrub.get_attribute("aria-valuemax"))
        scrub.send_keys(Keys.PAGE_DOWN)
        at(len(bars))
        scrub.send_keys(Keys.HOME)
        for bar in (1, 2, 3):
            scrub.send_keys(Keys.PAGE_UP)
            at(bar)
        # Typed times stay as they are, within a bar; the way back leads to its beginning.
        self.type_place("0:06.5")
        self.assertEqual((scrub.get_attribute("aria-valuenow"), b.text(row)), ("6.5", "Bar 3"))
        b.button("Sing again from bar 3")
        b.button("Sing again from here")
        b.press(b.button("Previous bar"))
        at(3)
        # On the waveform the nearest bar is meant: 4 s lie nearer to the second, at 3.0, than to the third, at 5.3.
        touch = lambda seconds: b.run("""const box = document.querySelector('.take-wave .wave').getBoundingClientRect();
            const at = { clientX: box.left + box.width * arguments[0] / along.duration, clientY: box.top + 5, pointerId: 1, bubbles: true };
            const node = document.querySelector('.scrub');
            node.setPointerCapture = () => {};
            for (const name of ['pointerdown', 'pointerup']) node.dispatchEvent(new PointerEvent(name, at));""", seconds)  # noqa: E731
        touch(0.2)
        self.assertEqual((scrub.get_attribute("aria-valuenow"), b.text(row)), ("0.0", "Before bar 1"))
        touch(4)
        at(2)
        self.assertIn("A touch goes to the nearest bar", b.text())
        b.look("62-sing-bar", dark=True)
        # What was sung is a constant now, what is sung now is silence: it is seen where it begins.
        b.run("along.samples.fill(0.25); along.stream.getTracks().forEach((track) => (track.enabled = false));")
        # All that is counted, as it is shown.
        b.run("""window.counted = [];
            new MutationObserver(() => {
              const now = document.querySelector('.live .timer')?.textContent;
              if (now?.startsWith('in ') && now !== counted.at(-1)) counted.push(now);
            }).observe(document.body, { subtree: true, childList: true, characterData: true });""")
        b.press(b.button("Sing again from bar 2"))
        b.find(".live")
        b.until(lambda: self.sung_until("0:04"), 30)
        self.assertEqual(b.run("return counted.splice(0)"), ["in 4", "in 3", "in 2", "in 1"], "beats are not counted down")
        b.press(b.button("Stop"))
        b.until(lambda: "Your take" in b.text())
        start, lead = b.run("return [from, lead]")
        self.assertLess(abs(start - bars[1]), NEAR_BAR_S)
        self.assertLess(abs(lead - (bars[1] - bars[0])), NEAR_BAR_S, "the bar before it is not what is heard first")
        first, silent = b.run("""const from = Math.round(window.from * along.rate);
            const sung = along.samples.subarray(from + 0.02 * along.rate, from + 0.8 * along.rate);
            return [(along.samples.findIndex((x) => x !== 0.25) - from) / along.rate, sung.every((x) => x === 0)];""")
        self.assertGreaterEqual(first, 0, "what was sung before the bar is gone")
        self.assertLess(first, IN_STEP_S, "what was sung before goes on into the bar")
        self.assertTrue(silent)
        # Another place while it plays, then again from near the end: the take ends with the song, by itself.
        b.press(b.button("Play the take"))
        for _ in range(2):
            b.press(b.button("Next bar"))
        # Meanwhile nothing is written that is there already, and the button's name stays still.
        b.button("Sing again from this bar")
        b.run("""window.written = 0;
            new MutationObserver((all) => (written += all.length)).observe(document.querySelector(arguments[0]).parentNode.parentNode,
              { subtree: true, childList: true, characterData: true });""", row)
        start = b.run("return along.time")
        b.until(lambda: b.run("return along.time") > start + 1.5, message="it does not play on")
        self.assertLess(b.run("return written"), 8)
        self.type_place("0:38.5")
        b.press(b.button("Sing again from here"))
        b.find(".live")
        b.until(lambda: "Your take" in b.text(), 20, "the take does not end with the song")
        # Before what is no bar, seconds are counted.
        self.assertLessEqual(set(b.run("return counted")), {"in 2", "in 1"})
        self.assertAlmostEqual(b.run("return along.to"), b.run("return along.duration"), places=3)
        b.press(b.find("header a"))
        b.until(lambda: b.run("return along.leaving.signal.aborted"), message="the song is still listened to when the page is left")
        self.fine()

    def test_singing_without_a_beat(self):
        """The page speaks of no bars."""
        b = self.browser
        self.member("dora@example.org")
        drone(self.work / "drone.wav")
        self.sing_to_upload(self.work / "drone.wav")
        self.stop_singing()
        # It was listened to, to the end, and nothing failed.
        self.assertEqual(b.run("return along.listened.then((found) => [found], (error) => String(error))"), [None])
        self.assertNotRegex(b.text().lower(), r"\bbars?\b")
        b.button("Sing again from here")
        scrub = b.find("[role=slider][aria-label=Position]")
        scrub.send_keys(Keys.HOME, Keys.PAGE_UP)
        self.assertEqual(scrub.get_attribute("aria-valuetext"), "6 seconds")
        b.look("63-sing-no-bars")
        self.fine()

    def test_a_member_goes_the_whole_way(self):
        b = self.browser
        b.open("/app/signup")
        b.find("input[type=email]")
        self.choose_password()
        b.look("05-sign-up", dark=True)
        b.press(b.button("your data here"))
        b.until(lambda: "Your data here" in b.text("h1"))
        self.assertIn("hello@example.org", b.text())
        b.look("25-privacy", dark=True)
        self.member("anna@example.org")
        self.assertEqual(b.text(".pill"), "2")
        self.upload()

        # The voices that fit come first, with their range; a man's is never the first choice for a high voice, nor a woman's for a low one.
        self.assertRegex(b.text(".voices"), r"Range [A-G][♯♭]?\d to [A-G][♯♭]?\d, mostly around [A-G][♯♭]?\d")
        first = lambda low, median, high: b.run(  # noqa: E731
            "return Promise.all([import('/assets/js/voices.js'), fetch('/api/v1/voices').then((r) => r.json())])"
            ".then(([m, all]) => m.byFit(all, {f0_low: arguments[0], f0_median: arguments[1], f0_high: arguments[2]})[0].gender)", low, median, high)
        self.assertEqual(first(260, 420, 800), "female")
        self.assertEqual(first(80, 110, 160), "male")

        # A voice's sample plays.
        self.choose_voice("Kathleen")
        sample = b.find(".voice:has(input:checked) .voice-play button")
        b.run("arguments[0].click(); arguments[0].click()", sample)  # stopped before it began: no reason to give up
        b.press(sample)
        b.until(lambda: b.run("return arguments[0].audio.currentTime", sample) > 0.3, message="the sample does not play")
        b.press(sample)
        # So does the part, from its start.
        b.press(b.button("Play the part"))
        b.button("Pause")
        b.press(b.button("Pause"))
        self.shorten(2.5)
        self.assertIn("kathleen", b.run("return document.querySelector('input[name=voice]:checked').value"))
        b.until(lambda: "1 credit" in b.text(".price"), message="no price")
        b.press(b.button("One semitone up"))
        words = b.text(".key-words")
        b.press(b.button("Use the suggestion"))
        self.assertNotEqual(b.text(".key-words"), words)
        b.press(b.find(".fold summary"))
        b.look("06-bench", dark=True)

        self.order("Convert")
        b.look("07-job")
        self.arrive()
        self.assertEqual(b.text(".pill"), "1")

        # The player: plays, switches in place, seeks, mixes.
        b.press(b.button("Play", ".player"))
        b.until(lambda: self.position() >= 1, message="the player's time does not move")
        before = self.position()
        b.press(b.driver.find_elements("css selector", ".lane-name")[0])
        self.assertEqual(len(b.driver.find_elements("css selector", ".lane.dry.on")), 1)
        self.assertGreaterEqual(self.position(), before)
        b.press(b.button("Switch"))
        self.assertEqual(len(b.driver.find_elements("css selector", ".lane.wet.on")), 1)
        scrub = b.find("[role=slider][aria-label=Position]")
        scrub.send_keys(Keys.END)
        b.button("Play", ".player")
        scrub.send_keys(Keys.HOME)
        self.assertEqual(self.position(), 0)
        scrub.send_keys(Keys.SHIFT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        self.assertEqual(self.position(), 1)
        blend = b.driver.find_elements("css selector", ".player input[type=range]")[0]
        blend.send_keys(Keys.ARROW_LEFT)
        self.assertIn("99 %", b.text(".player"))
        b.press(b.find("h1"))  # nothing has the focus in the picture
        b.look("08-song", dark=True)

        for kind, heads in SIGNATURES.items():
            self.download(kind, heads)
        self.share()
        self.buy()
        self.rest()
        self.audited()
        self.fine()

    def download(self, kind, heads):
        b = self.browser
        b.press(next(e for e in b.driver.find_elements("css selector", "[aria-labelledby=download-title] label") if e.text == kind))
        b.press(b.button("Download", "[aria-labelledby=download-title]"))
        got = b.until(lambda: next(iter(self.downloads.glob(f"*.{kind}")), None), 60, f"no {kind} came")
        self.assertTrue(got.read_bytes().startswith(heads), kind)

    def share(self):
        b = self.browser
        b.press(b.button("Make a link"))
        link = b.until(lambda: b.driver.find_elements("css selector", "input[aria-label=Link]"), 60, "no link came")[0].get_attribute("value")
        self.assertEqual(b.run("return fetch(location.pathname.replace('/app', '/api/v1')).then((r) => r.json()).then((s) => s.share.wet)"), 0.99)
        blend = b.driver.find_elements("css selector", ".player input[type=range]")[0]
        blend.send_keys(Keys.ARROW_LEFT)
        b.press(b.button("Share this blend instead"))
        b.until(lambda: b.run("return fetch(location.pathname.replace('/app', '/api/v1')).then((r) => r.json()).then((s) => s.share.wet)") == 0.98, 60,
                "the new blend is not shared")
        b.press(b.labelled(".switch", "Listeners may download"))
        b.look("09-song-shared")
        b.until(lambda: b.run("return fetch(arguments[0]).then((r) => r.json()).then((s) => s.allow_download)",
                              f"/api/v1/shares/{link.split('/')[-1]}"), message="the switch did nothing")
        visitor = self.new_browser()  # logged out
        visitor.open(link)
        self.assertIn("AI-converted", visitor.text())
        visitor.press(visitor.button("Play"))
        visitor.until(lambda: visitor.run("return document.querySelector('audio').currentTime") > 0.3, message="the shared song does not play")
        visitor.look("10-share", dark=True)
        visitor.press(visitor.find("summary"))
        visitor.find("textarea").send_keys("This is my voice.")
        visitor.press(visitor.button("", "form[data-report]"))
        visitor.until(lambda: "Thank you" in visitor.text(), message="the report was not taken")
        visitor.open(link.replace("/s/", "/embed/"))
        visitor.button("Play")
        visitor.look("11-embed")
        b.press(b.button("Stop sharing"))
        b.button("Make a link")

    def buy(self):
        b = self.browser
        b.open("/app/credits")
        b.find(".packs")
        b.press(b.button("30 credits"))
        b.press(b.find("#pay"))
        b.until(lambda: "Your credits are here" in b.text(), 40, "the credits did not come")
        self.assertEqual(b.text(".balance"), "31 credits")
        b.look("12-credits-bought", dark=True)
        b.press(b.button("30 credits"))
        b.press(b.find("#cancel"))
        b.until(lambda: "cancelled" in b.text(), message="no word about the cancelled purchase")
        self.outcomes()

    def outcomes(self):
        """What is said to who comes back from Stripe's page, by what the order's state is then."""
        b = self.browser
        for state, back, words, uncharged in (("pending", "&cancelled=1", "was cancelled", True), ("paid", "&cancelled=1", "Your credits are here", False),
                                              ("failed", "", "did not go through", True), ("expired", "", "not finished in time", True),
                                              ("refunded", "", "€4.99 went back", False), ("disputed", "", "is disputed", False)):
            b.run("""window.fetchIt ??= window.fetch;
                window.fetch = (address, options) => address.includes('/orders/')
                  ? Promise.resolve(new Response(JSON.stringify({state: arguments[0], refunded_amount: 499, currency: 'eur'})))
                  : window.fetchIt(address, options);
                history.pushState(null, '', '/app/credits?order=' + arguments[0] + arguments[1]);
                dispatchEvent(new PopStateEvent('popstate'));""", state, back)
            b.until(lambda: words in b.text(), message=f"nothing is said about an order that is {state}")
            self.assertEqual("Nothing was charged" in b.text(), uncharged, state)

    def rest(self):
        """History, "again with another voice", the account, out and in again."""
        b = self.browser
        b.open("/app/songs")
        b.find(".song")
        b.look("13-songs", dark=True)
        b.press(b.find(".song-again"))
        b.find(".trim")
        b.open("/app/account")
        b.press(b.button("Make a token"))  # empty: the browser asks for the name
        b.find("input[placeholder]").send_keys("my script")
        b.press(b.button("Make a token"))
        b.find(".token")
        b.look("14-account", dark=True)
        b.open("/app/nothing-here")
        b.find("h1")
        b.look("15-not-found")
        b.press(b.button("Log out", "footer"))
        b.find(".hero")
        b.open("/app/login?next=/app/songs")
        b.find("input[type=email]").send_keys("anna@example.org")
        b.find("input[type=password]").send_keys(PASSWORD)
        b.look("16-log-in")
        b.press(b.button("Log in"))
        b.find(".song")
        b.open("/app/reset")
        b.find("input[type=email]")
        b.look("17-reset")

    def test_money(self):
        b = self.browser
        b.open("/")
        b.find(".hero")
        for amount, currency, digits in ((499, "eur", "4.99"), (500, "jpy", "500"), (50000, "isk", "500"), (50000, "ugx", "500"), (499000, "huf", "4,990"),
                                         (12345, "twd", "123.45"), (4990, "kwd", "4.990"), (1050, "usd", "10.50")):
            words = b.module("format.js", f"it.money({amount}, '{currency}')")
            self.assertEqual(re.sub(r"[^\d.,]", "", words), digits, words)

    def test_the_microphone(self):
        b = self.browser
        b.size(*PHONE)
        b.open("/app/new")
        # The microphone goes away by itself: what was sung until then is there.
        b.run("""const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            navigator.mediaDevices.getUserMedia = async (wish) => (window.opened = await open(wish));""")
        b.press(b.find(".source.mic"))
        b.find(".live")
        b.until(lambda: b.text(".timer") >= "0:01")
        b.run("window.opened.getTracks().forEach((track) => track.stop())")
        b.until(lambda: b.find("audio") and "microphone went away" in b.text(), message="nothing is said about the lost microphone")
        b.until(lambda: b.run("return document.querySelector('audio').readyState") > 0, message="what was recorded is lost")
        b.press(b.button("Once more"))
        b.find(".live")
        b.until(lambda: b.text(".timer") >= "0:03")
        level = b.run("return new DOMMatrix(getComputedStyle(document.querySelector('.meter-fill')).transform).a")
        self.assertGreater(level, 0.1, "the level meter shows nothing")
        b.look("18-recording", dark=True)
        b.press(b.button("Stop"))
        audio = b.find("audio")
        b.run("arguments[0].play()", audio)
        b.until(lambda: b.run("return arguments[0].currentTime", audio) > 0.3, message="the take does not play")
        b.look("19-take")
        # Without a connection there is no account and no upload, but still the take.
        b.line(offline=True)
        b.press(b.button("Use this take"))
        b.until(lambda: b.find("audio") and "No connection" in b.text(), message="the take is gone")
        b.until(lambda: b.run("return document.querySelector('audio').readyState") > 0, message="the take does not play any more")
        b.line()
        b.console("offline", meant="ERR_INTERNET_DISCONNECTED")
        b.press(b.button("Use this take"))
        b.find(".trim", 60)
        self.assertIn("Recording", b.text("h1"))
        self.assertIn("you:", b.text(".legend"))  # the notes were heard
        b.size(*DESKTOP)
        self.fine()

    def test_what_goes_wrong_is_said(self):
        b = self.browser
        self.member("ben@example.org")
        damaged = self.work / "damaged.mp3"
        damaged.write_bytes(b"this is no sound at all" * 100)
        b.driver.find_element("css selector", "input[type=file]").send_keys(str(damaged))
        b.until(lambda: "cannot be used" in b.text(), 60, "nothing is said about a damaged file")
        self.assertIn("Nothing was charged", b.text())
        b.button("Delete this recording")
        b.look("20-damaged")
        # It takes room until it is deleted.
        b.press(b.button("Sing", "header"))
        b.press(b.button("All recordings"))
        b.until(lambda: "1 recording, 2 kB together" in b.text(), message="the list does not say how large they are")
        self.assertIn("cannot be used · 2 kB", b.text(".line"))
        b.look("26-recordings", dark=True)
        b.press(b.button("Delete damaged.mp3"))
        b.press(b.button("Delete it", "dialog"))
        b.until(lambda: "Nothing uploaded" in b.text(), message="the recording was not deleted")
        self.assertEqual(b.run("return fetch('/api/v1/recordings').then((r) => r.json())"), [])
        # What is cancelled is given back.
        b.open("/app/new")
        self.upload()
        self.order("Convert")
        b.press(b.button("Cancel"))
        b.until(lambda: "given back" in b.text(), 60, "the cancelled job's credit was not given back")
        b.look("21-cancelled")
        b.open("/app/credits")
        self.assertEqual(b.text(".balance"), "2 credits")
        self.fine()

    def test_mail_and_leaving(self):
        b = self.browser
        self.member("dora@example.org")
        b.press(b.button("Log out", "footer"))
        b.find(".hero")
        b.open("/app/reset")
        b.find("input[type=email]").send_keys("dora@example.org", Keys.ENTER)
        b.until(lambda: "your mail" in b.text("h1"))
        b.open(b.until(lambda: self.service.link("reset"), message="no mail"))
        b.find("input[type=password]").send_keys("another fine sentence", Keys.ENTER)
        b.until(lambda: "Log in" in b.text("h1"))
        b.find("input[type=email]").send_keys("dora@example.org")
        b.find("input[type=password]").send_keys("another fine sentence", Keys.ENTER)
        b.find(".sources")
        b.open("/app/account")
        b.button("Delete my account")
        self.assertNotIn("We sent a link", b.text())
        export = b.run("return fetch('/api/v1/account/export').then((r) => r.text())")
        self.assertIn("dora@example.org", export)
        b.find("input[autocomplete=current-password]").send_keys("another fine sentence")
        b.find("input[autocomplete=new-password]").send_keys("yet another fine sentence")
        b.press(b.button("Change it"))
        b.until(lambda: "Your other devices" in b.text("#toasts"), message="the password was not changed")
        b.press(b.button("Delete my account"))
        b.find("dialog input")
        b.look("24-delete", dark=True)
        b.find("dialog input").send_keys("yet another fine sentence")
        b.press(b.button("Delete everything", "dialog"))
        b.find(".hero")
        self.fine()
        b.open("/app/login")
        b.find("input[type=email]").send_keys("dora@example.org")
        b.find("input[type=password]").send_keys("yet another fine sentence", Keys.ENTER)
        b.find(".note.bad")

    def test_a_bad_line_and_an_empty_purse(self):
        b = self.browser
        self.member("carl@example.org")
        long = self.work / "long.wav"
        sing_to(long, times=16)  # 128 seconds, 12 MB: three pieces, three credits
        b.line(upload=3_000_000)
        b.driver.find_element("css selector", "input[type=file]").send_keys(str(long))
        part = lambda: b.run("return document.querySelector('progress')?.value ?? 1")  # noqa: E731
        b.until(lambda: part() > 0.5, 60)
        b.line(offline=True)
        b.until(lambda: "connection is gone" in b.text(), message="nothing is said about the lost connection")
        b.look("22-offline", console=False)
        b.line(upload=3_000_000)
        b.until(lambda: "%" in b.text(), 60, "the upload does not go on")
        self.assertGreater(part(), 0.3, "the upload began anew")
        b.line()
        b.find(".trim", CONVERTED_WITHIN)
        music = b.driver.find_element("css selector", "[aria-labelledby=music-title] input")
        if music.is_selected():  # such tones pass for an instrument
            b.press(music)
        b.until(lambda: "1 credit short" in b.text(".price"), message="nothing is said about the missing credit")
        self.assertFalse(b.button("Convert", ".go").is_enabled())
        b.look("23-not-enough")
        self.shorten(2.5)
        b.until(b.button("Convert", ".go").is_enabled, message="the shorter part is still too dear")


if __name__ == "__main__":
    main()
