#!/usr/bin/env python3
"""Publishing against fakes of SoundCloud, YouTube and Audius that refuse what the real ones refuse: platforms_test.py WEBWRAP [unittest's arguments]."""
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parent / "e2e")]
from api_client import Client  # noqa: E402
from service import Service  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
FAKE = HERE.parent / "fake_platforms" / "fake_platforms.py"
SONG = HERE.parent / "data" / "song.flac"
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PLATFORMS = ("soundcloud", "youtube", "audius")
NAMES = {"soundcloud": "Test singer", "youtube": "Channel of singer", "audius": "@singer"}  # of the account that is connected


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Platforms:
    """The fakes, and what tests do to them."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-B", str(FAKE)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def control(self, what, **order):
        request = urllib.request.Request(f"{self.url}/_control/{what}", json.dumps(order).encode() if what != "state" else None,
                                         method="GET" if what == "state" else "POST")
        return json.loads(urllib.request.urlopen(request, timeout=10).read())

    @staticmethod
    def allow(url):
        """What a member does on the platform's page; the address that the browser then goes to."""
        request = urllib.request.Request(url, b"", method="POST")
        try:
            urllib.request.build_opener(NoRedirect).open(request, timeout=10)
        except urllib.error.HTTPError as answer:
            if answer.code == 302:
                return answer.headers["Location"]
            raise
        raise AssertionError("no redirect")

    def settings(self):
        return {"token_keys": [KEY], "lease_s": 10, "publication_search_s": 3, "soundcloud_client_id": "sc-client", "soundcloud_client_secret": "sc-secret",
                "soundcloud_api_base": f"{self.url}/soundcloud", "soundcloud_auth_base": f"{self.url}/soundcloud-auth",
                "youtube_client_id": "g-client", "youtube_client_secret": "g-secret", "youtube_api_base": f"{self.url}/google",
                "youtube_auth_base": f"{self.url}/google", "youtube_token_base": f"{self.url}/google",
                "audius_api_key": "a-key", "audius_api_base": f"{self.url}/audius", "audius_storage_base": f"{self.url}/audius-storage"}

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Publishing(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.platforms = Platforms()
        cls.addClassCleanup(cls.platforms.stop)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.service = Service(WEBWRAP, folder.name, cls.platforms.settings())
        cls.service.__enter__()
        cls.addClassCleanup(cls.service.__exit__)
        cls.singer = Client(cls.service.port)
        cls.singer.sign_up("singer@example.org", cls.service.log)
        voice = cls.singer.must(200, "GET", "/voices").json[0]["id"]
        cls.recording, cls.song = cls.singer.make_song(SONG.read_bytes(), "Résumé <1> & \"2\"", voice, 1.5)
        video = cls.singer.must(201, "POST", f"/songs/{cls.song}/videos", {"shape": "square", "length_s": 5}).json["id"]
        assert cls.singer.wait(f"/renders/{video}", ("done", "failed"))["state"] == "done"
        cls.video = video

    def setUp(self):
        self.platforms.control("faults", faults=[])
        self.platforms.control("user", name="singer")
        self.platforms.control("quota", left=None)
        with sqlite3.connect(self.service.work / "data" / "webwrap.db", timeout=20) as database:  # an hour's limits would end these tests early
            database.execute("DELETE FROM limited_events WHERE what IN ('publication', 'authorization')")
        database.close()
        for platform in PLATFORMS:
            self.ensure_connected(platform)
        self.addCleanup(self.clear)

    def clear(self):
        self.platforms.control("faults", faults=[])
        self.platforms.control("quota", left=None)
        for publication in self.list():
            if publication["state"] in ("published", "failed", "linked"):
                self.ensure_connected(publication["platform"])
                if publication["state"] == "failed":
                    self.publish(publication["platform"])
                self.take_down(self.wait(publication["platform"]))

    def connect(self, client, platform):
        url = client.must(201, "POST", f"/platforms/{platform}/connection", {}).json["url"]
        back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.platforms.allow(url)).query))
        return client.must(200, "PUT", f"/platforms/{platform}/connection", {"code": back["code"], "state": back["state"]}).json

    def ensure_connected(self, platform):
        """Connections may be begun only so often in an hour."""
        listed = {one["id"]: one["connection"] for one in self.singer.must(200, "GET", "/platforms").json["platforms"]}
        if not listed[platform] or listed[platform]["broken"]:
            self.connect(self.singer, platform)

    def connect_as(self, name, platform):
        """In the place of the account that is connected."""
        self.platforms.control("user", name=name)
        self.connect(self.singer, platform)

    def list(self):
        return [one for one in self.singer.must(200, "GET", f"/songs/{self.song}/publications").json if one["state"] != "removed"]

    def publish(self, platform, status=201, **more):
        form = {"platform": platform, "title": "Résumé <1> & \"2\"", "artist": "Ada", "genre": "Pop", "visibility": "public", "description": "line 1\nline 2",
                "rights_confirmed": True, **({"video": self.video} if platform == "youtube" else {}), **more}
        return self.singer.must(status, "POST", f"/songs/{self.song}/publications", form).json

    def wait(self, platform, states=("published", "failed"), seconds=90):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = [one for one in self.list() if one["platform"] == platform]
            if found and found[0]["state"] in states:
                return found[0]
            time.sleep(0.3)
        raise AssertionError(f"{platform}: {self.list()}\n{self.service.tail()}")

    @staticmethod
    def at_the_end(platform, **fault):
        """Faults that make the request fail which puts the song there. YouTube's sessions are asked how much has arrived first."""
        request = {"soundcloud": "POST /soundcloud/tracks", "youtube": "PUT /google/upload", "audius": "POST /audius/tracks"}[platform]
        return [{"on": request, "kind": "none"}] * (platform == "youtube") + [{"on": request, **fault}]

    def within(self, seconds, is_so, what):
        until = time.monotonic() + seconds
        while not is_so():
            self.assertLess(time.monotonic(), until, what)
            time.sleep(0.2)

    def kill_worker(self):
        killed = self.worker()
        os.kill(killed, signal.SIGKILL)
        self.within(60, lambda: self.worker() not in (None, killed), "there is another worker")

    def kill_service(self):
        self.service.kill()
        self.service.serve()

    def worker(self):
        """The process id of the service's only worker."""
        serve = self.service.processes[-1].pid
        children = pathlib.Path(f"/proc/{serve}/task/{serve}/children").read_text().split()
        workers = [int(child) for child in children if b"worker" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes()]
        return workers[0] if workers else None

    def take_down(self, publication):
        answer = self.singer.api("DELETE", f"/publications/{publication['id']}")
        self.assertIn(answer.status, (202, 204), answer)
        until = time.monotonic() + 60
        while any(one["id"] == publication["id"] for one in self.list()):
            self.assertLess(time.monotonic(), until, self.list())
            time.sleep(0.2)

    def there(self):
        state = self.platforms.control("state")
        return {"soundcloud": state["tracks"], "youtube": state["videos"], "audius": state["audius"]}

    def test_published_and_taken_down(self):
        for platform in PLATFORMS:
            with self.subTest(platform):
                publication = self.publish(platform)
                self.assertEqual(publication["state"], "queued")
                done = self.wait(platform)
                self.assertEqual(done["state"], "published", done)
                self.assertTrue(done["url"].startswith("https://"), done)
                self.assertEqual(len(self.there()[platform]), 1)
                again = self.publish(platform, 409)
                self.assertEqual(again["code"], "published")
                self.take_down(done)
                self.assertEqual(len(self.there()[platform]), 0)
        published = self.publish("youtube")
        video = list(self.there()["youtube"].values()) or [self.wait("youtube") and list(self.there()["youtube"].values())[0]]
        video = list(self.there()["youtube"].values())[0]
        self.assertIs(video["status"]["containsSyntheticMedia"], True)
        self.assertIn("private", self.wait("youtube")["note"])
        self.assertNotIn("<", video["snippet"]["title"] + video["snippet"]["description"])
        self.assertIn("AI-converted", video["snippet"]["description"])
        self.assertEqual(published["platform"], "youtube")

    def test_tokens_that_ran_out_are_refreshed(self):
        for platform in PLATFORMS:
            self.platforms.control("expire")
            self.publish(platform)
            self.assertEqual(self.wait(platform)["state"], "published")

    def test_refused_tokens_ask_for_a_new_connection(self):
        self.platforms.control("revoke")
        for platform in PLATFORMS:
            self.publish(platform)
            failed = self.wait(platform)
            self.assertEqual(failed["state"], "failed")
            self.assertIn("connect it again", failed["failure"])
            listed = {one["id"]: one for one in self.singer.must(200, "GET", "/platforms").json["platforms"]}
            self.assertIs(listed[platform]["connection"]["broken"], True)
            self.publish(platform, 409)

    def test_lost_answers_never_post_twice(self):
        for platform in PLATFORMS:
            with self.subTest(platform):
                self.platforms.control("faults", faults=self.at_the_end(platform, kind="lost"))
                self.publish(platform)
                self.assertEqual(self.wait(platform)["state"], "published")
                self.assertEqual(len(self.there()[platform]), 1)
                self.assertEqual(self.platforms.control("state")["faults"], [])

    def test_what_arrived_but_is_listed_late_is_waited_for(self):
        for platform in ("soundcloud", "audius"):
            with self.subTest(platform):
                self.platforms.control("faults", faults=self.at_the_end(platform, kind="late", after=1))
                self.publish(platform)
                self.assertEqual(self.wait(platform)["state"], "published")
                self.assertEqual(len(self.there()[platform]), 1)

    def test_a_refused_song_is_not_there(self):
        for platform in PLATFORMS:
            with self.subTest(platform):
                self.platforms.control("faults", faults=self.at_the_end(platform, kind="429"))
                self.publish(platform)
                failed = self.wait(platform)
                self.assertEqual(failed["state"], "failed")
                self.assertIn("tomorrow", failed["failure"])
                self.connect_as("other", platform)  # nothing ties it to the account that it was to go to
                self.publish(platform)
                self.take_down(self.wait(platform))
                self.platforms.control("faults", faults=self.at_the_end(platform, kind="429"))
                self.publish(platform)
                self.singer.must(204, "DELETE", f"/publications/{self.wait(platform)['id']}")
                self.connect_as("singer", platform)

    def test_what_is_refused_after_a_lost_answer_may_be_there(self):
        for platform in ("soundcloud", "audius"):
            with self.subTest(platform):
                # It is there, but not listed as long as it is looked for, and then the platform takes no more.
                self.platforms.control("faults", faults=self.at_the_end(platform, kind="late", after=1000) + self.at_the_end(platform, kind="429"))
                self.publish(platform)
                failed = self.wait(platform)
                self.assertEqual(failed["state"], "failed", failed)
                self.assertEqual(self.platforms.control("state")["faults"], [])
                self.assertEqual(self.singer.must(409, "DELETE", f"/publications/{failed['id']}").json["code"], "perhaps_there")
                self.platforms.control("list")
                self.publish(platform)
                self.assertEqual(self.wait(platform)["state"], "published")
                self.assertEqual(len(self.there()[platform]), 1)

    def test_another_account_neither_takes_down_nor_posts_again(self):
        for platform in PLATFORMS:
            with self.subTest(platform):
                self.publish(platform)
                done = self.wait(platform)
                self.connect_as("other", platform)
                refused = self.singer.must(409, "DELETE", f"/publications/{done['id']}").json
                self.assertEqual(refused["code"], "other_account")
                self.assertIn(NAMES[platform], refused["detail"])
                self.assertEqual(self.wait(platform)["state"], "published")
                self.assertEqual(len(self.there()[platform]), 1)
                self.connect_as("singer", platform)
                self.take_down(done)
                self.assertEqual(len(self.there()[platform]), 0)

    def test_another_account_that_comes_before_the_worker_takes_nothing_down(self):
        self.publish("soundcloud")
        done = self.wait("soundcloud")
        self.platforms.control("faults", faults=[{"on": "POST /google/upload", "kind": "hold"}])
        self.publish("youtube")
        self.within(60, lambda: self.platforms.control("state")["held"], "the only worker is busy")
        self.singer.must(202, "DELETE", f"/publications/{done['id']}")
        self.connect_as("other", "soundcloud")
        self.kill_worker()
        still = self.wait("soundcloud")
        self.assertEqual(still["state"], "published")
        self.assertIn(NAMES["soundcloud"], still["failure"])
        self.assertEqual(len(self.there()["soundcloud"]), 1)
        self.connect_as("singer", "soundcloud")
        self.wait("youtube")

    def test_an_upload_is_not_continued_with_another_account(self):
        searches = {"soundcloud": "GET /soundcloud/me/tracks", "youtube": "PUT /google/upload", "audius": "GET /audius/users"}
        for platform, search in searches.items():
            with self.subTest(platform):
                # It is there, but its answer was lost, and the search for it was refused.
                self.platforms.control("faults", faults=self.at_the_end(platform, kind="lost") + [{"on": search, "kind": "429"}])
                self.publish(platform)
                self.assertEqual(self.wait(platform)["state"], "failed")
                self.connect_as("other", platform)
                refused = self.publish(platform, 409)
                self.assertEqual(refused["code"], "other_account")
                self.assertIn(NAMES[platform], refused["detail"])
                self.connect_as("singer", platform)
                self.publish(platform)
                self.assertEqual(self.wait(platform)["state"], "published")
                self.assertEqual(len(self.there()[platform]), 1)

    def test_what_is_killed_while_it_publishes_posts_once(self):
        """With kill -9, in two requests of one publication each: the first when part of it has come, or both when they had their effect, but no answer."""
        def held(request, **after):
            return {"on": request, "kind": "hold", **after}
        asked = {"on": "PUT /google/upload", "kind": "none"}
        moments = {"soundcloud": [[held("POST /soundcloud/tracks", after=20000), held("POST /soundcloud/tracks")]],
                   "youtube": [[held("POST /google/upload"), asked, held("PUT /google/upload", after=30000)],
                               [held("PUT /google/upload"), asked, held("PUT /google/upload")]],
                   "audius": [[held("POST /audius-storage/files/"), held("PATCH /audius-storage/files/", after=20000)],
                              [held("GET /audius-storage/uploads/"), held("POST /audius/tracks")]]}
        for platform, publications in moments.items():
            for faults in publications:
                with self.subTest(platform, faults=faults):
                    self.platforms.control("faults", faults=faults)
                    self.publish(platform)
                    for count, kill in enumerate((self.kill_worker, self.kill_service), 1):
                        self.within(90, lambda: len(self.platforms.control("state")["held"]) == count, "a request is held")
                        kill()
                    self.assertEqual(self.wait(platform)["state"], "published")
                    self.assertEqual(len(self.there()[platform]), 1)
                    self.assertEqual(self.platforms.control("state")["faults"], [])
                    self.take_down(self.wait(platform))

    def test_interrupted_uploads_go_on(self):
        faults = {"soundcloud": [{"on": "POST /soundcloud/tracks", "kind": "cut", "after": 20000}],
                  "youtube": [{"on": "PUT /google/upload", "kind": "none"}, {"on": "PUT /google/upload", "kind": "cut", "after": 30000},
                              {"on": "PUT /google/upload", "kind": "500"}],
                  "audius": [{"on": "PATCH /audius-storage/files/", "kind": "cut", "after": 20000}]}
        for platform, order in faults.items():
            with self.subTest(platform):
                self.platforms.control("faults", faults=order)
                self.publish(platform)
                done = self.wait(platform)
                self.assertEqual(done["state"], "published", done)
                self.assertEqual(len(self.there()[platform]), 1)
                self.assertEqual(self.platforms.control("state")["faults"], [])

    def test_a_forgotten_session_begins_anew(self):
        self.platforms.control("faults", faults=[{"on": "PUT /google/upload", "kind": "close"}])
        original = self.platforms.control
        self.publish("youtube")
        original("forget")
        self.assertEqual(self.wait("youtube")["state"], "published")
        self.assertEqual(len(self.there()["youtube"]), 1)

    def test_a_used_up_quota_is_said(self):
        self.platforms.control("quota", left=1000)
        self.publish("youtube")
        failed = self.wait("youtube")
        self.assertEqual(failed["state"], "failed")
        self.assertIn("quota", failed["failure"])
        self.platforms.control("quota", left=None)
        again = self.publish("youtube")
        self.assertEqual(again["id"], failed["id"])
        self.assertEqual(self.wait("youtube")["state"], "published")
        self.assertEqual(len(self.there()["youtube"]), 1)

    def test_states_are_good_once_and_for_who_began(self):
        url = self.singer.must(201, "POST", "/platforms/soundcloud/connection", {}).json["url"]
        self.assertIn("code_challenge_method=S256", url)
        back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.platforms.allow(url)).query))
        answer = {"code": back["code"], "state": back["state"]}
        victim = Client(self.service.port)
        victim.sign_up("victim@example.org", self.service.log)
        # An attacker's own code and state, brought to a victim's browser.
        self.assertEqual(victim.must(403, "PUT", "/platforms/soundcloud/connection", answer).json["code"], "wrong_state")
        # It is used up by that, for its owner too.
        self.assertEqual(self.singer.must(403, "PUT", "/platforms/soundcloud/connection", answer).json["code"], "wrong_state")
        # Nor is it good for another platform, or made up.
        url = self.singer.must(201, "POST", "/platforms/soundcloud/connection", {}).json["url"]
        state = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))["state"]
        self.singer.must(403, "PUT", "/platforms/audius/connection", {"code": "x", "state": state})
        self.singer.must(403, "PUT", "/platforms/soundcloud/connection", {"code": "x", "state": "made up"})
        # A code that the platform does not take.
        url = self.singer.must(201, "POST", "/platforms/soundcloud/connection", {}).json["url"]
        state = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))["state"]
        self.singer.must(502, "PUT", "/platforms/soundcloud/connection", {"code": "wrong", "state": state})

    def test_many_wishes_at_once_are_one(self):
        results = []
        form = {"platform": "soundcloud", "title": "T", "artist": "A", "genre": "Pop", "visibility": "private", "rights_confirmed": True}
        threads = [threading.Thread(target=lambda: results.append(self.singer.api("POST", f"/songs/{self.song}/publications", form).status)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(results), [201] + [409] * 7)
        self.wait("soundcloud")
        self.assertEqual(len(self.there()["soundcloud"]), 1)

    def test_no_token_lies_open(self):
        stored = b"".join(path.read_bytes() for path in (self.service.work / "data").glob("webwrap.db*")) + self.service.log.read_bytes()
        for name in ("access_token", "refresh_token", '"access"', '"refresh"'):
            self.assertNotIn(name.encode(), stored)
        export = self.singer.must(200, "GET", "/account/export").json
        self.assertEqual({one["platform"] for one in export["connections"]}, set(PLATFORMS))
        self.assertNotIn("tokens", export["connections"][0])

    def test_what_is_wrong_is_refused(self):
        for wrong in ({"title": ""}, {"genre": "Noise"}, {"visibility": "secret"}, {"rights_confirmed": False}, {"description": "x" * 2001}, {"more": 1}):
            self.publish("soundcloud", 422, **wrong)
        self.publish("youtube", 422, video="nobodys")
        stranger = Client(self.service.port)
        stranger.sign_up("stranger@example.org", self.service.log)
        stranger.must(404, "GET", f"/songs/{self.song}/publications")
        self.singer.must(204, "DELETE", "/platforms/audius/connection")
        self.assertEqual(self.publish("audius", 409)["code"], "not_connected")


if __name__ == "__main__":
    WEBWRAP = sys.argv[1]
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
