-- Members with a public page. A look-alike key (domain/artist_name.h) belongs to one account: in use (until = 0), or kept for it until then
-- after it was given up. An account that was deleted leaves its keys without an owner, so that nobody poses as it the next day.
CREATE TABLE artists (
  seq INTEGER PRIMARY KEY,
  account TEXT NOT NULL UNIQUE REFERENCES accounts (id) ON DELETE CASCADE,
  handle TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  bio TEXT NOT NULL,
  links TEXT NOT NULL,
  picture TEXT NOT NULL,
  thumbnail TEXT NOT NULL,
  files TEXT NOT NULL,
  hidden INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE artist_keys (
  seq INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE CHECK (key <> ''),
  account TEXT NOT NULL,
  until INTEGER NOT NULL
) STRICT;
CREATE INDEX artist_keys_account ON artist_keys (account);

-- Handles that lead to the page of who had them.
CREATE TABLE artist_handles (
  seq INTEGER PRIMARY KEY,
  handle TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  until INTEGER NOT NULL
) STRICT;
CREATE INDEX artist_handles_account ON artist_handles (account);

-- Who finds a share: who has its link, or everyone. `published`: when everyone saw its song first, which stays at the song when the share
-- goes; `public_since`: since when everyone sees it this time.
ALTER TABLE songs ADD COLUMN published INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shares ADD COLUMN visibility TEXT NOT NULL DEFAULT 'unlisted';
ALTER TABLE shares ADD COLUMN published INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shares ADD COLUMN public_since INTEGER NOT NULL DEFAULT 0;
CREATE INDEX shares_published ON shares (published) WHERE visibility = 'public';
CREATE INDEX shares_public_since ON shares (public_since) WHERE visibility = 'public';

-- Who hears by mail of an artist's new songs. Not confirmed yet: token_hash and expires are set.
CREATE TABLE follows (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  artist TEXT NOT NULL REFERENCES artists (account) ON DELETE CASCADE,
  email TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  expires INTEGER NOT NULL,
  created INTEGER NOT NULL,
  UNIQUE (artist, email)
) STRICT;
CREATE INDEX follows_email ON follows (email);
CREATE INDEX follows_confirmed ON follows (artist, token_hash);
CREATE INDEX follows_token ON follows (token_hash) WHERE token_hash <> '';
CREATE INDEX follows_expires ON follows (expires) WHERE expires > 0;

-- One mail to all followers of an artist, about one or more new songs; "after": the last follow (its seq) that was sent one.
CREATE TABLE mailings (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  artist TEXT NOT NULL REFERENCES artists (account) ON DELETE CASCADE,
  songs TEXT NOT NULL,
  "after" INTEGER NOT NULL,
  done INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX mailings_artist ON mailings (artist, created);
CREATE INDEX mailings_open ON mailings (done) WHERE NOT done;
-- Songs that were told of: each once, however often it is shared anew.
CREATE TABLE announced_songs (
  seq INTEGER PRIMARY KEY,
  song TEXT NOT NULL UNIQUE REFERENCES songs (id) ON DELETE CASCADE
) STRICT;

-- How often a song was heard, by day (of 1970-01-01 UTC). Who heard it today is known by a hash with the day's salt, and both go with the day.
CREATE TABLE plays (
  seq INTEGER PRIMARY KEY,
  song TEXT NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
  day INTEGER NOT NULL,
  count INTEGER NOT NULL,
  UNIQUE (song, day)
) STRICT;
CREATE INDEX plays_day ON plays (day, song, count);
CREATE TABLE play_starts (
  seq INTEGER PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  song TEXT NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
  listener TEXT NOT NULL,
  started INTEGER NOT NULL
) STRICT;
CREATE INDEX play_starts_started ON play_starts (started);
CREATE INDEX play_starts_song ON play_starts (song);
CREATE TABLE play_listeners (
  seq INTEGER PRIMARY KEY,
  day INTEGER NOT NULL,
  listener TEXT NOT NULL,
  site TEXT NOT NULL,
  song TEXT NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
  UNIQUE (day, listener, song)
) STRICT;
CREATE INDEX play_listeners_song ON play_listeners (song, day, site);
CREATE TABLE play_salts (day INTEGER PRIMARY KEY, salt TEXT NOT NULL) STRICT;

-- Complaints about artists as well as shares, and what was decided about them. They know song and account, since a share may go and come
-- back as another.
ALTER TABLE reports ADD COLUMN song TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN artist TEXT NOT NULL DEFAULT '';
UPDATE reports SET song = coalesce((SELECT song FROM shares WHERE shares.id = share), ''),
  artist = coalesce((SELECT account FROM shares WHERE shares.id = share), '');
ALTER TABLE reports ADD COLUMN state TEXT NOT NULL DEFAULT 'open';
ALTER TABLE reports ADD COLUMN decided_by TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN decided INTEGER NOT NULL DEFAULT 0;
CREATE INDEX reports_open ON reports (state) WHERE state = 'open';
