"""The real service and the fake Stripe that it talks to, for tests over HTTP. The arguments of such a test are path/to/webwrap
path/to/fake_stripe.py; both are started here, on the loopback interface."""
import json
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

from api_client import Client

WEBWRAP, FAKE = sys.argv[1:3]
KEY = "sk_test_never_to_be_logged"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, seconds=30):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return found


class Fake:
    """Stripe, and what happens there."""

    def __init__(self, webhook, secret):
        self.process = subprocess.Popen([sys.executable, "-B", FAKE, "--key", KEY, "--webhook", webhook, "--secret", secret],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.client = Client(self.port)

    def control(self, name, **order):
        answer = self.client.send("GET" if name == "state" else "POST", f"/_control/{name}", None if name == "state" else order)
        assert answer.status == 200, f"{name}: {answer}"
        return answer.json

    def call(self, method, path, **form):
        """Of Stripe's own API."""
        return self.client.send(method, path, urllib.parse.urlencode(form).encode() if form else None,
                                {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"})

    def behave(self):
        """As the real one does on its good days."""
        self.control("delivery", hold=False, copies=1, delay_s=0, drop=0)
        self.control("faults", faults=[])

    @property
    def objects(self):
        return self.control("state")["objects"]

    def all(self, kind):
        return [one for one in self.objects.values() if one["object"] == kind]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Server:
    def __init__(self, folder):
        self.folder, self.port, self.process = pathlib.Path(folder), free_port(), None
        self.config, self.log_path = self.folder / "config.json", self.folder / "log"

    def configure(self, stripe_port, settings):
        self.config.write_text(json.dumps({
            "data_dir": str(self.folder / "data"), "port": self.port, "workers": 0, "signups_per_day": 10000, "stripe_secret_key": KEY,
            "stripe_api_base": f"http://127.0.0.1:{stripe_port}", **settings}))

    def start(self):
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen([WEBWRAP, "serve", "--config", str(self.config)], stdout=log, stderr=log)

        def up():
            assert self.process.poll() is None, f"webwrap ended: {self.log()[-3000:]}"
            try:
                return Client(self.port).send("GET", "/healthz").status == 200
            except OSError:
                return False

        wait_for(up, 60)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=60)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def rows(self, sql, *values):
        database = sqlite3.connect(self.folder / "data" / "webwrap.db", timeout=30)
        try:
            with database:
                return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def audit(self):
        done = subprocess.run([WEBWRAP, "audit", "--config", str(self.config)], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def run(cases, secrets, settings, begin):
    """Runs test cases against a service with these settings, of which begin(fake, server) is told; `secrets`: of the webhook, Stripe's own
    last. The exit status: 0 where the tests pass, the books are right in the end and the log holds no secret."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        fake = Fake(f"http://127.0.0.1:{server.port}/api/v1/stripe/webhook", secrets[-1])
        try:
            server.configure(fake.port, {"stripe_webhook_secrets": secrets, **settings})
            server.start()
            begin(fake, server)
            tests = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(one) for one in cases)
            result = unittest.TextTestRunner(verbosity=2).run(tests)
            server.stop()
            code, words = server.audit()
            leaked = [secret for secret in (KEY, *secrets) if secret in server.log()]
            if not result.wasSuccessful():
                print(server.log()[-6000:])
            print("audit:", words)
            print("secrets in the log:", leaked)
            return 0 if result.wasSuccessful() and code == 0 and not leaked else 1
        finally:
            fake.stop()
            if server.process and server.process.poll() is None:
                server.process.kill()
