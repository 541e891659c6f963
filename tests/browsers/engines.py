"""How each of the three browsers is started and ended."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.browsers import processes
from tests.browsers.browser import Browser
from tests.browsers.wire import DriverError, HttpWire, MarionetteWire
from tests.running import clean_environment, eventually, free_port

ENGINES = ("chromium", "firefox", "webkit")

# A page with a stream in an <img> may never be loaded. WebKit takes its first frame for the whole; without waiting for
# that it would run scripts in the process of the page before.
_IMPATIENT = {"pageLoadStrategy": "none"}
_CHROMIUM = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
]
_FIREFOX = {
    "marionette.port": 0,  # it writes the one that it got into its profile
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}
# The window is as wide as its toolbar, and a phone's page has 390 pixels. Pages are not drawn with GTK's style.
_NARROW_TOOLBAR = "* { margin: 0; padding: 0; min-width: 0; min-height: 0; }"
_RENDERERS = {"chromium": "--type=renderer", "firefox": " tab", "webkit": "WebKitWebProcess"}


class Running:
    """A browser that runs, and its processes."""

    def __init__(self, browser: Browser, pid: int) -> None:
        self.browser = browser
        self._pid = pid

    @property
    def renderer_memory(self) -> float:
        """The resident memory, in MB, of the processes that have pages: the greatest counts."""
        mark = _RENDERERS[self.browser.name]
        pids = [pid for pid, command in processes.tree(self._pid).items() if mark in command]
        return max(processes.resident(pid) for pid in pids)


@contextmanager
def start(engine: str, directory: Path) -> Iterator[Running]:
    """Start a browser that has its home in an empty folder, and end all of its processes."""
    directory.mkdir(parents=True, exist_ok=True)
    environment = clean_environment(
        HOME=str(directory),
        XDG_RUNTIME_DIR=str(directory),
        NO_AT_BRIDGE="1",
        DBUS_SESSION_BUS_ADDRESS="disabled:",
    )
    starters = {"chromium": _chromium, "firefox": _firefox, "webkit": _webkit}
    with (directory / "log").open("wb") as log, starters[engine](directory, environment, log) as running:
        yield running


@contextmanager
def _process(command: list[str], environment: dict[str, str], log: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield process
    finally:
        processes.end(process.pid)
        process.wait()


@contextmanager
def _driven(command: list[str], environment: dict[str, str], log: Any, capabilities: dict[str, Any]) -> Iterator[Any]:
    """Run a driver that listens on HTTP, and with it a browser."""
    port = free_port()
    with _process([*command, f"--port={port}"], environment, log) as process:
        eventually(lambda: _listens(port), "a driver that listens")
        wire = HttpWire(port, capabilities)
        try:
            yield wire, process.pid
        finally:
            with suppress(DriverError, OSError):  # one that hangs is ended all the same
                wire.close()


@contextmanager
def _chromium(directory: Path, environment: dict[str, str], log: Any) -> Iterator[Running]:
    binary = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    options = {"binary": binary, "args": [*_CHROMIUM, f"--user-data-dir={directory / 'profile'}"]}
    with _driven(["chromedriver"], environment, log, _IMPATIENT | {"goog:chromeOptions": options}) as (wire, pid):
        yield Running(Chromium("chromium", wire, wire.version), pid)


@contextmanager
def _webkit(directory: Path, environment: dict[str, str], log: Any) -> Iterator[Running]:
    mini_browser = next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    options = {"binary": str(mini_browser), "args": ["--automation"]}
    style = directory / ".config/gtk-3.0/gtk.css"
    style.parent.mkdir(parents=True)
    style.write_text(_NARROW_TOOLBAR)
    with _screen(log) as display:
        # Its sandbox wants namespaces, which a container may not have.
        environment |= {
            "DISPLAY": display,
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        with _driven(["WebKitWebDriver"], environment, log, {"webkitgtk:browserOptions": options}) as (wire, pid):
            yield Running(Browser("webkit", wire, wire.version), pid)


@contextmanager
def _firefox(directory: Path, environment: dict[str, str], log: Any) -> Iterator[Running]:
    profile = directory / "profile"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in _FIREFOX.items()]
    (profile / "user.js").write_text("".join(lines))
    port_file = profile / "MarionetteActivePort"
    command = ["firefox-esr", "--headless", "--marionette", "--remote-allow-system-access", "--profile", str(profile)]
    with _process(command, environment, log) as process:
        port = eventually(lambda: port_file.read_text() if port_file.exists() else "", "a Firefox that listens")
        wire = MarionetteWire(int(port), _IMPATIENT)
        try:
            yield Running(Firefox("firefox", wire, wire.version), process.pid)
        finally:
            with suppress(DriverError, OSError):  # one that hangs is ended all the same
                wire.close()


@contextmanager
def _screen(log: Any) -> Iterator[str]:
    """Run an X server without a screen, for a browser that knows no headless mode; yields its display."""
    assert shutil.which("Xvfb"), "the package xvfb is missing"
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, stdout=log, stderr=log, pass_fds=[writing])
    os.close(writing)
    try:
        with os.fdopen(reading) as display:
            yield f":{display.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Chromium(Browser):
    """Chromium, whose window cannot be narrower than 500 pixels, but its page can."""

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._wire.send("ExecuteCdpCommand", cmd="Emulation.setDeviceMetricsOverride", params=metrics)


class Firefox(Browser):
    """Firefox, whose own style keeps its window from becoming narrower than 500 pixels."""

    def resize(self, width: int, height: int) -> None:
        self._wire.send("SetContext", value="chrome")
        self.evaluate("() => { document.documentElement.style.minWidth = '0'; }")
        self._wire.send("SetContext", value="content")
        super().resize(width, height)
