"""The compared programs: how each is started on the camera, and its resource usage."""

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plan import FPS, HEIGHT, QUALITY, WIDTH
from tests.running import clean_environment, free_port
from tests.simcam import SimulatedCamera

STARTS_WITHIN = 20.0  # s
STOPS_WITHIN = 10.0  # s
_STAMP = b"monotonic_ns="
_COMMAND = Path(sys.executable).with_name("camera-appliance")


class BenchmarkError(Exception):
    """A measurement failed; the message is for people."""


@dataclass(frozen=True)
class Job:
    """The environment of a program: its port, the folder of its files, and raw or JPEG frames."""

    port: int
    directory: Path
    is_raw: bool = False


@dataclass(frozen=True)
class Program:
    """One program: its name in tables, its version, and its paths."""

    name: str
    version: str
    command: Callable[[Job], list[str]]
    stream: str = "/stream"
    snapshot: str = "/snapshot"
    state: str = "/state"
    is_stamped: bool = True
    """Whether its frames are the camera's own bytes, which contain their age."""

    def words(self) -> str:
        """Return the command for people, with placeholders for what differs from run to run."""
        command, *arguments = self.command(Job(8080, Path("FOLDER")))
        return " ".join([Path(command).name, *arguments])


class Running:
    """A program that runs on the camera. A context manager, which removes all traces of it at the end."""

    def __init__(
        self,
        program: Program,
        camera: SimulatedCamera,
        directory: Path,
        *,
        is_raw: bool = False,
        options: Mapping[str, object] | None = None,
    ) -> None:
        """`options` are more settings, by their names, for the appliance."""
        self.program = program
        self.port = free_port()
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)  # before the command, which may write its configuration there
        self._log = directory / "log"
        self._environment = clean_environment(**camera.environment)
        self._command = program.command(Job(self.port, directory, is_raw))
        self._command += [f"--{re.sub('[._]', '-', name)}={value}" for name, value in (options or {}).items()]
        self._process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0

    def __enter__(self) -> "Running":
        self.started_at = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @property
    def pid(self) -> int:
        """The process. Raises BenchmarkError if it has ended."""
        if self._process is None or self._process.poll() is not None:
            raise BenchmarkError(f"{self.program.name} ended:\n{self.log[-2000:]}")
        return self._process.pid

    @property
    def log(self) -> str:
        """The output of the program."""
        return self._log.read_text(errors="replace")

    def cpu(self) -> float:
        """Return the processor time of all its threads, in s.

        Linux keeps a clock for every process; its number is made from the process id (clock_getcpuclockid(3)).
        """
        return time.clock_gettime((~self.pid << 3) | 2)

    def memory(self) -> float:
        """Return its resident memory in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        if not found:
            raise BenchmarkError(f"{self.program.name} has no memory")
        return int(found[1]) * 1024 / 1e6

    def until_listening(self) -> float:
        """Wait until it accepts connections; return the time since its start, in s."""
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return time.monotonic() - self.started_at
            self._wait_a_little("it listens")

    def until_frame(self, is_raw: bool = False, is_encrypted: bool = False) -> float:
        """Wait until a viewer has received a frame of the camera; return the time since the start, in s."""
        self.until_listening()
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        mark = _STAMP if self.program.is_stamped and not is_raw else b"\xff\xd8"
        while True:
            with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
                viewer = opened.enter_context(socket.create_connection(("127.0.0.1", self.port), 5))
                if is_encrypted:
                    viewer = opened.enter_context(trusting.wrap_socket(viewer))
                viewer.sendall(f"GET {self.program.stream} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
                data = b""
                while block := viewer.recv(1 << 16):
                    data = (data + block)[-(1 << 18) :]
                    if (start := data.find(mark)) >= 0 and data.find(b"\xff\xd9", start) > 0:
                        return time.monotonic() - self.started_at
                    self._check_time("a viewer has a frame")
            self._wait_a_little("a viewer has a frame")

    def _wait_a_little(self, what: str) -> None:
        self._check_time(what)
        time.sleep(0.003)

    def _check_time(self, what: str) -> None:
        assert self.pid
        if time.monotonic() > self.started_at + STARTS_WITHIN:
            raise BenchmarkError(f"{self.program.name}: it takes more than {STARTS_WITHIN:g} s until {what}")


def appliance() -> Program:
    """Return the appliance of this checkout."""

    def command(job: Job) -> list[str]:
        settings: dict[str, object] = {
            "camera.source": "/dev/video0",
            "camera.width": WIDTH,
            "camera.height": HEIGHT,
            "camera.fps": FPS,
            "http.port": job.port,
            "http.max_viewers": 1000,
            "http.max_viewers_per_address": 1000,
            "pictures.directory": job.directory / "pictures",
            "storage.directory": job.directory / "state",
        }
        if job.is_raw:
            settings |= {"camera.pixel_format": "YUYV", "camera.jpeg_quality": QUALITY}
        return [str(_COMMAND), "run", *(f"--{re.sub('[._]', '-', name)}={value}" for name, value in settings.items())]

    return Program(
        "appliance", _output(str(_COMMAND), "version"), command, "/stream.mjpg", "/snapshot.jpg", "/api/state"
    )


def ustreamers() -> list[Program]:
    """Return every ustreamer on PATH, one for each version, in the order of PATH."""
    found: dict[str, Program] = {}
    for path in _on_path("ustreamer"):
        version = _output(path, "--version")
        if version and version not in found:
            found[version] = Program(f"ustreamer {version}", version, _ustreamer(path))
    return list(found.values())


def motion() -> Program | None:
    """Return Debian's motion. It re-encodes every frame, so that the age of its frames is unknown."""
    path = shutil.which("motion")
    if path is None:
        return None
    version = re.search(r"Version ([\d.]+)", _output(path, "-h"))

    def command(job: Job) -> list[str]:
        configuration = job.directory / "motion.conf"
        if job.directory.is_dir():
            configuration.write_text(_MOTION.format(port=job.port, directory=job.directory))
        return [path, "-n", "-m", "-c", str(configuration)]

    return Program("motion", version[1] if version else "", command, stream="/", is_stamped=False)


def _ustreamer(path: str) -> Callable[[Job], list[str]]:
    def command(job: Job) -> list[str]:
        words = [path, "-d", "/dev/video0", "-r", f"{WIDTH}x{HEIGHT}", "-f", str(FPS)]
        words += ["-m", "YUYV", "-c", "CPU", "-q", str(QUALITY)] if job.is_raw else ["-m", "MJPEG", "-c", "HW"]
        return [*words, "--tcp-nodelay", "-s", "127.0.0.1", "-p", str(job.port)]

    return command


_MOTION = f"""\
daemon off
log_level 4
target_dir {{directory}}
video_device /dev/video0
video_params palette=8
width {WIDTH}
height {HEIGHT}
framerate {FPS}
picture_output off
movie_output off
webcontrol_port 0
stream_port {{port}}
stream_localhost on
stream_maxrate 100
stream_quality {QUALITY}
"""


def _on_path(command: str) -> Iterator[str]:
    """Yield every file on PATH with that name, links resolved, each once."""
    seen = set()
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, command)
        if os.path.realpath(path) not in seen and os.access(path, os.X_OK) and os.path.isfile(path):
            seen.add(os.path.realpath(path))
            yield path


def _output(*command: str) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=STARTS_WITHIN, check=False)
    except OSError:
        return ""
    return result.stdout.strip() or result.stderr.strip()
