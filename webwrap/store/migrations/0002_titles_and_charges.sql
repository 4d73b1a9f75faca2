-- Titles of songs stood in the books, which stay when their account goes; now they are shown from the jobs.
DROP TRIGGER entries_keep;
UPDATE entries SET note = '' WHERE kind IN ('reserve', 'capture', 'release') AND note <> 'Account deleted';
CREATE TRIGGER entries_keep BEFORE UPDATE ON entries BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;

ALTER TABLE orders ADD COLUMN charged INTEGER NOT NULL DEFAULT 0;
