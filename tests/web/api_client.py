"""What tests say to a running service, over the standard library alone: requests as a browser or a script sends them, and raw bytes."""
import base64
import http.client
import json
import pathlib
import re
import socket
import time

API = "/api/v1"
PASSWORD = "three singing magpies"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Client:
    """One visitor: keeps its cookies, sends what browsers send of where a request comes from; or a script with an API token."""

    def __init__(self, port, token=None):
        self.port, self.token, self.cookies = port, token, {}

    def send(self, method, path, body=None, headers=None, site="same-origin"):
        """`body`: bytes, or what is sent as JSON."""
        sent = {}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if site:
            sent["Sec-Fetch-Site"] = site
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, sent)
            reply = connection.getresponse()
            answer = Answer(reply.status, reply.headers, reply.read())
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
            if not self.cookies[name]:
                del self.cookies[name]
        return answer

    def api(self, method, path, body=None, headers=None, **more):
        return self.send(method, API + path, body, headers, **more)

    def must(self, status, method, path, body=None, headers=None):
        answer = self.api(method, path, body, headers)
        assert answer.status == status, f"{method} {path}: {answer}"
        return answer

    def sign_up(self, email, log=None):
        """`log`: of the service, where mails are without a mail server; the link in this one is opened, and free credits come."""
        account = self.must(201, "POST", "/accounts", {"email": email, "password": PASSWORD}).json
        if log:
            self.must(204, "POST", "/verifications", {"token": mailed_token(log, email)})
        return account

    def upload(self, content, name="song.flac"):
        tus = {"Tus-Resumable": "1.0.0"}
        encoded = base64.b64encode(name if isinstance(name, bytes) else name.encode()).decode()
        made = self.must(201, "POST", "/uploads", None, {**tus, "Upload-Length": str(len(content)), "Upload-Metadata": f"filename {encoded}"})
        recording = made.headers["Location"].rsplit("/", 1)[1]
        self.must(204, "PATCH", f"/uploads/{recording}", content, {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"})
        return recording

    def wait(self, path, ended, seconds=300):
        """Polls until the state is one of `ended`; the last answer's JSON."""
        until = time.monotonic() + seconds
        while True:
            now = self.must(200, "GET", path).json
            if now["state"] in ended:
                return now
            assert time.monotonic() < until, f"{path} is still {now}"
            time.sleep(0.3)

    def make_song(self, content, title, voice, seconds=2.0, preview=False):
        """The ids of a recording and of a song made of its beginning."""
        recording = self.upload(content)
        state = self.wait(f"/recordings/{recording}", ("ready", "failed"))
        assert state["state"] == "ready", state
        job_request = {"recording": recording, "voice": voice, "title": title, "start_s": 1, "end_s": 1 + seconds, "preview": preview}
        job = self.must(201, "POST", "/jobs", job_request).json["id"]
        done = self.wait(f"/jobs/{job}", ("done", "failed", "cancelled"))
        assert done["state"] == "done", done
        return recording, done["song"]


def mailed_token(log, email):
    """The secret of the link in the last mail to this address."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        mails = [line for line in pathlib.Path(log).read_text(errors="replace").splitlines() if email in line and "?token=" in line]
        if mails:
            return re.search(r"\?token=([\w-]+)", mails[-1])[1]
        time.sleep(0.1)
    raise AssertionError(f"no mail to {email}")


def raw(port, data, seconds=10):
    """Sends bytes as they are and gives everything that comes back until the service closes or is silent for `seconds`."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        received = b""
        try:
            connection.sendall(data)
            while part := connection.recv(65536):
                received += part
        except (ConnectionError, TimeoutError):
            pass
        return received


def status_of(reply):
    """The status of a raw reply; None: nothing came."""
    return int(reply.split(b" ", 2)[1]) if reply.startswith(b"HTTP/1.1 ") else None
