#!/usr/bin/env python3
"""An HTTP server of files that misbehaves on demand, on the loopback interface only, for tests of downloads.

Run: model_server.py FOLDER; the port is the first line of stdout. GET /BEHAVIOUR/NAME answers with FOLDER/NAME, where BEHAVIOUR is one of

  good          with ETag and ranges (also after If-Range)
  plain         always the whole file, no ETag
  cut           with ranges; every answer breaks off after some random bytes
  die           the first answer breaks off half way, later ones at once
  changed       like die for the first answer, then NAME.new with another ETag
  wrongrange    answers a range with the beginning of the file
  redirect      302 to good; loop: 302 to itself; away: 302 to a server elsewhere, by http
  404, 500      that status
  stall         half the file, then nothing
  slow          20 pieces, 0.1 s apart
  longer        one byte more, with a Content-Length that says so; unending: more and more bytes without Content-Length
  shorter       one byte less, with a Content-Length that says so; ended: half the file, without Content-Length
  flipped       one bit wrong
  html          200 and a page about an error

GET /log: the requests so far, one a line: path, Range and If-Range. GET /forget empties it and the counts of "die" and "changed".
"""
import http.server
import pathlib
import random
import socket
import struct
import sys
import time

FOLDER = pathlib.Path(sys.argv[1])
log: list[str] = []
asked: dict[str, int] = {}
chance = random.Random(1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def start(self, status, length, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        else:
            self.close_connection = True
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def hang_up(self):
        """Resets the connection, as a dying server does."""
        self.wfile.flush()
        time.sleep(0.05)  # what was sent shall arrive: a reset overtakes it
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def answer(self, content, etag, stop_after=None):
        """The file or the rest of it; breaks off after `stop_after` bytes."""
        begin, status, headers = 0, 200, {"ETag": etag, "Accept_Ranges": "bytes"}
        asked_range = self.headers.get("Range", "")
        if asked_range and self.headers.get("If-Range", etag) == etag:
            begin = int(asked_range.removeprefix("bytes=").removesuffix("-"))
            if begin >= len(content):
                self.start(416, 0, Content_Range=f"bytes */{len(content)}")
                return
            status, headers["Content_Range"] = 206, f"bytes {begin}-{len(content) - 1}/{len(content)}"
        body = content[begin:]
        self.start(status, len(body), **headers)
        if stop_after is None or stop_after >= len(body):
            self.wfile.write(body)
        else:
            self.wfile.write(body[:stop_after])
            self.hang_up()

    def do_GET(self):
        if self.path == "/log":
            text = "".join(log).encode()
            self.start(200, len(text))
            self.wfile.write(text)
            return
        if self.path == "/forget":
            log.clear()
            asked.clear()
            self.start(200, 0)
            return
        log.append(f"{self.path} {self.headers.get('Range', '-')} {self.headers.get('If-Range', '-')}\n")
        count = asked[self.path] = asked.get(self.path, 0) + 1
        _, behaviour, name = self.path.split("/", 2)
        content = (FOLDER / name).read_bytes()
        half = len(content) // 2
        if behaviour == "good":
            self.answer(content, '"one"')
        elif behaviour == "plain":
            self.start(200, len(content))
            self.wfile.write(content)
        elif behaviour == "cut":
            self.answer(content, '"one"', chance.randint(1, half))
        elif behaviour == "die":
            self.answer(content, '"one"', half if count == 1 else 0)
        elif behaviour == "changed":
            if count <= 2:
                self.answer(content, '"one"', half if count == 1 else 0)
            else:
                self.answer((FOLDER / (name + ".new")).read_bytes(), '"two"')
        elif behaviour == "wrongrange":
            self.start(206, half, Content_Range=f"bytes 0-{half - 1}/{len(content)}", ETag='"one"')
            self.wfile.write(content[:half])
        elif behaviour == "redirect":
            self.start(302, 0, Location=f"/good/{name}")
        elif behaviour == "loop":
            self.start(302, 0, Location=self.path)
        elif behaviour == "away":
            self.start(302, 0, Location=f"http://weights.example/{name}")
        elif behaviour in ("404", "500"):
            self.start(int(behaviour), 5)
            self.wfile.write(b"sorry")
        elif behaviour == "stall":
            self.start(200, len(content))
            self.wfile.write(content[:half])
            self.wfile.flush()
            time.sleep(20)
        elif behaviour == "slow":
            self.start(200, len(content), ETag='"one"')
            step = len(content) // 20 + 1
            for begin in range(0, len(content), step):
                self.wfile.write(content[begin : begin + step])
                self.wfile.flush()
                time.sleep(0.1)
        elif behaviour == "longer":
            self.start(200, len(content) + 1)
            self.wfile.write(content + b"x")
        elif behaviour == "unending":
            self.start(200, None)
            while True:
                self.wfile.write(content)
        elif behaviour == "shorter":
            self.start(200, len(content) - 1)
            self.wfile.write(content[:-1])
        elif behaviour == "ended":
            self.start(200, None)
            self.wfile.write(content[:half])
        elif behaviour == "flipped":
            self.start(200, len(content), ETag='"one"')
            self.wfile.write(content[:-1] + bytes([content[-1] ^ 1]))
        elif behaviour == "html":
            page = b"<!doctype html><title>Sign in</title>"
            self.start(200, len(page))
            self.wfile.write(page)

    def handle(self):
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError, ValueError):  # the other side left, or hang_up() did
            pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
