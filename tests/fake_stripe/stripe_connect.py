"""What the fake Stripe holds for earning: connected accounts, subscriptions with invoices, destination charges, transfers, payouts, and
clocks that let months pass."""
import calendar
import time

from stripe_errors import ApiError, flag

DAY = 24 * 3600


def next_month(when):
    """The same day of the next month, or its last one: as Stripe renews."""
    there = time.gmtime(when)
    year, month = there.tm_year + there.tm_mon // 12, there.tm_mon % 12 + 1
    day = min(there.tm_mday, calendar.monthrange(year, month)[1])
    return calendar.timegm((year, month, day, there.tm_hour, there.tm_min, there.tm_sec))


def percent_of(amount, percent):
    """`percent` is text with at most two decimals; rounded down, in whole numbers."""
    whole, _, part = percent.partition(".")
    if not whole.isdigit() or (part and not part.isdigit()) or len(part) > 2:
        raise ApiError(400, "invalid_request_error", f"Invalid decimal: {percent}.", param="application_fee_percent")
    return amount * int(whole + (part + "00")[:2]) // 10000


class Connect:
    """The part of Stripe's state (mixed into it) that has to do with those who earn."""

    # --- accounts

    def create_account(self, form):
        if form.get("type") != "express":
            raise ApiError(400, "invalid_request_error", "Only express accounts are made here.", param="type")
        wanted = flag(form.get("capabilities", {}).get("transfers", {}).get("requested"))
        account = self.add("acct", "account", type="express", email=form.get("email"), metadata=form.get("metadata", {}), details_submitted=False,
                           charges_enabled=False, payouts_enabled=False, capabilities={"transfers": "inactive"} if wanted else {},
                           requirements={"disabled_reason": "requirements.past_due", "currently_due": ["individual.first_name"]})
        account["_balance"] = {}
        return account

    def onboard(self, account, payouts=True):
        """What its owner does on Stripe's pages; without payouts the bank account is missing."""
        account.update(details_submitted=True, charges_enabled=True, payouts_enabled=payouts,
                       capabilities={"transfers": "active" if "transfers" in account["capabilities"] else "inactive"},
                       requirements={"disabled_reason": None if payouts else "requirements.past_due", "currently_due": []})
        self.emit("account.updated", account, account["id"])

    def close(self, account):
        """Its owner, or Stripe, closes it: we hear nothing of it any more."""
        self.closed_accounts.add(account["id"])
        del self.objects[account["id"]]

    def link(self, form):
        account = self.get(form.get("account"), "account")
        if form.get("type") != "account_onboarding" or not form.get("return_url") or not form.get("refresh_url"):
            raise ApiError(400, "invalid_request_error", "Missing required param.", code="parameter_missing")
        account["_return_url"] = form["return_url"]
        return {"object": "account_link", "url": f"{self.base}/c/onboard/{account['id']}", "expires_at": int(time.time()) + 300}

    def login_link(self, account):
        if not account["details_submitted"]:
            raise ApiError(400, "invalid_request_error", "The account has not completed onboarding.")
        return {"object": "login_link", "url": f"{self.base}/c/express/{account['id']}"}

    def destination(self, transfer_data):
        """The account that a payment goes to, if it can receive money."""
        account = self.get(transfer_data.get("destination"), "account")
        if account["capabilities"].get("transfers") != "active":
            raise ApiError(400, "invalid_request_error", "Your destination account needs to have at least one of the following capabilities "
                           "enabled: transfers.", code="insufficient_capabilities_for_transfer")
        return account

    # --- money between us and them

    def split(self, charge, destination, fee):
        """A destination charge: all of it is transferred, and the fee comes back."""
        if not 0 <= fee <= charge["amount"]:
            raise ApiError(400, "invalid_request_error", "The application fee is larger than the charge.", param="application_fee_amount")
        transfer = self.add("tr", "transfer", amount=charge["amount"], amount_reversed=0, currency=charge["currency"], destination=destination["id"],
                            source_transaction=charge["id"], transfer_group=None, metadata={})
        charge.update(transfer=transfer["id"], transfer_data={"amount": None, "destination": destination["id"]}, application_fee=None,
                      application_fee_amount=fee or None)
        if fee:
            charge["application_fee"] = self.add("fee", "application_fee", amount=fee, amount_refunded=0, account=destination["id"], charge=f"py_{charge['id']}",
                                                 originating_transaction=charge["id"], currency=charge["currency"])["id"]
        self.move(destination, charge["currency"], charge["amount"] - fee)

    def move(self, account, currency, amount):
        account["_balance"][currency] = account["_balance"].get(currency, 0) + amount

    def reverse(self, transfer, amount, refund_fee, metadata=None):
        left = transfer["amount"] - transfer["amount_reversed"]
        if not 0 < amount <= left:
            raise ApiError(400, "invalid_request_error", f"The reversal is greater than what is left ({left}).", param="amount")
        account = self.objects[transfer["destination"]]
        transfer["amount_reversed"] += amount
        self.move(account, transfer["currency"], -amount)
        charge = self.objects.get(transfer["source_transaction"] or "")
        if refund_fee and charge and charge["application_fee"]:
            fee = self.objects[charge["application_fee"]]
            wanted = fee["amount"] * transfer["amount_reversed"] // transfer["amount"]
            if wanted > fee["amount_refunded"]:
                self.move(account, transfer["currency"], wanted - fee["amount_refunded"])
                fee["amount_refunded"] = wanted
                self.emit("application_fee.refunded", fee)
        reversal = self.add("trr", "transfer_reversal", amount=amount, transfer=transfer["id"], metadata=metadata or {})
        self.emit("transfer.reversed", transfer)
        return reversal

    def create_transfer(self, form):
        account, amount = self.destination(form), int(form["amount"])
        if self.poor:
            raise ApiError(400, "invalid_request_error", "You have insufficient funds in your Stripe account.", code="balance_insufficient")
        transfer = self.add("tr", "transfer", amount=amount, amount_reversed=0, currency=form["currency"], destination=account["id"],
                            source_transaction=None, transfer_group=form.get("transfer_group"), metadata=form.get("metadata", {}))
        self.move(account, form["currency"], amount)
        self.emit("transfer.created", transfer)
        return transfer

    def pay_out(self, account, amount, currency, status):
        payout = self.add("po", "payout", amount=amount, currency=currency, status=status, arrival_date=int(time.time()) + 2 * DAY, metadata={})
        self.move(account, currency, -amount)
        self.emit("payout.created" if status != "paid" else "payout.paid", payout, account["id"])
        return payout

    def payout_status(self, account, payout, status):
        if status in ("failed", "canceled") and payout["status"] not in ("failed", "canceled"):
            self.move(account, payout["currency"], payout["amount"])
        payout["status"] = status
        self.emit(f"payout.{status}", payout, account["id"])

    # --- subscriptions

    def begin_subscription(self, session):
        """The fan has filled in the page: a subscription and its first invoice."""
        wanted, trial = session["_subscription"], int(session["_subscription"].get("trial_period_days", 0))
        self.destination(wanted.get("transfer_data", {}))
        now = self.now(session)
        subscription = self.add("sub", "subscription", status="trialing" if trial else "active", customer=session["customer"], cancel_at_period_end=False,
                                metadata=wanted.get("metadata", {}), ended_at=None, canceled_at=None, currency=session["currency"], latest_invoice=None,
                                application_fee_percent=wanted.get("application_fee_percent"), transfer_data=wanted.get("transfer_data"),
                                current_period_start=now, current_period_end=now, test_clock=session["_clock"])
        subscription["_amount"] = session["amount_total"]
        session.update(subscription=subscription["id"], payment_status="no_payment_required" if trial else "paid")
        self.emit("customer.subscription.created", subscription)
        self.bill(subscription, 0 if trial else session["amount_total"], now + trial * DAY if trial else next_month(now), True)

    def bill(self, subscription, amount, end, pays):
        start = subscription["current_period_end"]
        line = {"object": "line_item", "amount": amount, "period": {"start": start, "end": end}}
        invoice = self.add("in", "invoice", status="open", subscription=subscription["id"], customer=subscription["customer"], charge=None, attempt_count=0,
                           currency=subscription["currency"], amount_due=amount, amount_paid=0, period_start=start, period_end=start,
                           lines={"object": "list", "data": [line]}, metadata={})
        subscription.update(current_period_start=start, current_period_end=end, latest_invoice=invoice["id"])
        self.try_to_collect(subscription, invoice, pays)

    def try_to_collect(self, subscription, invoice, pays):
        invoice["attempt_count"] += 1
        if invoice["amount_due"]:
            intent = self.add("pi", "payment_intent", amount=invoice["amount_due"], currency=invoice["currency"], metadata={}, status="processing")
            charge = self.add_charge(intent, invoice["amount_due"], pays)
            charge.update(invoice=invoice["id"], transfer_data={"amount": None, "destination": subscription["transfer_data"]["destination"]})
            invoice["charge"] = charge["id"]
            if pays:
                fee = percent_of(invoice["amount_due"], subscription["application_fee_percent"] or "0")
                self.split(charge, self.objects[subscription["transfer_data"]["destination"]], fee)
        if pays:
            invoice.update(status="paid", amount_paid=invoice["amount_due"])
        self.emit("invoice.paid" if pays else "invoice.payment_failed", invoice)

    def renew(self, subscription, pays=True):
        """The paid time is over: the next month is billed, or an unpaid one is tried again; what was cancelled ends."""
        if subscription["status"] == "canceled":
            return
        if subscription["cancel_at_period_end"]:
            self.end_subscription(subscription)
            return
        if subscription["status"] == "past_due":
            self.try_to_collect(subscription, self.objects[subscription["latest_invoice"]], pays)
        else:
            self.bill(subscription, subscription["_amount"], next_month(subscription["current_period_end"]), pays)
        subscription["status"] = "active" if pays else "past_due"
        self.emit("customer.subscription.updated", subscription)

    def end_subscription(self, subscription):
        if subscription["status"] == "canceled":
            raise ApiError(404, "invalid_request_error", f"No such subscription: '{subscription['id']}'", code="resource_missing", param="id")
        now = self.now(subscription)
        subscription.update(status="canceled", ended_at=now, canceled_at=now)
        self.emit("customer.subscription.deleted", subscription)

    def change_subscription(self, subscription, form):
        if subscription["status"] == "canceled":
            raise ApiError(400, "invalid_request_error", "A canceled subscription can only update its metadata.")
        subscription["cancel_at_period_end"] = flag(form.get("cancel_at_period_end"))
        self.emit("customer.subscription.updated", subscription)
        return subscription

    # --- test clocks

    def now(self, thing):
        clock = self.objects.get(thing.get("_clock") or thing.get("test_clock") or "")
        return clock["frozen_time"] if clock else int(time.time())

    def create_clock(self, form):
        return self.add("clock", "test_helpers.test_clock", frozen_time=int(form["frozen_time"]), status="ready", name=form.get("name"))

    def advance_clock(self, clock, form):
        """Forward only, and two months at most at a time, as Stripe does. Here it is ready at once."""
        to = int(form["frozen_time"])
        if not clock["frozen_time"] < to <= next_month(next_month(clock["frozen_time"])):
            raise ApiError(400, "invalid_request_error", "A clock goes forward, by at most two intervals of the shortest subscription.", param="frozen_time")
        for subscription in [one for one in self.objects.values() if one["object"] == "subscription" and one["test_clock"] == clock["id"]]:
            while subscription["status"] in ("active", "trialing", "past_due") and subscription["current_period_end"] <= to:
                clock["frozen_time"] = max(clock["frozen_time"], subscription["current_period_end"])
                self.renew(subscription, not self.refuse_cards)
                if subscription["status"] == "past_due":
                    break
        clock["frozen_time"] = to
        self.emit("test_helpers.test_clock.ready", clock)
        return clock
