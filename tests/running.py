"""The real command as a process, and its HTTP interface as a client sees it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, Protocol, TypeVar

from appliance import secrecy
from appliance import settings as declared

COMMAND = Path(sys.executable).with_name("camera-appliance")
PATIENCE = 30.0  # s, for whatever has to happen but may take its time on a busy machine
STOPS_WITHIN = 15.0  # s
_FOREIGN = ("CAMERA_APPLIANCE_", "NOTIFY_", "WATCHDOG_", "CREDENTIALS_", "STATE_DIRECTORY", "LISTEN_", "JOURNAL_")

JSON = {"Accept": "application/json"}
"""What a client sends that would rather read why there is no picture than see it."""

T = TypeVar("T")


def eventually(condition: Callable[[], T | None], what: str = "the condition", seconds: float = PATIENCE) -> T:
    """Return the first true result of the condition; fail when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come about within {seconds:g} s")
        threading.Event().wait(0.02)
    return result


def free_port() -> int:
    """Return a port that nobody listens on now.

    Port 0 would be safer, but cheroot sets SO_REUSEADDR only on a fixed port, and without it a restart on the same port
    has to wait for the kernel to forget the former connections.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


class RunningAppliance:
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
        self.directory = directory
        self.pictures = directory / "pictures"
        self.port = free_port()
        self.lines: list[str] = []
        self._settings: dict[str, object] = {"camera.source": source, **(settings or {})}
        self._environment = dict(environment or {})
        self._arguments = arguments
        self._before = before
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "RunningAppliance":
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def process(self) -> subprocess.Popen[str]:
        """The process, which has to run."""
        assert self._process is not None
        return self._process

    @property
    def log(self) -> str:
        """Everything it has written so far."""
        return "".join(self.lines)

    def start(self) -> None:
        """Start the process, always on the same port, and wait until it says that it listens."""
        self.directory.mkdir(parents=True, exist_ok=True)
        settings = {
            "http.port": self.port,
            "pictures.directory": self.pictures,
            "storage.directory": self.directory / "state",
            **self._settings,
        }
        # A password may not be a flag.
        known = declared.parameters()
        hidden = {name: str(value) for name, value in settings.items() if secrecy.hidden(known[name], value)}
        flags = [f"{declared.flag(name)}={value}" for name, value in settings.items() if name not in hidden]
        environment = {declared.environment_name(name): value for name, value in hidden.items()}
        self._process = subprocess.Popen(
            [*self._before, COMMAND, "run", *flags, *self._arguments],
            cwd=self.directory,
            env=clean_environment(**environment | self._environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines.clear()
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        self.port = int(eventually(self._says_address, "an address to listen on")[1])

    def stop(self, number: int = signal.SIGTERM) -> float:
        """End the process as systemd or Ctrl-C does; return how long that took, in s. It may not have to be killed."""
        process, self._process = self._process, None
        if process is None:
            return 0.0
        asked_at = time.monotonic()
        process.send_signal(number)
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"it did not stop within {STOPS_WITHIN:g} s:\n{self.log}") from None
        took = time.monotonic() - asked_at
        self._reader.join(STOPS_WITHIN)
        assert process.returncode == 0, self.log
        return took

    def kill(self) -> None:
        """End the process as a power cut does."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            self._reader.join(STOPS_WITHIN)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Let the process stand still for the time of the block: connections stay, nothing comes."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

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
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def stored(self) -> list[str]:
        """Return the names of everything in the pictures folder that is not hidden, sorted."""
        return sorted(path.name for path in self.pictures.iterdir() if not path.name.startswith("."))

    def _says_address(self) -> re.Match[str] | None:
        if self.process.poll() is not None:
            self._reader.join(STOPS_WITHIN)
            raise AssertionError(f"the appliance ended before it listened:\n{self.log}")
        return re.search(r"the page is at https?://127\.0\.0\.1:(\d+)", self.log)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.lines.append(line)
