-- Earning: accounts at Stripe, tiers, fans' subscriptions and payments, royalties. Rows stay when their accounts go, but for tiers, whose
-- words are their artist's. Sums are whole numbers of the currency's smallest unit; of royalties, thousandths of it.

CREATE TABLE stripe_looks (number INTEGER NOT NULL) STRICT;
INSERT INTO stripe_looks VALUES (0);

CREATE TABLE event_walk (last TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
INSERT INTO event_walk VALUES ('', 0);

CREATE TABLE payout_accounts (
  account TEXT NOT NULL PRIMARY KEY,
  stripe TEXT NOT NULL,
  transfers INTEGER NOT NULL,
  payouts INTEGER NOT NULL,
  submitted INTEGER NOT NULL,
  missing TEXT NOT NULL,
  looked INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX payout_accounts_stripe ON payout_accounts (stripe) WHERE stripe <> '';

-- Closed at Stripe, with another one in their place.
CREATE TABLE former_accounts (
  stripe TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  replaced INTEGER NOT NULL
) STRICT;

CREATE TABLE tiers (
  id TEXT NOT NULL PRIMARY KEY,
  artist TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  trial_days INTEGER NOT NULL CHECK (trial_days >= 0),
  closed INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX tiers_artist ON tiers (artist);

CREATE TABLE fan_subscriptions (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  fan TEXT NOT NULL,
  artist TEXT NOT NULL,
  tier TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  fee_permille INTEGER NOT NULL,
  destination TEXT NOT NULL,
  trial_days INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('created', 'pending', 'expired', 'active', 'ended')),
  idempotency_key TEXT NOT NULL,
  title TEXT NOT NULL,
  session TEXT NOT NULL,
  checkout_url TEXT NOT NULL,
  stripe TEXT NOT NULL,
  cancels INTEGER NOT NULL,
  late INTEGER NOT NULL,
  end_wanted INTEGER NOT NULL,
  paid_through INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  retry_at INTEGER NOT NULL,
  checked INTEGER NOT NULL,
  looked INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX fan_subscriptions_fan ON fan_subscriptions (fan, artist);
CREATE INDEX fan_subscriptions_artist ON fan_subscriptions (artist, paid_through);
CREATE UNIQUE INDEX fan_subscriptions_session ON fan_subscriptions (session) WHERE session <> '';
CREATE UNIQUE INDEX fan_subscriptions_stripe ON fan_subscriptions (stripe) WHERE stripe <> '';
CREATE INDEX fan_subscriptions_to_end ON fan_subscriptions (retry_at) WHERE end_wanted = 1 AND state IN ('created', 'pending', 'active');
CREATE INDEX fan_subscriptions_waiting ON fan_subscriptions (checked) WHERE state IN ('created', 'pending');
CREATE INDEX fan_subscriptions_overdue ON fan_subscriptions (paid_through) WHERE state = 'active';

CREATE TABLE fan_payments (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('month', 'tip')),
  subscription TEXT NOT NULL,
  fan TEXT NOT NULL,
  artist TEXT NOT NULL,
  currency TEXT NOT NULL,
  amount INTEGER NOT NULL,
  destination TEXT NOT NULL,
  fee_permille INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('created', 'pending', 'expired', 'failed', 'paid')),
  idempotency_key TEXT NOT NULL,
  title TEXT NOT NULL,
  session TEXT NOT NULL,
  checkout_url TEXT NOT NULL,
  charge TEXT NOT NULL,
  transfer TEXT NOT NULL,
  charged INTEGER NOT NULL,
  fee INTEGER NOT NULL,
  refunded INTEGER NOT NULL,
  reversed INTEGER NOT NULL,
  fee_refunded INTEGER NOT NULL,
  disputes TEXT NOT NULL,
  refund_wanted INTEGER NOT NULL,
  refund_failed INTEGER NOT NULL,
  recovering INTEGER NOT NULL,
  recovered INTEGER NOT NULL,
  end_wanted INTEGER NOT NULL,
  refusals INTEGER NOT NULL,
  retry_at INTEGER NOT NULL,
  checked INTEGER NOT NULL,
  period_start INTEGER NOT NULL,
  period_end INTEGER NOT NULL,
  created INTEGER NOT NULL,
  paid INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX fan_payments_charge ON fan_payments (charge) WHERE charge <> '';
CREATE UNIQUE INDEX fan_payments_session ON fan_payments (session) WHERE session <> '';
CREATE INDEX fan_payments_subscription ON fan_payments (subscription) WHERE subscription <> '';
CREATE INDEX fan_payments_fan ON fan_payments (fan);
CREATE INDEX fan_payments_artist ON fan_payments (artist);
CREATE INDEX fan_payments_to_refund ON fan_payments (retry_at) WHERE refund_wanted = 1;
CREATE INDEX fan_payments_to_recover ON fan_payments (retry_at) WHERE recovering > recovered;
CREATE INDEX fan_payments_waiting ON fan_payments (checked) WHERE kind = 'tip' AND state IN ('created', 'pending');

CREATE TABLE voice_owners (
  voice TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  royalty_permille INTEGER NOT NULL CHECK (royalty_permille BETWEEN 0 AND 1000),
  since INTEGER NOT NULL
) STRICT;
CREATE INDEX voice_owners_account ON voice_owners (account);

CREATE TABLE spending (
  account TEXT NOT NULL PRIMARY KEY,
  given INTEGER NOT NULL CHECK (given >= 0),
  bought INTEGER NOT NULL CHECK (bought >= 0)
) STRICT;
-- What was spent before this was noted: given credits first.
INSERT INTO spending
SELECT account, min(given, captured), captured - min(given, captured) FROM (
  SELECT substr(p.account, 10) AS account, -sum(p.amount) AS captured,
    (SELECT coalesce(sum(g.amount), 0) FROM postings g JOIN entries e ON g.entry = e.seq
     WHERE e.kind = 'grant' AND g.account = 'user:' || substr(p.account, 10)) AS given
  FROM postings p JOIN entries ON p.entry = entries.seq WHERE kind = 'capture' AND p.account GLOB 'reserved:*' GROUP BY p.account);

CREATE TABLE royalties (
  seq INTEGER PRIMARY KEY,
  job TEXT NOT NULL UNIQUE,
  payer TEXT NOT NULL,
  owner TEXT NOT NULL,
  voice TEXT NOT NULL,
  currency TEXT NOT NULL,
  credit_price INTEGER NOT NULL CHECK (credit_price >= 0),
  permille INTEGER NOT NULL CHECK (permille BETWEEN 0 AND 1000),
  bought_from INTEGER NOT NULL,
  bought_to INTEGER NOT NULL CHECK (bought_to >= bought_from),
  paid INTEGER NOT NULL CHECK (paid BETWEEN 0 AND bought_to - bought_from),
  amount INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  changes INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX royalties_payer ON royalties (payer, bought_to);
CREATE INDEX royalties_owner ON royalties (owner, currency, created);

CREATE TABLE royalty_transfers (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  destination TEXT NOT NULL,
  currency TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  state TEXT NOT NULL CHECK (state IN ('created', 'sent')),
  stripe TEXT NOT NULL,
  refusals INTEGER NOT NULL,
  reversed INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  created INTEGER NOT NULL,
  sent INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX royalty_transfers_stripe ON royalty_transfers (stripe) WHERE stripe <> '';
-- The next one waits for the one before.
CREATE UNIQUE INDEX royalty_transfers_open ON royalty_transfers (owner, currency) WHERE state = 'created';
CREATE INDEX royalty_transfers_owner ON royalty_transfers (owner, currency);

CREATE TABLE royalty_lines (
  seq INTEGER PRIMARY KEY,
  transfer TEXT NOT NULL REFERENCES royalty_transfers (id),
  job TEXT NOT NULL REFERENCES royalties (job),
  amount INTEGER NOT NULL CHECK (amount <> 0)
) STRICT;
CREATE INDEX royalty_lines_transfer ON royalty_lines (transfer);
CREATE INDEX royalty_lines_job ON royalty_lines (job);

CREATE TABLE payouts (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'paid', 'failed')),
  arrival INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX payouts_account ON payouts (account);

-- A shared song may be for subscribers of its singer only, until `opens` (0: for good); they may be offered its download.
ALTER TABLE shares ADD COLUMN subscribers_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shares ADD COLUMN opens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shares ADD COLUMN subscriber_download INTEGER NOT NULL DEFAULT 0;
