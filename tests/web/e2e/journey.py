"""What every journey in a real browser begins and ends with: the packages it needs, the service, members, pictures of what went wrong.

A journey's file is run as FILE WEBWRAP WORK_DIR [unittest's arguments]. Pictures of every state are left in WORK_DIR/shots. It ends with 77
(skipped) where Chromium, its driver or Selenium are missing."""
import pathlib
import shutil
import sys
import unittest

try:
    import selenium  # noqa: F401
except ImportError:
    selenium = None
MISSING = [name for name in ("chromium", "chromedriver") if not shutil.which(name)] + ([] if selenium else ["python3-selenium"])
if MISSING:
    print(f"SKIPPED: the browser test needs {', '.join(MISSING)} (Debian: chromium chromium-driver python3-selenium)")
    sys.exit(77)

from browser import DESKTOP, PHONE, Browser, fetch_axe  # noqa: E402, F401
from service import Service  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data"
PASSWORD = "a long enough sentence"
CONVERTED_WITHIN = 600  # seconds that a job may take, on two slow cores that do other things, too


class Journey(unittest.TestCase):
    maxDiff = None

    @classmethod
    def prepare(cls):
        """What a journey sets up before its service starts; gives the service's settings."""
        return {}

    @classmethod
    def setUpClass(cls):
        cls.shots, cls.downloads, cls.run_folder = (cls.work / name for name in ("shots", "downloads", "run"))
        for folder in (cls.shots, cls.downloads, cls.run_folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        cls.axe = fetch_axe(cls.work / "axe")
        if cls.axe is None:
            print("NOTE: axe-core could not be fetched; the accessibility rules are not checked")
        cls.service = Service(cls.webwrap, cls.run_folder, cls.prepare())
        cls.service.__enter__()
        cls.addClassCleanup(cls.service.__exit__)

    def run(self, result):
        self.result = result
        return super().run(result)

    def setUp(self):
        self.browsers = []

    def tearDown(self):
        if any(test is self for test, _ in self.result.errors + self.result.failures):
            for number, browser in enumerate(self.browsers):
                browser.driver.save_screenshot(str(self.shots / f"FAILED-{self._testMethodName}-{number}.png"))

    def new_browser(self, microphone=None):
        browser = Browser(self.service.url, self.shots, self.axe, microphone, self.downloads)
        self.addCleanup(browser.close)
        self.browsers.append(browser)
        return browser

    def register(self, b, email):
        """Makes an account; gives the link that was mailed to confirm its address."""
        before = self.service.link("verify")
        b.open("/app/signup")
        b.find("input[type=email]").send_keys(email)
        b.find("input[type=password]").send_keys(PASSWORD)
        b.press(b.button("Create my account"))
        b.find(".sources")
        return b.until(lambda: (link := self.service.link("verify")) != before and link, message="no mail")

    def confirm(self, b, link):
        b.open(link)
        b.until(lambda: "confirmed" in b.text("h1"), message="the address was not confirmed")

    def sign_up(self, b, email):
        self.confirm(b, self.register(b, email))

    def audited(self):
        """The books agree with each other."""
        status, words = self.service.audit()
        self.assertEqual(status, 0, words)

    def fine(self):
        """Nothing was wrong on any page that was looked at."""
        self.assertEqual([problem for browser in self.browsers for problem in browser.problems], [])


def main():
    Journey.webwrap, Journey.work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    Journey.work.mkdir(parents=True, exist_ok=True)
    unittest.main("__main__", argv=[sys.argv[0], "-v", *sys.argv[3:]])
