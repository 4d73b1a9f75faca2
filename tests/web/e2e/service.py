"""Starts what the browser talks to: the fake Stripe and `webwrap serve`, on free loopback ports, with a data folder of their own."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

FAKE_STRIPE = pathlib.Path(__file__).resolve().parents[2] / "fake_stripe" / "fake_stripe.py"
KEY, SECRET = "sk_test_e2e", "whsec_e2e"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    def __init__(self, webwrap, work, settings=None):
        self.settings = settings or {}
        self.webwrap, self.work, self.processes = webwrap, pathlib.Path(work), []
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.work / "webwrap.log"
        self.config = self.work / "config.json"

    def __enter__(self):
        try:
            webhook = f"{self.url}/api/v1/stripe/webhook"
            stripe = self.start([sys.executable, str(FAKE_STRIPE), "--key", KEY, "--webhook", webhook, "--secret", SECRET], subprocess.PIPE)
            stripe_port = self.stripe_port = int(stripe.stdout.readline().decode())
            self.config.write_text(json.dumps({
                "port": self.port, "data_dir": str(self.work / "data"), "workers": 1, "worker_threads": 1,
                "job_time_s": 600, "previews_per_day": 50, "signups_per_day": 50, "free_credits": 2, "contact": "hello@example.org", "earnings_every_s": 0.5,
                "stripe_secret_key": KEY, "stripe_api_base": f"http://127.0.0.1:{stripe_port}", "stripe_webhook_secrets": [SECRET],
                **self.settings}))
            self.log.unlink(missing_ok=True)
            self.serve()
            return self
        except BaseException:
            self.__exit__()
            raise

    def serve(self):
        with open(self.log, "ab") as log:
            server = self.start([self.webwrap, "serve", "--config", str(self.config)], log, log)
        for _ in range(300):
            if server.poll() is not None:
                raise RuntimeError(f"webwrap serve ended with {server.returncode}:\n{self.tail()}")
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=2).read()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise RuntimeError(f"webwrap serve did not answer within a minute:\n{self.tail()}")

    def kill(self):
        """The server and its workers end at once, as by a loss of power; serve() starts them again."""
        os.killpg(self.processes[-1].pid, signal.SIGKILL)
        self.processes[-1].wait()

    def start(self, command, out, err=None):
        # A group of its own, so that the workers end with their server.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
        self.processes.append(process)
        return process

    def audit(self):
        """The exit status of `webwrap audit`, and what it printed."""
        done = subprocess.run([self.webwrap, "audit", "--config", str(self.config)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def link(self, page):
        """The last link to this page that was mailed: without a mail server, mails are in the log."""
        found = re.findall(rf"{self.url}(/app/{page}\?token=[\w-]+)", self.log.read_text(errors="replace"))
        return found[-1] if found else None

    def tail(self):
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    pass
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            if process.stdout:
                process.stdout.close()
