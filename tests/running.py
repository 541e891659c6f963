"""The real command as a process, and its HTTP interface as a client sees it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, Protocol

from appliance import settings as declared
from appliance.declared import SETTINGS
from appliance.settings import redaction
from tests.processes import HOST, PATIENCE, Process, eventually, free_port

COMMAND = Path(sys.executable).with_name("camera-appliance")
_FOREIGN = ("CAMERA_APPLIANCE_", "NOTIFY_", "WATCHDOG_", "CREDENTIALS_", "STATE_DIRECTORY", "LISTEN_", "JOURNAL_")

JSON = {"Accept": "application/json"}
"""What a client sends that prefers to read why there is no picture."""

__all__ = [
    "COMMAND",
    "JSON",
    "PATIENCE",
    "Answer",
    "Listener",
    "RunningAppliance",
    "clean_environment",
    "eventually",
    "free_port",
    "run_command",
]


class Listener(Protocol):
    """Whatever listens on a port of 127.0.0.1."""

    @property
    def port(self) -> int: ...


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which has to be JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> tuple[str, str]:
        """Code and message of the error that the body has to be."""
        error = self.json["error"]
        return error["code"], error["message"]


def clean_environment(**additions: str) -> dict[str, str]:
    """Return our environment without anything that would configure an appliance, and with the additions."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return ours | additions


def run_command(*arguments: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `camera-appliance` to its end, in that directory."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=directory,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class RunningAppliance(Process):
    """`camera-appliance run`, with everything it stores below `directory`. Use it as a context.

    `settings` are flags by the names of settings: `{"mqtt.host": "127.0.0.1"}`. `environment` is added to ours,
    `arguments` to the command; `before` is what runs it.
    """

    def __init__(
        self,
        directory: Path,
        source: str = "test-pattern",
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, object] | None = None,
        arguments: Sequence[str] = (),
        before: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.directory = directory
        self.pictures = directory / "pictures"
        self.port = free_port()
        self._settings: dict[str, object] = {"camera.source": source, **(settings or {})}
        self._environment = dict(environment or {})
        self._arguments = arguments
        self._before = before

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.port}/"

    @property
    def command(self) -> Sequence[str | Path]:
        """The command with the settings as flags; it gets the same port at each start."""
        hidden = self._hidden()
        flags = [f"{declared.flag(name)}={value}" for name, value in self._all_settings().items() if name not in hidden]
        return [*self._before, COMMAND, "run", *flags, *self._arguments]

    @property
    def variables(self) -> Mapping[str, str]:
        """Our variables without those that configure an appliance, and the secrets, which may not be flags."""
        hidden = {declared.environment_name(name): value for name, value in self._hidden().items()}
        return clean_environment(**hidden | self._environment)

    @property
    def folder(self) -> Path:
        """The folder of everything it stores."""
        return self.directory

    def start(self) -> float:
        """Start it, always on the same port, and wait until it says that it listens. The log begins again."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.lines.clear()
        return super().start()

    def stop(self, number: int = signal.SIGTERM) -> float:
        """End it as systemd or Ctrl-C does; return how long that took, in s. Its exit status has to be 0."""
        process = self._process
        took = super().stop(number)
        assert process is None or process.returncode == 0, self.log
        return took

    def is_ready(self) -> bool:
        """Return whether it says which address it listens on."""
        said = re.search(r"the page is at https?://127\.0\.0\.1:(\d+)", self.log)
        if said:
            self.port = int(said[1])
        return bool(said)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """Send a request and return the answer, whatever its status. `body` is sent as JSON, `raw` as it is."""
        data = raw if body is None else json.dumps(body).encode()
        all_headers = {"Content-Type": "application/json", **(headers or {})} if data is not None else headers or {}
        request = urllib.request.Request(self.url + path.lstrip("/"), data, dict(all_headers), method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def state(self) -> dict[str, Any]:
        """Return what `/api/state` says now."""
        state: dict[str, Any] = self.ask("GET", "/api/state").json
        return state

    def until_live(self) -> "RunningAppliance":
        """Wait until the camera delivers frames."""
        eventually(lambda: self.state()["camera"]["state"] == "online", "a live camera")
        return self

    def connect(self) -> socket.socket:
        """Return a new connection to the HTTP server."""
        return socket.create_connection((HOST, self.port), timeout=PATIENCE)

    def stored(self) -> list[str]:
        """Return the names of everything in the pictures folder that is not hidden, sorted."""
        return sorted(path.name for path in self.pictures.iterdir() if not path.name.startswith("."))

    def _all_settings(self) -> dict[str, object]:
        return {
            "http.port": self.port,
            "pictures.directory": self.pictures,
            "storage.directory": self.directory / "state",
            **self._settings,
        }

    def _hidden(self) -> dict[str, str]:
        known = SETTINGS.parameters()
        return {
            name: str(value) for name, value in self._all_settings().items() if redaction.hidden(known[name], value)
        }
