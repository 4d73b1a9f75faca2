-- Members' own voices, and each try to consent to one. The latter stay as long as the voice's row, which an account takes with it.
CREATE TABLE own_voices (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  state TEXT NOT NULL
    CHECK (state IN ('draft', 'consent', 'training', 'private', 'link', 'review', 'published', 'withdrawn')),
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  language TEXT NOT NULL,
  gender TEXT NOT NULL,
  link TEXT NOT NULL,
  hidden TEXT NOT NULL,
  refusal TEXT NOT NULL,
  royalty_permille INTEGER NOT NULL CHECK (royalty_permille BETWEEN 0 AND 1000),
  bundle TEXT NOT NULL,
  sample TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  files TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  embedding TEXT NOT NULL,
  usable_s REAL NOT NULL,
  f0_low REAL NOT NULL,
  f0_median REAL NOT NULL,
  f0_high REAL NOT NULL,
  created INTEGER NOT NULL,
  trained INTEGER NOT NULL,
  published INTEGER NOT NULL,
  withdrawn INTEGER NOT NULL,
  -- What is withdrawn has nothing left that anybody could convert with.
  CHECK (state <> 'withdrawn' OR (bundle = '' AND sample = '' AND embedding = '' AND link = '')),
  CHECK (state NOT IN ('private', 'link', 'review', 'published') OR bundle <> '')
) STRICT;
CREATE INDEX own_voices_account ON own_voices (account);
CREATE INDEX own_voices_state ON own_voices (state);
CREATE UNIQUE INDEX own_voices_link ON own_voices (link) WHERE link <> '';

CREATE TABLE consents (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  voice TEXT NOT NULL REFERENCES own_voices (id) ON DELETE CASCADE,
  account TEXT NOT NULL,
  phrase TEXT NOT NULL,
  language TEXT NOT NULL,
  asked INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  recording TEXT NOT NULL,
  audio_sha256 TEXT NOT NULL,
  transcript TEXT NOT NULL,
  heard REAL NOT NULL,
  similarity REAL NOT NULL,
  nearest TEXT NOT NULL,
  nearest_similarity REAL NOT NULL,
  verdict TEXT NOT NULL CHECK (verdict IN ('asked', 'checking', 'review', 'accepted', 'refused')),
  reason TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  decided INTEGER NOT NULL,
  terms TEXT NOT NULL,
  royalty_permille INTEGER NOT NULL
) STRICT;
CREATE INDEX consents_voice ON consents (voice);
CREATE INDEX consents_audio ON consents (audio_sha256) WHERE audio_sha256 <> '';
CREATE INDEX consents_review ON consents (verdict) WHERE verdict = 'review';

-- Recordings of a voice, and of a phrase of consent; what of them training can use.
ALTER TABLE recordings ADD COLUMN voice TEXT NOT NULL DEFAULT '';
ALTER TABLE recordings ADD COLUMN consent TEXT NOT NULL DEFAULT '';
ALTER TABLE recordings ADD COLUMN usable_s REAL NOT NULL DEFAULT 0;
CREATE INDEX recordings_voice ON recordings (voice) WHERE voice <> '';

CREATE INDEX jobs_voice ON jobs (voice) WHERE state IN ('queued', 'running');
