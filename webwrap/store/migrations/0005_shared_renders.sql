-- What a shared song sounds like: the render that the singer kept, with its blend and level; empty: the converted voice as it is.
ALTER TABLE shares ADD COLUMN render TEXT NOT NULL DEFAULT '';
ALTER TABLE shares ADD COLUMN wet REAL NOT NULL DEFAULT 1;
ALTER TABLE shares ADD COLUMN level_db REAL NOT NULL DEFAULT 0;
CREATE INDEX jobs_renders ON jobs (song) WHERE kind = 'render';
