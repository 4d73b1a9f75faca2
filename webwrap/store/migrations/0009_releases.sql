-- Pictures of songs and releases, what is to be released, members' accounts at other platforms, and what was published there.

CREATE TABLE pictures (
  seq INTEGER PRIMARY KEY,
  owner TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  blob TEXT NOT NULL,
  small TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  files TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE releases (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  form TEXT NOT NULL,
  package TEXT NOT NULL,
  pending TEXT NOT NULL,
  created INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT;
CREATE INDEX releases_account ON releases (account);

-- A picture belongs to a song or to a release, so no foreign key can say whose it is.
CREATE TRIGGER songs_picture AFTER DELETE ON songs BEGIN DELETE FROM pictures WHERE owner = OLD.id; END;
CREATE TRIGGER releases_picture AFTER DELETE ON releases BEGIN DELETE FROM pictures WHERE owner = OLD.id; END;

-- tokens and verifier are sealed with the operator's key (domain/sealed.h).
CREATE TABLE connections (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  platform TEXT NOT NULL,
  name TEXT NOT NULL,
  tokens TEXT NOT NULL,
  broken INTEGER NOT NULL,
  created INTEGER NOT NULL,
  UNIQUE (account, platform)
) STRICT;

CREATE TABLE authorizations (
  seq INTEGER PRIMARY KEY,
  state_hash TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  session TEXT NOT NULL,
  platform TEXT NOT NULL,
  verifier TEXT NOT NULL,
  expires INTEGER NOT NULL
) STRICT;
CREATE INDEX authorizations_expires ON authorizations (expires);

CREATE TABLE publications (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  song TEXT NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
  platform TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'uploading', 'published', 'failed', 'removing', 'removed', 'linked')),
  form TEXT NOT NULL,
  upload TEXT NOT NULL,
  remote_user TEXT NOT NULL,
  remote_name TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  url TEXT NOT NULL,
  note TEXT NOT NULL,
  failure TEXT NOT NULL,
  created INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT;
CREATE INDEX publications_song ON publications (song);
CREATE INDEX publications_account ON publications (account);
-- A song is at most once on each platform, however many requests come at a time.
CREATE UNIQUE INDEX publications_once ON publications (song, platform) WHERE state <> 'removed';

CREATE INDEX jobs_song ON jobs (song, kind);
