#!/usr/bin/env python3
"""webwrap as a process: serve_test.py PATH/TO/webwrap. Workers are restarted when they die and end with the service, however it ends."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

PROGRAM = sys.argv[1]


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"FAILED: {what}: expected {wanted!r}, got {got!r}")
    print(f"ok: {what}")


def within(seconds, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.05)
    return None


def serve(folder, workers):
    (folder / "webwrap.json").write_text(json.dumps({"data_dir": str(folder), "port": 0, "workers": workers}))
    process = subprocess.Popen([PROGRAM, "serve", "--config", str(folder / "webwrap.json")], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split(";")[0].split()[-1]


def workers_of(process):
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in children if b"worker" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes()]


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def main():
    with tempfile.TemporaryDirectory(prefix="webwrap-serve-") as name:
        folder = pathlib.Path(name)
        missing = subprocess.run([PROGRAM, "audit", "--data-dir", str(folder / "none")], capture_output=True, text=True)
        expect("no database is made by looking for one", (missing.returncode, (folder / "none").exists()), (1, False))
        unknown = subprocess.run([PROGRAM, "frobnicate"], capture_output=True, text=True)
        expect("an unknown command", (unknown.returncode, unknown.stderr), (2, 'webwrap: There is no command "frobnicate". See webwrap --help.\n'))
        expect("a wrong flag", subprocess.run([PROGRAM, "serve", "--prot", "1"], capture_output=True).returncode, 2)

        process, address = serve(folder, 2)
        try:
            with urllib.request.urlopen(address + "/healthz") as answer:
                expect("it serves where it says", json.load(answer), {"status": "ok"})
            first = within(10, lambda: len(workers_of(process)) == 2 and workers_of(process))
            expect("two workers run", first is not None, True)
            expect("at a low priority", [os.getpriority(os.PRIO_PROCESS, pid) for pid in first], [10, 10])
            os.kill(first[0], signal.SIGKILL)
            again = within(15, lambda: len(workers_of(process)) == 2 and first[0] not in workers_of(process) and workers_of(process))
            expect("a dead worker is replaced, the other left alone", again is not None and first[1] in again, True)
            taken = subprocess.run([PROGRAM, "serve", "--data-dir", str(folder), "--port", address.rsplit(":", 1)[1]], capture_output=True, text=True)
            expect("a port in use is named", (taken.returncode, "--port" in taken.stderr), (1, True))
            expect("the books are in order", subprocess.run([PROGRAM, "audit", "--data-dir", str(folder)], capture_output=True).returncode, 0)
            process.terminate()
            expect("SIGTERM ends it well", process.wait(45), 0)
            expect("and its workers", [pid for pid in again if alive(pid)], [])

            process, address = serve(folder, 1)
            orphan = within(10, lambda: workers_of(process))[0]
            process.kill()
            process.wait()
            expect("a worker ends when the service is killed", within(30, lambda: not alive(orphan)), True)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
