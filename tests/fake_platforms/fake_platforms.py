#!/usr/bin/env python3
"""Stateful stand-ins for SoundCloud, YouTube and Audius, on the loopback interface only, for tests: they refuse what the real ones refuse.

Run: fake_platforms.py [--redirect PREFIX]; the port is the first line of stdout. PREFIX: what redirect addresses must begin with.

Below /soundcloud (API) and /soundcloud-auth: authorize, oauth/token, me, tracks, me/tracks, tracks/{urn}; refresh tokens are good once.
Below /google: o/oauth2/v2/auth, token, youtube/v3/{channels,playlistItems,videos}, upload/youtube/v3/videos by the resumable protocol.
Below /audius: oauth/{authorize,token,me}, tracks, users/{id}/tracks; below /audius-storage: files/ (tus), uploads/{id}.

Control (JSON bodies; answers are JSON):
  POST /_control/faults {faults: [{on: "POST /soundcloud/tracks", kind, after?}]}   the next request that begins so fails, one fault each:
         "500", "429", "close" (no answer, nothing done), "lost" (done, but no answer), "cut" (the connection ends after so many bytes
         of the body, which are kept), "late" (as "lost", and not listed the next `after` times), "hold" (as "lost", or with `after` as
         "cut", once the other side has ended the connection; until then the request is among those that are `held`), "none" (all is well)
  POST /_control/user {name}       whose accounts are connected from now on; each sees and takes down only what is his own
  POST /_control/expire {}         access tokens are no longer taken
  POST /_control/revoke {}         nor are refresh tokens
  POST /_control/quota {left}      of YouTube, in units: an upload takes 1600; null: no end
  POST /_control/forget {}         upload sessions are gone
  POST /_control/list {}           what came is listed from now on
  GET  /_control/state             everything, and a log of requests without tokens
"""
import argparse
import base64
import contextlib
import email
import email.policy
import hashlib
import html
import http.server
import json
import re
import secrets
import sys
import threading
import time
import urllib.parse

CLIENTS = {"soundcloud": ("sc-client", "sc-secret"), "google": ("g-client", "g-secret"), "audius": ("a-key", None)}
LOCK = threading.RLock()


class Refused(Exception):
    def __init__(self, status, body):
        self.status, self.body = status, body


class Cut(Exception):
    """The connection ends without an answer."""


class Platform:
    """OAuth 2 with PKCE as all three have it."""

    def __init__(self, name):
        self.name = name
        self.codes, self.access, self.refresh = {}, {}, {}
        self.single_use = name != "google"

    def authorize(self, query):
        client = query.get("client_id") or query.get("api_key")
        wanted = {"response_type": "code", "code_challenge_method": "S256"}
        if client != CLIENTS[self.name][0] or any(query.get(name) != value for name, value in wanted.items()):
            raise Refused(400, {"error": "invalid_request"})
        if not query.get("redirect_uri", "").startswith(REDIRECT) or len(query.get("code_challenge", "")) != 43 or not query.get("state"):
            raise Refused(400, {"error": "invalid_request", "error_description": "redirect_uri, code_challenge or state"})

    def allow(self, query):
        code = secrets.token_urlsafe(16)
        self.codes[code] = {"user": USER["name"], "redirect": query["redirect_uri"], "challenge": query["code_challenge"], "until": time.time() + 60}
        return f"{query['redirect_uri']}?{urllib.parse.urlencode({'code': code, 'state': query['state']})}"

    def token(self, form):
        client, secret = CLIENTS[self.name]
        if form.get("client_id") != client or (secret and form.get("client_secret") != secret):
            raise Refused(401, {"error": "invalid_client"})
        if form.get("grant_type") == "authorization_code":
            code = self.codes.pop(form.get("code"), None)
            challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
            if not code or code["until"] < time.time() or code["redirect"] != form.get("redirect_uri") or code["challenge"] != challenge:
                raise Refused(400, {"error": "invalid_grant"})
            user = code["user"]
        elif form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") not in self.refresh:
                raise Refused(400, {"error": "invalid_grant"})
            user = self.refresh[form["refresh_token"]]
            if self.single_use:
                del self.refresh[form["refresh_token"]]
        else:
            raise Refused(400, {"error": "unsupported_grant_type"})
        access, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.access[access] = {"user": user, "until": time.time() + 3600}
        answer = {"access_token": access, "token_type": "bearer", "expires_in": 3600}
        if self.single_use or form["grant_type"] == "authorization_code":
            self.refresh[refresh] = user
            answer["refresh_token"] = refresh
        return answer

    def check(self, headers, scheme):
        """Whose access it is."""
        kind, _, token = headers.get("Authorization", "").partition(" ")
        access = self.access.get(token)
        if kind != scheme or not access or access["until"] < time.time():
            raise Refused(401, {"error": "invalid_token"})
        return access["user"]


REDIRECT = "http"
STATE = {"soundcloud": Platform("soundcloud"), "google": Platform("google"), "audius": Platform("audius")}
TRACKS, VIDEOS, SESSIONS, AUDIUS, FILES = {}, {}, {}, {}, {}
FAULTS, HELD, LOG = [], [], []
QUOTA = {"left": None}
USER = {"name": "singer"}
OWNERS, UNLISTED = {}, {}  # of tracks and videos, by their ids: whose; how often they are not listed yet


def own(things, user):
    """What the user posted, the newest first, as far as it is listed already."""
    found = []
    for name in reversed(things):
        if OWNERS[name] != user:
            continue
        if UNLISTED.get(name, 0) > 0:
            UNLISTED[name] -= 1
        else:
            found.append(things[name])
    return found


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def fault(self):
        with LOCK:
            for fault in FAULTS:
                if f"{self.command} {self.path}".startswith(fault["on"]):
                    FAULTS.remove(fault)
                    return fault
        return None

    def handle_all(self):
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query))
        fault = self.fault() or {"kind": ""}
        self.unlisted = fault["after"] if fault["kind"] == "late" else 0
        try:
            LOG.append(f"{self.command} {url.path}")
            if fault["kind"] == "close":
                raise Cut
            self.body, self.is_whole = self.read(fault["after"] if fault["kind"] in ("cut", "hold") and "after" in fault else None)
            if fault["kind"] in ("500", "429"):
                raise Refused(int(fault["kind"]), {"error": "fault"})
            if fault["kind"] == "hold" and not self.is_whole:
                self.hold()
            with LOCK:
                answer = self.route(url.path)
            if fault["kind"] == "hold":
                self.hold()
            if fault["kind"] in ("lost", "late", "hold"):
                raise Cut
            self.reply(*answer)
        except Refused as refused:
            self.reply(refused.status, refused.body)
        except Cut:
            self.close_connection = True
            self.connection.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_all

    def read(self, at_most=None):
        """As much of the body as is to come, or comes before its sender ends, and whether that is all of it."""
        length = int(self.headers.get("Content-Length", 0))
        wanted = length if at_most is None else min(length, at_most)
        body = b""
        with contextlib.suppress(ConnectionError):
            while len(body) < wanted and (more := self.rfile.read1(wanted - len(body))):
                body += more
        return body, len(body) == length

    def hold(self):
        """Until the other side ends the connection."""
        HELD.append(self.path)
        with contextlib.suppress(ConnectionError):
            while self.rfile.read1(1 << 16):
                pass

    def reply(self, status, body, headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if not (headers or {}).get("Content-Type"):
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def base(self):
        return f"http://{self.headers['Host']}"

    def add(self, things, name, thing, user):
        things[name], OWNERS[name], UNLISTED[name] = thing, user, self.unlisted

    # --- routes

    def route(self, path):
        for prefix, handler in (("/_control/", self.control), ("/soundcloud-auth/", self.soundcloud_auth), ("/soundcloud/", self.soundcloud),
                                ("/google/", self.google), ("/audius-storage/", self.storage), ("/audius/", self.audius)):
            if path.startswith(prefix):
                return handler(path[len(prefix):])
        raise Refused(404, {"error": "not_found"})

    def authorize(self, platform):
        STATE[platform].authorize(self.query)
        if self.command == "POST":
            return 302, None, {"Location": STATE[platform].allow(self.query)}
        page = (f"<!doctype html><html lang=en><meta charset=utf-8><title>Test {platform}</title><h1>Allow voxconv to publish on {html.escape(platform)}?</h1>"
                f"<form method=post action=\"{html.escape(self.path)}\"><button id=allow>Allow</button></form></html>").encode()
        return 200, page, {"Content-Type": "text/html"}

    def form(self):
        if self.headers.get("Content-Type", "").startswith("application/json"):
            return json.loads(self.body)
        return dict(urllib.parse.parse_qsl(self.body.decode()))

    def multipart(self):
        if not self.is_whole:
            raise Cut
        message = email.message_from_bytes(b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + self.body, policy=email.policy.HTTP)
        fields = {}
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            fields[name] = part.get_payload(decode=True)
        return fields

    # --- SoundCloud

    def soundcloud_auth(self, path):
        if path == "authorize":
            return self.authorize("soundcloud")
        if path == "oauth/token" and self.command == "POST":
            return 200, STATE["soundcloud"].token(self.form())
        raise Refused(404, {})

    def soundcloud(self, path):
        user = STATE["soundcloud"].check(self.headers, "OAuth")
        if path == "me":
            return 200, {"urn": f"soundcloud:users:{user}", "username": f"Test {user}"}
        if path == "me/tracks":
            return 200, {"collection": own(TRACKS, user), "next_href": None}
        if path == "tracks" and self.command == "POST":
            fields = self.multipart()
            sound = fields.get("track[asset_data]", b"")
            if not fields.get("track[title]") or not sound.startswith(b"fLaC"):
                raise Refused(422, {"errors": [{"error_message": "title and asset_data are needed"}]})
            number = len(OWNERS) + 1
            urn = f"soundcloud:tracks:{number}"
            text = {name[6:-1]: value.decode() for name, value in fields.items() if not name.endswith("_data]")}
            track = {"urn": urn, "permalink_url": f"https://soundcloud.com/test/{number}", "sha256": hashlib.sha256(sound).hexdigest(),
                     "artwork": len(fields.get("track[artwork_data]", b"")), **text}
            self.add(TRACKS, urn, track, user)
            return 201, track
        if path.startswith("tracks/") and self.command == "DELETE":
            if path[7:] not in TRACKS or OWNERS[path[7:]] != user:
                raise Refused(404, {})
            del TRACKS[path[7:]]
            return 200, {}
        raise Refused(404, {})

    # --- YouTube

    def take_quota(self, units):
        if QUOTA["left"] is not None:
            if QUOTA["left"] < units:
                raise Refused(403, {"error": {"code": 403, "errors": [{"reason": "quotaExceeded", "domain": "youtube.quota"}]}})
            QUOTA["left"] -= units

    def google(self, path):
        if path == "o/oauth2/v2/auth":
            return self.authorize("google")
        if path == "token":
            return 200, STATE["google"].token(self.form())
        user = STATE["google"].check(self.headers, "Bearer")
        if path == "youtube/v3/channels":
            return 200, {"items": [{"id": f"UC{user}", "snippet": {"title": f"Channel of {user}"}, "contentDetails": {"relatedPlaylists": {"uploads": f"UU{user}"}}}]}
        if path == "youtube/v3/playlistItems":
            return 200, {"items": [{"contentDetails": {"videoId": video["id"]}} for video in own(VIDEOS, self.query["playlistId"][2:])]}
        if path == "youtube/v3/videos" and self.command == "GET":
            return 200, {"items": [VIDEOS[video] for video in self.query["id"].split(",") if video in VIDEOS]}
        if path == "youtube/v3/videos" and self.command == "DELETE":
            self.take_quota(50)
            if OWNERS.get(self.query["id"]) != user or not VIDEOS.pop(self.query["id"], None):
                raise Refused(404, {})
            return 204, None
        if path == "upload/youtube/v3/videos":
            return self.begin_session() if self.command == "POST" else self.go_on(user)
        raise Refused(404, {})

    def begin_session(self):
        resource = json.loads(self.body)
        snippet = resource["snippet"]
        if not snippet["title"] or len(snippet["title"]) > 100 or re.search("[<>]", snippet["title"] + snippet["description"]):
            raise Refused(400, {"error": {"errors": [{"reason": "invalidTitle"}]}})
        self.take_quota(1600)
        session = secrets.token_urlsafe(12)
        SESSIONS[session] = {"resource": resource, "size": int(self.headers["X-Upload-Content-Length"]), "bytes": b"", "video": None}
        return 200, None, {"Location": f"{self.base()}/google/upload/youtube/v3/videos?uploadType=resumable&upload_id={session}"}

    def go_on(self, user):
        session = SESSIONS.get(self.query.get("upload_id"))
        if not session:
            raise Refused(404, {})
        asked = re.fullmatch(r"bytes (?:\*|(\d+)-(\d+))/(\d+)", self.headers.get("Content-Range", ""))
        if not asked or int(asked[3]) != session["size"]:
            raise Refused(400, {})
        if asked[1] is not None and not session["video"]:
            if int(asked[1]) != len(session["bytes"]):
                raise Refused(503, {})  # as the real one does with bytes out of order
            session["bytes"] += self.body
            if not self.is_whole:
                raise Cut
        if not session["video"] and len(session["bytes"]) == session["size"]:
            video = f"vid{len(OWNERS) + 1:08}"
            self.add(VIDEOS, video, {"id": video, **session["resource"], "sha256": hashlib.sha256(session["bytes"]).hexdigest()}, user)
            VIDEOS[video]["status"] = {**session["resource"]["status"], "privacyStatus": "private"}  # the project was not audited
            session["video"] = video
        if session["video"]:
            return 201, VIDEOS[session["video"]]
        count = len(session["bytes"])
        return 308, None, {"Range": f"bytes=0-{count - 1}"} if count else {}

    # --- Audius

    def audius(self, path):
        if path == "oauth/authorize":
            return self.authorize("audius")
        if path == "oauth/token":
            return 200, STATE["audius"].token(self.form())
        user = STATE["audius"].check(self.headers, "Bearer")
        if path == "oauth/me":
            return 200, {"data": {"userId": f"7e{user}", "handle": user, "name": "Tester"}}
        if path == f"users/7e{user}/tracks":
            return 200, {"data": own(AUDIUS, user)}
        if path == "tracks" and self.command == "POST":
            track = json.loads(self.body)
            known = [upload["cid"] for upload in FILES.values() if upload["template"] == "audio" and len(upload["bytes"]) == upload["size"]]
            if self.query.get("user_id") != f"7e{user}" or not track.get("title") or track.get("track_cid") not in known or not track.get("genre"):
                raise Refused(400, {"error": "bad request"})
            track_id = f"T{len(OWNERS) + 1}"
            self.add(AUDIUS, track_id, {"id": track_id, "permalink": f"/{user}/{track_id}", **track}, user)
            return 200, {"data": {"track_id": track_id}}
        if path.startswith("tracks/") and path[7:] in AUDIUS:
            if self.command == "DELETE":
                if OWNERS[path[7:]] != user:
                    raise Refused(404, {})
                del AUDIUS[path[7:]]
                return 200, {}
            return 200, {"data": AUDIUS[path[7:]]}
        raise Refused(404, {})

    def storage(self, path):
        if path == "files/" and self.command == "POST":
            metadata = dict(pair.split(" ") for pair in self.headers["Upload-Metadata"].split(","))
            name = secrets.token_hex(8)
            FILES[name] = {"size": int(self.headers["Upload-Length"]), "bytes": b"", "cid": f"cid-{name}",
                           "template": base64.b64decode(metadata["template"]).decode()}
            return 201, None, {"Location": f"/audius-storage/files/{name}"}
        upload = FILES.get(path.rsplit("/", 1)[1])
        if not upload:
            raise Refused(404, {})
        if path.startswith("uploads/"):
            done = len(upload["bytes"]) == upload["size"]
            return 200, {"status": "done" if done else "new", "results": {"320": upload["cid"]} if done else {}, "orig_file_cid": f"orig-{upload['cid']}"}
        if self.command == "HEAD":
            return 200, None, {"Upload-Offset": str(len(upload["bytes"]))}
        if int(self.headers["Upload-Offset"]) != len(upload["bytes"]):
            raise Refused(409, {})
        upload["bytes"] += self.body
        if not self.is_whole:
            raise Cut
        return 204, None, {"Upload-Offset": str(len(upload["bytes"]))}

    # --- control

    def control(self, name):
        order = json.loads(self.body or b"{}") if self.command == "POST" else {}
        if name == "faults":
            FAULTS[:] = order["faults"]
            HELD.clear()
        elif name in ("expire", "revoke"):
            for platform in STATE.values():
                platform.access.clear()
                if name == "revoke":
                    platform.refresh.clear()
        elif name == "quota":
            QUOTA["left"] = order["left"]
        elif name == "user":
            USER["name"] = order["name"]
        elif name == "list":
            UNLISTED.update(dict.fromkeys(UNLISTED, 0))
        elif name == "forget":
            SESSIONS.clear()
            FILES.clear()
        elif name != "state":
            raise Refused(404, {})
        return 200, {"tracks": TRACKS, "videos": VIDEOS, "audius": AUDIUS, "faults": FAULTS, "held": HELD, "log": LOG}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # whoever was killed sends nothing more
            super().handle_error(request, client_address)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--redirect", default="http")
    REDIRECT = parser.parse_args().redirect
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
