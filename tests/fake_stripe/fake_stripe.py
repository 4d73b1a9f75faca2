#!/usr/bin/env python3
"""A stateful stand-in for Stripe, on the loopback interface only, for tests: it misbehaves on demand as the real one may.

Run: fake_stripe.py [--port N] [--key sk_test_...] [--webhook URL --secret whsec_... [--secret ...]]; the port is the first line of stdout.

Stripe's API (form bodies, "Authorization: Bearer KEY", Idempotency-Key):
  POST /v1/checkout/sessions, GET .../{id}, POST .../{id}/expire, GET /v1/payment_intents/{id}, GET /v1/charges/{id},
  POST /v1/refunds (payment_intent or charge, amount?, reverse_transfer?), GET /v1/disputes/{id}, GET /v1/events (limit, ending_before)
  of Connect: POST /v1/accounts, GET .../{id}, POST .../{id}/login_links, POST /v1/account_links, POST /v1/transfers, GET /v1/transfers
  (transfer_group), GET .../{id}, GET and POST .../{id}/reversals, GET /v1/payouts/{id} (with Stripe-Account)
  of subscriptions: GET, POST and DELETE /v1/subscriptions/{id}, GET /v1/invoices (subscription), GET .../{id}, POST /v1/test_helpers/test_clocks, .../{id}/advance
The page that a session's url leads to: GET and POST /c/pay/{id}, with buttons for paying now, paying later (as by bank debit) and cancelling.
That of an account link: GET and POST /c/onboard/{id}, with a button for filling in the form.

Control (JSON bodies; answers are JSON):
  POST /_control/webhook {url, secrets}            where events go; each secret adds a v1= to the signature
  POST /_control/delivery {hold, copies, delay_s, drop}   how new events are sent: hold: not at all; copies: each that often, at once;
                                                   drop: the next N are lost. One that is answered without a 2xx is sent again, 5 times in all
  POST /_control/deliver {events: [ids], at_once, tamper, age_s, secrets, header}   sends these in this order (at_once: all together),
                                                   once each; → the statuses of the answers. age_s: signed so long ago; tamper: the body is
                                                   changed after signing; secrets, header: instead of the right ones
  POST /_control/pay {session, later}              what the page's buttons do
  POST /_control/settle {session, succeeded}       the end of paying later
  POST /_control/dispute {payment_intent, amount?, inquiry?} → dispute
  POST /_control/dispute_status {dispute, status}  under_review, won, lost, needs_response, warning_closed ...
  POST /_control/account {account, payouts}        what the owner of an account does on Stripe's pages
  POST /_control/close_account {account}           there is none any more
  POST /_control/key {foreign}                      the key reaches nothing of this, as one of another account of Stripe's
  POST /_control/clock {frozen_time?}              a clock for the sessions opened from now on; without a time: none → clock
  POST /_control/advance {clock, frozen_time}      lets months pass
  POST /_control/renew {subscription, pays}        the next month, at once
  POST /_control/payout {account, amount, currency, status?} → payout; /_control/payout_status {account, payout, status}
  POST /_control/emit {type, object, account?}      an event about any object, also as if a connected account's owner had made it there
  POST /_control/money {poor, refuse_cards}        no money for transfers; renewals fail
  POST /_control/faults {faults: [...]}            the next API calls fail, one each: "500", "429", "409", "close" (no answer at all),
                                                   "lost" (it is done, but the answer is lost), "garbage" (200, not JSON)
  POST /_control/find {object, destination?, charge?}  objects of a kind: paid to an account, about a charge → a list
  GET  /_control/state                             everything it holds, its events and a log of API calls (without keys) and deliveries
"""
import argparse
import copy
import html
import http.server
import json
import re
import sys
import urllib.parse

from stripe_errors import ApiError
from stripe_state import Stripe, public

ONBOARDING = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Test onboarding</title><h1>Test onboarding</h1><form method="post"><button id="submit">I am who I am</button></form></html>"""

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Test checkout</title><style>body{{font:18px sans-serif;max-width:22em;margin:3em auto;padding:0 1em}}
button{{font:inherit;display:block;width:100%;margin:.6em 0;padding:.7em}}</style>
<h1>Test checkout</h1><p>{title}<br><strong>{amount} {currency}</strong></p>
<p>This is no shop: nothing is charged.</p><form method="post">
<button name="do" value="pay" id="pay">Pay</button><button name="do" value="later" id="pay-later">Pay later</button>
<button name="do" value="cancel" id="cancel">Cancel</button></form></html>"""


def parse_form(text):
    """a[b][c]=d becomes {"a": {"b": {"c": "d"}}}; a[]=b&a[]=c becomes {"a": ["b", "c"]}."""
    form = {}
    for name, value in urllib.parse.parse_qsl(text, keep_blank_values=True):
        parts = re.findall(r"[^\[\]]+", name)
        if name.endswith("[]"):
            form.setdefault(parts[0], []).append(value)
            continue
        place = form
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value
    return form


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stripe = None

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", **headers):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def do_DELETE(self):
        self.serve()

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = urllib.parse.urlsplit(self.path).path
        try:
            if path.startswith("/v1/"):
                self.api(path[4:], body)
            elif path.startswith("/c/pay/"):
                self.page(path[7:], parse_form(body))
            elif path.startswith("/c/onboard/"):
                self.onboarding(path[11:])
            elif path.startswith("/_control/"):
                self.answer(200, self.control(path[10:], json.loads(body or "{}")))
            else:
                raise ApiError(404, "invalid_request_error", "Unrecognized request URL.")
        except ApiError as error:
            self.answer(error.status, error.body)

    def api(self, path, body):
        key = self.headers.get("Idempotency-Key")
        with self.stripe.lock:
            fault = self.stripe.faults.pop(0) if self.stripe.faults else None
            self.stripe.calls.append({"method": self.command, "path": path, "key": key, "fault": fault})
            if self.headers.get("Authorization") != f"Bearer {self.stripe.key}":
                raise ApiError(401, "invalid_request_error", "Invalid API Key provided: sk_test_****")
            if fault in ("500", "429", "409"):
                raise ApiError(int(fault), "api_error", "Told to fail.")
            if fault == "close":
                self.close_connection = True
                return
            status, reply = self.once(key, path, body)
        if fault == "lost":
            self.close_connection = True
            return
        self.answer(status, "<html>oops</html>" if fault == "garbage" else reply)

    def once(self, key, path, body):
        """The same key gives the first answer again; with other parameters it is an error."""
        request = (self.command, path, body)
        if key and key in self.stripe.replies:
            first, status, reply = self.stripe.replies[key]
            if first != request:
                raise ApiError(400, "idempotency_error", "Keys for idempotent requests can only be used with the same parameters.")
            return status, reply
        try:
            query = parse_form(urllib.parse.urlsplit(self.path).query)
            status, reply = 200, copy.deepcopy(public(self.perform(path, parse_form(body) or query)))
        except ApiError as error:
            status, reply = error.status, error.body
        if key and self.command == "POST":
            self.stripe.replies[key] = (request, status, reply)
        return status, reply

    def perform(self, path, form):
        stripe = self.stripe
        parts = path.split("/")
        if self.command == "POST":
            if path == "checkout/sessions":
                return stripe.create_session(form)
            if len(parts) == 4 and path.startswith("checkout/sessions/") and parts[3] == "expire":
                return stripe.expire(stripe.get(parts[2], "checkout.session"))
            if path == "refunds":
                return stripe.refund(form)
            if (made := self.perform_connect_post(path, parts, form)) is not None:
                return made
        elif self.command == "DELETE":
            if len(parts) == 2 and parts[0] == "subscriptions":
                subscription = stripe.get(parts[1], "subscription")
                stripe.end_subscription(subscription)
                return subscription
        else:
            kinds = {"payment_intents": "payment_intent", "disputes": "dispute", "accounts": "account", "subscriptions": "subscription",
                     "invoices": "invoice", "transfers": "transfer", "payouts": "payout"}
            if path == "transfers":
                made = [one for one in stripe.objects.values() if one["object"] == "transfer" and one["transfer_group"] == form.get("transfer_group")]
                return {"object": "list", "data": made}
            if len(parts) == 3 and parts[0] == "transfers" and parts[2] == "reversals":
                made = [one for one in stripe.objects.values() if one["object"] == "transfer_reversal" and one["transfer"] == parts[1]]
                return {"object": "list", "data": made}
            if len(parts) == 2 and parts[0] == "charges":
                return self.expanded(stripe.get(parts[1], "charge"), form)
            if path == "events":
                return self.listed_events(form)
            if path == "invoices":
                made = [one for one in stripe.objects.values() if one["object"] == "invoice" and one["subscription"] == form.get("subscription")]
                return {"object": "list", "data": [public(one) for one in made[::-1]]}
            if len(parts) == 3 and path.startswith("checkout/sessions/"):
                return stripe.get(parts[2], "checkout.session")
            if len(parts) == 2 and parts[0] in kinds:
                return stripe.get(parts[1], kinds[parts[0]])
        raise ApiError(404, "invalid_request_error", f"Unrecognized request URL ({self.command}: /v1/{path}).")

    def listed_events(self, form):
        """Ours, the newest first; those of connected accounts are in their own lists."""
        ours = [one for one in self.stripe.events.values() if "account" not in one]
        limit, before = int(form.get("limit", 10)), form.get("ending_before")
        if before is None:
            return {"object": "list", "data": ours[::-1][:limit], "has_more": len(ours) > limit}
        places = [place for place, one in enumerate(ours) if one["id"] == before]
        if not places:
            raise ApiError(404, "invalid_request_error", f"No such event: '{before}'", code="resource_missing", param="ending_before")
        newer = ours[places[0] + 1:]
        return {"object": "list", "data": newer[:limit][::-1], "has_more": len(newer) > limit}

    def perform_connect_post(self, path, parts, form):
        stripe = self.stripe
        if path == "accounts":
            return stripe.create_account(form)
        if path == "account_links":
            return stripe.link(form)
        if path == "transfers":
            return stripe.create_transfer(form)
        if path == "test_helpers/test_clocks":
            return stripe.create_clock(form)
        if len(parts) == 4 and path.startswith("test_helpers/test_clocks/") and parts[3] == "advance":
            return stripe.advance_clock(stripe.get(parts[2], "test_helpers.test_clock"), form)
        if len(parts) == 3 and parts[0] == "accounts" and parts[2] == "login_links":
            return stripe.login_link(stripe.get(parts[1], "account"))
        if len(parts) == 3 and parts[0] == "transfers" and parts[2] == "reversals":
            return stripe.reverse(stripe.get(parts[1], "transfer"), int(form["amount"]), form.get("refund_application_fee") == "true",
                                  form.get("metadata"))
        if len(parts) == 2 and parts[0] == "subscriptions":
            return stripe.change_subscription(stripe.get(parts[1], "subscription"), form)
        return None

    def expanded(self, charge, form):
        """With the objects in the place of the ids that `expand` names."""
        names = form.get("expand", [])
        whole = dict(charge)
        for name in names:
            if whole.get(name):
                whole[name] = self.stripe.objects[whole[name]]
        return whole

    def onboarding(self, identity):
        with self.stripe.lock:
            account = self.stripe.get(identity, "account")
            if self.command == "GET":
                self.answer(200, ONBOARDING, "text/html; charset=utf-8")
                return
            self.stripe.onboard(account)
        self.answer(303, "", "text/plain", Location=account["_return_url"])

    def page(self, identity, form):
        with self.stripe.lock:
            session = self.stripe.get(identity, "checkout.session")
            if self.command == "GET":
                amount = f"{session['amount_total'] // 100}.{session['amount_total'] % 100:02d}"
                self.answer(200, PAGE.format(title=html.escape(session["_title"]), amount=amount, currency=session["currency"].upper()),
                            "text/html; charset=utf-8")
                return
            cancelled = form.get("do") == "cancel"
            if not cancelled and session["status"] == "open":
                self.stripe.pay(session, later=form.get("do") == "later")
            target = session["cancel_url"] if cancelled else session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
        self.answer(303, "", "text/plain", Location=target)

    def control(self, name, order):
        stripe = self.stripe
        if name == "deliver":
            return {"statuses": stripe.deliver_all(order)}
        with stripe.lock:
            if name in ("webhook", "delivery"):
                getattr(stripe, name).update(order)
            elif name == "faults":
                stripe.faults = list(order["faults"])
            elif name == "pay":
                stripe.pay(stripe.get(order["session"], "checkout.session"), order.get("later", False))
            elif name == "settle":
                stripe.settle(stripe.get(order["session"], "checkout.session"), order["succeeded"])
            elif name == "dispute":
                intent = stripe.get(order["payment_intent"], "payment_intent")
                return stripe.dispute(intent, order.get("amount"), order.get("inquiry", False))
            elif name == "dispute_status":
                stripe.dispute_status(stripe.get(order["dispute"], "dispute"), order["status"])
            elif name == "account":
                stripe.onboard(stripe.get(order["account"], "account"), order.get("payouts", True))
            elif name == "close_account":
                stripe.close(stripe.get(order["account"], "account"))
            elif name == "key":
                stripe.foreign_key = order["foreign"]
            elif name == "clock":
                stripe.clock = stripe.create_clock(order)["id"] if "frozen_time" in order else ""
                return {"clock": stripe.clock}
            elif name == "advance":
                stripe.advance_clock(stripe.get(order["clock"], "test_helpers.test_clock"), order)
            elif name == "renew":
                stripe.renew(stripe.get(order["subscription"], "subscription"), order.get("pays", True))
            elif name == "payout":
                return public(stripe.pay_out(stripe.get(order["account"], "account"), order["amount"], order["currency"], order.get("status", "paid")))
            elif name == "payout_status":
                stripe.payout_status(stripe.get(order["account"], "account"), stripe.get(order["payout"], "payout"), order["status"])
            elif name == "emit":
                stripe.emit(order["type"], order["object"], order.get("account"))
            elif name == "money":
                stripe.poor, stripe.refuse_cards = order.get("poor", False), order.get("refuse_cards", False)
            elif name == "find":
                paid_to = lambda one: (one.get("transfer_data") or {}).get("destination")
                return copy.deepcopy([public(one) for one in stripe.objects.values() if one["object"] == order["object"]
                                      and order.get("destination") in (None, paid_to(one)) and order.get("charge") in (None, one.get("charge"))])
            elif name == "state":
                return copy.deepcopy({"objects": stripe.objects, "events": list(stripe.events.values()), "calls": stripe.calls,
                                      "deliveries": stripe.deliveries})
            else:
                raise ApiError(404, "invalid_request_error", f"No such control: {name}.")
        return {}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A service that was killed leaves broken connections, which are no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="sk_test_fake")
    parser.add_argument("--webhook", default="")
    parser.add_argument("--secret", action="append", default=[])
    options = parser.parse_args()
    stripe = Handler.stripe = Stripe(options.key)
    stripe.webhook = {"url": options.webhook, "secrets": options.secret}
    server = Server(("127.0.0.1", options.port), Handler)
    stripe.base = f"http://127.0.0.1:{server.server_port}"
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
