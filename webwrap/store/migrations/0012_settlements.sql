-- What the operator booked of closed accounts at Stripe (webwrap settle): who did, why, and what was closed by force.
CREATE TABLE settlements (
  seq INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,  -- of the entry in the books; there is none where the amount is 0
  account TEXT NOT NULL,
  stripe TEXT NOT NULL,
  currency TEXT NOT NULL,
  amount INTEGER NOT NULL,
  how TEXT NOT NULL CHECK (how IN ('paid', 'written-off')),
  reason TEXT NOT NULL CHECK (reason <> ''),
  booked_by TEXT NOT NULL,
  forced TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT;

CREATE INDEX settlements_by_account ON settlements (account);
