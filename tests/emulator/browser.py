"""A real browser without a window, told what to do over a pipe (the DevTools protocol): no driver, no port."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")

LAUNCH = """
import fcntl, os, sys
reading, writing = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(reading, 3)
os.dup2(writing, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The browser reads from 3 and writes to 4."""


class Browser:
    """Chromium with one empty page, and a profile of its own in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.requested: list[str] = []
        """Every URL that the page asked for."""
        self.complaints: list[str] = []
        """What the browser held against the page: errors of scripts, refused requests, forbidden content."""
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        self._numbers = itertools.count(1)
        self._rest = b""
        flags = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
            f"--user-data-dir={folder}", "--remote-debugging-pipe",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(to_browser), str(from_browser), str(CHROMIUM), *flags],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._session = ""
        page = self.tell("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.tell("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.tell(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._session = ""
        self.tell("Browser.close")
        self._process.wait(timeout=10)
        os.close(self._in)
        os.close(self._out)

    def open(self, url: str) -> None:
        """Go to a page, and forget what was noted of the last one."""
        self.requested.clear()
        self.complaints.clear()
        self.tell("Page.navigate", url=url)

    def value(self, script: str) -> Any:
        """What a JavaScript expression says in the page; promises are waited for."""
        answer = self.tell("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def text(self) -> str:
        """What a person reads on the page."""
        return str(self.value("document.body?.innerText"))

    def wait(self, script: str, seconds: float = 15) -> None:
        """Wait until an expression is true in the page."""
        deadline = time.monotonic() + seconds
        while not self.value(script):
            assert time.monotonic() < deadline, f"{script} is never true:\n{self.text()}"
            time.sleep(0.05)

    def picture(self, file: Path, *, width: int = 1280, height: int = 800) -> None:
        """Keep what a window of this size shows as PNG."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        file.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot", format="png")["data"]))

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Run a command of the protocol."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._out, json.dumps(command).encode() + b"\0")
        while True:
            message = self._read()
            if message.get("id") == number:
                assert "error" not in message, (method, message["error"])
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._in, 1 << 20)
            assert more, "the browser ended"
            self._rest += more
        text, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        said = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requested.append(said["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(said["exceptionDetails"]))
            case "Log.entryAdded" if said["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")
