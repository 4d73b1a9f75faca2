"""Hooks of Schemathesis: every other made-up id becomes that of something that is there, so that more than "not found" is tried, and what
parts of an upload are."""
import json
import os
import zlib

import schemathesis
from hypothesis import strategies

schemathesis.openapi.media_type("application/offset+octet-stream", strategies.binary(max_size=200))

OWN = json.loads(os.environ["OWN_IDS"])


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    own = OWN.get(context.operation.path.split("/")[1])
    if own and path_parameters and context.operation.method.upper() != "DELETE" and zlib.crc32(repr(path_parameters).encode()) & 1:
        return {**path_parameters, ("handle" if "handle" in path_parameters else "id"): own}
    return path_parameters
