"""A headless Chromium, driven by its DevTools protocol: enough to try a page."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import re
import shutil
import subprocess
import time


def find():
    """Path of the browser, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Page:
    """One page of a browser."""

    def __init__(self, socket):
        self._socket = socket
        self._numbers = itertools.count(1)

    def call(self, method, **params):
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def evaluate(self, script):
        """Run JavaScript in the page and return its value."""
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, script, seconds=60):
        """Evaluate until the value is true, and return it."""
        end = time.monotonic() + seconds
        while not (value := self.evaluate(script)):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.05)
        return value

    def open(self, url, width=1200, height=900, scheme="light", phone=False):
        """Go to an address and wait until it is loaded."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.wait('location.href !== "about:blank" && document.readyState === "complete"')

    def press(self, key):
        """Press a key, such as ``"Enter"`` or ``"/"``, where the focus is."""
        codes = {
            "Enter": 13,
            "Tab": 9,
            "Escape": 27,
            "Backspace": 8,
            "ArrowRight": 39,
            "ArrowDown": 40,
        }
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        what = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0])), "text": text}
        self.call("Input.dispatchKeyEvent", type="keyDown", **what)
        self.call("Input.dispatchKeyEvent", type="keyUp", **what)

    def screenshot(self, path, *, whole=False):
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))


@contextlib.contextmanager
def open_page(url, profile):
    """Start Chromium with ``url`` open, and end it."""
    from websockets.sync.client import connect

    # --no-sandbox: the tests may run as root, and open only our own page
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    flags += ["--remote-debugging-port=0", f"--user-data-dir={profile}", "--window-size=800,700"]
    process = subprocess.Popen([find(), *flags, url], stderr=subprocess.PIPE, text=True)
    try:
        lines = iter(process.stderr.readline, "")
        address = next(m[1] for x in lines if (m := re.search(r"listening on (ws://\S+)", x)))
        with connect(address, max_size=None) as socket:
            browser = Page(socket)
            target = _wait_for_target(browser, url)
        page_address = re.sub(r"/devtools/.*", f"/devtools/page/{target}", address)
        with connect(page_address, max_size=None) as socket:
            yield Page(socket)
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


def _wait_for_target(browser, url):
    for _ in range(400):
        for target in browser.call("Target.getTargets")["targetInfos"]:
            if target["type"] == "page" and target["url"].startswith(url):
                return target["targetId"]
        time.sleep(0.05)
    raise AssertionError("the browser never opened the page")
