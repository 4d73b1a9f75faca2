-- Size and sha256 of the blobs, by key, as JSON: what `webwrap audit` compares them with. Empty: made before this was noted.
ALTER TABLE recordings ADD COLUMN files TEXT NOT NULL DEFAULT '';
ALTER TABLE songs ADD COLUMN files TEXT NOT NULL DEFAULT '';
