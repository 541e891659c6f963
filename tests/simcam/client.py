"""`SimulatedCamera`: a camera for tests, started and stopped as a context manager."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import Process, eventually
from tests.simcam.library import HERE, library
from tests.simcam.server import LONGEST_DIRECTORY, Options

ROOT = HERE.parents[1]
_OF_A_CAMERA = ("LD_PRELOAD", "SIMCAM_DIRECTORY")  # variables


class CameraError(Exception):
    """The camera process refused a command."""


@dataclass(frozen=True)
class Write:
    """One control written by a program: the value the camera took (or `ignored`), and when (time.monotonic)."""

    name: str
    value: int
    pid: int
    monotonic: float
    ignored: bool


@dataclass(frozen=True)
class Statistics:
    """What the camera did and does. `frames` were made, `dropped` of them had no buffer; `starts` counts STREAMON.

    `handles` are open files, `rate` is frames per second, `cpu_seconds` is what the camera process has used.
    """

    plugged: bool
    streaming: bool
    frames: int
    dropped: int
    starts: int
    handles: int
    pixel_format: str
    width: int
    height: int
    rate: int
    buffers: int
    writes: tuple[Write, ...]
    cpu_seconds: float


class SimulatedCamera(Process):
    """A webcam that exists for programs started with `environment`, from `with` to the end of the block.

    `directory` (made if need be, any length) may be shared by several cameras of different `number`. `serial` "" is
    a camera without one. `fast_yuyv` allows 1280x720 YUYV at 30 frames per second. It lacks the controls `without`.
    `planes` adds the formats YU12, of limited range, and NV12, of full range, in 640x480.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        number: int = 0,
        serial: str = "SC0001",
        port: int = 1,
        fast_yuyv: bool = False,
        without: tuple[str, ...] = (),
        planes: bool = False,
    ) -> None:
        super().__init__()
        self.directory = Path(directory).resolve()
        self.options = Options(number, serial, port, fast_yuyv, without, planes)
        self._short = self.directory
        self._alias: Path | None = None
        self._library: Path | None = None

    # -- life -----------------------------------------------------------------------------------------------------

    starts_within = 300.0  # s; the first one draws its frames
    has_input = True  # it ends with its standard input
    has_own_session = True

    @property
    def command(self) -> Sequence[str | Path]:
        """The camera's own program."""
        return [sys.executable, "-m", "tests.simcam", str(self._short), "--follow-stdin", *self._arguments()]

    @property
    def variables(self) -> Mapping[str, str]:
        """Our variables, without a camera that is there already."""
        variables = {name: value for name, value in os.environ.items() if name not in _OF_A_CAMERA}
        return variables | {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}

    def is_ready(self) -> bool:
        """Return whether its nodes are there."""
        return "ready\n" in self.lines

    def start(self) -> float:
        """Start the camera process and wait until its nodes are there."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._library = library()
        if len(os.fsencode(self.directory)) > LONGEST_DIRECTORY:
            self._alias = Path(tempfile.mkdtemp(prefix="simcam-"))
            self._short = self._alias / "d"
            self._short.symlink_to(self.directory)
        self.lines.clear()
        return super().start()

    def _arguments(self) -> list[str]:
        options = self.options
        words = ["--number", str(options.number), "--serial", options.serial, "--port", str(options.port)]
        lacks = [word for name in options.without for word in ("--without", name)]
        formats = [*(["--fast-yuyv"] if options.fast_yuyv else []), *(["--planes"] if options.planes else [])]
        return [*words, *lacks, *formats]

    def _end(self) -> None:
        super()._end()
        if self._alias is not None:
            shutil.rmtree(self._alias)
            self._alias = None

    @property
    def pid(self) -> int:
        """The process id of the camera."""
        return self.process.pid

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make the camera visible to a program: `subprocess.run(..., env={**os.environ, **these})`."""
        if self._library is None:
            raise CameraError("the camera was not started")
        return dict(zip(_OF_A_CAMERA, (str(self._library), str(self._short)), strict=True))

    # -- paths, as the program under test sees them ---------------------------------------------------------------

    @property
    def device(self) -> str:
        """The stable path of the camera: its link in /dev/v4l/by-id."""
        serial = f"_{self.options.serial}" if self.options.serial else ""
        return f"/dev/v4l/by-id/usb-Simulated_UVC_Camera{serial}-video-index0"

    # -- cable ----------------------------------------------------------------------------------------------------

    def unplug(self) -> None:
        """Pull the cable: nodes and links vanish, open files fail with ENODEV, controls are forgotten."""
        self._do("unplug")

    def plug(self, number: int | None = None) -> None:
        """Plug it in again, as /dev/video<number> (default: the number it had)."""
        self._do("plug", number=number)

    # -- faults ---------------------------------------------------------------------------------------------------

    def stall(self) -> None:
        """Make no more frames, without any error."""
        self._do("fault", stalled=True)

    def resume(self) -> None:
        """Make frames again."""
        self._do("fault", stalled=False)

    def no_frames_at(self, width: int) -> None:
        """Make no frames of that width (0: end that), without any error."""
        self._do("fault", barren=width)

    def truncate(self, frames: int) -> None:
        """Cut the next frames in the middle."""
        self._do("fault", truncate=frames)

    def corrupt(self, frames: int) -> None:
        """Put garbage into the next frames."""
        self._do("fault", corrupt=frames)

    def strip_huffman(self, on: bool = True) -> None:
        """Deliver JPEG without Huffman tables."""
        self._do("fault", strip_huffman=on)

    def freeze(self, on: bool = True) -> None:
        """Deliver the same bytes again and again (the stamp too); only the timestamps of the buffers go on."""
        self._do("fault", frozen=on)

    def busy(self, on: bool = True) -> None:
        """Refuse S_FMT and STREAMON with EBUSY, as if another program streamed."""
        self._do("fault", busy=on)

    def no_bandwidth(self, on: bool = True) -> None:
        """Refuse STREAMON with ENOSPC, as a crowded USB bus does."""
        self._do("fault", no_bandwidth=on)

    def forbidden(self, on: bool = True) -> None:
        """Refuse open with EACCES, for root too."""
        self._do("fault", forbidden=on)

    def ignore_writes(self, on: bool = True) -> None:
        """Accept control values and do nothing."""
        self._do("fault", ignore_writes=on)

    def no_events(self, on: bool = True) -> None:
        """Tell nobody of changed controls, as old drivers do; for who opens it from now on."""
        self._do("fault", no_events=on)

    def reset_controls_after(self, seconds: float | None) -> None:
        """Let all controls jump to their defaults this long after each STREAMON (None: no longer)."""
        self._do("fault", reset_controls_after=seconds)

    def dark_start(self, frames: int) -> None:
        """Make the first frames after each STREAMON dark, growing brighter, as automatic exposure does."""
        self._do("fault", dark_start=frames)

    # -- the device's own view ------------------------------------------------------------------------------------

    @property
    def controls(self) -> dict[str, int]:
        """The control values as the device has them."""
        return dict(self._do("controls"))

    def set_control(self, name: str, value: int) -> None:
        """Change a control as if another program or the camera did; subscribers get an event."""
        self._do("set_control", name=name, value=value)

    @property
    def statistics(self) -> Statistics:
        """What the camera did and does."""
        values = self._do("statistics")
        return Statistics(**values | {"writes": tuple(Write(**write) for write in values["writes"])})

    def wait_for(self, condition: Callable[[Statistics], bool], timeout: float = 10.0) -> Statistics:
        """Wait until the statistics fulfil a condition and return them."""

        def fulfilled() -> Statistics | None:
            statistics = self.statistics
            return statistics if condition(statistics) else None

        return eventually(fulfilled, lambda: f"the condition of a camera that is {self.statistics}", timeout)

    def _do(self, command: str, **arguments: Any) -> Any:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, sock.makefile("rwb") as file:
            sock.settimeout(10)
            sock.connect(str(self._short / f"control{self.options.number}"))
            file.write(json.dumps({"do": command, **arguments}).encode() + b"\n")
            file.flush()
            answer = json.loads(file.readline())
        if "error" in answer:
            raise CameraError(answer["error"])
        return answer["result"]
