-- Leases and the times of further attempts count from the machine's start, since its clock can be set forward and back. The boot they
-- belong to: what an earlier one left is nobody's any more.
CREATE TABLE boot (id TEXT NOT NULL) STRICT;
INSERT INTO boot VALUES ('');

-- When an account's last job was taken, as a number that grows: who waited longest is next.
ALTER TABLE accounts ADD COLUMN served INTEGER NOT NULL DEFAULT 0;
CREATE INDEX accounts_served ON accounts (served);
