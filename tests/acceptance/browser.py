"""A real browser for the tests: headless Chromium, driven over the DevTools protocol.

Only what the tests use of https://chromedevtools.github.io/devtools-protocol/, so that no browser
driver need be installed. Everything that a page complains about (exceptions, console errors, broken
policy) and every address that it asks for is kept, for the test to look at.
"""

import asyncio
import base64
import contextlib
import json
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.acceptance.programs import program

ALONE: Final = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)

# Seconds. Generous: a page of 7 MB on a machine that does other things too.
PATIENCE: Final = 60.0

# The middle of the button, link or menu item of that name, if a press there would reach it.
_PLACE: Final = """(() => {
  const named = (it) => (it.ariaLabel ?? it.innerText ?? "").trim();
  const all = [...(%s).querySelectorAll("button, [role=menuitem], summary, a")];
  const it = all.find((it) => named(it) === %s && !it.disabled);
  if (!it) return null;
  it.scrollIntoView({ block: "nearest", inline: "nearest" });
  const { left, top, width, height } = it.getBoundingClientRect();
  const [x, y] = [left + width / 2, top + height / 2];
  return it.contains(document.elementFromPoint(x, y)) ? { x, y } : null;
})()"""


@dataclass
class Page:
    """One tab."""

    socket: ClientConnection
    session: str = ""
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol; raises RuntimeError with the browser's words."""
        number = len(self._answers) + 1
        self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        await self.socket.send(json.dumps(message))
        answer = await asyncio.wait_for(self._answers[number], PATIENCE)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    async def listen(self) -> None:
        """Reads until the browser goes."""
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                self._answers[message["id"]].set_result(message)
            else:
                self._note(message["method"], message["params"])

    def _note(self, event: str, params: dict[str, Any]) -> None:
        match event:
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                thrown = details.get("exception", {}).get("description", "")
                self.complaints.append(f"{details['text']} {thrown}")
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "assert", "warning"}:
                words = (str(a.get("value", a.get("description"))) for a in params["args"])
                self.complaints.append(f"console.{params['type']}: {' '.join(words)}")
            case "Log.entryAdded" if params["entry"]["level"] in {"error", "warning"}:
                entry = params["entry"]
                self.complaints.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.requested.append(params["url"])
            case _:
                pass

    async def open(self, url: str) -> None:
        """Goes to `url`. What is on it may still be coming: `until` waits for it."""
        for domain in ("Runtime", "Log", "Network", "Page"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        answer = await self.call(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def until(self, script: str, patience: float = PATIENCE) -> Any:
        """The value of the expression once it is true; fails after `patience` seconds."""
        end = asyncio.get_running_loop().time() + patience
        while not (value := await self.run(script)):
            if asyncio.get_running_loop().time() > end:
                seen = await self.run("document.body.innerText")
                pytest.fail(f"never true: {script}\ncomplaints: {self.complaints}\npage: {seen}")
            await asyncio.sleep(0.05)
        return value

    async def click(self, name: str, within: str = "document") -> None:
        """Presses the mouse on what has this name, once it is there and nothing covers it."""
        place = await self.until(_PLACE % (within, json.dumps(name)))
        for event in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=event, **place, button="left", clickCount=1
            )

    async def write(self, selector: str, text: str) -> None:
        """Types into a field, in place of what is in it."""
        await self.until(f"Boolean(document.querySelector({json.dumps(selector)}))")
        await self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.run("document.activeElement.select?.()")
        await self.call("Input.insertText", text=text)

    async def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """The size of the window in CSS pixels, and the visitor's colour scheme."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 700,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self) -> bytes:
        """What is on screen, as PNG."""
        answer = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])


async def _address(profile: Path) -> str:
    """Where the browser listens: it writes port and path into its profile when it does."""
    port_file = profile / "DevToolsActivePort"
    end = asyncio.get_running_loop().time() + PATIENCE
    while True:
        with contextlib.suppress(FileNotFoundError, ValueError):
            port, path = port_file.read_text().split("\n")
            return f"ws://127.0.0.1:{port}{path}"
        if asyncio.get_running_loop().time() > end:
            pytest.fail("Chromium did not start")
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Page]:
    """A new browser with an empty profile and one empty tab; gone at the end with all it wrote."""
    browser = program("chromium", "chromium-browser", "google-chrome", package="chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            browser,
            *_FLAGS,
            *flags,
            f"--user-data-dir={profile}",
            "about:blank",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with connect(await _address(Path(profile)), max_size=None) as socket:
                page = Page(socket)
                reader = asyncio.create_task(page.listen())
                target = await page.call("Target.createTarget", url="about:blank")
                attached = await page.call(
                    "Target.attachToTarget", targetId=target["targetId"], flatten=True
                )
                page.session = attached["sessionId"]
                yield page
                reader.cancel()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            await process.wait()
