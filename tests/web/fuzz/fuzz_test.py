#!/usr/bin/env python3
"""The service against its own description: fuzz_test.py WEBWRAP WORK_DIR VENV_DIR [seconds].

First a whole user session, each answer checked against its schema in openapi.json; then requests that Schemathesis makes up from that file, right
and wrong ones, always the same. Makes VENV_DIR from requirements.txt where it is not there; ends with 77 (skipped) where it cannot be made."""
import json
import os
import pathlib
import re
import resource
import shutil
import struct
import subprocess
import sys
import urllib.request
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "e2e")]

from api_client import API, Client  # noqa: E402
from service import Service  # noqa: E402

SONG = (HERE.parents[1] / "data" / "song.flac").read_bytes()
PICTURE = (HERE.parents[2] / "webwrap" / "ui" / "og.png").read_bytes()
MOST_MEMORY = 300 << 20  # of the serving process
FUZZER_MEMORY = 4 << 30  # address space



def make_venv(folder):
    """The folder's Python with the packages that requirements.txt pins; ends the test as skipped where they cannot be had."""
    python, wanted, marker = folder / "bin" / "python", (HERE / "requirements.txt").read_text(), folder / "requirements.txt"
    if not marker.exists() or marker.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        steps = ([sys.executable, "-m", "venv", str(folder)],
                 [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "-r", str(HERE / "requirements.txt")])
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, timeout=600)
            if done.returncode != 0:
                print(f"SKIPPED: no Python environment with Schemathesis could be made in {folder}:\n{done.stderr[-2000:]}")
                sys.exit(77)
        marker.write_text(wanted)
    return str(python)


class CheckedClient(Client):
    """Every answer must be one that openapi.json describes."""

    description, covered = None, set()

    @classmethod
    def learn(cls, description):
        cls.description = description
        cls.patterns = {path: re.compile(re.sub(r"\{[a-z]+\}", "[^/]+", path) + "$") for path in description["paths"]}

    def resolve(self, part):
        while "$ref" in part:
            target = self.description
            for name in part["$ref"].removeprefix("#/").split("/"):
                target = target[name]
            part = target
        return part

    def api(self, method, path, body=None, headers=None, **more):
        answer = super().api(method, path, body, headers, **more)
        bare = path.partition("?")[0]
        fitting = [known for known, pattern in self.patterns.items() if pattern.match(bare) and method.lower() in self.description["paths"][known]]
        known = min(fitting, key=lambda name: name.count("{"))
        self.covered.add(f"{method} {known}")
        responses = self.description["paths"][known][method.lower()]["responses"]
        where = f"{method} {known}: {answer}"
        assert str(answer.status) in responses, f"undescribed status: {where}"
        content = self.resolve(responses[str(answer.status)]).get("content", {})
        kind = (answer.headers["Content-Type"] or "").partition(";")[0]
        if not answer.body:
            return answer
        assert kind in content or kind.split("/")[0] + "/*" in content, f"undescribed type {kind}: {where}"
        if kind.endswith("json"):
            schema = {**content[kind]["schema"], "components": self.description["components"]}
            errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(answer.json)]
            assert not errors, f"{where} does not fit its schema: {errors}"
        return answer


def png(side):
    """A white picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = zlib.compress((b"\0" + b"\xff" * 3 * side) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def release(user, song):
    """What can be done with a song beyond its page; the ids of a release and a publication."""
    release = user.must(201, "POST", "/releases", {"songs": [song]}).json
    path = f"/releases/{release['id']}"
    user.must(200, "GET", "/releases")
    user.must(200, "PUT", path, {**release["form"], "genre": "Pop"})
    for owner in (f"/songs/{song}", path):
        sent = user.must(202, "PUT", f"{owner}/picture", png(400), {"Content-Type": "image/png"}).json["id"]
        user.wait(f"/jobs/{sent}", ("done",))
        user.must(200, "GET", f"{owner}/picture?size=small")
    user.must(200, "GET", path)
    user.must(200, "GET", f"/songs/{song}")
    user.must(409, "POST", f"{path}/package")
    user.must(409, "GET", f"{path}/package/file")
    for owner in (f"/songs/{song}", path):
        user.must(204, "DELETE", f"{owner}/picture")
    user.must(204, "DELETE", path)
    video = user.api("POST", f"/songs/{song}/videos", {"shape": "square", "length_s": 5})
    assert video.status in (201, 501), video
    user.must(200, "GET", "/platforms")
    user.must(409, "POST", "/platforms/soundcloud/connection")
    user.must(409, "PUT", "/platforms/soundcloud/connection", {"code": "x", "state": "y"})
    user.must(404, "DELETE", "/platforms/soundcloud/connection")
    link = {"platform": "spotify", "url": "https://open.spotify.com/track/1"}
    linked = user.must(201, "POST", f"/songs/{song}/publications", link).json["id"]
    user.must(200, "GET", f"/songs/{song}/publications")
    user.must(204, "DELETE", f"/publications/{linked}")
    return user.must(201, "POST", "/releases", {"songs": [song]}).json["id"], user.must(201, "POST", f"/songs/{song}/publications", link).json["id"]


def sing(service):
    """A user's session from guest to shared song; the ids of what was made, and the user's API token."""
    tus = {"Tus-Resumable": "1.0.0"}
    user, public = CheckedClient(service.port), CheckedClient(service.port)
    for path in ("/config", "/openapi.json", "/voices"):
        public.must(200, "GET", path)
    voice = public.must(200, "GET", "/voices").json[0]["id"]
    for path in (f"/voices/{voice}", f"/voices/{voice}/sample"):
        public.must(200, "GET", path)
    public.must(404, "GET", "/voices/nobody")
    public.must(401, "GET", "/account")
    public.must(204, "OPTIONS", "/uploads")
    user.must(201, "POST", "/guests")
    user.must(200, "POST", "/guests")
    user.must(403, "GET", "/credits")
    user.sign_up("singer@example.org", service.log)
    user.must(409, "POST", "/accounts", {"email": "other@example.org", "password": "three singing magpies"})
    token = user.must(201, "POST", "/tokens", {"name": "fuzz"}).json
    script = CheckedClient(service.port, token["token"])
    for path in ("/account", "/account/export", "/credits", "/tokens", "/orders", "/recordings", "/songs", "/jobs"):
        script.must(200, "GET", path)
    user.must(200, "GET", "/sessions")
    user.must(200, "PATCH", "/account", {"name": "Ada"})
    public.must(422, "POST", "/verifications", {"token": "x"})

    recording, song = user.make_song(SONG, "First", voice)
    job = user.must(200, "GET", "/jobs").json[0]["id"]
    tag = user.must(200, "GET", f"/jobs/{job}").headers["ETag"]
    user.must(304, "GET", f"/jobs/{job}", None, {"If-None-Match": tag})
    user.must(200, "HEAD", f"/uploads/{recording}", None, tus)
    upload = user.must(201, "POST", "/uploads", None, {**tus, "Upload-Length": "100"}).headers["Location"].removeprefix(API)
    user.must(409, "PATCH", upload, b"x", {**tus, "Upload-Offset": "7", "Content-Type": "application/offset+octet-stream"})
    user.must(204, "DELETE", upload, None, tus)
    user.must(200, "POST", "/quotes", {"recording": recording, "voice": voice})
    user.must(422, "POST", "/jobs", {"recording": recording, "voice": voice, "options": {"key": 100}})
    for path in (f"/recordings/{recording}", f"/recordings/{recording}/audio", f"/recordings/{recording}/peaks", f"/songs/{song}",
                 f"/songs/{song}/audio?which=original", f"/songs/{song}/peaks"):
        user.must(200, "GET", path)
    user.must(206, "GET", f"/songs/{song}/audio", None, {"Range": "bytes=0-9"})
    user.must(416, "GET", f"/songs/{song}/audio", None, {"Range": "bytes=999999999-"})
    user.must(200, "PATCH", f"/songs/{song}", {"title": "Mine"})
    render = user.must(201, "POST", f"/songs/{song}/renders", {"format": "flac", "wet": 0.5}).json["id"]
    user.wait(f"/renders/{render}", ("done",))
    user.must(200, "GET", f"/renders/{render}/file")
    share = user.must(201, "POST", f"/songs/{song}/share", {"allow_download": True}).json["id"]
    user.must(200, "PATCH", f"/shares/{share}", {"allow_download": True})
    for path in (f"/shares/{share}", f"/shares/{share}/audio", f"/shares/{share}/peaks", f"/shares/{share}/file", f"/oembed?url={service.url}/s/{share}"):
        public.must(200, "GET", path)
    public.must(202, "POST", f"/shares/{share}/reports", {"reason": "too beautiful"})
    released, published = release(user, song)

    be_an_artist(user, public, service, share)

    order = user.must(201, "POST", "/orders", {"pack": "small"}).json
    urllib.request.urlopen(order["checkout_url"], data=b"do=pay", timeout=10).read()
    user.wait(f"/orders/{order['id']}", ("paid",), 30)
    assert user.must(200, "GET", "/credits").json["balance"] > 30
    public.must(400, "POST", "/stripe/webhook", b"{}", {"Stripe-Signature": "t=1,v1=00"})
    public.must(401, "POST", "/sessions", {"email": "singer@example.org", "password": "wrong"})
    public.must(202, "POST", "/password-resets", {"email": "nobody@example.org"})
    public.must(422, "POST", "/password-resets/confirm", {"token": "x", "password": "four silent owls"})

    earn(user)

    leaver = CheckedClient(service.port)
    leaver.sign_up("leaver@example.org")
    leaver.must(202, "POST", "/account/verification")
    thing = leaver.upload(SONG[:2000])
    leaver.must(204, "POST", "/account/password", {"current": "three singing magpies", "new": "four silent owls"})
    leaver.must(204, "DELETE", f"/recordings/{thing}")
    made = leaver.must(201, "POST", "/tokens", {"name": "x"}).json["id"]
    leaver.must(204, "DELETE", f"/tokens/{made}")
    leaver.must(204, "DELETE", "/sessions/current")
    leaver.must(201, "POST", "/sessions", {"email": "leaver@example.org", "password": "four silent owls"})
    leaver.must(204, "DELETE", "/sessions")
    leaver.must(201, "POST", "/sessions", {"email": "leaver@example.org", "password": "four silent owls"})
    leaver.must(204, "DELETE", "/account", {"password": "four silent owls"})
    job_request = {"recording": recording, "voice": voice, "start_s": 0, "end_s": 1}
    user.must(202, "DELETE", f"/jobs/{user.must(201, 'POST', '/jobs', job_request).json['id']}")
    separation = user.must(201, "POST", f"/recordings/{recording}/separation").json["id"]
    user.wait(f"/jobs/{separation}", ("done",))
    user.must(200, "GET", f"/recordings/{recording}/audio?which=music")
    user.must(409, "POST", f"/recordings/{recording}/separation")
    cover = user.must(201, "POST", "/jobs", {**job_request, "keep_music": True}).json["id"]
    cover = user.wait(f"/jobs/{cover}", ("done", "failed"))
    assert cover["state"] == "done", cover
    for path in ("", "/peaks", "/audio?which=music"):
        user.must(200, "GET", f"/songs/{cover['song']}{path}")
    second = user.make_song(SONG, "Second", voice, 1)[1]
    gone = user.must(201, "POST", f"/songs/{second}/share", {}).json["id"]
    user.must(204, "DELETE", f"/shares/{gone}")
    user.must(204, "DELETE", f"/songs/{second}")
    own = user.must(201, "POST", "/own-voices", {"title": "Ada", "language": "en"}).json["id"]
    tag = user.must(200, "GET", f"/own-voices/{own}").headers["ETag"]
    user.must(304, "GET", f"/own-voices/{own}", None, {"If-None-Match": tag})
    user.must(200, "GET", "/own-voices")
    user.must(200, "PATCH", f"/own-voices/{own}", {"description": "Warm."})
    for method, path, body in (("POST", "phrases", {"agreed": True}), ("DELETE", "consent", None), ("POST", "training", None), ("POST", "access", {"access": "link"})):
        user.must(409, method, f"/own-voices/{own}/{path}", body)
    user.must(204, "DELETE", f"/own-voices/{user.must(201, 'POST', '/own-voices', {'title': 'Eve', 'language': 'en'}).json['id']}")
    everything = {f"{method.upper()} {path}" for path, item in CheckedClient.description["paths"].items() for method in item}
    assert CheckedClient.covered == everything, f"not tried: {sorted(everything - CheckedClient.covered)}"
    return token["token"], {"recordings": recording, "uploads": recording, "songs": song, "jobs": job, "renders": render, "shares": share, "artists": "ada",
                            "orders": order["id"], "voices": voice, "own-voices": own, "tokens": token["id"], "releases": released,
                            "publications": published, "platforms": "soundcloud"}


def be_an_artist(user, public, service, share):
    user.must(204, "GET", "/artist")
    profile = {"handle": "ada", "name": "Ada", "bio": "Sings.", "links": [{"title": "Home", "url": "https://example.org/"}]}
    user.must(201, "PUT", "/artist", profile)
    user.must(204, "DELETE", "/artist")
    user.must(201, "PUT", "/artist", profile)
    user.must(200, "PUT", "/artist", {**profile, "bio": None})
    job = user.must(202, "PUT", "/artist/picture", PICTURE, {"Content-Type": "image/png"}).json["id"]
    user.wait(f"/jobs/{job}", ("done",))
    user.must(200, "PATCH", f"/shares/{share}", {"visibility": "public"})
    for path in ("/artist", "/artist/stats", "/follows", "/discover?list=followed"):
        user.must(200, "GET", path)
    for path in ("/artists/ada", "/discover", "/discover?list=played", f"/shares/{share}", f"/oembed?url={service.url}/a/ada"):
        public.must(200, "GET", path)
    public.must(401, "GET", "/discover?list=followed")
    play = public.must(201, "POST", f"/shares/{share}/plays").json["id"]
    public.must(204, "POST", "/plays", {"id": play})
    public.must(202, "POST", "/artists/ada/follow", {"email": "fan@example.org"})
    user.must(202, "POST", "/artists/ada/follow", {})
    user.must(204, "DELETE", "/artists/ada/follow")
    public.must(202, "POST", "/artists/ada/reports", {"reason": "That is me."})
    user.must(204, "DELETE", "/artist/picture")


def earn(user):
    """What a member without an artist's page sees of earning and supporting."""
    for path in ("/earnings", "/earnings/payments", "/earnings/statements", "/earnings/statements/2026-11", "/subscriptions"):
        user.must(200, "GET", path)
    user.must(201, "POST", "/earnings/account")
    user.must(200, "POST", "/earnings/account/check")
    user.must(409, "POST", "/earnings/account/dashboard")
    user.must(422, "POST", "/earnings/tiers", {"title": "Friends", "amount": 0.5})
    user.must(404, "PATCH", "/earnings/tiers/none", {"title": "Friends"})
    user.must(404, "DELETE", "/earnings/tiers/none")
    user.must(404, "POST", "/earnings/payments/none/refund")
    user.must(404, "GET", "/artists/nobody/offer")
    user.must(404, "POST", "/artists/nobody/subscriptions", {"tier": "none"})
    user.must(404, "POST", "/artists/nobody/tips", {"amount": 500})
    user.must(404, "GET", "/subscriptions/none")
    user.must(404, "POST", "/subscriptions/none/cancel")
    user.must(404, "POST", "/subscriptions/none/resume")
    user.must(404, "GET", "/tips/none")


def fuzz(service, token, ids, seconds):
    """Schemathesis' exit status."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run", f"{service.url}{API}/openapi.json",
               "--url", service.url + API, "--header", f"Authorization: Bearer {token}", "--phases", "examples,coverage,fuzzing",
               "--mode", "all", "--generation-deterministic", "--max-examples", "25", "--max-time", str(seconds), "--request-timeout", "20",
               "--suppress-health-check", "all", "--continue-on-failure", "--no-color", "--warnings", "off"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(HERE), "OWN_IDS": json.dumps(ids)}
    return subprocess.run(command, env=environment, cwd=WORK, timeout=4 * seconds + 120,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (FUZZER_MEMORY, FUZZER_MEMORY))).returncode


def main(seconds):
    run = WORK / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    with Service(WEBWRAP, run) as service:
        CheckedClient.learn(json.load(urllib.request.urlopen(f"{service.url}{API}/openapi.json", timeout=10)))
        token, ids = sing(service)
        print("The user session fits the description: every operation was answered as described.", flush=True)
        failed = fuzz(service, token, ids, seconds)
        assert Client(service.port).send("GET", "/healthz").status == 200, "the service does not answer any more"
        status = pathlib.Path(f"/proc/{service.processes[-1].pid}/status").read_text()
        resident = int(status.split("VmRSS:")[1].split()[0]) << 10
        assert resident < MOST_MEMORY, f"the service holds {resident >> 20} MB"
        audit, said = service.audit()
        assert audit == 0, said
        errors = [line for line in service.log.read_text(errors="replace").splitlines() if '"level":"error"' in line]
        assert not errors, "the service logged errors:\n" + "\n".join(errors[:20])
        print(f"The service runs with {resident >> 20} MB, and its books are right.")
    return 1 if failed else 0


if __name__ == "__main__":
    WEBWRAP, WORK, VENV = sys.argv[1], pathlib.Path(sys.argv[2]).absolute(), pathlib.Path(sys.argv[3]).absolute()
    if pathlib.Path(sys.prefix) != VENV:
        os.environ.update({"OMP_NUM_THREADS": "1", "WEBWRAP_SIGNUPS_PER_DAY": "10"})
        chosen = make_venv(VENV)
        os.execv(chosen, [chosen, *sys.argv])
    from jsonschema import Draft202012Validator

    sys.exit(main(int(sys.argv[4]) if len(sys.argv) > 4 else 100))
