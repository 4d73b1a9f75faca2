#!/usr/bin/env python3
"""webwrap behind a real nginx with the configuration that is shipped: nginx_test.py PATH/TO/webwrap. Everything on loopback, on free ports.

Checks that uploads reach webwrap as files, that audio is sent by nginx (X-Accel-Redirect, with Range), that nobody gets at files or hands
over files past webwrap, and that clients are told apart by their own address. Exit status 77: there is no nginx here."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[3]
SECRET = "only-for-the-test"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configuration(port, webwrap_port, files):
    """The shipped configuration with its CHANGE lines changed."""
    text = (SOURCE / "webwrap/deploy/nginx.conf").read_text()
    text = text[: text.index("server {                                              # CHANGE: remove")]
    text = re.sub(r"server 127\.0\.0\.1:8080;", f"server 127.0.0.1:{webwrap_port};", text)
    text = re.sub(r"listen 443 ssl http2;", f"listen 127.0.0.1:{port};", text)
    text = re.sub(r"\n *ssl_certificate.*", "", text)
    text = text.replace("change-me", SECRET).replace("/var/lib/webwrap/blobs/files/", f"{files}/")
    assert SECRET in text and f":{port};" in text and f":{webwrap_port};" in text and str(files) in text
    return text


def wait_for(port, process):
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"a server ended with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("a server did not start in 30 s")


class Client:
    def __init__(self, port):
        self.port = port
        self.cookie = None

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Sec-Fetch-Site": "same-origin", **(headers or {})}
        if self.cookie:
            headers["Cookie"] = self.cookie
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        if answer.headers["Set-Cookie"]:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        connection.close()
        return answer.status, answer.headers, data


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"FAILED: {what}: expected {wanted!r}, got {got!r}")
    print(f"ok: {what}")


def checks(proxy, direct_port, data):
    files = data / "blobs/files"
    expect("the health check passes through", proxy.ask("GET", "/healthz")[0], 200)
    status, headers, _ = proxy.ask("POST", "/api/v1/guests", b"{}", {"Content-Type": "application/json"})
    expect("a guest is made", status, 201)

    size = 24_000_000
    payload = os.urandom(1_000_000) * 24
    tus = {"Tus-Resumable": "1.0.0"}
    status, headers, _ = proxy.ask("POST", "/api/v1/uploads", headers={**tus, "Upload-Length": str(size), "Content-Length": "0"})
    expect("an upload is made", status, 201)
    place = headers["Location"]
    part = {**tus, "Content-Type": "application/offset+octet-stream"}
    status, headers, _ = proxy.ask("PATCH", place, payload[:20_000_000], {**part, "Upload-Offset": "0"})
    expect("a part larger than webwrap itself takes goes through a file", (status, headers["Upload-Offset"]), (204, "20000000"))
    expect("HEAD tells the offset", proxy.ask("HEAD", place, headers=tus)[1]["Upload-Offset"], "20000000")
    forged = data / "forged"
    forged.write_bytes(b"x" * 4_000_000)
    status, _, _ = proxy.ask("PATCH", place, payload[20_000_000:], {**part, "Upload-Offset": "20000000", "X-Upload-File": str(forged), "X-Proxy-Secret": SECRET})
    expect("a part with a forged file name is taken", status, 204)
    upload = place.rsplit("/", 1)[1]
    expect("but what was sent was stored, not the forged file", (files / "recordings" / upload / "source").read_bytes() == payload, True)
    expect("nothing of the bodies is left behind", [p.name for p in (data / "nginx/bodies").rglob("*") if p.is_file()], [])
    status, _, _ = Client(proxy.port).ask("GET", "/healthz", headers={"X-Upload-File": str(forged)})
    expect("elsewhere the forged file name never arrives", status, 200)
    direct = Client(direct_port)
    expect("without the secret no file name is believed", direct.ask("PATCH", place, b"", {**part, "Upload-Offset": "0", "X-Upload-File": str(forged)})[0], 403)
    expect("a body past nginx' limit", proxy.ask("POST", "/api/v1/guests", b"x" * 2_000_000)[0], 413)

    # A recording as a worker would have left it.
    audio = os.urandom(300_000)
    (files / "recordings" / upload / "playable.mp3").write_bytes(audio)
    with sqlite3.connect(data / "webwrap.db", timeout=10) as database:
        database.execute("UPDATE recordings SET state = 'ready', playable = ? WHERE id = ?", (f"recordings/{upload}/playable.mp3", upload))
    listen = f"/api/v1/recordings/{upload}/audio"
    status, headers, body = proxy.ask("GET", listen)
    expect("audio comes whole", (status, body == audio, headers["Content-Type"]), (200, True, "audio/mpeg"))
    expect("with the security headers", (headers["X-Content-Type-Options"], "default-src" in (headers["Content-Security-Policy"] or "")), ("nosniff", True))
    status, headers, body = proxy.ask("GET", listen, headers={"Range": "bytes=1000-1999"})
    expect("and in parts", (status, headers["Content-Range"], body == audio[1000:2000]), (206, "bytes 1000-1999/300000", True))
    expect("webwrap sends none of it", len(direct_ask(direct_port, listen, proxy.cookie)), 0)
    expect("HEAD tells its length", proxy.ask("HEAD", listen)[1]["Content-Length"], "300000")
    expect("others do not get it", Client(proxy.port).ask("GET", listen)[0], 401)
    expect("nor does anybody past webwrap", proxy.ask("GET", f"/_files/recordings/{upload}/playable.mp3")[0], 404)
    expect("metrics from this machine", proxy.ask("GET", "/metrics")[0], 200)


def direct_ask(port, path, cookie):
    client = Client(port)
    client.cookie = cookie
    status, headers, body = client.ask("GET", path)
    expect("webwrap leaves the file to nginx", (status, headers["X-Accel-Redirect"].startswith("/_files/recordings/")), (200, True))
    return body


def end(process):
    if process and process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def main():
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not nginx:
        print("skipped: nginx is not installed (scripts/setup --tests)")
        return 77
    # Not below /tmp with mode 0700 only: nginx' workers may run as another user.
    with tempfile.TemporaryDirectory(prefix="webwrap-nginx-") as folder:
        data = pathlib.Path(folder)
        (data / "nginx").mkdir()
        port, webwrap_port = free_port(), free_port()
        (data / "webwrap.json").write_text(json.dumps({
            "port": webwrap_port, "data_dir": str(data), "workers": 0, "trust_proxy": True, "accel_prefix": "/_files/", "proxy_secret": SECRET,
            "public_url": f"http://127.0.0.1:{port}"}))
        user = "user root;\n" if os.getuid() == 0 else ""
        (data / "nginx.conf").write_text(
            f"{user}daemon off;\npid {data}/nginx/pid;\nerror_log {data}/nginx/error.log;\nworker_processes 1;\n"
            f"events {{ worker_connections 256; }}\nhttp {{\naccess_log off;\nclient_body_temp_path {data}/nginx/bodies;\nproxy_temp_path {data}/nginx/proxy;\n"
            f"fastcgi_temp_path {data}/nginx/f;\nuwsgi_temp_path {data}/nginx/u;\nscgi_temp_path {data}/nginx/s;\n"
            + configuration(port, webwrap_port, data / "blobs/files") + "}\n")
        webwrap = proxy = None
        try:
            webwrap = subprocess.Popen([sys.argv[1], "serve", "--config", str(data / "webwrap.json")])
            proxy = subprocess.Popen([nginx, "-c", str(data / "nginx.conf"), "-e", str(data / "nginx/error.log")])
            wait_for(webwrap_port, webwrap)
            wait_for(port, proxy)
            checks(Client(port), webwrap_port, data)
        except BaseException:
            print((data / "nginx/error.log").read_text() if (data / "nginx/error.log").exists() else "", file=sys.stderr)
            raise
        finally:
            end(proxy)
            end(webwrap)
        expect("webwrap ends with status 0", webwrap.returncode, 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
