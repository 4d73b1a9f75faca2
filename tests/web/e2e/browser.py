"""A headless Chromium that looks at itself: screenshots on a phone and on a desktop, overflow, console errors, accessibility rules."""
import base64
import pathlib
import shutil
import subprocess
import time

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service as DriverService
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PHONE, DESKTOP = (390, 844, True), (1440, 900, False)
AXE_VERSION = "4.14.1"


def fetch_axe(folder):
    """The accessibility checker axe-core (MPL-2.0) as source text, fetched for tests only; None where that is not possible."""
    found = pathlib.Path(folder) / "node_modules" / "axe-core" / "axe.min.js"
    if not found.exists() and shutil.which("npm"):
        subprocess.run(["npm", "install", "--silent", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0", "--prefix", str(folder),
                        f"axe-core@{AXE_VERSION}"], timeout=120, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return found.read_text() if found.exists() else None


class Browser:
    def __init__(self, url, shots, axe=None, microphone=None, downloads=None):
        self.url, self.shots, self.axe = url, pathlib.Path(shots), axe
        self.problems = []
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--mute-audio", "--lang=en-GB",
                     "--autoplay-policy=no-user-gesture-required", "--force-prefers-reduced-motion", "--use-fake-ui-for-media-stream",
                     "--use-fake-device-for-media-stream"):
            options.add_argument(flag)
        if microphone:
            options.add_argument(f"--use-file-for-fake-audio-capture={microphone}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=DriverService(shutil.which("chromedriver")), options=options)
        self.driver.set_script_timeout(60)
        if downloads:
            self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
        self.size(*DESKTOP)

    def close(self):
        self.driver.quit()

    def size(self, width, height, mobile):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "screenWidth": width, "screenHeight": height, "deviceScaleFactor": 1, "mobile": mobile})

    def line(self, upload=-1, offline=False):
        """The connection: bytes a second upwards, or none at all."""
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions",
                                    {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload})

    def scheme(self, name):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def open(self, path):
        self.driver.get(path if path.startswith("http") else self.url + path)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def module(self, name, expression):
        """What an expression over one of the app's modules, `it`, gives."""
        return self.driver.execute_async_script(f"const done = arguments[0]; import('/assets/js/{name}').then((it) => done({expression}), (error) => done(String(error)));")

    def find(self, css, timeout=20):
        """The first visible element that fits."""
        return self.until(lambda: next((e for e in self.driver.find_elements(By.CSS_SELECTOR, css) if e.is_displayed()), None), timeout,
                          f"no {css}")

    def text(self, css="main"):
        return self.find(css).text

    def button(self, words, within="main", timeout=20):
        """A button or link by the words on it or its label."""
        def look():
            for element in self.driver.find_elements(By.CSS_SELECTOR, f"{within} button, {within} a"):
                if element.is_displayed() and words.lower() in f"{element.text} {element.get_attribute('aria-label') or ''}".lower():
                    return element
            return None
        return self.until(look, timeout, f"no button {words!r}")

    def labelled(self, css, words):
        """The first visible element that fits and has these words."""
        return self.until(lambda: next((e for e in self.driver.find_elements(By.CSS_SELECTOR, css) if e.is_displayed() and words in e.text), None),
                          message=f"no {css} says {words!r}")

    def press(self, element):
        """A click in the middle of what is seen, as a finger does: fails where something else lies over it."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def until(self, check, timeout=20, message=""):
        # What was found may be replaced while it is looked at: then look again.
        return WebDriverWait(self.driver, timeout, 0.1, [StaleElementReferenceException]).until(lambda _: check(), message)

    def look(self, name, dark=False, console=True):
        """Keeps what is seen as pictures, phone and desktop, and notes what is wrong with it."""
        for width, height, mobile in (PHONE, DESKTOP):
            self.size(width, height, mobile)
            time.sleep(0.3)  # layout, fonts, canvas
            # Not innerWidth: a phone zooms out of what is too wide.
            over = self.run("return document.documentElement.scrollWidth") - width
            if over > 0:
                self.problems.append(f"{name} at {width}: {over} px too wide")
            tall = max(height, self.run("return document.documentElement.scrollHeight"))
            self.size(width, min(tall, 6000), mobile)
            for scheme in ("light", "dark") if dark else ("light",):
                self.scheme(scheme)
                time.sleep(0.2)
                picture = self.driver.execute_cdp_cmd("Page.captureScreenshot", {})["data"]
                (self.shots / f"{name}-{width}{'-dark' if scheme == 'dark' else ''}.png").write_bytes(base64.b64decode(picture))
                self.rules(f"{name} at {width}, {scheme}")
            self.scheme("light")
            self.size(width, height, mobile)
        if console:
            self.console(name)

    def rules(self, name):
        if not self.axe:
            return
        if not self.run("return Boolean(window.axe)"):
            self.run(self.axe)
        found = self.driver.execute_async_script("""
            const done = arguments[arguments.length - 1];
            axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(
              (result) => done(result.violations.map((rule) => `${rule.id}: ${rule.help}: ` +
                rule.nodes.slice(0, 3).map((node) => node.target.join(' ') + ' ' + (node.any[0]?.message ?? '')).join(' | '))),
              (error) => done([String(error)]));""")
        self.problems += [f"{name}: {violation}" for violation in found]

    def console(self, name, meant=None):
        """Notes the errors on our own pages (others, as the fake Stripe's, may lack an icon), but those with a word that was meant."""
        for line in self.driver.get_log("browser"):
            ours = not line["message"].startswith("http") or line["message"].startswith(self.url)
            if line["level"] == "SEVERE" and ours and not (meant and meant in line["message"]):
                self.problems.append(f"{name}: console: {line['message']}")
