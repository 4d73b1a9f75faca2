#!/usr/bin/env python3
"""scripts/skipped_tests names what did not run and why: skipped_test.py PATH/TO/skipped_tests."""
import subprocess
import sys
import tempfile

RESULTS = """<?xml version="1.0"?><testsuite>
<testcase name="web_nginx" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out>starting
skipped: nginx is not installed (scripts/setup --tests)
</system-out></testcase>
<testcase name="Rvc.OnTheGpu" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/><system-out>[ RUN      ] Rvc.OnTheGpu
/tests/gpu/rvc_test.cc:36: Skipped
there is no CUDA device
[  SKIPPED ] Rvc.OnTheGpu (0 ms)
</system-out></testcase>
<testcase name="silent" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out></system-out></testcase>
<testcase name="good" status="run"><system-out>skipped: nothing of this counts</system-out></testcase>
</testsuite>"""
EXPECTED = """
Skipped (3):
  web_nginx: nginx is not installed (scripts/setup --tests)
  Rvc.OnTheGpu: there is no CUDA device
  silent: SKIP_RETURN_CODE=77
"""

with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
    file.write(RESULTS)
    file.flush()
    said = subprocess.run([sys.executable, "-B", sys.argv[1], file.name], capture_output=True, text=True, check=True).stdout
    if said != EXPECTED:
        sys.exit(f"FAILED: expected {EXPECTED!r}, got {said!r}")
    file.seek(0)
    file.truncate()
    file.write('<testsuite><testcase name="good" status="run"/></testsuite>')
    file.flush()
    said = subprocess.run([sys.executable, "-B", sys.argv[1], file.name], capture_output=True, text=True, check=True).stdout
    if said:
        sys.exit(f"FAILED: expected silence where nothing was skipped, got {said!r}")
