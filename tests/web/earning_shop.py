#!/usr/bin/env python3
"""Runs earning over HTTP against the fake Stripe: what fans and artists do, and then lives thrown by dice while the service is killed.

Run: earning_shop.py path/to/webwrap path/to/fake_stripe.py [number of lives, 1000]. Python's standard library only; everything on the
loopback interface.
"""
import random
import signal
import sqlite3
import sys
import threading
import time
import unittest
import urllib.parse

from api_client import PASSWORD, Client
from stripe_service import run, wait_for

LIVES = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
PRICE, FEE_PERMILLE = 500, 100
DAY = 24 * 3600
SETTINGS = {"artist_fee_permille": FEE_PERMILLE, "earnings_every_s": 0.2, "royalty_threshold": 100}


def balance(account):
    return server.rows("SELECT coalesce(sum(amount), 0) FROM postings WHERE account = ?", account)[0][0]


class Person(Client):
    count = 0

    def __init__(self):
        super().__init__(server.port)
        Person.count += 1
        self.email = f"singer{Person.count}@example.org"
        self.id = self.sign_up(self.email)["id"]

    def get(self, path):
        return self.must(200, "GET", path).json

    def post(self, path, body=None, status=201):
        return self.must(status, "POST", path, body).json

    def become_artist(self):
        """With a page, an account at Stripe and a tier."""
        server.rows("UPDATE accounts SET email_verified = 1 WHERE id = ?", self.id)
        server.rows("INSERT INTO artists (account, handle, name, bio, links, picture, thumbnail, files, hidden, created)"
                    " VALUES (?, ?, ?, '', '[]', '', '', '', 0, 1)", self.id, f"artist{Person.count}", f"Artist {Person.count}")
        self.handle = f"artist{Person.count}"
        self.onboard()
        self.tier = self.post("/earnings/tiers", {"title": "Friends", "text": "New songs first", "amount": PRICE})["id"]
        return self

    def onboard(self):
        """Fills in Stripe's form."""
        url = urllib.parse.urlsplit(self.post("/earnings/account")["url"])
        assert fake.client.send("POST", url.path).status == 303
        self.account = url.path.rsplit("/", 1)[1]
        wait_for(lambda: self.get("/earnings")["account"]["ready"])

    def subscribe(self, artist):
        return self.post(f"/artists/{artist.handle}/subscriptions", {"tier": artist.tier})

    def has(self):
        return balance(f"money:eur:connected:{self.id}")

    def add_song(self):
        """A shared song as a worker would have made it → the share's id."""
        song, share = f"song{Person.count}", f"share{Person.count}"
        folder = server.folder / "data" / "blobs" / "files" / "songs" / song
        folder.mkdir(parents=True)
        names = [f"songs/{song}/1-{name}" for name in ("converted.flac", "converted.mp3", "original.flac", "original.mp3")]
        for name in names:
            (server.folder / "data" / "blobs" / "files" / name).write_bytes(b"audio")
        server.rows("INSERT INTO songs (id, account, recording, job, voice, voice_title, voice_version, title, options, key, duration_s, preview,"
                    " converted, converted_playable, original, original_playable, peaks, created) VALUES"
                    " (?, ?, '', '', 'kathleen', 'Kathleen', '1', 'My song', '{}', 0, 3, 0, ?, ?, ?, ?, '{\"converted\": [0.5]}', 1)", song, self.id, *names)
        server.rows("INSERT INTO shares (id, song, account, allow_download, taken_down, created) VALUES (?, ?, ?, 0, 0, 1)", share, song, self.id)
        return share


def session_of(answer):
    return answer["checkout_url"].rsplit("/", 1)[1]


class Earning(unittest.TestCase):
    def setUp(self):
        fake.behave()
        fake.control("money")
        fake.control("clock")

    def subscriber(self, artist):
        fan = Person()
        subscription = fan.subscribe(artist)
        fake.control("pay", session=session_of(subscription))
        wait_for(lambda: fan.get(f"/subscriptions/{subscription['id']}")["supporting"])
        return fan, subscription["id"]

    def test_onboarding_and_tiers(self):
        person = Person()
        self.assertIsNone(person.get("/earnings")["account"])
        self.assertEqual(person.api("POST", "/earnings/account").json["code"], "email_not_verified")
        self.assertEqual(person.api("POST", "/earnings/tiers", {"title": "A", "amount": 500}).json["code"], "no_artist")
        artist = person.become_artist()
        for bad in (99, 50001, 500.5, "500", 1e30, -500, None):
            self.assertEqual(artist.api("POST", "/earnings/tiers", {"title": "A", "amount": bad}).status, 422, bad)
        self.assertEqual(artist.api("PATCH", f"/earnings/tiers/{artist.tier}", {"amount": 1}).status, 422)
        fan = Person()
        self.assertEqual(fan.api("PATCH", f"/earnings/tiers/{artist.tier}", {"title": "Mine"}).status, 404)
        self.assertEqual(fan.api("DELETE", f"/earnings/tiers/{artist.tier}").status, 404)
        self.assertEqual(artist.api("POST", f"/artists/{artist.handle}/tips", {"amount": 500}).status, 422)
        artist.must(204, "DELETE", f"/earnings/tiers/{artist.tier}")
        self.assertEqual(fan.get(f"/artists/{artist.handle}/offer")["tiers"], [])
        self.assertEqual(fan.api("POST", f"/artists/{artist.handle}/subscriptions", {"tier": artist.tier}).status, 422)
        self.assertIn("/c/express/", artist.post("/earnings/account/dashboard")["url"])

    def test_a_wrong_key_closes_no_account(self):
        artist, fan = Person().become_artist(), Person()
        tip = fan.post(f"/artists/{artist.handle}/tips", {"amount": 500})
        fake.control("pay", session=session_of(tip))
        wait_for(lambda: artist.has() == 450)
        fake.control("payout", account=artist.account, amount=450, currency="eur")
        wait_for(lambda: artist.has() == 0)
        fake.control("key", foreign=True)
        try:
            for path in ("/earnings/account/check", "/earnings/account"):
                self.assertEqual(artist.api("POST", path).status, 502, path)
        finally:
            fake.control("key", foreign=False)
        self.assertTrue(artist.post("/earnings/account/check", status=200)["account"]["ready"])

    def test_a_closed_account_makes_room_for_another_when_it_is_settled(self):
        artist, fan = Person().become_artist(), Person()
        closed = artist.account
        tip = fan.post(f"/artists/{artist.handle}/tips", {"amount": 500})
        fake.control("pay", session=session_of(tip))
        wait_for(lambda: artist.has() == 450)
        fake.control("close_account", account=closed)
        refused = artist.api("POST", "/earnings/account")
        self.assertEqual((refused.status, refused.json["code"]), (409, "account_not_settled"))
        payout = {"id": f"po_{closed}", "object": "payout", "amount": 450, "currency": "eur", "status": "paid", "arrival_date": 1}
        fake.control("emit", type="payout.paid", object=payout, account=closed)
        wait_for(lambda: artist.has() == 0)
        self.assertEqual(artist.post("/earnings/account/check", status=200)["account"]["missing"], "closed")
        self.assertEqual(fan.api("POST", f"/artists/{artist.handle}/tips", {"amount": 500}).json["code"], "cannot_earn")
        artist.onboard()
        self.assertNotEqual(artist.account, closed)
        tip = fan.post(f"/artists/{artist.handle}/tips", {"amount": 500})
        fake.control("pay", session=session_of(tip))
        wait_for(lambda: artist.has() == 450)
        # The bank sends the old one's payout back: that is not in the new one.
        fake.control("emit", type="payout.failed", object={**payout, "status": "failed"}, account=closed)
        wait_for(lambda: balance(f"money:eur:connected:{closed}") == 450)
        self.assertEqual(artist.has(), 450)
        code, words = server.audit()
        self.assertIn(f"To be seen to: Since the closed account {closed} of {artist.id} was replaced, 450 moved there", words)
        self.assertIn(f"The account {closed} of {artist.id} was closed at Stripe", words)
        self.assertEqual(code, 0, words)

    def test_months_by_a_test_clock(self):
        artist, fan = Person().become_artist(), Person()
        now = int(time.time())
        clock = fake.control("clock", frozen_time=now)["clock"]
        subscription = fan.subscribe(artist)
        self.assertEqual(fan.subscribe(artist)["id"], subscription["id"], "a second click opens no second session")
        fake.control("pay", session=session_of(subscription))
        wait_for(lambda: artist.has() == 450)
        self.assertEqual(fan.api("POST", f"/artists/{artist.handle}/subscriptions", {"tier": artist.tier}).json["code"], "already_subscribed")
        artist.must(204, "DELETE", f"/earnings/tiers/{artist.tier}")  # what was agreed goes on
        fake.control("advance", clock=clock, frozen_time=now + 45 * DAY)
        wait_for(lambda: artist.has() == 900)
        fake.control("money", refuse_cards=True)
        fake.control("advance", clock=clock, frozen_time=now + 70 * DAY)
        wait_for(lambda: fan.get(f"/subscriptions/{subscription['id']}")["late"])
        self.assertEqual(artist.has(), 900)
        fake.control("renew", subscription=self.stripe_of(subscription), pays=True)
        wait_for(lambda: artist.has() == 1350)
        wait_for(lambda: not fan.get(f"/subscriptions/{subscription['id']}")["late"])  # an event of its own
        fan.post(f"/subscriptions/{subscription['id']}/cancel", status=200)
        self.assertTrue(fan.get(f"/subscriptions/{subscription['id']}")["cancels"])
        fan.post(f"/subscriptions/{subscription['id']}/resume", status=200)
        self.assertFalse(fan.get(f"/subscriptions/{subscription['id']}")["cancels"])
        fan.post(f"/subscriptions/{subscription['id']}/cancel", status=200)
        fake.control("money")
        fake.control("advance", clock=clock, frozen_time=now + 110 * DAY)
        wait_for(lambda: fan.get(f"/subscriptions/{subscription['id']}")["state"] == "ended")
        self.assertEqual(artist.has(), 1350)
        self.assertEqual(artist.get("/earnings")["subscribers"], 1, "until what was paid is over")

    def stripe_of(self, subscription):
        return server.rows("SELECT stripe FROM fan_subscriptions WHERE id = ?", subscription["id"])[0][0]

    def test_songs_for_subscribers(self):
        artist, stranger = Person().become_artist(), Person()
        share = artist.add_song()
        everyone = Client(server.port)
        self.assertEqual(everyone.api("GET", f"/shares/{share}/audio").status, 200)
        artist.must(200, "PATCH", f"/shares/{share}", {"subscribers_only": True, "subscriber_download": True})
        fan, subscription = self.subscriber(artist)
        for who in (everyone, stranger):
            for what in ("audio", "peaks", "file"):
                self.assertEqual(who.api("GET", f"/shares/{share}/{what}").json["code"], "subscribers_only", what)
            self.assertTrue(who.api("GET", f"/shares/{share}").json["locked"])
            for page in (f"/s/{share}", f"/embed/{share}"):
                text = who.send("GET", page).body.decode()
                self.assertIn("for those who support", text)
                self.assertNotIn(f"/shares/{share}/audio", text)
                self.assertNotIn(f"/shares/{share}/file", text)
        for who in (fan, artist):
            for what in ("audio", "peaks", "file"):
                self.assertEqual(who.api("GET", f"/shares/{share}/{what}").status, 200, what)
            self.assertIn("<audio", who.send("GET", f"/s/{share}").body.decode())
        # Early: for all from a time on.
        artist.must(200, "PATCH", f"/shares/{share}", {"opens": int(time.time()) + 2})
        self.assertEqual(everyone.api("GET", f"/shares/{share}/audio").status, 403)
        wait_for(lambda: everyone.api("GET", f"/shares/{share}/audio").status == 200)
        self.assertEqual(everyone.api("GET", f"/shares/{share}/file").json["code"], "no_download")
        self.assertEqual(fan.api("GET", f"/shares/{share}/file").status, 200)
        # What was given back does not count.
        artist.must(200, "PATCH", f"/shares/{share}", {"opens": 0})
        payment = artist.get("/earnings/payments")[0]["id"]
        self.assertEqual(fan.api("POST", f"/earnings/payments/{payment}/refund").status, 404)
        artist.post(f"/earnings/payments/{payment}/refund", status=202)
        wait_for(lambda: fan.api("GET", f"/shares/{share}/audio").status == 403)
        wait_for(lambda: artist.has() == 0)

    def test_tips(self):
        artist, fan = Person().become_artist(), Person()
        self.assertEqual(fan.api("POST", f"/artists/{artist.handle}/tips", {"amount": 99}).status, 422)
        tip = fan.post(f"/artists/{artist.handle}/tips", {"amount": 1234})
        fake.control("pay", session=session_of(tip))
        wait_for(lambda: fan.get(f"/tips/{tip['id']}")["state"] == "paid")
        self.assertEqual(artist.has(), 1234 - 123)
        self.assertEqual(Person().api("GET", f"/tips/{tip['id']}").status, 404)
        fake.control("payout", account=artist.account, amount=1000, currency="eur")
        wait_for(lambda: artist.get("/earnings")["payouts"])
        earned = artist.get("/earnings")["balances"][0]
        self.assertEqual((earned["at_stripe"], earned["at_bank"]), (111, 1000))
        month = artist.get("/earnings/statements")[0]
        self.assertEqual((month["from_fans"], month["to_bank"]), (1111, 1000))
        csv = artist.must(200, "GET", f"/earnings/statements/{month['month']}").body.decode().splitlines()
        self.assertEqual(csv[0], "account,currency,time,what,reference,amount,balance,note")
        self.assertIn(",fan_tip,", csv[2])
        self.assertEqual(csv[2].rsplit(",", 3)[1:], ["1111", "1111", ""])
        self.assertEqual(artist.api("GET", "/earnings/statements/2026-13").status, 404)

    def test_events_that_do_not_count(self):
        artist, fan = Person().become_artist(), Person()
        tip = fan.post(f"/artists/{artist.handle}/tips", {"amount": 1000})
        fake.control("delivery", hold=True)
        fake.control("pay", session=session_of(tip))
        fake.control("delivery", hold=False)
        session = fake.objects[session_of(tip)]
        said = lambda: len([one for one in fake.control("state")["deliveries"] if one["type"] == "checkout.session.completed"])
        before = said()
        fake.control("emit", type="checkout.session.completed", object=session, account=artist.account)
        wait_for(lambda: said() > before)
        self.assertEqual(artist.has(), 0)
        fake.control("emit", type="checkout.session.completed", object=session)
        wait_for(lambda: artist.has() == 900)

    def test_a_refused_refund_is_tried_again_under_a_new_key(self):
        artist, fan = Person().become_artist(), Person()
        tip = fan.post(f"/artists/{artist.handle}/tips", {"amount": 1000})
        fake.control("pay", session=session_of(tip))
        wait_for(lambda: artist.has() == 900)
        charge = server.rows("SELECT charge FROM fan_payments WHERE id = ?", tip["id"])[0][0]
        fake.control("delivery", hold=True)  # the bank's question is not heard of
        dispute = fake.control("dispute", payment_intent=fake.objects[charge]["payment_intent"])["id"]
        fake.control("delivery", hold=False)
        artist.post(f"/earnings/payments/{tip['id']}/refund", status=202)
        wait_for(lambda: server.rows("SELECT refusals FROM fan_payments WHERE id = ?", tip["id"])[0][0] == 1)
        fake.control("dispute_status", dispute=dispute, status="won")
        server.rows("UPDATE fan_payments SET retry_at = 0 WHERE id = ?", tip["id"])
        wait_for(lambda: artist.has() == 0)

    def test_disputes(self):
        artist = Person().become_artist()
        fan, subscription = self.subscriber(artist)
        charge = next(one for one in fake.all("charge") if (one["transfer_data"] or {}).get("destination") == artist.account)
        dispute = fake.control("dispute", payment_intent=charge["payment_intent"])["id"]
        wait_for(lambda: not fan.get(f"/subscriptions/{subscription}")["supporting"])
        self.assertEqual(fan.api("POST", f"/artists/{artist.handle}/tips", {"amount": 500}).json["code"], "account_frozen")
        wait_for(lambda: fan.get(f"/subscriptions/{subscription}")["state"] == "ended")
        fake.control("dispute_status", dispute=dispute, status="lost")
        wait_for(lambda: artist.has() == 0)

    def test_lost_events_and_answers(self):
        artist, fan = Person().become_artist(), Person()
        fake.control("delivery", drop=50)
        fake.control("faults", faults=["lost", "500"])
        subscription = fan.subscribe(artist)
        fake.control("pay", session=session_of(subscription))
        wait_for(lambda: fan.get(f"/subscriptions/{subscription['id']}")["supporting"])  # asks Stripe
        self.assertEqual(artist.has(), 450)
        self.assertEqual(sum((one.get("metadata") or {}).get("subscription_id") == subscription["id"] for one in fake.all("checkout.session")), 1)

    def test_deleted_accounts(self):
        artist = Person().become_artist()
        fan, subscription = self.subscriber(artist)
        other, second = self.subscriber(artist)
        fan.must(204, "DELETE", "/account", {"password": PASSWORD})
        ended = lambda one: server.rows("SELECT state FROM fan_subscriptions WHERE id = ?", one)[0][0] == "ended"
        wait_for(lambda: ended(subscription))
        self.assertFalse(ended(second))
        artist.must(204, "DELETE", "/account", {"password": PASSWORD})
        wait_for(lambda: ended(second))
        self.assertEqual({one["status"] for one in fake.all("subscription") if one["transfer_data"]["destination"] == artist.account}, {"canceled"})
        self.assertEqual(artist.has(), 900)

    def test_royalties_reach_stripe_once(self):
        owner, singer = Person().become_artist(), Person()
        then = int(time.time()) - 100 * DAY
        # A song as a worker captures it, long ago: the books by hand, as nobody sings here.
        server.rows("INSERT INTO voice_owners VALUES ('hers', ?, 300, 1)", owner.id)
        for key, kind, postings in (("stripe:cs_by_hand:sold", "purchase", (("platform:sold", -120), (f"user:{singer.id}", 120))),
                                    ("job:by_hand:reserve", "reserve", ((f"user:{singer.id}", -100), (f"reserved:{singer.id}", 100))),
                                    ("job:by_hand:capture", "capture", ((f"reserved:{singer.id}", -100), ("platform:revenue", 100))),
                                    ("royalty:by_hand:1", "royalty", ((f"money:eur/1000:royalties:{owner.id}", 374730), ("money:eur/1000:royalties_owed", -374730)))):
            database = sqlite3.connect(server.folder / "data" / "webwrap.db", timeout=30)
            with database:
                entry = database.execute("INSERT INTO entries (key, kind, note, time) VALUES (?, ?, '', ?)", (key, kind, then)).lastrowid
                database.executemany("INSERT INTO postings (entry, account, amount) VALUES (?, ?, ?)", [(entry, *posting) for posting in postings])
            database.close()
        server.rows("INSERT INTO orders (id, account, pack, credits, amount, currency, state, idempotency_key, session, payment_intent, checkout_url,"
                    " refunded_amount, disputes, created, charged) VALUES ('by_hand', ?, 'large', 120, 1499, 'eur', 'paid', 'k', 'cs_by_hand', 'pi_by_hand', '',"
                    " 0, '', 1, 1499)", singer.id)
        server.rows("INSERT INTO spending VALUES (?, 0, 100)", singer.id)
        fake.control("money", poor=True)
        fake.control("faults", faults=["lost"])
        server.rows("INSERT INTO royalties (job, payer, owner, voice, currency, credit_price, permille, bought_from, bought_to, paid, amount, settled,"
                    " changes, created) VALUES ('by_hand', ?, ?, 'hers', 'eur', 12491, 300, 0, 100, 100, 374730, 0, 1, ?)", singer.id, owner.id, then)
        wait_for(lambda: server.rows("SELECT 1 FROM royalty_transfers WHERE owner = ? AND refusals > 0", owner.id))
        fake.control("money")
        server.stop(signal.SIGKILL)
        server.start()
        server.rows("UPDATE royalty_transfers SET not_before = 0 WHERE owner = ?", owner.id)
        wait_for(lambda: owner.has() == 374)
        self.assertEqual(owner.get("/earnings")["balances"][0]["royalties_thousandths"], 730)
        self.assertEqual(sum(one["object"] == "transfer" and one["destination"] == owner.account for one in fake.objects.values()), 1)
        self.assertEqual(owner.get("/earnings")["transfers"][0]["songs"], 1)


class Lives(unittest.TestCase):
    """Fans and artists whose lives are thrown by dice, while the service is killed every now and then: each pair of them is one life."""

    def setUp(self):
        fake.behave()
        fake.control("clock")
        fake.control("money")

    def test_lives_under_kill(self):
        dice = random.Random(5)
        side = max(2, round(LIVES**0.5))
        artists = [Person().become_artist() for _ in range(side)]
        fans = [Person() for _ in range(-(-LIVES // side))]
        pairs = [(fan, artist) for fan in fans for artist in artists][:LIVES]
        dice.shuffle(pairs)
        server.rows("DELETE FROM limited_events")
        self.kills, over = 0, threading.Event()
        killer = threading.Thread(target=self.kill, args=(random.Random(6), over))
        killer.start()
        try:
            for number, (fan, artist) in enumerate(pairs):
                if number % 50 == 0:
                    self.patiently(lambda: server.rows("DELETE FROM limited_events"))
                fake.control("delivery", copies=dice.choice((1, 1, 2, 3)), delay_s=dice.choice((0, 0, 0.3)))
                self.life(dice, fan, artist)
        finally:
            over.set()
            killer.join()
        self.assertGreaterEqual(self.kills, max(1, min(5, LIVES // 200)))
        self.settle()
        self.compare(artists)
        print(f"{len(pairs)} lives, {self.kills} kills, {len(fake.all('charge'))} charges, {len(fake.control('state')['events'])} events")

    def kill(self, dice, over):
        while not over.wait(dice.uniform(1, 4)):
            with server_lock:
                server.stop(signal.SIGKILL)
                self.kills += 1
                server.start()

    def patiently(self, work):
        """The service may be killed at any moment, and takes its time to start: then again."""
        end = time.monotonic() + 120
        while True:
            try:
                return work()
            except (OSError, AssertionError, sqlite3.OperationalError, ValueError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def life(self, dice, fan, artist):
        def pay(path, body):
            made = self.patiently(lambda: self.ask(fan, path, body))
            if made and made["checkout_url"] and dice.random() < 0.9:
                self.at_stripe("pay", session=session_of(made))

        def mine(kind):
            """Of this artist's, at Stripe."""
            found = fake.control("find", object=kind, destination=artist.account)
            return dice.choice(found) if found else None

        steps = [lambda: pay(f"/artists/{artist.handle}/subscriptions", {"tier": artist.tier})]
        for _ in range(dice.randrange(1, 5)):
            steps.append(dice.choice((
                lambda: pay(f"/artists/{artist.handle}/tips", {"amount": dice.randrange(100, 5000)}),
                lambda: (one := mine("subscription")) and self.at_stripe("renew", subscription=one["id"], pays=dice.random() < 0.8),
                lambda: (one := mine("subscription")) and fake.call("DELETE", f"/v1/subscriptions/{one['id']}"),
                lambda: (one := mine("charge")) and one["paid"] and fake.call(
                    "POST", "/v1/refunds", charge=one["id"], amount=dice.randrange(1, one["amount"] + 1), reverse_transfer=dice.choice(("true", "false")),
                    refund_application_fee="true"),
                lambda: (one := mine("charge")) and one["paid"] and one["amount_refunded"] == 0 and self.dispute(dice, one),
                lambda: self.at_stripe("payout", account=artist.account, amount=dice.randrange(1, 400), currency="eur",
                                       status=dice.choice(("paid", "pending"))),
                lambda: self.refund_by_artist(dice, artist))))
        for step in steps:
            step()

    @staticmethod
    def ask(fan, path, body):
        """What can be paid; nothing for a fan with a disputed payment."""
        answer = fan.api("POST", path, body)
        assert answer.status in (201, 403), answer
        return answer.json if answer.status == 201 else None

    @staticmethod
    def at_stripe(name, **order):
        try:
            fake.control(name, **order)
        except AssertionError:  # Stripe refuses: paid twice, ended already
            pass

    def dispute(self, dice, charge):
        if fake.control("find", object="dispute", charge=charge["id"]):
            return
        made = fake.control("dispute", payment_intent=charge["payment_intent"])
        if dice.random() < 0.8:
            fake.control("dispute_status", dispute=made["id"], status=dice.choice(("won", "lost")))

    def refund_by_artist(self, dice, artist):
        payments = self.patiently(lambda: artist.get("/earnings/payments"))
        if payments:
            self.patiently(lambda: artist.api("POST", f"/earnings/payments/{dice.choice(payments)['id']}/refund"))

    def settle(self):
        """All events arrive, and all that is to be done at Stripe is done."""
        fake.control("delivery", hold=False, copies=1, delay_s=0, drop=0)
        for _ in range(4):
            server.rows("UPDATE fan_subscriptions SET retry_at = 0")
            server.rows("UPDATE fan_payments SET retry_at = 0")
            events = [one["id"] for one in fake.control("state")["events"]]
            random.Random(7).shuffle(events)
            for start in range(0, len(events), 200):
                part = events[start:start + 200]
                for _ in range(20):  # the service may be busy with what Stripe sends by itself
                    part = [event for event, status in zip(part, fake.control("deliver", events=part)["statuses"]) if status != 200]
                    if not part:
                        break
                    time.sleep(0.2)
                self.assertEqual(part, [])
            before = len(events)
            time.sleep(2)
            if len(fake.control("state")["events"]) == before:
                break

    def compare(self, artists):
        """The books against what Stripe holds."""
        state = fake.control("state")["objects"]
        for artist in artists:
            held = state[artist.account]["_balance"].get("eur", 0)
            self.assertEqual(artist.has() - self.pending(state, artist.account, artist), held, artist.handle)
        lost = {one["charge"]: one["amount"] for one in state.values() if one["object"] == "dispute" and one["status"] == "lost"}
        # A fan may get the same money twice, from the artist and from the bank.
        kept = sum(one["amount"] - one["amount_refunded"] - lost.get(one["id"], 0) for one in state.values()
                   if one["object"] == "charge" and one["paid"] and one["transfer_data"])
        self.assertEqual(-balance("money:eur:fans"), kept)
        for identity, status in server.rows("SELECT stripe, state FROM fan_subscriptions WHERE stripe <> ''"):
            self.assertEqual(status == "ended", state[identity]["status"] == "canceled", identity)
        code, words = server.audit()
        self.assertEqual(code, 0, words)

    @staticmethod
    def pending(state, account, artist):
        """Payouts on their way have left Stripe and not reached the bank."""
        ids = {row[0] for row in server.rows("SELECT id FROM payouts WHERE account = ? AND state = 'pending'", artist.id)}
        return sum(state[identity]["amount"] for identity in ids)


def begin(a_fake, a_server):
    global fake, server, server_lock
    fake, server, server_lock = a_fake, a_server, threading.Lock()


if __name__ == "__main__":
    sys.exit(run((Earning, Lives), ["whsec_never_logged"], SETTINGS, begin))
