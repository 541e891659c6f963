"""Reports of the results: a document in Markdown, a chart, and a summary for the terminal."""

import datetime
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import chart as charts
from benchmarks.figures import plain, table
from benchmarks.plan import FPS, HEIGHT, QUALITY, SLOW_RATE, WIDTH
from benchmarks.results import Results
from benchmarks.servers import Program
from benchmarks.targets import targets

_INTRODUCTION = f"""\
# Benchmarks

Written by `make bench`, which anyone can repeat; `make bench QUICK=1` prints the gist in two minutes. All programs run
one after the other, in alternation, on the same simulated UVC camera (`tests/simcam`): {WIDTH}x{HEIGHT}, {FPS} frames a
second, JPEG that the camera itself makes, about 60 kB each, passed through. The camera writes number and capture time
into a comment segment of every picture, and the load client (`benchmarks/viewers.c`: one thread, one epoll) reads them
there, so the age of a frame is measured in the same way for all. A program that encodes anew loses them.

Ratios are the result: absolute figures belong to this machine. Processor time is that of the server alone.
"""


@dataclass(frozen=True)
class Machine:
    """The machine of the measurement."""

    processor: str
    cores: int
    memory: float
    system: str
    python: str
    load: float

    @property
    def is_busy(self) -> bool:
        """Whether other programs use so much processor time that the ages of frames are meaningless."""
        return self.load > 0.3 * self.cores

    def words(self) -> str:
        """Return a sentence."""
        busy = f"busy with other things (load {self.load:.1f})" if self.is_busy else "quiet"
        return (
            f"{self.processor}, {self.cores} cores, {self.memory:.0f} GB, {self.system}, Python {self.python}; the "
            f"machine was {busy}."
        )


def machine() -> Machine:
    """Return the properties and the load of this machine."""
    processor = re.search(r"model name\s*: (.*)", _read("/proc/cpuinfo")) or re.search(
        r"Model\s*: (.*)", _read("/proc/cpuinfo")
    )
    memory = re.search(r"MemTotal:\s+(\d+) kB", _read("/proc/meminfo"))
    name = re.search(r'PRETTY_NAME="(.*)"', _read("/etc/os-release"))
    return Machine(
        processor=processor[1].strip() if processor else platform.machine(),
        cores=os.cpu_count() or 1,
        memory=int(memory[1]) / 1e6 if memory else 0.0,
        system=f"{name[1] if name else 'Linux'}, kernel {platform.release()}",
        python=platform.python_version(),
        load=os.getloadavg()[0],
    )


def document(results: Results, where: Machine, programs: Sequence[Program]) -> str:
    """Return docs/benchmarks.md."""
    today = datetime.datetime.now(datetime.UTC).date()
    commands = "\n".join(dict.fromkeys(program.words() for program in programs))
    parts = [
        _INTRODUCTION,
        f"Measured on {today}: {where.words()}",
        "## Targets",
        f"Against {results.theirs}, in the same run.",
        _targets(results),
        "![Processor time and age of frames](benchmarks.svg)",
        "## Viewers",
        _loads(results),
        "## Viewers that never read, and a slow one",
        f"50 viewers that read beside 50 that never do; and a viewer that reads {SLOW_RATE * 8 / 1e6:.0f} Mbit/s.",
        _slow(results),
        "## Requests",
        "A snapshot is asked for at times that have nothing to do with those of the frames. The appliance answers with "
        "a frame captured after the request; the state is asked for by one client, again and again.",
        _requests(results),
        "## Raw frames",
        f"YUYV {WIDTH}x{HEIGHT}, {FPS} frames a second, encoded at quality {QUALITY} for one viewer.",
        _raw(results),
        "## Start, rest, and visits",
        _process(results),
        "## Commands",
        f"```text\n{commands}\n```",
    ]
    if results.problems:
        parts += ["## Not measured", "\n".join(f"- {' '.join(problem.split())}" for problem in results.problems)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def summary(results: Results) -> str:
    """Return the targets with the results, and the failed measurements, for the terminal."""
    lines = [_targets(results), *(f"not measured: {problem}" for problem in results.problems)]
    return "\n".join(lines)


def chart(results: Results) -> str:
    """Return docs/benchmarks.svg."""
    counts = _counts(results)
    groups = [f"{count} viewer{'s' if count > 1 else ''}" for count in counts]

    def panel(title: str, figure: str) -> charts.Panel:
        series = {name: [results.load(name, count, figure) for count in counts] for name in results.loads}
        known = {name: bars for name, bars in series.items() if any(bar is not None for bar in bars)}
        return charts.Panel(title, groups, known)

    return charts.document(
        [
            panel("Processor time of the server for 1000 delivered frames, ms", "cpu"),
            panel("Age of a frame at the viewer, median, ms", "age_p50"),
            panel("Age of a frame at the viewer, 99 of 100 are younger, ms", "age_p99"),
        ]
    )


def _targets(results: Results) -> str:
    return table(("what", "target", "reached", ""), [target.row() for target in targets(results)])


def _counts(results: Results) -> list[int]:
    return sorted({count for loads in results.loads.values() for count in loads})


def _loads(results: Results) -> str:
    head = ("viewers", "program", "fps, mean", "fps, least", "CPU ms / 1000 frames", "age p50, ms", "age p99, ms", "MB")
    figures = ("fps", "fps_least", "cpu", "age_p50", "age_p99", "memory")
    rows = [
        (str(count), name, *(plain(results.load(name, count, figure)) for figure in figures))
        for count in _counts(results)
        for name in results.loads
        if count in results.loads[name]
    ]
    rows += [
        (str(count), f"{results.ours}, TLS", *(plain(getattr(load, figure)) for figure in figures))
        for count, load in results.encrypted.items()
    ]
    return table(head, rows)


def _slow(results: Results) -> str:
    head = ("program", "good viewers lost", "memory before, MB", "with stalled ones, MB", "slow: p50, ms", "p95, ms")
    rows = []
    for name, stalled in results.stalled.items():
        slow = results.slow.get(name)
        ages = (slow.age_p50, slow.age_p95) if slow else (None, None)
        memory = (plain(stalled.memory_before), plain(stalled.good.memory))
        rows.append((name, str(stalled.good.lost), *memory, *(plain(age) for age in ages)))
    return table(head, rows)


def _requests(results: Results) -> str:
    head = ["program", "snapshot p50, ms", "p95, ms", "beside 100 viewers: p50, ms", "p95, ms", "state, requests/s"]
    rows = []
    for name, found in results.snapshots.items():
        latencies = [found.get(viewers) for viewers in (0, 100)]
        cells = [plain(getattr(latency, part, None)) for latency in latencies for part in ("p50", "p95")]
        rows.append([name, *cells, plain(results.requests.get(name))])
    return table(head, rows)


def _raw(results: Results) -> str:
    head = ("program", "CPU ms / frame", "kB / frame", "chroma", "fps")
    return table(
        head,
        [
            (name, plain(raw.cpu), plain(raw.size / 1000), raw.subsampling, plain(raw.fps))
            for name, raw in results.raw.items()
        ],
    )


def _process(results: Results) -> str:
    head = ("program", "listens after", "first frame after", "idle, % of a core", "idle, MB", "after the visits")
    rows = []
    for name in results.starts:
        idle, visits = results.idle.get(name), results.visits.get(name)
        after = "–"
        if visits:
            after = f"{plain(visits.memory_late)} MB, {visits.growth:+.1f} MB since the first minute"
        cells = [plain(results.start(name, figure), "s") for figure in ("listening", "first_frame")]
        rest = (idle.cpu * 100, idle.memory) if idle else (None, None)
        rows.append((name, *cells, *(plain(each) for each in rest), after))
    return table(head, rows)


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace") if os.path.exists(path) else ""
