#!/usr/bin/env python3
"""Makes tests/data/web/stripe_signatures.json: webhook headers and what Stripe's own library says of them.

Needs `pip install stripe`. Run: make_stripe_signatures.py > tests/data/web/stripe_signatures.json
Stripe's library takes one secret and reads the clock: "accepted" is whether it takes the header under any of the secrets at `now`.
"""
import hashlib
import hmac
import json
import sys
import time

import stripe

NOW = 1_800_000_000
TOLERANCE = 300
OLD, NEW, WRONG = "whsec_old_secret", "whsec_new_secret", "whsec_of_someone_else"
BODY = '{\n  "id": "evt_1",\n  "object": "event",\n  "type": "checkout.session.completed"\n}'
UNICODE = '{"id":"evt_2","name":"Zo\u00eb \u6b4c \U0001f3a4","spaces":"  "}'


def sign(secret, when, body):
    return hmac.new(secret.encode(), f"{when}.{body}".encode(), hashlib.sha256).hexdigest()


def accepted(header, body, secrets):
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE)
            return True
        except stripe.SignatureVerificationError:
            pass
    return False


def main():
    good = sign(NEW, NOW, BODY)
    by_old = sign(OLD, NOW, BODY)
    flipped = ("0" if good[0] != "0" else "1") + good[1:]
    cases = [
        ("one signature", f"t={NOW},v1={good}", BODY, [NEW]),
        ("unicode body", f"t={NOW},v1={sign(NEW, NOW, UNICODE)}", UNICODE, [NEW]),
        ("empty body", f"t={NOW},v1={sign(NEW, NOW, '')}", "", [NEW]),
        ("rolling: two signatures, we know the new secret", f"t={NOW},v1={by_old},v1={good}", BODY, [NEW]),
        ("rolling: two signatures, we know the old secret", f"t={NOW},v1={by_old},v1={good}", BODY, [OLD]),
        ("rolling: we know both, one signature", f"t={NOW},v1={by_old}", BODY, [NEW, OLD]),
        ("wrong secret", f"t={NOW},v1={good}", BODY, [WRONG]),
        ("one digit flipped", f"t={NOW},v1={flipped}", BODY, [NEW]),
        ("cut short", f"t={NOW},v1={good[:-2]}", BODY, [NEW]),
        ("upper case", f"t={NOW},v1={good.upper()}", BODY, [NEW]),
        ("other body", f"t={NOW},v1={good}", BODY.replace("evt_1", "evt_9"), [NEW]),
        ("body formatted anew", f"t={NOW},v1={good}", json.dumps(json.loads(BODY)), [NEW]),
        ("other time", f"t={NOW + 1},v1={good}", BODY, [NEW]),
        ("only v0", f"t={NOW},v0={good}", BODY, [NEW]),
        ("v0 beside v1", f"t={NOW},v0={flipped},v1={good}", BODY, [NEW]),
        ("signatures before the time", f"v1={good},t={NOW}", BODY, [NEW]),
        ("no time", f"v1={good}", BODY, [NEW]),
        ("time is no number", f"t=now,v1={good}", BODY, [NEW]),
        ("empty header", "", BODY, [NEW]),
        ("not a header", "hello", BODY, [NEW]),
        ("at the tolerance", f"t={NOW - TOLERANCE},v1={sign(NEW, NOW - TOLERANCE, BODY)}", BODY, [NEW]),
        ("past the tolerance", f"t={NOW - TOLERANCE - 1},v1={sign(NEW, NOW - TOLERANCE - 1, BODY)}", BODY, [NEW]),
        ("a day old", f"t={NOW - 86400},v1={sign(NEW, NOW - 86400, BODY)}", BODY, [NEW]),
        ("from the future", f"t={NOW + 3600},v1={sign(NEW, NOW + 3600, BODY)}", BODY, [NEW]),
    ]
    time.time = lambda: NOW
    vectors = [
        {"name": name, "header": header, "body": body, "secrets": secrets, "accepted": accepted(header, body, secrets)}
        for name, header, body, secrets in cases
    ]
    json.dump(
        {"made_with": f"stripe-python {stripe.VERSION}", "now": NOW, "tolerance": TOLERANCE, "vectors": vectors},
        sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
