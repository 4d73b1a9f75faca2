#!/usr/bin/env python3
"""Attacks on the real service: hostile_test.py WEBWRAP WORK_DIR [unittest's arguments].

Every answer must be a 4xx that says what is wrong; afterwards the service is alive, its books are right, and its log has no error."""
import hashlib
import hmac
import html
import json
import os
import pathlib
import shutil
import socket
import struct
import sys
import time
import unittest
import xml.etree.ElementTree as ET
import zlib
from concurrent.futures import ThreadPoolExecutor

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "e2e")]
os.environ.update({"WEBWRAP_SIGNUPS_PER_DAY": "40", "OMP_NUM_THREADS": "1"})

from api_client import API, Client, raw, status_of  # noqa: E402
from service import SECRET, Service  # noqa: E402

SONG = (TESTS.parent / "data" / "song.flac").read_bytes()
TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}
NO_ID = "a" * 26
EVIL_TITLE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>'); DROP TABLE songs;-- \u202e\U0001f3a4"
EVE = {"handle": "eve", "name": "<i>Eve</i> &"}
MOST_MEMORY = 300 << 20  # of the serving process, after all of this


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        work = WORK / "run"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        cls.service = Service(WEBWRAP, work)
        cls.service.__enter__()
        cls.addClassCleanup(cls.service.__exit__)
        cls.port = cls.service.port
        cls.server = cls.service.processes[-1].pid
        cls.owner, cls.stranger, cls.uploader, cls.guest = (Client(cls.port) for _ in range(4))
        cls.owner.sign_up("owner@example.org", cls.service.log)
        cls.stranger.sign_up("stranger@example.org")
        cls.uploader.sign_up("uploader@example.org")
        cls.guest.must(201, "POST", "/guests")
        token = cls.owner.must(201, "POST", "/tokens", {"name": "script"}).json
        cls.token, cls.script = token["id"], Client(cls.port, token["token"])
        cls.voice = cls.owner.must(200, "GET", "/voices").json[0]["id"]
        cls.recording, cls.song = cls.owner.make_song(SONG, EVIL_TITLE, cls.voice)
        cls.job = cls.owner.must(200, "GET", "/jobs").json[0]["id"]
        cls.share = cls.owner.must(201, "POST", f"/songs/{cls.song}/share", {"allow_download": True}).json["id"]
        cls.render = cls.owner.must(201, "POST", f"/songs/{cls.song}/renders", {"format": "mp3"}).json["id"]
        cls.owner.wait(f"/renders/{cls.render}", ("done",))
        cls.release = cls.owner.must(201, "POST", "/releases", {"songs": [cls.song]}).json["id"]
        link = {"platform": "spotify", "url": "https://open.spotify.com/track/1"}
        cls.publication = cls.owner.must(201, "POST", f"/songs/{cls.song}/publications", link).json["id"]
        cls.order = cls.owner.must(201, "POST", "/orders", {"pack": "small"}).json["id"]
        cls.artist = Client(cls.port)
        cls.artist.sign_up("eve@example.org", cls.service.log)
        cls.artist.must(201, "PUT", "/artist", EVE)
        song = cls.artist.make_song(SONG, EVIL_TITLE, cls.voice, 1, preview=True)[1]
        cls.artist_share = cls.artist.must(201, "POST", f"/songs/{song}/share", {"visibility": "public"}).json["id"]
        cls.own_voice = cls.owner.must(201, "POST", "/own-voices", {"title": EVIL_TITLE[:60], "language": "en"}).json["id"]
        cls.description = Client(cls.port).must(200, "GET", "/openapi.json").json

    def tearDown(self):
        self.assertEqual(Client(self.port).send("GET", "/healthz").status, 200)

    def refused(self, answer, *statuses):
        """A 4xx (of those given), as problem+json, that gives nothing away."""
        self.assertTrue(400 <= answer.status < 500, answer)
        if statuses:
            self.assertIn(answer.status, statuses, answer)
        if answer.body:
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
            self.assertEqual(answer.json["status"], answer.status)
            for secret in (b"/tmp", b"SQL", b"sqlite", b".cc:", b"std::", SECRET.encode(), b"$argon2"):
                self.assertNotIn(secret, answer.body)
        return answer

    def operations(self):
        """(method, path, operation) of everything below /api/v1."""
        for path, item in self.description["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def own_path(self, path):
        """The path with the owner's ids in it."""
        ids = {"/tokens": self.token, "/voices": self.voice, "/own-voices": self.own_voice, "/uploads": self.recording, "/recordings": self.recording, "/jobs": self.job,
               "/songs": self.song, "/renders": self.render, "/shares": self.share, "/orders": self.order,
               "/releases": self.release, "/publications": self.publication, "/platforms": "soundcloud"}
        return path.replace("{handle}", "eve").replace("{id}", ids.get("/" + path.split("/")[1], "none"))

    @staticmethod
    def takes_json(operation):
        return "application/json" in operation.get("requestBody", {}).get("content", {})

    def example(self, operation):
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        if "$ref" in schema:
            schema = self.description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema["examples"][0]

    # --- who may

    def test_nothing_private_is_told_to_who_is_not_signed_in(self):
        for method, path, operation in self.operations():
            if not operation["security"] or {} in operation["security"]:
                continue
            body = self.example(operation) if self.takes_json(operation) else None
            headers = dict(TUS if path.startswith("/uploads") else {})
            for client in (Client(self.port), Client(self.port, "vxc_" + "A" * 43), Client(self.port, "x" * 5000)):
                with self.subTest(f"{method} {path}", token=client.token):
                    self.refused(client.api(method, self.own_path(path), body, headers), 401)
            forged = Client(self.port)
            forged.cookies["sid"] = "A" * 43
            self.refused(forged.api(method, self.own_path(path), body, headers), 401)

    def test_what_is_others_is_not_there(self):
        bodies = {"PATCH /songs/{id}": {"title": "mine"}, "PATCH /shares/{id}": {"allow_download": False},
                  "POST /songs/{id}/renders": {"format": "mp3"}, "POST /songs/{id}/share": {}, "PATCH /earnings/tiers/{id}": {"title": "mine"},
                  "PATCH /own-voices/{id}": {"title": "mine"}, "POST /own-voices/{id}/phrases": {"agreed": True},
                  "POST /own-voices/{id}/access": {"access": "private"}}
        headers = {"PATCH /uploads/{id}": {**PART, "Upload-Offset": "0"}, "HEAD /uploads/{id}": TUS, "DELETE /uploads/{id}": TUS}
        tried = 0
        for method, path, operation in self.operations():
            if "{id}" not in path or not operation["security"] or {} in operation["security"] or path.startswith("/platforms/"):  # which are the same for all
                continue
            name, own = f"{method} {path}", self.own_path(path)
            theirs = self.stranger.api(method, own, bodies.get(name), headers.get(name))
            missing = self.stranger.api(method, path.replace("{id}", NO_ID), bodies.get(name), headers.get(name))
            with self.subTest(name):
                self.refused(theirs, 404)
                self.assertEqual((theirs.status, theirs.body), (missing.status, missing.body), "it can be told from what is not there")
            tried += 1
        self.assertGreater(tried, 20)
        for path in ("/quotes", "/jobs"):
            self.refused(self.stranger.api("POST", path, {"recording": self.recording, "voice": self.voice, "preview": True}), 422)
        for path in ("/recordings", "/songs", "/jobs", "/tokens", "/orders", "/own-voices", "/releases"):
            self.assertEqual(self.stranger.must(200, "GET", path).json, [])
        self.assertEqual(self.owner.must(200, "GET", f"/songs/{self.song}").json["title"], EVIL_TITLE)

    def test_guests_and_tokens_stay_in_their_bounds(self):
        for method, path, operation in self.operations():
            if "members" not in json.dumps(operation["responses"]) and "403" not in operation["responses"]:
                continue
            body = self.example(operation) if self.takes_json(operation) else None
            if path.split("/")[1] in ("tokens", "credits", "orders", "own-voices") or path in ("/account/export", "/account/password", "/account/verification"):
                with self.subTest(f"guest: {method} {path}"):
                    self.refused(self.guest.api(method, self.own_path(path), body), 403)
            if operation["security"] == [{"session": []}]:
                with self.subTest(f"token: {method} {path}"):
                    self.assertEqual(self.refused(self.script.api(method, self.own_path(path), body), 403).json["code"], "session_needed")
        self.assertEqual(self.script.must(200, "GET", "/account").json["email"], "owner@example.org")

    def test_other_sites_change_nothing_with_the_cookie_or_without(self):
        session = self.owner.cookies
        for method, path, operation in self.operations():
            if method in ("GET", "HEAD", "OPTIONS") or path == "/stripe/webhook":
                continue
            body = self.example(operation) if self.takes_json(operation) else None
            for site, headers in (("cross-site", {}), ("same-site", {}), (None, {}), (None, {"Origin": "https://evil.example"}), (None, {"Origin": "null"}),
                                  ("cross-site", {"Origin": self.service.url})):
                for cookies in (session, {}):
                    if not (cookies or site or headers):
                        continue  # a script
                    attacked = Client(self.port)
                    attacked.cookies = dict(cookies)
                    with self.subTest(f"{method} {path}", site=site, headers=headers, cookies=bool(cookies)):
                        tus = TUS if path.startswith("/uploads") else {}
                        answer = self.refused(attacked.api(method, self.own_path(path), body, {**headers, **tus}, site=site), 403)
                        self.assertIsNone(answer.headers["Set-Cookie"])
        self.assertEqual(self.owner.must(200, "GET", "/account").json["email"], "owner@example.org")
        for path in ("/api/v1/account", "/api/v1/songs", "/"):
            answer = self.owner.send("GET", path, headers={"Origin": "https://evil.example"})
            self.assertIsNone(answer.headers["Access-Control-Allow-Origin"], path)

    def test_guessing_has_an_end(self):
        statuses = [Client(self.port).api("POST", "/sessions", {"email": "guessed@example.org", "password": f"wrong wrong {i}"}).status for i in range(12)]
        self.assertEqual(statuses, [401] * 10 + [429] * 2)
        unknown, known = (Client(self.port).api("POST", "/sessions", {"email": email, "password": "not this one"}) for email in
                          ("nobody@example.org", "stranger@example.org"))
        self.assertEqual((unknown.status, unknown.body), (known.status, known.body))
        for email in ("nobody@example.org", "stranger@example.org"):
            self.assertEqual((202, b""), (lambda a: (a.status, a.body))(Client(self.port).api("POST", "/password-resets", {"email": email})))
        for path, body in (("/verifications", {"token": "A" * 43}), ("/password-resets/confirm", {"token": "A" * 43, "password": "a fine new sentence"})):
            self.refused(Client(self.port).api("POST", path, body), 422)

    # --- what is sent

    def test_broken_http(self):
        host = b"Host: x\r\n"
        account = b" /api/v1/account HTTP/1.1\r\n" + host
        cases = {
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n": (400,),
            b"\x00\r\n\r\n": (400,),
            b"GET\r\n\r\n": (400,),
            b"GET /\r\n\r\n": (400,),
            b"GET / HTTP/9.9\r\n\r\n": (505,),
            b"BREW / HTTP/1.1\r\n" + host + b"\r\n": (501,),
            b"GET / HTTP/1.1 extra\r\n" + host + b"\r\n": (400,),
            b"GET" + account + b"X: " + b"a" * 20000 + b"\r\n\r\n": (431,),
            b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n" + host + b"\r\n": (431,),
            b"GET" + account + b"X: a\x00b\r\n\r\n": (400,),
            b"GET" + account + b"no colon\r\n\r\n": (400,),
            b"GET" + account + b"Spaced : 1\r\n\r\n": (400,),
            b"GET" + account + b" folded: 1\r\n\r\n": (400,),
            b"POST" + account + b"Content-Length: -1\r\n\r\n": (400,),
            b"POST" + account + b"Content-Length: +1\r\n\r\nx": (400,),
            b"POST" + account + b"Content-Length: 1e3\r\n\r\n": (400,),
            b"POST" + account + b"Content-Length: 0x10\r\n\r\n": (400,),
            b"POST" + account + b"Content-Length: 99999999999999999999999\r\n\r\n": (400, 413),
            b"POST" + account + b"Content-Length: 20000000000\r\n\r\n": (413,),
            b"POST" + account + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello": (400,),
            b"POST" + account + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": (400,),
            b"POST" + account + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n": (411,),
            b"GET /%zz HTTP/1.1\r\n" + host + b"\r\n": (400,),
            b"GET /%00 HTTP/1.1\r\n" + host + b"\r\n": (400,),
            b"GET /\xff\xfe HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n": (400, 404),
            b"GET /api/v1/account HTTP/1.1\r\n" + host + b"Cookie: ;;=;sid;a=b=c;\"\r\nDate: no\r\nConnection: close\r\n\r\n": (401,),
            b"GET /api/v1/account HTTP/1.1\r\n" + host + b"Authorization: Bearer\r\nConnection: close\r\n\r\n": (401,),
        }
        for data, statuses in cases.items():
            with self.subTest(data[:80]):
                self.assertIn(status_of(raw(self.port, data)), statuses)
        smuggled = raw(self.port, b"POST /api/v1/guests HTTP/1.1\r\n" + host + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\nGET /metrics HTTP/1.1\r\n" + host + b"\r\n")
        self.assertEqual(smuggled.count(b"HTTP/1.1 "), 1, smuggled)

    def test_paths_lead_nowhere_else(self):
        for path in ("/../../../../etc/passwd", "/assets/../../../../etc/passwd", "/assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2f..%2fetc%2fpasswd",
                     "/assets/....//....//etc/passwd", "/assets//etc/passwd", "/assets/%2fetc%2fpasswd", "/assets/..%5c..%5cetc%5cpasswd", "/assets/js/../../webwrap.db",
                     "/assets/%252e%252e/%252e%252e/etc/passwd", "/assets/index.html%00.png", "/app/../../webwrap.db", "/_files/recordings", "/files/webwrap.db",
                     f"{API}/recordings/..%2f..%2fwebwrap.db/audio", f"{API}/voices/..%2f..%2f..%2fetc%2fpasswd/sample", f"{API}/voices/../sample",
                     f"{API}/voices/%2e%2e/sample", f"{API}/renders/..%2fsongs/file", f"{API}/shares/%2e%2e%2f%2e%2e/audio", "/s/..%2f..%2fetc%2fpasswd", "//etc/passwd",
                     "/webwrap-data/webwrap.db", "/.git/config", "/assets/.git/config"):
            reply = raw(self.port, f"GET {path} HTTP/1.1\r\nHost: x\r\nCookie: sid={self.owner.cookies['sid']}\r\nConnection: close\r\n\r\n".encode())
            with self.subTest(path):
                self.assertIn(status_of(reply), (400, 404))
                self.assertNotIn(b"root:", reply)
                self.assertNotIn(b"SQLite format", reply)
        for part in ("'", "' OR '1'='1", "%27%3B%20DROP%20TABLE%20songs%3B--", "1%3BSELECT", "%F0%9F%8E%A4", "a" * 4000, "%25s%25n", "{id}", "*", "__proto__"):
            for kind in ("recordings", "songs", "jobs", "renders", "orders", "shares", "voices"):
                quoted = part.replace(" ", "%20")
                self.assertIn(self.owner.api("GET", f"/{kind}/{quoted}").status, (400, 404), f"{kind}/{part}")

    def test_broken_json(self):
        texts = [b"", b"{", b"nul", b"[]", b"1", b'"x"', b"{}x", b"{'a':1}", b'{"a":1,}', b"\xef\xbb\xbf{}x", b'{"a":"\xff\xfe"}', b'{"a":"\\ud800"}', b'{"a":"\x00"}',
                 b'{"a":' + b"9" * 5000 + b"}", b'{"a":1e400}', b'{"a":NaN}', b"[" * 60000, b'{"a":' * 10000, b'{"options":{"key":' + b"[" * 20000 + b"]" * 20000 + b"}}",
                 b'{"__proto__":{"admin":true}}', b'{"":""}', b'{"unknown field \\u0000 \\n":1}']
        names = {name for _, _, op in self.operations() if self.takes_json(op) for name in self.example(op)}
        values = [None, True, -1, 0.5, 1e308, -1e308, 2**63, 2**64, -2**63, "", " ", "\0", "a\0b", "x" * 5000, "\U0001f3a4" * 300, "a\r\nSet-Cookie: sid=evil", [], {}, [[]],
                  "../../etc/passwd", "'; DROP TABLE accounts;--", "%s%n", "\u202e\ufeff\u0000"]
        for method, path, operation in self.operations():
            if not self.takes_json(operation) or path in ("/account", "/account/password") and method == "DELETE":
                continue
            for text in texts:
                answer = self.owner.api(method, self.own_path(path), text)
                if answer.status != 429:
                    with self.subTest(f"{method} {path}", text=text[:40]):
                        self.refused(answer, 400, 422, *((409,) if path == "/accounts" else ()))
            fine = self.example(operation)
            for name in sorted(names & set(fine)):
                for value in values:
                    with self.subTest(f"{method} {path}", field=name, value=str(value)[:40]):
                        answer = self.owner.api(method, self.own_path(path), {**fine, name: value})
                        self.assertLess(answer.status, 500, answer)
                        self.assertNotIn("evil", str(answer.headers))
            big = self.owner.api(method, self.own_path(path), b'{"a":"' + b"x" * 70000 + b'"}')
            self.refused(big, 413)
            for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
                answer = self.owner.api(method, self.own_path(path), json.dumps(fine).encode(), {"Content-Type": kind})
                if answer.status != 429:
                    self.refused(answer, 415, 409)
        self.owner.must(200, "PATCH", f"/songs/{self.song}", {"title": EVIL_TITLE})
        self.assertEqual(self.owner.must(200, "GET", "/account").json["email"], "owner@example.org")

    def test_odd_queries_and_headers(self):
        for query in ("which=", "which=%00", "which=../x", "which=converted&which=original", "%zz=1", "=", "&&&", "which[]=original", "a" * 3000):
            self.assertIn(self.owner.api("GET", f"/songs/{self.song}/audio?{query}").status, (200, 400, 422), query)
        for value in ("bytes=0-0", "bytes=-1", "bytes=-0", "bytes=999999999-", "bytes=5-1", "bytes=0-1,3-4", "bytes=99999999999999999999-", "bytes=a-b", "lines=1-2", "bytes=--1", "bytes="):
            answer = self.owner.api("GET", f"/songs/{self.song}/audio", headers={"Range": value})
            self.assertIn(answer.status, (200, 206, 416), value)
            if answer.status == 206:
                self.assertEqual(len(answer.body), 1, value)
        for key in ("a b", "ü".encode().decode("latin-1"), "x" * 500):
            self.refused(self.owner.api("POST", "/jobs", {"recording": self.recording, "voice": self.voice}, {"Idempotency-Key": key}), 422)
        for url in ("", "x", self.service.url + "/s/" + NO_ID, self.service.url + "/s/../../etc", "javascript:alert(1)", "http://127.0.0.1:1/s/" + self.share):
            self.refused(Client(self.port).api("GET", "/oembed?url=" + url.replace(" ", "%20")), 404)
        for value in ("text/html", "x" * 4000, "\x80\xff"):
            self.assertEqual(Client(self.port).send("GET", "/", headers={"Accept": value, "User-Agent": value, "Accept-Language": value}).status, 200)
        trusted = Client(self.port).api("GET", "/account", headers={"X-Forwarded-For": "127.0.0.1", "X-Upload-File": "/etc/passwd"})
        self.refused(trusted, 403)

    # --- uploads

    def test_uploads_keep_their_bounds(self):
        owner = self.owner
        for length in ("-1", "0", "1e6", "99999999999999999999", "999999999999", "", "0x10", "1 2"):
            self.refused(owner.api("POST", "/uploads", None, {**TUS, "Upload-Length": length}), 400, 413, 422)
        self.refused(owner.api("POST", "/uploads", None, {"Upload-Length": "5"}), 412)
        self.refused(owner.api("POST", "/uploads", None, {**TUS, "Upload-Length": "5", "Upload-Metadata": "filename !!!"}), 400)
        self.refused(self.guest.api("POST", "/uploads", None, {**TUS, "Upload-Length": str(100 << 20)}), 413)
        upload = owner.must(201, "POST", "/uploads", None, {**TUS, "Upload-Length": "10"}).headers["Location"].removeprefix(API)
        for offset, content, statuses in (("5", b"x", (409,)), ("-1", b"x", (400,)), ("0", b"x" * 11, (413,)), ("99999999999999999999", b"x", (400, 409)), ("0", b"x" * (9 << 20), (413,))):
            self.refused(owner.api("PATCH", upload, content, {**PART, "Upload-Offset": offset}), *statuses)
        self.refused(owner.api("PATCH", upload, b"x", {**TUS, "Upload-Offset": "0"}), 415)
        self.refused(owner.api("PATCH", upload, b"x", {"Content-Type": PART["Content-Type"], "Upload-Offset": "0"}), 412)
        self.assertEqual(owner.must(200, "HEAD", upload, None, TUS).headers["Upload-Offset"], "0")
        owner.must(204, "PATCH", upload, b"12345", {**PART, "Upload-Offset": "0"})
        self.refused(owner.api("PATCH", upload, b"12345", {**PART, "Upload-Offset": "0"}), 409)
        owner.must(204, "DELETE", upload, None, TUS)
        self.refused(owner.api("PATCH", upload, b"x", {**PART, "Upload-Offset": "5"}), 404)
        for _ in range(20):  # 20 of 200 MB are more than the quota of 2 GB
            answer = self.uploader.api("POST", "/uploads", None, {**TUS, "Upload-Length": str(200 << 20)})
            if answer.status != 201:
                break
        self.assertEqual(self.refused(answer, 413).json["code"], "quota_exceeded")

    def test_files_that_are_no_recordings(self):
        wav = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 65535, 4294967295, 4294967295, 65535, 65535) + b"data\xff\xff\xff\xff" + b"\0" * 100
        short = b"RIFF" + struct.pack("<I", 136) + b"WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 1, 44100, 88200, 2, 16) + b"data" + struct.pack("<I", 100) + b"\0" * 100
        files = {"noise": bytes((i * 7919 >> 3) & 255 for i in range(50000)), "cut.flac": SONG[:300], "lies.wav": wav, "short.wav": short, "text.mp3": b"hello" * 100,
                 "page.html": b"<html><script>alert(1)</script></html>" * 20,
                 "list.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
                 "list.ffconcat": b"ffconcat version 1.0\nfile /etc/passwd\n", "s.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
                 "x.zip": b"PK\x03\x04" + b"\0" * 200}
        made = {name: self.uploader.upload(content, name) for name, content in files.items()}
        for name, recording in made.items():
            with self.subTest(name):
                state = self.uploader.wait(f"/recordings/{recording}", ("ready", "failed"))
                self.assertEqual(state["state"], "failed", state)
                self.assertTrue(state["failure"].endswith("."), state)
                for secret in ("/tmp", str(WORK), "root:", ".cc"):
                    self.assertNotIn(secret, state["failure"])
                for path in ("audio", "peaks"):
                    self.refused(self.uploader.api("GET", f"/recordings/{recording}/{path}"), 409)

    def test_names_cannot_write_headers(self):
        evil = b'x"\r\nSet-Cookie: sid=evil\r\n\r\n<script>\x00\x7f/../../etc/\xff\xfepasswd.flac'
        recording = self.uploader.upload(SONG[:5000], evil)
        name = self.uploader.must(200, "GET", f"/recordings/{recording}").json["name"]
        self.assertFalse(set(name) & set("\r\n\0/\\"), name)
        for client, path in ((self.owner, f"/renders/{self.render}/file"), (Client(self.port), f"/shares/{self.share}/file")):
            answer = client.must(200, "GET", path)
            disposition = answer.headers["Content-Disposition"]
            self.assertTrue(disposition.startswith("attachment; filename=\""), disposition)
            self.assertEqual(disposition.count('"'), 2, disposition)
            self.assertNotIn("Set-Cookie", answer.headers)
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")

    # --- pages

    def test_pages_show_evil_titles_as_text(self):
        for path in (f"/s/{self.share}", f"/embed/{self.share}"):
            page = Client(self.port).send("GET", path)
            text = page.body.decode()
            self.assertEqual(page.status, 200)
            self.assertNotIn("<script>alert", text)
            self.assertNotIn("<img src=x", text)
            self.assertIn(html.escape(EVIL_TITLE).replace("&#x27;", "&#39;"), text)
            policy = page.headers["Content-Security-Policy"]
            self.assertIn("default-src 'self'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertIn("frame-ancestors *" if "embed" in path else "frame-ancestors 'none'", policy)
        embed = Client(self.port).must(200, "GET", f"/oembed?url={self.service.url}/s/{self.share}&maxwidth=-5&maxheight=99999999999").json
        self.assertEqual(embed["html"].count("<"), 2, embed["html"])
        self.assertIn("AI-converted", Client(self.port).must(200, "GET", f"/shares/{self.share}").json["ai_notice"])

    def test_artists_pages_show_evil_words_as_text(self):
        words = "</p><script>alert(2)</script>]]>\"' &amp; \ufffe"
        profile = {**EVE, "bio": words, "links": [{"title": "<u>x</u>\"", "url": "https://example.org/'%3Cb%3E"}]}
        self.artist.must(200, "PUT", "/artist", profile)
        for path in ("/a/eve", "/a/eve/feed.xml", f"/s/{self.artist_share}", f"/embed/{self.artist_share}"):
            page = Client(self.port).send("GET", path)
            self.assertEqual(page.status, 200, path)
            for evil in (b"<script>alert", b"<i>", b"<u>", b"]]>", b"<img src=x"):
                self.assertNotIn(evil, page.body, path)
        feed = ET.fromstring(Client(self.port).send("GET", "/a/eve/feed.xml").body)
        self.assertEqual(feed.findtext("channel/item/title"), EVIL_TITLE)
        self.assertEqual(feed.findtext("channel/title"), "<i>Eve</i> &")
        ET.fromstring(Client(self.port).send("GET", "/sitemap.xml").body)
        for change in ({"name": "E\u202eve"}, {"name": "Eve\u200b"}, {"name": "Ev\u0435"}, {"handle": "../x"}, {"handle": "voxc0nv"}, {"name": "\x00"},
                       {"links": [{"title": "x", "url": "javascript:alert(1)"}]}, {"links": [{"title": "x", "url": "http://127.0.0.1:1/\r\nX: y"}]},
                       {"links": [[]]}, {"bio": "x" * 1001}):
            self.refused(self.artist.api("PUT", "/artist", {**profile, **change}), 422)
        for path in ("/a/%0d%0aSet-Cookie:x", "/a/..%2f..%2fetc", "/a/eve/picture.jpg", "/a/" + "a" * 4000, "/follow/stop/%00", "/follow/confirm/'--"):
            answer = Client(self.port).send("GET", path)
            self.assertTrue(answer.status in (200, 400, 404), f"{path}: {answer}")
            self.assertIsNone(answer.headers["Set-Cookie"])

    def test_pictures_are_decoded_by_workers_only(self):
        """Bombs, scripts and other files fail as a job; nothing of them is shown."""
        self.refused(self.stranger.api("PUT", "/artist", {"handle": "mallory", "name": "Mallory"}), 403)  # the address is not confirmed
        chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))  # noqa: E731
        png = lambda width, height: (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)) +  # noqa: E731
                                     chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b""))
        for bad in (png(30000, 30000), png(6300, 6300), png(2**31 - 1, 1), b"<svg onload=alert(1)>", b"GIF89a" + b"\0" * 99, b"\xff\xd8\xff" * 3000, SONG):
            answer = self.artist.must(202, "PUT", "/artist/picture", bad, {"Content-Type": "image/png"})
            self.assertEqual(self.artist.wait(f"/jobs/{answer.json['id']}", ("done", "failed"))["state"], "failed")
            self.assertIsNone(self.artist.must(200, "GET", "/artist").json["picture"])
        self.refused(self.artist.api("PUT", "/artist/picture", b"\0" * ((20 << 20) + 1), {"Content-Type": "image/png"}), 413)
        self.refused(self.artist.api("PUT", "/artist/picture", b"x", {"Content-Type": "text/html"}), 415)

    def test_follows_flood_and_tell_nobody(self):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answers = set()
        for fields in (b"email=new%40example.org", b"email=new%40example.org", b"email=other%40example.org"):
            answer = Client(self.port).send("POST", "/a/eve/follow", fields, form)
            self.assertEqual(answer.status, 200, answer)
            answers.add(answer.body)
        self.assertEqual(len(answers), 1, "an answer tells of an address")
        for fields in (b"", b"email=", b"email=a%40b.org%0d%0aBcc%3a%20c%40d.org", b"email=a%40b.org%2c c%40d.org", b"email=%00", b"\xff\xfe"):
            self.assertEqual(Client(self.port).send("POST", "/a/eve/follow", fields, form).status, 422, fields)
        self.assertEqual(Client(self.port).send("POST", "/a/eve/follow", b"email=x%40example.org", form, site="cross-site").status, 403)
        self.assertNotIn("Bcc: c@d.org", self.service.log.read_text(errors="replace"))

    def test_every_answer_has_the_security_headers(self):
        for path in ("/", "/app/songs", "/assets/share.js", f"{API}/config", f"{API}/account", "/nothing", f"/s/{NO_ID}", f"{API}/shares/{self.share}/audio", "/healthz", "/%zz"):
            headers = Client(self.port).send("GET", path).headers
            with self.subTest(path):
                self.assertIn("default-src 'self'", headers["Content-Security-Policy"] or "")
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(headers["Referrer-Policy"], "same-origin")
                self.assertEqual(headers["Cross-Origin-Opener-Policy"], "same-origin")
                self.assertIsNone(headers["Server"])
                if path in (f"{API}/config", f"{API}/account"):
                    self.assertEqual(headers["Cache-Control"], "no-store")
                    self.assertEqual(headers["Content-Disposition"], 'attachment; filename="api.json"')
        cookie = Client(self.port).must(201, "POST", "/guests").headers["Set-Cookie"]
        for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
            self.assertIn(word, cookie)

    # --- money

    def signed(self, payload, secret=SECRET, age=0):
        stamp = int(time.time()) - age
        digest = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={stamp},v1={digest}"}

    def test_webhooks_that_are_not_stripes(self):
        paid = json.dumps({"id": "evt_forged", "type": "checkout.session.completed", "data": {"object": {
            "id": "cs_forged", "payment_status": "paid", "metadata": {"order_id": self.order}}}}).encode()
        other = Client(self.port)
        before = self.owner.must(200, "GET", "/credits").json["balance"]
        right = self.signed(paid)["Stripe-Signature"]
        for headers in ({}, {"Stripe-Signature": ""}, {"Stripe-Signature": "t=,v1="}, {"Stripe-Signature": "v1=00"}, {"Stripe-Signature": "t=99999999999999999999,v1=00"},
                        self.signed(paid, "whsec_guess"), self.signed(paid, ""), self.signed(paid, age=301), self.signed(paid + b" "),
                        {"Stripe-Signature": right.replace("v1=", "v0=")}, {"Stripe-Signature": right[:-2]}, {"Stripe-Signature": "t=1," * 3000}):
            with self.subTest(headers=str(headers)[:80]):
                self.refused(other.api("POST", "/stripe/webhook", paid, headers), 400)
        for payload in (b"", b"[]", b"null", b"{", b"{}", b'{"id":1,"type":[],"data":null}', b'{"id":"e","type":"charge.refunded","data":{"object":{"amount_refunded":-5}}}'):
            self.assertIn(other.api("POST", "/stripe/webhook", payload, self.signed(payload)).status, (200, 400))
        self.refused(other.api("POST", "/stripe/webhook", b"x" * (600 << 10), self.signed(b"")), 413)
        self.assertEqual(self.owner.must(200, "GET", "/credits").json["balance"], before)
        self.assertEqual(self.owner.must(200, "GET", f"/orders/{self.order}").json["state"], "pending")
        nothing = json.dumps({"id": "evt_other", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}).encode()
        self.assertEqual([other.api("POST", "/stripe/webhook", nothing, self.signed(nothing)).status for _ in range(2)], [200, 200])

    def test_credits_cannot_be_spent_twice_at_once(self):
        buyer = Client(self.port)
        buyer.sign_up("buyer@example.org", self.service.log)
        recording = buyer.upload(SONG)
        buyer.wait(f"/recordings/{recording}", ("ready",))
        key = {"Idempotency-Key": "once"}
        wish = {"recording": recording, "voice": self.voice, "start_s": 0, "end_s": 1}
        balance = buyer.must(200, "GET", "/credits").json["balance"]
        jobs = set(at_once([lambda: buyer.api("POST", "/jobs", wish, key).json["id"]] * 6))
        self.assertEqual(len(jobs), 1)
        self.refused(buyer.api("POST", "/jobs", {**wish, "end_s": 1.5}, key), 422)
        answers = at_once([lambda: buyer.api("POST", "/jobs", wish).status] * 6)
        self.assertLessEqual(answers.count(201), 3, "more than max_active_jobs")
        self.assertTrue(set(answers) <= {201, 402, 409}, answers)
        for job in buyer.must(200, "GET", "/jobs").json:
            buyer.api("DELETE", f"/jobs/{job['id']}")
        credits = buyer.must(200, "GET", "/credits").json
        self.assertGreaterEqual(credits["balance"], balance - 4)
        self.assertLessEqual(credits["balance"] + credits["reserved"], balance)

    # --- being slow

    def test_slow_clients_do_not_stop_others(self):
        slow = []
        try:
            for i in range(60):
                connection = socket.create_connection(("127.0.0.1", self.port), timeout=5)
                connection.sendall(b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{" if i % 2 else b"GET / HTTP/1.1\r\nX-Slow: ")
                slow.append(connection)
            for _ in range(3):
                for connection in slow:
                    connection.sendall(b"a")
                for path in ("/healthz", f"{API}/voices", "/"):
                    self.assertEqual(Client(self.port).send("GET", path).status, 200)
        finally:
            for connection in slow:
                connection.close()

    def test_zz_nothing_is_broken_after_all(self):
        text = pathlib.Path(f"/proc/{self.server}/status").read_text()
        resident = int(text.split("VmRSS:")[1].split()[0]) << 10
        self.assertLess(resident, MOST_MEMORY)
        status, said = self.service.audit()
        self.assertEqual(status, 0, said)
        errors = [line for line in self.service.log.read_text(errors="replace").splitlines() if '"level":"error"' in line or "AddressSanitizer" in line]
        self.assertEqual(errors, [])
        self.assertNotIn("three singing magpies", self.service.log.read_text(errors="replace"))


def at_once(calls):
    """The results of calls made by as many threads at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


if __name__ == "__main__":
    WEBWRAP, WORK = sys.argv[1], pathlib.Path(sys.argv[2])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
