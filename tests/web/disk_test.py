#!/usr/bin/env python3
"""webwrap on a disk that is full to the last byte: disk_test.py PATH/TO/webwrap. Everything on a small tmpfs, which takes root to mount.

New audio is refused with 507 before the disk is full, deleting always works, jobs wait instead of failing, and /healthz says it. Exit
status 77: no tmpfs can be mounted here."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from api_client import Client  # noqa: E402

PROGRAM = sys.argv[1]
SONG = (pathlib.Path(__file__).resolve().parents[1] / "data" / "song.flac").read_bytes()
DISK_MB, RESERVE = 24, 8 << 20
TUS = {"Tus-Resumable": "1.0.0"}


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"FAILED: {what}: expected {wanted!r}, got {got!r}")
    print(f"ok: {what}", flush=True)


def fill(path):
    """Writes to the file's end until the disk takes no byte more."""
    with open(path, "ab", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


def work(config):
    subprocess.run([PROGRAM, "worker", "--config", str(config), "--exit-when-idle", "1"], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def check(disk, folder):
    config, filler = folder / "webwrap.json", disk / "filler"
    config.write_text(json.dumps({"data_dir": str(disk / "data"), "port": 0, "workers": 0, "disk_reserve_bytes": RESERVE, "max_upload_bytes": DISK_MB << 20,
                                  "guest_upload_bytes": DISK_MB << 20}))
    server = subprocess.Popen([PROGRAM, "serve", "--config", str(config)], stdout=subprocess.PIPE, text=True)
    try:
        guest = Client(int(server.stdout.readline().split(";")[0].rsplit(":", 1)[1]))
        health = lambda: (lambda answer: (answer.status, answer.json["status"]))(guest.send("GET", "/healthz"))  # noqa: E731
        state = lambda recording: guest.must(200, "GET", f"/recordings/{recording}").json["state"]  # noqa: E731
        expect("there is room", health(), (200, "ok"))
        until = time.monotonic() + 10
        while not (disk / "data/reserve").exists() and time.monotonic() < until:
            time.sleep(0.1)
        expect("a reserve is kept", (disk / "data/reserve").stat().st_size, RESERVE // 8)
        guest.must(201, "POST", "/guests")
        first, second = guest.upload(SONG), guest.upload(SONG)
        expect("what would use up the reserve is refused",
               guest.api("POST", "/uploads", None, {**TUS, "Upload-Length": str(DISK_MB << 20)}).status, 507)

        expect("the disk is full to the last byte", fill(filler), 0)
        expect("healthz says it", health(), (503, "disk_full"))
        answer = guest.api("POST", "/uploads", None, {**TUS, "Upload-Length": str(len(SONG))})
        expect("new audio is refused", (answer.status, answer.json["code"]), (507, "disk_full"))
        big = guest.send("PATCH", "/api/v1/uploads/" + "a" * 26, b"x" * 500_000, {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"})
        expect("large bodies are refused", big.status, 507)
        work(config)
        expect("jobs wait", [state(first), state(second)], ["analysing", "analysing"])
        fill(filler)  # whatever the service had in reserve
        expect("deleting works", guest.api("DELETE", f"/recordings/{first}").status, 204)
        expect("and is done", guest.api("GET", f"/recordings/{first}").status, 404)

        filler.unlink()
        expect("there is room again", health(), (200, "ok"))
        work(config)
        expect("what waited is done", state(second), "ready")
        third = guest.upload(SONG)
        work(config)
        expect("and what came since", state(third), "ready")
        expect("all is in order", subprocess.run([PROGRAM, "audit", "--config", str(config)], capture_output=True).returncode, 0)
    finally:
        server.terminate()
        server.wait(45)


def main():
    if "--mounted" not in sys.argv:
        trial = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True)
        if trial.returncode:
            print(f"SKIPPED: a tmpfs cannot be mounted here, which takes root: {trial.stderr.strip()}")
            sys.exit(77)
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-B", __file__, PROGRAM, "--mounted"])
    with tempfile.TemporaryDirectory(prefix="webwrap-disk-") as name:
        disk = pathlib.Path(name) / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", disk], check=True)
        try:
            check(disk, pathlib.Path(name))
        finally:
            subprocess.run(["umount", disk], check=True)


if __name__ == "__main__":
    main()
