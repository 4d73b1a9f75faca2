#!/usr/bin/env python3
"""An artist and a fan in real browsers: getting paid, a song for subscribers, a subscription, its renewal by a test clock, a tip, a payout
(see journey.py)."""
import shutil
import sqlite3
import sys
import time

from journey import ROOT, Journey, main

sys.path.append(str(ROOT / "tests" / "web"))
from api_client import Client  # noqa: E402

SAMPLE = next((ROOT / "webwrap" / "ui" / "sample").glob("*.mp3"))
DAY = 24 * 3600


class Earning(Journey):
    def person(self, email):
        """A member with a browser of his own."""
        client = Client(self.service.port)
        account = client.sign_up(email, self.service.log)
        browser = self.new_browser()
        browser.open("/app/privacy")
        for name, value in client.cookies.items():
            browser.driver.add_cookie({"name": name, "value": value, "path": "/"})
        browser.run("localStorage.setItem('voxconv.signed-in', '1')")
        return client, browser, account["id"]

    def rows(self, sql, *values):
        database = sqlite3.connect(self.run_folder / "data" / "webwrap.db", timeout=30)
        try:
            with database:
                return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def stripe(self, name, **order):
        answer = Client(self.service.stripe_port).send("GET" if name == "state" else "POST", f"/_control/{name}", None if name == "state" else order)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def make_artist(self, account):
        """With a page and a shared song, as their own tests make them."""
        self.rows("INSERT INTO artists (account, handle, name, bio, links, picture, thumbnail, files, hidden, created)"
                  " VALUES (?, 'nora', 'Nora Lind', '', '[]', '', '', '', 0, 1)", account)
        folder = self.run_folder / "data" / "blobs" / "files" / "songs" / "norasong"
        folder.mkdir(parents=True)
        names = [f"songs/norasong/1-{name}" for name in ("converted.flac", "converted.mp3", "original.flac", "original.mp3")]
        for name in names:
            shutil.copy(SAMPLE, self.run_folder / "data" / "blobs" / "files" / name)
        peaks = '{"original": [0.2, 0.5, 0.3], "converted": [0.2, 0.6, 0.4]}'
        self.rows("INSERT INTO songs (id, account, recording, job, voice, voice_title, voice_version, title, options, key, duration_s, preview,"
                  " converted, converted_playable, original, original_playable, peaks, created) VALUES"
                  " ('norasong', ?, 'gone', '', 'kathleen', 'Kathleen', '1', 'Northern lights', '{}', 0, 8, 0, ?, ?, ?, ?, ?, ?)",
                  account, *names, peaks, int(time.time()))
        self.rows("INSERT INTO shares (id, song, account, allow_download, taken_down, created) VALUES ('norashare', 'norasong', ?, 0, 0, ?)",
                  account, int(time.time()))

    def test_artist_fan_renewal_and_payout(self):
        _, b, artist = self.person("nora@example.org")
        self.make_artist(artist)
        self.nobody_to_lock_it_for(b)
        b.open("/app/earnings")
        b.button("Set it up")
        b.look("01-earnings-before", dark=True)
        self.get_paid(b)
        self.offer_a_tier(b)
        self.lock_the_song(b)

        now = int(time.time())
        clock = self.stripe("clock", frozen_time=now)["clock"]
        fan_client, fan, _ = self.person("fan@example.org")
        self.subscribe(fan, fan_client)
        self.stripe("advance", clock=clock, frozen_time=now + 45 * DAY)
        b.open("/app/earnings")
        self.look_until(b, "€9.00")
        self.tip(fan)
        self.look_until(b, "€13.50")

        account = self.rows("SELECT stripe FROM payout_accounts WHERE account = ?", artist)[0][0]
        self.stripe("payout", account=account, amount=900, currency="eur")
        self.look_until(b, "paid out")
        b.until(lambda: "arrived" in b.text(), message="no payout")
        self.assertIn("1 subscriber", b.text().replace("\n", " "))
        b.look("06-earnings", dark=True)
        month = b.find("a[download^=voxconv]").get_attribute("href")
        csv = b.run("return fetch(arguments[0]).then((r) => r.text())", month)
        self.assertIn("closing", csv)

        self.give_back(b)
        self.end_it(fan)
        self.open_another_account(b, account)
        self.audited()
        self.fine()

    def look_until(self, b, words):
        def look():
            b.driver.refresh()
            b.find(".figures")
            return words in b.text()

        b.until(look, 30, f"no {words}")

    def get_paid(self, b):
        b.press(b.button("Set it up"))
        b.press(b.find("#submit"))
        b.until(lambda: "You are set up" in b.text(), message="Stripe's form did not lead back")

    def offer_a_tier(self, b):
        b.press(b.find("summary"))
        name, gets, price = b.driver.find_elements("css selector", "details input[type=text]")
        name.send_keys("Friends")
        gets.send_keys("My new songs, and their files")
        price.send_keys("five")
        b.press(b.button("Add it"))
        b.until(lambda: "as a number" in b.text(), message="nothing is said about the price")
        price.clear()
        price.send_keys("5.00")
        b.press(b.button("Add it"))
        b.until(lambda: "€5.00 a month" in b.text(), message="no tier")
        b.look("02-tier")

    def nobody_to_lock_it_for(self, b):
        b.open("/app/songs/norasong")
        b.until(lambda: "On your page" in b.text(), message="no choice of who finds the song")
        self.assertNotIn("Who hears it", b.text())

    def lock_the_song(self, b):
        b.open("/app/songs/norasong")
        b.press(b.labelled(".segments label", "Fans only"))
        b.until(lambda: "Only those who support you" in b.text(), message="not locked")
        b.press(b.labelled(".switch", "Subscribers may download"))
        b.look("03-song")

    def subscribe(self, b, client):
        b.open("/s/norashare")
        self.assertIn("for those who support", b.text())
        b.look("04-locked")
        self.assertEqual(client.api("GET", "/shares/norashare/audio").status, 403)
        b.press(b.button("Support the singer"))
        b.button("Friends for")
        b.look("05-support", dark=True)
        b.press(b.button("Friends for"))
        b.press(b.find("#pay"))
        b.until(lambda: "Thank you" in b.text(), 30, "no thanks")
        self.assertIn("it goes on by itself", b.text())
        b.look("05-supporting")
        b.open("/s/norashare")
        b.find(".share-player")
        b.button("Download")
        self.assertEqual(client.api("GET", "/shares/norashare/file").status, 200)

    def tip(self, b):
        b.open("/app/support/nora")
        amount = b.find("input[inputmode=decimal]")
        amount.clear()
        amount.send_keys("5,00")
        b.press(b.button("Give a tip"))
        b.press(b.find("#pay"))
        b.until(lambda: "Your tip is on its way" in b.text(), 30, "no thanks for the tip")

    def give_back(self, b):
        b.press(b.button("Give back"))
        b.find("dialog")
        b.look("07-give-back")
        b.press(b.button("Give it back", "dialog"))

        def given():
            b.driver.refresh()
            b.find(".figures")
            return "Given back" in b.text()

        b.until(given, 30, "nothing was given back")

    def end_it(self, b):
        b.open("/app/subscriptions")
        b.press(b.button("End it"))
        b.until(lambda: "It ends with what you have paid for" in b.text(), message="it was not ended")
        b.look("08-ended")
        b.press(b.button("Go on supporting"))
        b.until(lambda: "goes on by itself" in b.text(), message="it does not go on")

    def open_another_account(self, b, closed):
        held = lambda: self.rows("SELECT coalesce(sum(amount), 0) FROM postings WHERE account LIKE 'money:eur:connected:%'")[0][0]
        b.until(lambda: held() == 0, 30, "what was given back is still there")
        self.stripe("close_account", account=closed)
        b.open("/app/earnings")
        b.press(b.button("Your page at Stripe"))
        b.until(lambda: "Your account at Stripe was closed" in b.text(), message="the page does not say so")
        b.console("09-closed", meant="/earnings/account/dashboard")
        b.look("09-closed")
        b.press(b.button("Open another one"))
        b.press(b.find("#submit"))
        b.until(lambda: "You are set up" in b.text(), message="Stripe's form did not lead back")


if __name__ == "__main__":
    main()
