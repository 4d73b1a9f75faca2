-- Artists' pictures are taken in by the same job as those of songs and releases, which says whose they are.
UPDATE jobs SET parameters = json_set(parameters, '$.of', CASE song WHEN '' THEN 'release' ELSE 'song' END) WHERE kind = 'picture';
UPDATE jobs SET kind = 'picture',
    parameters = json_object('of', 'artist', 'owner', account, 'folder', 'artists/' || account, 'upload', json_extract(parameters, '$.blob'))
  WHERE kind = 'portrait';
