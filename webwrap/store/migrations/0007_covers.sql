-- What there is in a recording, and what it was taken apart into: `vocals` (flac) and `music` (mp3) are blobs of its part from stems_start_s
-- to stems_end_s. `backing`: the recording that a take was sung to, from where on, and whether all of that was heard or its music only.
ALTER TABLE recordings ADD COLUMN has_music INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN has_vocals INTEGER NOT NULL DEFAULT 1;
ALTER TABLE recordings ADD COLUMN vocals TEXT NOT NULL DEFAULT '';
ALTER TABLE recordings ADD COLUMN music TEXT NOT NULL DEFAULT '';
ALTER TABLE recordings ADD COLUMN stems_start_s REAL NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN stems_end_s REAL NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN stems_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN backing TEXT NOT NULL DEFAULT '';
ALTER TABLE recordings ADD COLUMN backing_start_s REAL NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN backing_whole INTEGER NOT NULL DEFAULT 0;

-- The music of a cover, in step with its voices; the cover itself; what of the song's level the mix has.
ALTER TABLE songs ADD COLUMN music TEXT NOT NULL DEFAULT '';
ALTER TABLE songs ADD COLUMN music_playable TEXT NOT NULL DEFAULT '';
ALTER TABLE songs ADD COLUMN cover_playable TEXT NOT NULL DEFAULT '';
ALTER TABLE songs ADD COLUMN gain_db REAL NOT NULL DEFAULT 0;
ALTER TABLE shares ADD COLUMN music_db REAL NOT NULL DEFAULT 0;

-- The program knows the kinds of jobs: a list of them here would mean to copy the table for each new one.
CREATE TABLE new_jobs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
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
INSERT INTO new_jobs SELECT * FROM jobs;
DROP TABLE jobs;
ALTER TABLE new_jobs RENAME TO jobs;
CREATE INDEX jobs_account ON jobs (account);
CREATE UNIQUE INDEX jobs_request ON jobs (account, request_key) WHERE request_key <> '';
CREATE INDEX jobs_queued ON jobs (priority, created, seq, account, not_before, attempts, cancel_wanted) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (account, lease_until) WHERE state = 'running';
CREATE INDEX jobs_active ON jobs (account, kind) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_renders ON jobs (song) WHERE kind = 'render';
