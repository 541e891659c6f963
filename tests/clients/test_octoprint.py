"""A real OctoPrint takes snapshots for its timelapse from the appliance, on a printer that its own plugin simulates."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.clients.conftest import ENVIRONMENTS
from tests.clients.place import PASSWORD, Place
from tests.clients.program import Program
from tests.clients.table import shows
from tests.running import PATIENCE, eventually, free_port

KEY = "0123456789ABCDEF0123456789ABCDEF"
STARTS_WITHIN = 180.0  # s; the first time it compiles itself
OWN = """
api: {{ key: {key} }}
server: {{ host: 127.0.0.1, port: {port}, firstRun: false, onlineCheck: {{ enabled: false }},
  pluginBlacklist: {{ enabled: false }}, seenWizards: {{ classicwebcam: 1, tracking: 2, backup: null }} }}
webcam: {{ ffmpeg: /usr/bin/ffmpeg }}
"""
PLUGINS = """
plugins:
  virtual_printer: { enabled: true }
  tracking: { enabled: false }
  softwareupdate: { check_providers: {} }
"""
FIELDS = {  # of the templates of its plugin classicwebcam
    "Stream URL": "stream",
    "Snapshot URL": "snapshot",
    "Snapshot authentication": "snapshotAuth",
    "Snapshot username": "snapshotUsername",
    "Snapshot password": "snapshotPassword",
}
GCODE = "M107\n" + "G4 P500\n" * 200


class OctoPrint:
    """OctoPrint, which runs, and its interface."""

    def __init__(self, port: int, program: Program, base: Path) -> None:
        self._address = f"http://127.0.0.1:{port}/"
        self.program, self.base = program, base

    def ask(self, path: str, body: object = None, content_type: str = "application/json") -> Any:
        """Send a request; return the JSON of the answer. Raises URLError."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"X-Api-Key": KEY, "Content-Type": content_type}
        with urllib.request.urlopen(urllib.request.Request(self._address + path, data, headers), timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def runs(self) -> bool:
        """Return whether it answers."""
        assert self.program.status is None, self.program.output[-4000:]
        try:
            return bool(self.ask("api/version"))
        except (OSError, HTTPException, ValueError):  # what answers while it starts speaks no HTTP
            return False

    def printer_is(self, state: str) -> bool:
        """Return whether the printer is in that state."""
        return bool(self.ask("api/connection")["current"]["state"] == state)

    def test(self, address: str, types: str, **more: object) -> bool:
        """Press the button "Test" beside an address in the settings. The stream is for a browser: only its head."""
        command = {
            "command": "url",
            "url": address,
            "method": "GET" if types == "image/*" else "HEAD",
            "content_type_whitelist": [types],
            "content_type_guess": True,
            "timeout": PATIENCE,  # 3 s by default, which a busy machine may take
            **more,
        }
        return bool(self.ask("api/util/test", command)["result"])

    def print_something(self) -> None:
        """Connect the simulated printer, upload a file that waits, and print it."""
        self.ask("api/connection", {"command": "connect", "port": "VIRTUAL", "baudrate": 115200})
        eventually(lambda: self.printer_is("Operational"), "the simulated printer")
        boundary = "boundary"
        fields = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="print"\r\n\r\ntrue\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="wait.gcode"\r\n'
            f"Content-Type: application/octet-stream\r\n\r\n{GCODE}\r\n--{boundary}--\r\n"
        )
        self.ask("api/files/local", fields.encode(), f"multipart/form-data; boundary={boundary}")

    def pictures(self) -> int:
        """Count the pictures of the timelapse so far."""
        return len(list((self.base / "timelapse" / "tmp").glob("*.jpg")))

    def wait_for_more(self) -> None:
        """Wait for two more pictures of the timelapse."""
        before = self.pictures()
        eventually(lambda: self.pictures() >= before + 2, f"two pictures more than {before}")


@contextmanager
def octoprint(block: str, directory: Path) -> Iterator[OctoPrint]:
    """Run OctoPrint, and enter the lines of the block in its settings."""
    port, base = free_port(), directory / "octoprint"
    base.mkdir(parents=True)
    (base / "config.yaml").write_text(PLUGINS + OWN.format(key=KEY, port=port))
    command = f"exec {ENVIRONMENTS / 'octoprint/bin/octoprint'} serve --iknowwhatimdoing --basedir {base}"
    with Program(command, directory / "home", {"TZ": "UTC"}) as program:
        found = OctoPrint(port, program, base)
        eventually(found.runs, "OctoPrint", STARTS_WITHIN)
        found.ask("api/settings", {"plugins": {"classicwebcam": entered(block)}})
        found.ask("api/timelapse", {"type": "timed", "interval": 1})
        yield found


def entered(block: str) -> dict[str, str]:
    """Turn the documented lines, `label: value`, into what the dialogue of the settings sends."""
    lines = [line.partition(": ")[::2] for line in block.splitlines()]
    values = {FIELDS[label]: value for label, value in lines}
    return values | ({"snapshotAuth": values["snapshotAuth"].lower()} if "snapshotAuth" in values else {})


@shows("OctoPrint", stream="plays", unplug="goes on", restart="reconnects")
def test_a_timelapse_is_taken_through_unplug_and_restart(open_place: Place, tmp_path: Path) -> None:
    block = open_place.block("octoprint")
    stream, snapshot = entered(block)["stream"], entered(block)["snapshot"]
    with octoprint(block, tmp_path) as it:
        assert it.test(snapshot, "image/*")
        assert it.test(stream, "multipart/*")
        assert not it.test(snapshot + "-wrong", "image/*")
        it.print_something()
        eventually(lambda: it.pictures() >= 3, "pictures of the timelapse")
        with open_place.unplugged():
            assert it.printer_is("Printing")
        it.wait_for_more()
        open_place.restart()
        it.wait_for_more()
        it.ask("api/job", {"command": "cancel"})
        eventually(lambda: list((it.base / "timelapse").glob("*.mp4")), "the film", 120)


@shows("OctoPrint", password="works", token="works")
def test_octoprint_is_let_in(closed_place: Place, tmp_path: Path) -> None:
    block = closed_place.block("octoprint-closed")
    stream, snapshot = entered(block)["stream"], entered(block)["snapshot"]
    with octoprint(block, tmp_path) as it:
        assert it.test(stream, "multipart/*")
        assert not it.test(snapshot, "image/*")
        assert it.test(snapshot, "image/*", basicAuth={"username": "viewer", "password": PASSWORD})
        it.print_something()
        eventually(lambda: it.pictures() >= 3, "pictures of the timelapse")
