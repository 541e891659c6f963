"""Unplug, replug and change formats again and again, before an audience: `make soak`.

It prints how soon the picture was back and what the process holds before and after, and fails if a viewer was lost or
the process grew. `tests/capture/test_soak.py` runs a few rounds of it.
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
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from appliance import jpeg
from tests.faults import FORMATS
from tests.processes import eventually
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera
from tests.spectators import EventReader, Spectator

VIEWERS = 3
NUMBERS = (0, 2, 4)  # of the device, after a replug
WARM_UP = 5  # cycles, and each format once, before the first look at what the process holds
MOST_GROWTH = 40  # MB: buffers for the biggest format come and go


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
