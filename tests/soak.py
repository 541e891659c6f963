"""Unplug, replug and change formats again and again, before an audience: `make soak`.

It prints how soon the picture was back and what the process holds before and after, and fails if a viewer was lost or
the process grew. `tests/test_soak.py` runs a few rounds of it. `Spectator`, `EventReader` and `heal` serve other tests
of faults too.
"""

import argparse
import os
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from appliance import jpeg
from tests.running import PATIENCE, RunningAppliance, eventually
from tests.simcam import SimulatedCamera
from tests.streaming import Part, Viewer

VIEWERS = 3
NUMBERS = (0, 2, 4)  # of the device, after a replug
WARM_UP = 5  # cycles, and each format once, before the first look at what the process holds
MOST_GROWTH = 40  # MB: buffers for the biggest format come and go
FORMATS: tuple[dict[str, Any], ...] = (
    {"width": 640, "height": 480, "fps": 30, "pixel_format": "MJPG"},
    {"width": 640, "height": 480, "fps": 15, "pixel_format": "YUYV"},
    {"width": 1920, "height": 1080, "fps": 30, "pixel_format": "MJPG"},
    {"width": 1280, "height": 720, "fps": 30, "pixel_format": "auto"},
)

S = TypeVar("S")
E = TypeVar("E", bound="_Reader[Any]")


class _Reader(ABC, Generic[S]):
    """Reads a connection on a thread of its own, as long as it lasts. Use it as a context."""

    def __init__(self, appliance: RunningAppliance, path: str, kept: int) -> None:
        self.count = 0
        self.ended: str | None = None  # why the connection ended, if it did
        self._viewer = Viewer(appliance, path)
        self._recent: deque[S] = deque(maxlen=kept)
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self: E) -> E:
        self._begin()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._viewer.connection.shutdown(2)
        self._thread.join(PATIENCE)
        self._viewer.connection.close()

    @abstractmethod
    def _begin(self) -> None:
        """Read the head."""

    @abstractmethod
    def _read(self) -> S:
        """Read one piece."""

    def _run(self) -> None:
        try:
            while True:
                piece = self._read()
                with self._news:
                    self.count += 1
                    self._recent.append(piece)
                    self._news.notify_all()
        except (OSError, EOFError, ValueError) as error:
            with self._news:
                self.ended = repr(error)
                self._news.notify_all()

    def find(self, wanted: Callable[[S], bool], what: str, seconds: float = PATIENCE) -> S:
        """Return the first recent or coming piece that is wanted; fail if none comes, or the connection ends."""

        def found() -> list[S]:
            return [piece for piece in self._recent if wanted(piece)][:1]

        with self._news:
            self._news.wait_for(lambda: found() or self.ended, seconds)
            pieces = found()
        assert pieces, f"{what} did not come within {seconds:g} s (connection: {self.ended or 'open'})"
        return pieces[0]


class Spectator(_Reader[Part]):
    """A viewer that keeps up."""

    def __init__(self, appliance: RunningAppliance, path: str = "/stream.mjpg", kept: int = 100) -> None:
        super().__init__(appliance, path, kept)

    def _begin(self) -> None:
        self._viewer.begin()

    def _read(self) -> Part:
        return self._viewer.part()

    def live(self, since: float, seconds: float = PATIENCE) -> Part:
        """Return the first picture of the camera that was captured after that time (s since the epoch)."""
        return self.find(lambda part: part.is_live and part.timestamp > since, "a live picture", seconds)

    def placeholder(self, since: float, seconds: float = PATIENCE) -> Part:
        """Return the first placeholder that was made after that time."""
        return self.find(lambda part: not part.is_live and part.timestamp > since, "a placeholder", seconds)

    @property
    def recent(self) -> list[Part]:
        """The newest parts, oldest first."""
        with self._news:
            return list(self._recent)


class EventReader(_Reader[str]):
    """A listener to events."""

    def __init__(self, appliance: RunningAppliance) -> None:
        super().__init__(appliance, "/api/events", kept=200)

    def _begin(self) -> None:
        self._viewer.head()

    def _read(self) -> str:
        return self._viewer.until(b"\n\n").decode()


def heal(camera: SimulatedCamera) -> None:
    """End all faults of the camera and plug it in where it was at first."""
    camera.resume()
    camera.no_frames_at(0)
    camera.truncate(0)
    camera.corrupt(0)
    camera.dark_start(0)
    camera.reset_controls_after(None)
    for end in (
        camera.strip_huffman,
        camera.freeze,
        camera.busy,
        camera.no_bandwidth,
        camera.forbidden,
        camera.no_events,
    ):
        end(False)
    camera.ignore_writes(False)
    camera.plug(camera.options.number)


@dataclass(frozen=True)
class Holdings:
    """What a process holds."""

    descriptors: int
    threads: int
    rss: float  # MB
    files: tuple[str, ...] = ()  # where the descriptors lead

    @classmethod
    def of(cls, process: int) -> "Holdings":
        """Count what the process holds now."""
        folder = Path(f"/proc/{process}")
        status = (folder / "status").read_text()
        rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        files = []
        for descriptor in (folder / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                files.append(re.sub(r"\d+", "N", os.readlink(descriptor)))
        return cls(len(files), len(list((folder / "task").iterdir())), rss / 1024, tuple(sorted(files)))

    def __str__(self) -> str:
        return f"{self.descriptors} descriptors, {self.threads} threads, {self.rss:.1f} MB"


@dataclass
class Report:
    """What came out. Times in s."""

    noticed: list[float] = field(default_factory=list)
    replugged: list[float] = field(default_factory=list)
    stalled: list[float] = field(default_factory=list)
    formatted: list[float] = field(default_factory=list)
    before: Holdings = Holdings(0, 0, 0.0)
    after: Holdings = Holdings(0, 0, 0.0)
    parts: int = 0
    events: int = 0

    def __str__(self) -> str:
        return "\n".join(
            (
                f"unplug to placeholder   {_summary(self.noticed)}",
                f"replug to picture       {_summary(self.replugged)}",
                f"format change           {_summary(self.formatted)}",
                f"stall to placeholder    {_summary(self.stalled)}",
                f"before                  {self.before}",
                f"after                   {self.after}",
                f"{VIEWERS} viewers stayed, with {self.parts} pictures; 1 listener with {self.events} events",
            )
        )


def _summary(times: list[float]) -> str:
    if not times:
        return "not measured"
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"p50 {statistics.median(ordered):.3f} s, p95 {p95:.3f} s, most {ordered[-1]:.3f} s, of {len(ordered)}"


class Soak:
    """One appliance on one simulated camera, with an audience that stays for all of it."""

    def __init__(self, directory: Path, stall_timeout: int = 2, seed: int = 1) -> None:
        self.report = Report()
        self._open = ExitStack()
        self._directory = directory
        self._stall_timeout = stall_timeout
        self._random = random.Random(seed)

    def __enter__(self) -> "Soak":
        with ExitStack() as opened:
            self.camera = opened.enter_context(SimulatedCamera(self._directory / "camera"))
            settings = {"camera.stall_timeout": self._stall_timeout}
            self.appliance = opened.enter_context(
                RunningAppliance(self._directory, "auto", self.camera.environment, settings)
            )
            self.appliance.until_live()
            self._viewers = [opened.enter_context(Spectator(self.appliance, kept=20)) for _ in range(VIEWERS)]
            self._listener = opened.enter_context(EventReader(self.appliance))
            self._open = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def run(self, cycles: int, formats: int, stalls: int, tell: Callable[[str], None] = lambda _: None) -> Report:
        """Do so many of each, in between each other, and report. Raises AssertionError."""
        for _ in range(WARM_UP):
            self._replug()
        for number in range(len(FORMATS)):
            self._change_format(number)
        report = self.report = Report(before=self._settled())
        tasks: list[Callable[[], None]] = [self._replug] * cycles + [self._stall] * stalls
        self._random.shuffle(tasks)
        every = max(1, cycles // max(1, formats))
        changed = 0
        for number, task in enumerate(tasks, 1):
            task()
            while changed < formats and (number % every == 0 or number == len(tasks)):
                self._change_format(changed)
                changed += 1
                if number < len(tasks):
                    break
            if number % 100 == 0:
                tell(f"{number} of {len(tasks)}: {Holdings.of(self.appliance.process.pid)}")
        self._change_format(len(FORMATS) - 1)
        report.after = self._settled(report.before)
        report.parts = sum(viewer.count for viewer in self._viewers)
        report.events = self._listener.count
        self._judge()
        return report

    def _replug(self) -> None:
        at = time.time()
        self.camera.unplug()
        self.report.noticed.append(self._viewers[0].placeholder(at).timestamp - at)
        at = time.time()
        self.camera.plug(self._random.choice(NUMBERS))
        self.report.replugged.append(self._viewers[0].live(at).timestamp - at)
        self._all_are_there(at)

    def _stall(self) -> None:
        at = time.time()
        self.camera.stall()
        shown = self._viewers[0].placeholder(at).timestamp
        self.camera.resume()
        self.report.stalled.append(shown - at)
        self._viewers[0].live(shown)
        self._all_are_there(shown)

    def _change_format(self, number: int) -> None:
        wanted = FORMATS[number % len(FORMATS)]
        at = time.time()
        answer = self.appliance.ask("PATCH", "/api/format", wanted)
        assert answer.status == 200, answer.body
        size = (wanted["width"], wanted["height"])
        found = self._viewers[0].find(
            lambda part: part.is_live and part.timestamp > at and jpeg.size(part.jpeg) == size, f"a picture of {size}"
        )
        self.report.formatted.append(found.timestamp - at)
        self._all_are_there(found.timestamp)

    def _all_are_there(self, since: float) -> None:
        for viewer in self._viewers:
            viewer.live(since)
        assert self._listener.ended is None, self._listener.ended

    def _settled(self, before: Holdings | None = None) -> Holdings:
        """Return what the process holds once answered connections are closed; it gets 10 s to be as lean as before."""
        deadline = time.monotonic() + (10 if before else 1)
        while True:
            now = Holdings.of(self.appliance.process.pid)
            fits = before is not None and now.descriptors <= before.descriptors and now.threads <= before.threads
            if fits or time.monotonic() > deadline:
                return now
            threading.Event().wait(0.2)

    def _judge(self) -> None:
        before, after = self.report.before, self.report.after
        assert self.appliance.state()["viewers"] == VIEWERS
        assert eventually(lambda: self.appliance.state()["camera"]["state"] == "online")
        assert after.descriptors <= before.descriptors, f"leaked:\n{after.files}\n{self.report}"
        assert after.threads <= before.threads, f"threads leaked:\n{self.report}"
        assert after.rss <= before.rss + MOST_GROWTH, f"memory leaked:\n{self.report}"


def main() -> int:
    """Run as many rounds as the arguments say, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=1000, help="how often to unplug and replug [1000]")
    parser.add_argument("--formats", type=int, default=200, help="how often to change the format [200]")
    parser.add_argument("--stalls", type=int, default=10, help="how often to let it stall [10]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as directory, Soak(Path(directory)) as soak:
        print(soak.run(options.cycles, options.formats, options.stalls, lambda line: print(line, flush=True)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
