"""What the fake Stripe holds and does: sessions, payments, refunds, disputes, and the events they make and how those are sent."""
import copy
import hashlib
import hmac
import http.client
import itertools
import json
import threading
import time
import urllib.parse

from stripe_connect import Connect
from stripe_errors import ApiError, flag


class Stripe(Connect):
    """The state. Everything that changes it holds `lock`; deliveries run in threads of their own."""

    def __init__(self, key):
        self.key = key
        self.lock = threading.RLock()
        self.numbers = itertools.count(1)
        self.objects = {}  # by id; sessions, payment intents, charges, refunds, disputes
        self.events = {}
        self.replies = {}  # by idempotency key: (request, status, body)
        self.webhook = {"url": "", "secrets": []}
        self.delivery = {"hold": False, "copies": 1, "delay_s": 0, "drop": 0}
        self.faults = []
        self.poor = False  # no money for transfers
        self.refuse_cards = False  # renewals fail
        self.clock = ""  # the clock of new sessions
        self.closed_accounts = set()
        self.foreign_key = False  # webwrap's key is one of another account of Stripe's, which reaches nothing of all this
        self.calls, self.deliveries = [], []
        self.base = ""

    def add(self, prefix, kind, **fields):
        made = {"id": f"{prefix}_test_{next(self.numbers):06d}", "object": kind, "created": int(time.time()), "livemode": False, **fields}
        self.objects[made["id"]] = made
        return made

    def get(self, identity, kind):
        found = self.objects.get(identity)
        if identity in self.closed_accounts or (self.foreign_key and kind == "account"):
            raise ApiError(403, "invalid_request_error", "The provided key does not have access to this account (or it does not exist).",
                           code="account_invalid")
        if not found or found["object"] != kind or self.foreign_key:
            raise ApiError(404, "invalid_request_error", f"No such {kind}: '{identity}'", code="resource_missing", param="id")
        return found

    # --- what the API does

    def create_session(self, form):
        price = form.get("line_items", {}).get("0", {}).get("price_data", {})
        for name, value in (("mode", form.get("mode")), ("success_url", form.get("success_url")), ("currency", price.get("currency")),
                            ("name", price.get("product_data", {}).get("name")), ("unit_amount", price.get("unit_amount"))):
            if not value:
                raise ApiError(400, "invalid_request_error", f"Missing required param: {name}.", code="parameter_missing", param=name)
        for data in (form.get("subscription_data", {}), form.get("payment_intent_data", {})):
            if "transfer_data" in data:
                self.destination(data["transfer_data"])
        quantity = int(form["line_items"]["0"].get("quantity", 1))
        session = self.add(
            "cs", "checkout.session", mode=form["mode"], status="open", payment_status="unpaid", payment_intent=None,
            subscription=None, customer=None, amount_total=int(price["unit_amount"]) * quantity, currency=price["currency"], success_url=form["success_url"],
            cancel_url=form.get("cancel_url"), client_reference_id=form.get("client_reference_id"),
            customer_email=form.get("customer_email"), metadata=form.get("metadata", {}))
        session["url"] = f"{self.base}/c/pay/{session['id']}"
        session["_title"] = price["product_data"]["name"]
        session["_payment"], session["_clock"] = form.get("payment_intent_data", {}), self.clock
        if form["mode"] == "subscription":
            if price.get("recurring", {}).get("interval") != "month":
                raise ApiError(400, "invalid_request_error", "You must provide at least one recurring price in subscription mode.")
            if form.get("payment_intent_data"):
                raise ApiError(400, "invalid_request_error", "You can not pass payment_intent_data in subscription mode.")
            session["_subscription"] = form.get("subscription_data", {})
        return session

    def pay(self, session, later=False):
        if session["status"] != "open":
            raise ApiError(400, "invalid_request_error", "This Checkout Session is not open.")
        if session["mode"] == "subscription":
            session.update(status="complete", url=None, customer=self.add("cus", "customer", email=session["customer_email"])["id"])
            self.begin_subscription(session)
            self.emit("checkout.session.completed", session)
            return
        intent = self.add("pi", "payment_intent", amount=session["amount_total"], currency=session["currency"], status="processing",
                          metadata=session["_payment"].get("metadata", {}), latest_charge=None)
        session.update(status="complete", payment_intent=intent["id"], url=None)
        if not later:
            self.charge(session)
        self.emit("checkout.session.completed", session)

    def charge(self, session):
        intent = self.objects[session["payment_intent"]]
        charge = self.add_charge(intent, intent["amount"], True)
        if "transfer_data" in session["_payment"]:
            fee = int(session["_payment"].get("application_fee_amount", 0))
            self.split(charge, self.destination(session["_payment"]["transfer_data"]), fee)
        session["payment_status"] = "paid"
        self.emit("payment_intent.succeeded", intent)

    def add_charge(self, intent, amount, succeeds):
        charge = self.add("ch", "charge", amount=amount, amount_refunded=0, refunded=False, currency=intent["currency"],
                          payment_intent=intent["id"], metadata=intent["metadata"], paid=succeeds, invoice=None, transfer=None, transfer_data=None,
                          application_fee=None, application_fee_amount=None, status="succeeded" if succeeds else "failed")
        intent.update(status="succeeded" if succeeds else "requires_payment_method", latest_charge=charge["id"])
        return charge

    def settle(self, session, succeeded):
        if succeeded:
            self.charge(session)
        self.emit(f"checkout.session.async_payment_{'succeeded' if succeeded else 'failed'}", session)

    def expire(self, session):
        if session["status"] != "open":
            raise ApiError(400, "invalid_request_error", "Only open Checkout Sessions can be expired.")
        session.update(status="expired", url=None)
        self.emit("checkout.session.expired", session)
        return session

    def refund(self, form):
        charge = form.get("charge") or self.get(form.get("payment_intent"), "payment_intent")["latest_charge"]
        charge = self.get(charge, "charge")
        left = charge["amount"] - charge["amount_refunded"]
        amount = int(form.get("amount", left))
        if not 0 < amount <= left:
            raise ApiError(400, "invalid_request_error", f"Refund amount is greater than what is left ({left}).", param="amount",
                           code="charge_already_refunded" if left == 0 else None)
        if any(one["object"] == "dispute" and one["charge"] == charge["id"] and one["status"] in ("needs_response", "under_review")
               for one in self.objects.values()):
            raise ApiError(400, "invalid_request_error", "This charge is disputed.", code="charge_disputed")
        charge["amount_refunded"] += amount
        if flag(form.get("reverse_transfer")):
            transfer = self.get(charge["transfer"] or "", "transfer")
            if (back := min(amount, transfer["amount"] - transfer["amount_reversed"])) > 0:
                self.reverse(transfer, back, flag(form.get("refund_application_fee")))
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        refund = self.add("re", "refund", amount=amount, charge=charge["id"], payment_intent=charge["payment_intent"], status="succeeded")
        self.emit("charge.refunded", charge)
        return refund

    def dispute(self, intent, amount=None, inquiry=False):
        charge = self.get(intent["latest_charge"], "charge")
        dispute = self.add("dp", "dispute", charge=charge["id"], payment_intent=intent["id"], amount=amount or charge["amount"],
                           currency=charge["currency"], reason="fraudulent", metadata={},
                           status="warning_needs_response" if inquiry else "needs_response")
        self.emit("charge.dispute.created", dispute)
        return dispute

    def dispute_status(self, dispute, status):
        dispute["status"] = status
        self.emit(f"charge.dispute.{'closed' if status in ('won', 'lost', 'warning_closed') else 'updated'}", dispute)

    # --- events

    def emit(self, kind, subject, account=None):
        """`account`: of the connected account that it happened in."""
        event = self.add("evt", "event", api_version="2024-06-20", type=kind, data={"object": copy.deepcopy(public(subject))})
        if account:
            event["account"] = account
        del self.objects[event["id"]]
        self.events[event["id"]] = event
        if self.delivery["hold"] or not self.webhook["url"]:
            return
        if self.delivery["drop"] > 0:
            self.delivery["drop"] -= 1
            return
        for _ in range(self.delivery["copies"]):
            threading.Thread(target=self.deliver_until_taken, args=(event, self.delivery["delay_s"]), daemon=True).start()

    def deliver_until_taken(self, event, delay):
        for attempt in range(5):
            time.sleep(delay if attempt == 0 else 0.2 * 2**attempt)
            if 200 <= self.deliver(event) <= 299:
                return

    def deliver(self, event, tamper=False, age_s=0, secrets=None, header=None):
        """One POST of the event to the webhook; gives the answer's status, 0 where none came."""
        body = json.dumps(event, indent=2)
        when = int(time.time()) - age_s
        sign = lambda secret: hmac.new(secret.encode(), f"{when}.{body}".encode(), hashlib.sha256).hexdigest()
        if header is None:
            header = ",".join([f"t={when}"] + [f"v1={sign(secret)}" for secret in (secrets or self.webhook["secrets"])])
        if tamper:
            body = body.replace('"livemode": false', '"livemode": true ')
        target = urllib.parse.urlsplit(self.webhook["url"])
        status = 0
        try:
            connection = http.client.HTTPConnection(target.hostname, target.port, timeout=10)
            connection.request("POST", target.path, body.encode(), {"Content-Type": "application/json; charset=utf-8",
                                                                    "Stripe-Signature": header})
            status = connection.getresponse().status
            connection.close()
        except OSError:
            pass
        with self.lock:
            self.deliveries.append({"event": event["id"], "type": event["type"], "status": status})
        return status

    def deliver_all(self, order):
        events = [self.events[identity] for identity in order["events"]]
        how = {name: order[name] for name in ("tamper", "age_s", "secrets", "header") if name in order}
        if not order.get("at_once"):
            return [self.deliver(event, **how) for event in events]
        statuses = [0] * len(events)
        start = threading.Barrier(len(events))

        def one(index):
            start.wait()
            statuses[index] = self.deliver(events[index], **how)

        threads = [threading.Thread(target=one, args=(index,)) for index in range(len(events))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses


def public(thing):
    return {name: value for name, value in thing.items() if not name.startswith("_")}
