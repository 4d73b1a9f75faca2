-- Files of results that are forgotten, until they are removed: a process may end between the two.
CREATE TABLE blobs_to_remove (
  key TEXT NOT NULL PRIMARY KEY
) STRICT;
