#!/usr/bin/env python3
"""Runs the real shop over HTTP against the fake Stripe with all its misbehaviour.

Run: stripe_shop.py path/to/webwrap path/to/fake_stripe.py. Python's standard library only; everything on the loopback interface.
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

WEBWRAP, FAKE = sys.argv[1:3]
KEY = "sk_test_never_to_be_logged"
OLD, NEW = "whsec_old_never_logged", "whsec_new_never_logged"
PACK, AMOUNT = 30, 499


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(port, method, path, body=None, headers=None):
    """→ status, headers, text"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
    connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, response.headers, text


class Fake:
    def __init__(self, webhook):
        command = [sys.executable, "-B", FAKE, "--key", KEY, "--webhook", webhook, "--secret", NEW]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def control(self, name, **order):
        method = "GET" if name == "state" else "POST"
        status, _, text = request(self.port, method, f"/_control/{name}", None if method == "GET" else order)
        assert status == 200, text
        return json.loads(text)

    def deliver(self, events, **how):
        return self.control("deliver", events=events, **how)["statuses"]

    def refund(self, payment, amount=None):
        form = {"payment_intent": payment, **({"amount": amount} if amount else {})}
        status, _, text = request(self.port, "POST", "/v1/refunds", urllib.parse.urlencode(form), {"Authorization": f"Bearer {KEY}"})
        assert status == 200, text

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Server:
    def __init__(self, folder):
        self.port = free_port()
        self.log_path = os.path.join(folder, "log")
        self.config = os.path.join(folder, "config.json")
        self.folder = folder
        self.process = None

    def configure(self, stripe_port):
        settings = {
            "data_dir": os.path.join(self.folder, "data"), "port": self.port, "workers": 0, "signups_per_day": 1000,
            "packs": [{"id": "small", "title": "Small", "credits": PACK, "amount": AMOUNT}], "stripe_secret_key": KEY,
            "stripe_api_base": f"http://127.0.0.1:{stripe_port}", "stripe_webhook_secrets": [OLD, NEW]}
        with open(self.config, "w") as file:
            json.dump(settings, file)

    def start(self):
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen([WEBWRAP, "serve", "--config", self.config], stdout=log, stderr=log)
        for _ in range(200):
            if self.process.poll() is not None:
                raise RuntimeError("webwrap ended: " + self.log())
            try:
                if request(self.port, "GET", "/healthz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError("webwrap does not answer: " + self.log())

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=60)

    def log(self):
        with open(self.log_path) as file:
            return file.read()


class Buyer:
    count = 0

    def __init__(self):
        Buyer.count += 1
        self.cookie = ""
        self.api("POST", "/accounts", {"email": f"singer{Buyer.count}@example.org", "password": "seven quiet otters"}, expect=201)

    def api(self, method, path, body=None, expect=200):
        status, headers, text = request(server.port, method, "/api/v1" + path, body,
                                        {"Cookie": self.cookie, "Sec-Fetch-Site": "same-origin"})
        assert status == expect, f"{method} {path}: {status} {text}"
        if headers["Set-Cookie"]:
            self.cookie = headers["Set-Cookie"].split(";")[0]
        return json.loads(text)

    def buy(self, expect=201):
        return self.api("POST", "/orders", {"pack": "small"}, expect)

    def order(self, order):
        return self.api("GET", f"/orders/{order['id']}")

    def state(self, order):
        """Without asking Stripe."""
        return next(one["state"] for one in self.api("GET", "/orders") if one["id"] == order["id"])

    def bought(self):
        return self.api("GET", "/credits")["balance"]  # no free ones: nobody opens the mail's link


def session_of(order):
    return next(one["id"] for one in fake.control("state")["objects"].values()
                if one["object"] == "checkout.session" and one["metadata"].get("order_id") == order["id"])


def payment_of(order):
    return fake.control("state")["objects"][session_of(order)]["payment_intent"]


def events_of(order):
    """Ids of all events about the order, oldest first."""
    session, payment = session_of(order), payment_of(order)
    about = [(event["id"], event["data"]["object"]) for event in fake.control("state")["events"]]
    return [identity for identity, thing in about
            if thing["id"] in (session, payment) or (payment and thing.get("payment_intent") == payment)]


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def click(order, button):
    """What a buyer does on Stripe's page → where it leads."""
    url = urllib.parse.urlsplit(order["checkout_url"])
    status, _, page = request(url.port, "GET", url.path)
    assert status == 200 and f'value="{button}"' in page, page
    status, headers, _ = request(url.port, "POST", url.path, f"do={button}", {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 303
    return headers["Location"]


class Shop(unittest.TestCase):
    def setUp(self):
        fake.control("delivery", hold=False, copies=1, delay_s=0, drop=0)
        fake.control("webhook", secrets=[NEW])
        fake.control("faults", faults=[])
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
        request(fake.port, "POST", f"/v1/checkout/sessions/{session_of(order)}/expire", "", {"Authorization": f"Bearer {KEY}"})
        wait_for(lambda: self.buyer.state(order) == "expired")
        self.assertEqual(self.buyer.bought(), 0)

    def test_many_copies_at_once(self):
        fake.control("delivery", copies=8)
        order = self.paid_order()
        wait_for(lambda: self.buyer.state(order) == "paid")
        statuses = fake.deliver(events_of(order) * 4, at_once=True)
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
        self.assertEqual(fake.deliver(events, tamper=True), refused)
        self.assertEqual(fake.deliver(events, age_s=400), refused)
        self.assertEqual(fake.deliver(events, secrets=["whsec_guessed"]), refused)
        for header in ("", "t=1,v1=00", "v1=", "t=" + "9" * 400 + ",v1=00", ",".join(["v1=" + "0" * 64] * 50)):
            self.assertEqual(fake.deliver(events, header=header), refused, header)
        self.assertEqual(self.buyer.state(order), "pending")
        self.assertEqual(fake.deliver(events, age_s=200), [200] * len(events))
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
        fake.refund(payment_of(order), 100)
        wait_for(lambda: self.buyer.bought() == PACK - 6)
        fake.refund(payment_of(order))
        wait_for(lambda: self.buyer.state(order) == "refunded")
        self.assertEqual(self.buyer.bought(), 0)
        self.assertEqual(set(fake.deliver(events_of(order)[::-1])), {200})
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
        fake.refund(payment_of(order), 99)
        fake.refund(payment_of(order), 100)
        dispute = fake.control("dispute", payment_intent=payment_of(order), amount=300)["id"]
        fake.control("dispute_status", dispute=dispute, status="lost")
        events = events_of(order)
        self.assertGreaterEqual(len(events), 5)
        self.assertEqual(set(fake.deliver(events[::-1])), {200})
        self.assertEqual(self.buyer.state(order), "disputed")
        self.assertEqual(self.buyer.bought(), 0)
        self.assertEqual(set(fake.deliver(events * 2, at_once=True)), {200})
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
            order = buyer.api("GET", "/orders")[0]
            self.assertEqual(order["state"], "created")
            order = buyer.order(order)  # opens the same session
            self.assertEqual(order["state"], "pending")
            self.assertEqual(self.sessions_of(order), 1)

    def sessions_of(self, order):
        return sum(one["object"] == "checkout.session" and one["metadata"].get("order_id") == order["id"]
                   for one in fake.control("state")["objects"].values())

    def test_killed_server(self):
        fake.control("delivery", copies=8)
        order = self.paid_order()
        server.stop(signal.SIGKILL)
        server.start()
        wait_for(lambda: self.buyer.state(order) == "paid", 40)  # it is sent again
        self.assertEqual(self.buyer.bought(), PACK)

    def test_other_events_and_strangers(self):
        self.hold()
        request(fake.port, "POST", "/v1/checkout/sessions", urllib.parse.urlencode({
            "mode": "payment", "success_url": "http://127.0.0.1/", "client_reference_id": "someone", "line_items[0][price_data][currency]": "eur",
            "line_items[0][price_data][unit_amount]": 1, "line_items[0][price_data][product_data][name]": "Another shop's",
        }), {"Authorization": f"Bearer {KEY}"})
        foreign = next(one for one in fake.control("state")["objects"].values()
                       if one["object"] == "checkout.session" and one["client_reference_id"] == "someone")
        fake.control("pay", session=foreign["id"])
        payment = fake.control("state")["objects"][foreign["id"]]["payment_intent"]
        fake.control("dispute", payment_intent=payment)
        events = [one["id"] for one in fake.control("state")["events"] if foreign["id"] == one["data"]["object"]["id"]
                  or payment in (one["data"]["object"]["id"], one["data"]["object"].get("payment_intent"))]
        self.assertEqual(fake.deliver(events), [200] * 3)


def main():
    global fake, server
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        fake = Fake(f"http://127.0.0.1:{server.port}/api/v1/stripe/webhook")
        try:
            server.configure(fake.port)
            server.start()
            result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.loadTestsFromTestCase(Shop))
            server.stop()
            log = server.log()
            leaked = [secret for secret in (KEY, OLD, NEW) if secret in log]
            audit = subprocess.run([WEBWRAP, "audit", "--config", server.config], capture_output=True, text=True)
            if not result.wasSuccessful():
                print(log[-4000:])
            if leaked:
                print("secrets in the log")
            if audit.returncode:
                print("audit:", audit.stdout, audit.stderr)
            return 0 if result.wasSuccessful() and not leaked and audit.returncode == 0 else 1
        finally:
            fake.stop()
            if server.process and server.process.poll() is None:
                server.process.kill()


if __name__ == "__main__":
    sys.exit(main())
