-- Browsers in which an account's owner logged in: others' wrong log-ins do not lock those out. One browser may know several accounts.
CREATE TABLE devices (
  seq INTEGER PRIMARY KEY,
  token_hash TEXT NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  created INTEGER NOT NULL,
  UNIQUE (token_hash, account)
) STRICT;
CREATE INDEX devices_account ON devices (account);
