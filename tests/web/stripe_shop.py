#!/usr/bin/env python3
"""Runs the real shop over HTTP against the fake Stripe with all its misbehaviour.

Run: stripe_shop.py path/to/webwrap path/to/fake_stripe.py. Python's standard library only; everything on the loopback interface.
"""
import signal
import sys
import time
import unittest
import urllib.parse

from api_client import Client
from stripe_service import run, wait_for

OLD, NEW = "whsec_old_never_logged", "whsec_new_never_logged"
PACK, AMOUNT = 30, 499
SETTINGS = {"packs": [{"id": "small", "title": "Small", "credits": PACK, "amount": AMOUNT}]}


def deliver(events, **how):
    return fake.control("deliver", events=events, **how)["statuses"]


def refund(payment, **amount):
    answer = fake.call("POST", "/v1/refunds", payment_intent=payment, **amount)
    assert answer.status == 200, answer


class Buyer(Client):
    count = 0

    def __init__(self):
        super().__init__(server.port)
        Buyer.count += 1
        self.sign_up(f"singer{Buyer.count}@example.org")

    def get(self, path):
        return self.must(200, "GET", path).json

    def buy(self, expect=201):
        return self.must(expect, "POST", "/orders", {"pack": "small"}).json

    def order(self, order):
        return self.get(f"/orders/{order['id']}")

    def state(self, order):
        """Without asking Stripe."""
        return next(one["state"] for one in self.get("/orders") if one["id"] == order["id"])

    def bought(self):
        return self.get("/credits")["balance"]  # no free ones: nobody opens the mail's link


def session_of(order):
    return next(one["id"] for one in fake.objects.values()
                if one["object"] == "checkout.session" and one["metadata"].get("order_id") == order["id"])


def payment_of(order):
    return fake.objects[session_of(order)]["payment_intent"]


def events_of(order):
    """Ids of all events about the order, oldest first."""
    session, payment = session_of(order), payment_of(order)
    about = [(event["id"], event["data"]["object"]) for event in fake.control("state")["events"]]
    return [identity for identity, thing in about
            if thing["id"] in (session, payment) or (payment and thing.get("payment_intent") == payment)]


def click(order, button):
    """What a buyer does on Stripe's page → where it leads."""
    url = urllib.parse.urlsplit(order["checkout_url"])
    page = fake.client.send("GET", url.path)
    assert page.status == 200 and f'value="{button}"' in page.body.decode(), page
    pressed = fake.client.send("POST", url.path, urllib.parse.urlencode({"do": button}).encode(), {"Content-Type": "application/x-www-form-urlencoded"})
    assert pressed.status == 303, pressed
    return pressed.headers["Location"]


class Shop(unittest.TestCase):
    def setUp(self):
        fake.behave()
        fake.control("webhook", secrets=[NEW])
        self.buyer = Buyer()

    def hold(self):
        fake.control("delivery", hold=True)

    def paid_order(self):
        order = self.buyer.buy()
        fake.control("pay", session=session_of(order))
        return order

    def test_buying(self):
        order = self.buyer.buy()
        self.assertEqual(click(order, "pay"), f"http://127.0.0.1:{server.port}/app/credits?order={order['id']}")
        wait_for(lambda: self.buyer.state(order) == "paid")
        self.assertEqual(self.buyer.bought(), PACK)

    def test_cancelling_and_expiry(self):
        order = self.buyer.buy()
        self.assertTrue(click(order, "cancel").endswith("&cancelled=1"))
        self.assertEqual(self.buyer.order(order)["state"], "pending")
        fake.call("POST", f"/v1/checkout/sessions/{session_of(order)}/expire")
        wait_for(lambda: self.buyer.state(order) == "expired")
        self.assertEqual(self.buyer.bought(), 0)

    def test_many_copies_at_once(self):
        fake.control("delivery", copies=8)
        order = self.paid_order()
        wait_for(lambda: self.buyer.state(order) == "paid")
        statuses = deliver(events_of(order) * 4, at_once=True)
        self.assertEqual(set(statuses), {200})
        self.assertEqual(self.buyer.bought(), PACK)

    def test_lost_events(self):
        fake.control("delivery", drop=10)
        order = self.paid_order()
        self.assertEqual(self.buyer.state(order), "pending")
        self.assertEqual(self.buyer.order(order)["state"], "paid")  # asks Stripe
        self.assertEqual(self.buyer.bought(), PACK)

    def test_late_events(self):
        fake.control("delivery", delay_s=1)
        order = self.paid_order()
        self.assertEqual(self.buyer.state(order), "pending")
        self.assertEqual(self.buyer.order(order)["state"], "paid")
        completed = [one for one in fake.control("state")["events"] if one["data"]["object"]["id"] == session_of(order)][0]
        wait_for(lambda: any(one["event"] == completed["id"] for one in fake.control("state")["deliveries"]))
        self.assertEqual(self.buyer.bought(), PACK)

    def test_forged_and_replayed(self):
        self.hold()
        order = self.paid_order()
        events = events_of(order)
        refused = [400] * len(events)
        self.assertEqual(deliver(events, tamper=True), refused)
        self.assertEqual(deliver(events, age_s=400), refused)
        self.assertEqual(deliver(events, secrets=["whsec_guessed"]), refused)
        for header in ("", "t=1,v1=00", "v1=", "t=" + "9" * 400 + ",v1=00", ",".join(["v1=" + "0" * 64] * 50)):
            self.assertEqual(deliver(events, header=header), refused, header)
        self.assertEqual(self.buyer.state(order), "pending")
        self.assertEqual(deliver(events, age_s=200), [200] * len(events))
        self.assertEqual(self.buyer.bought(), PACK)

    def test_rolling_secrets(self):
        for secrets in ([OLD], [NEW], [OLD, NEW], ["whsec_of_tomorrow", OLD]):
            fake.control("webhook", secrets=secrets)
            buyer = Buyer()
            order = buyer.buy()
            fake.control("pay", session=session_of(order))
            wait_for(lambda: buyer.state(order) == "paid")
            self.assertEqual(buyer.bought(), PACK)

    def test_paying_later(self):
        for succeeded, state, credits in ((True, "paid", PACK), (False, "failed", 0)):
            buyer = Buyer()
            order = buyer.buy()
            click(order, "later")
            self.assertEqual(buyer.order(order)["state"], "pending")
            self.assertEqual(buyer.bought(), 0)
            fake.control("settle", session=session_of(order), succeeded=succeeded)
            wait_for(lambda: buyer.state(order) == state)
            self.assertEqual(buyer.bought(), credits)

    def test_refunds(self):
        order = self.paid_order()
        wait_for(lambda: self.buyer.bought() == PACK)
        refund(payment_of(order), amount=100)
        wait_for(lambda: self.buyer.bought() == PACK - 6)
        refund(payment_of(order))
        wait_for(lambda: self.buyer.state(order) == "refunded")
        self.assertEqual(self.buyer.bought(), 0)
        self.assertEqual(set(deliver(events_of(order)[::-1])), {200})
        self.assertEqual(self.buyer.bought(), 0)

    def test_disputes(self):
        order = self.paid_order()
        wait_for(lambda: self.buyer.bought() == PACK)
        dispute = fake.control("dispute", payment_intent=payment_of(order), inquiry=True)["id"]
        time.sleep(0.2)
        self.assertEqual(self.buyer.state(order), "paid")
        fake.control("dispute_status", dispute=dispute, status="needs_response")
        wait_for(lambda: self.buyer.state(order) == "disputed")
        self.assertEqual(self.buyer.buy(expect=403)["code"], "account_frozen")
        fake.control("dispute_status", dispute=dispute, status="won")
        wait_for(lambda: self.buyer.state(order) == "paid")
        self.assertEqual(self.buyer.bought(), PACK)
        dispute = fake.control("dispute", payment_intent=payment_of(order))["id"]
        fake.control("dispute_status", dispute=dispute, status="lost")
        wait_for(lambda: self.buyer.bought() == 0)
        self.assertEqual(self.buyer.state(order), "disputed")
        self.buyer.buy()  # no longer frozen

    def test_history_backwards(self):
        self.hold()
        order = self.paid_order()
        refund(payment_of(order), amount=99)
        refund(payment_of(order), amount=100)
        dispute = fake.control("dispute", payment_intent=payment_of(order), amount=300)["id"]
        fake.control("dispute_status", dispute=dispute, status="lost")
        events = events_of(order)
        self.assertGreaterEqual(len(events), 5)
        self.assertEqual(set(deliver(events[::-1])), {200})
        self.assertEqual(self.buyer.state(order), "disputed")
        self.assertEqual(self.buyer.bought(), 0)
        self.assertEqual(set(deliver(events * 2, at_once=True)), {200})
        self.assertEqual(self.buyer.bought(), 0)

    def test_api_failures_make_one_session(self):
        for faults in (["500"], ["429", "409"], ["close"], ["lost", "lost"]):
            fake.control("faults", faults=faults)
            order = self.buyer.buy()
            calls = [one for one in fake.control("state")["calls"] if one["key"] == f"order-{order['id']}"]
            self.assertEqual(len(calls), len(faults) + 1)
            self.assertEqual(self.sessions_of(order), 1)
        fake.control("pay", session=session_of(order))
        wait_for(lambda: self.buyer.bought() == PACK)

    def test_api_down_for_longer(self):
        for fault in ("lost", "500", "garbage"):
            buyer = Buyer()  # one asks Stripe about orders once in 3 s
            fake.control("faults", faults=[fault] * 3)
            self.assertEqual(buyer.buy(expect=502)["code"], "payment_provider")
            fake.control("faults", faults=[])
            order = buyer.get("/orders")[0]
            self.assertEqual(order["state"], "created")
            order = buyer.order(order)  # opens the same session
            self.assertEqual(order["state"], "pending")
            self.assertEqual(self.sessions_of(order), 1)

    def sessions_of(self, order):
        return sum(one["object"] == "checkout.session" and one["metadata"].get("order_id") == order["id"]
                   for one in fake.objects.values())

    def test_killed_server(self):
        fake.control("delivery", copies=8)
        order = self.paid_order()
        server.stop(signal.SIGKILL)
        server.start()
        wait_for(lambda: self.buyer.state(order) == "paid", 40)  # it is sent again
        self.assertEqual(self.buyer.bought(), PACK)

    def test_other_events_and_strangers(self):
        self.hold()
        fake.call("POST", "/v1/checkout/sessions", **{
            "mode": "payment", "success_url": "http://127.0.0.1/", "client_reference_id": "someone", "line_items[0][price_data][currency]": "eur",
            "line_items[0][price_data][unit_amount]": 1, "line_items[0][price_data][product_data][name]": "Another shop's"})
        foreign = next(one for one in fake.objects.values()
                       if one["object"] == "checkout.session" and one["client_reference_id"] == "someone")
        fake.control("pay", session=foreign["id"])
        payment = fake.objects[foreign["id"]]["payment_intent"]
        fake.control("dispute", payment_intent=payment)
        events = [one["id"] for one in fake.control("state")["events"] if foreign["id"] == one["data"]["object"]["id"]
                  or payment in (one["data"]["object"]["id"], one["data"]["object"].get("payment_intent"))]
        self.assertEqual(deliver(events), [200] * 3)


def begin(a_fake, a_server):
    global fake, server
    fake, server = a_fake, a_server


if __name__ == "__main__":
    sys.exit(run((Shop,), [OLD, NEW], SETTINGS, begin))
