-- Every table: seq is the order of arrival (and the age of jobs); names are those of store/records.h.
-- What belongs to an account goes with it, but the books (entries, postings, orders) and complaints keep only its id.

CREATE TABLE accounts (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('guest', 'member')),
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  email_verified INTEGER NOT NULL,
  frozen INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX accounts_email ON accounts (email) WHERE email <> '';

CREATE TABLE sessions (
  seq INTEGER PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  user_agent TEXT NOT NULL,
  created INTEGER NOT NULL,
  last_seen INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_account ON sessions (account);

CREATE TABLE api_tokens (
  seq INTEGER PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  created INTEGER NOT NULL,
  last_used INTEGER NOT NULL
) STRICT;
CREATE INDEX api_tokens_account ON api_tokens (account);

CREATE TABLE mail_tokens (
  seq INTEGER PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  purpose TEXT NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  expires INTEGER NOT NULL
) STRICT;
CREATE INDEX mail_tokens_account ON mail_tokens (account);
CREATE INDEX mail_tokens_expires ON mail_tokens (expires);

-- Events that count towards a limit, until their window has passed.
CREATE TABLE limited_events (
  seq INTEGER PRIMARY KEY,
  what TEXT NOT NULL,
  who TEXT NOT NULL,
  time INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT;
CREATE INDEX limited_events_who ON limited_events (what, who, time);
CREATE INDEX limited_events_expires ON limited_events (expires);

CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE CHECK (key <> ''),
  kind TEXT NOT NULL,
  note TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT;
CREATE INDEX entries_kind ON entries (kind);

CREATE TABLE postings (
  seq INTEGER PRIMARY KEY,
  entry INTEGER NOT NULL REFERENCES entries (seq),
  account TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount <> 0)
) STRICT;
CREATE INDEX postings_entry ON postings (entry, amount);
CREATE INDEX postings_account ON postings (account, entry, amount);

CREATE TRIGGER entries_keep BEFORE UPDATE ON entries BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entries_stay BEFORE DELETE ON entries BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER postings_keep BEFORE UPDATE ON postings BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER postings_stay BEFORE DELETE ON postings BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER postings_end BEFORE INSERT ON postings WHEN NEW.entry IS NOT (SELECT max(seq) FROM entries)
BEGIN SELECT raise(ABORT, 'the ledger is append-only: only the newest entry takes postings'); END;

CREATE TABLE recordings (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('uploading', 'analysing', 'ready', 'failed')),
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,
  blob TEXT NOT NULL,
  playable TEXT NOT NULL,
  duration_s REAL NOT NULL,
  f0_low REAL NOT NULL,
  f0_median REAL NOT NULL,
  f0_high REAL NOT NULL,
  peaks TEXT NOT NULL,
  failure TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT;
CREATE INDEX recordings_account ON recordings (account);
CREATE INDEX recordings_expires ON recordings (expires) WHERE state = 'uploading';

CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('analyse', 'convert', 'render')),
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  recording TEXT NOT NULL,
  song TEXT NOT NULL,
  voice TEXT NOT NULL,
  parameters TEXT NOT NULL,
  result TEXT NOT NULL,
  price INTEGER NOT NULL CHECK (price >= 0),
  priority INTEGER NOT NULL,
  progress REAL NOT NULL,
  stage TEXT NOT NULL,
  failure TEXT NOT NULL,
  request_key TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  worker TEXT NOT NULL,
  lease_until INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  cancel_wanted INTEGER NOT NULL,
  created INTEGER NOT NULL,
  started INTEGER NOT NULL,
  finished INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_account ON jobs (account);
CREATE UNIQUE INDEX jobs_request ON jobs (account, request_key) WHERE request_key <> '';
-- The queue holds what claim() looks at, so that it reads no other page.
CREATE INDEX jobs_queued ON jobs (priority, created, seq, account, not_before, attempts, cancel_wanted) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (account, lease_until) WHERE state = 'running';
CREATE INDEX jobs_active ON jobs (account, kind) WHERE state IN ('queued', 'running');

CREATE TABLE songs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  recording TEXT NOT NULL,
  job TEXT NOT NULL,
  voice TEXT NOT NULL,
  voice_title TEXT NOT NULL,
  voice_version TEXT NOT NULL,
  title TEXT NOT NULL,
  options TEXT NOT NULL,
  "key" REAL NOT NULL,
  duration_s REAL NOT NULL,
  preview INTEGER NOT NULL,
  converted TEXT NOT NULL,
  converted_playable TEXT NOT NULL,
  original TEXT NOT NULL,
  original_playable TEXT NOT NULL,
  peaks TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX songs_account ON songs (account);

CREATE TABLE shares (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  song TEXT NOT NULL UNIQUE REFERENCES songs (id) ON DELETE CASCADE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  allow_download INTEGER NOT NULL,
  taken_down INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX shares_account ON shares (account);

CREATE TABLE reports (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  share TEXT NOT NULL,
  reason TEXT NOT NULL,
  email TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE orders (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  pack TEXT NOT NULL,
  credits INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('created', 'pending', 'paid', 'failed', 'expired', 'refunded', 'disputed')),
  idempotency_key TEXT NOT NULL,
  session TEXT NOT NULL,
  payment_intent TEXT NOT NULL,
  checkout_url TEXT NOT NULL,
  refunded_amount INTEGER NOT NULL,
  disputes TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_account ON orders (account);
CREATE UNIQUE INDEX orders_session ON orders (session) WHERE session <> '';
CREATE INDEX orders_payment_intent ON orders (payment_intent) WHERE payment_intent <> '';

CREATE TABLE stripe_events (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT;
