"""The targets of the appliance, and whether it reaches them. Compared programs ran in the same alternation."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.figures import plain, ratio
from benchmarks.plan import FPS
from benchmarks.results import Results

FLAT = 1.0  # MB: normal variation of the memory of a process


@dataclass(frozen=True)
class Target:
    """One row: the quantity, its target, the result (None if it was not measured), and whether it is sufficient."""

    what: str
    wanted: str
    reached: float | None
    limit: float
    unit: str = ""
    is_least: bool = False

    @property
    def is_met(self) -> bool | None:
        """Whether the target is reached; None if it was not measured."""
        if self.reached is None:
            return None
        return self.reached >= self.limit if self.is_least else self.reached <= self.limit

    def row(self) -> tuple[str, str, str, str]:
        """Return the row for a table."""
        verdict = {True: "met", False: "**missed**", None: "not measured"}[self.is_met]
        return self.what, self.wanted, plain(self.reached, self.unit), verdict


def targets(results: Results) -> list[Target]:
    """Return all targets with their results."""
    return [row for part in (_load, _age, _slow, _snapshot_and_encoder, _process) for row in part(results)]


def _compared(results: Results, figure: str) -> Callable[[int], float | None]:
    return lambda viewers: ratio(
        results.load(results.ours, viewers, figure), results.load(results.theirs, viewers, figure)
    )


def _load(results: Results) -> list[Target]:
    cpu = _compared(results, "cpu")
    limits = ((1, 0.8), (10, 0.5), (100, 0.25), (300, 0.27))
    rows = [
        Target(f"CPU for a delivered frame, {viewers} viewers, of ustreamer's", f"<= {limit}", cpu(viewers), limit)
        for viewers, limit in limits
    ]
    least = [load.fps_least for load in results.loads.get(results.ours, {}).get(300, [])]
    fps = min(least) if least else None
    return [*rows, Target("every viewer's rate, 300 viewers", ">= 29 fps", fps, 29, "fps", is_least=True)]


def _age(results: Results) -> list[Target]:
    rows = []
    for figure, name in (("age_p50", "p50"), ("age_p99", "p99")):
        compared = _compared(results, figure)
        for viewers in (1, 10, 100, 300):
            what = f"age of a frame, {name}, {viewers} viewers, of ustreamer's"
            rows.append(Target(what, "<= 1", compared(viewers), 1))
    p99 = results.load(results.ours, 100, "age_p99")
    return [*rows, Target("age of a frame, p99, 100 viewers", "<= 15 ms", p99, 15, "ms")]


def _slow(results: Results) -> list[Target]:
    stalled = results.stalled.get(results.ours)
    slow, their_slow = results.slow.get(results.ours), results.slow.get(results.theirs)
    age = ratio(slow.age_p95 if slow else None, their_slow.age_p95 if their_slow else None)
    lost = float(stalled.good.lost) if stalled else None
    growth = stalled.good.memory - stalled.memory_before if stalled else None
    return [
        Target("50 stalled viewers: frames that a good one lost", "0", lost, 0),
        Target("50 stalled and 50 good viewers: memory", "flat", growth, 2 * FLAT, "MB more"),
        Target("viewer at 2 Mbit/s: age of a frame, p95, of ustreamer's", "<= 0.15", age, 0.15),
    ]


def _snapshot_and_encoder(results: Results) -> list[Target]:
    snapshot = results.snapshots.get(results.ours, {}).get(100)
    limit = 1.5 * 1000 / FPS + 20
    raw, their_raw = results.raw.get(results.ours), results.raw.get(results.theirs)
    encoding = ratio(raw.cpu if raw else None, their_raw.cpu if their_raw else None)
    p95 = snapshot.p95 if snapshot else None
    return [
        Target("snapshot, p95, beside 100 viewers", f"<= {limit:.0f} ms", p95, limit, "ms"),
        Target("YUYV: CPU for an encoded frame, of ustreamer's encoder", "<= 1", encoding, 1),
    ]


def _process(results: Results) -> list[Target]:
    idle, visits = results.idle.get(results.ours), results.visits.get(results.ours)
    memory = visits.memory_most if visits else None
    return [
        Target("resident memory, everything on", "<= 75 MB", memory, 75, "MB"),
        Target("start to the first frame at a viewer", "<= 1 s", results.start(results.ours, "first_frame"), 1, "s"),
        Target("idle", "<= 1.5 % of a core", idle.cpu * 100 if idle else None, 1.5, "%"),
        Target(
            "joins and leaves: memory after the first minute",
            "flat",
            visits.growth if visits else None,
            FLAT,
            "MB more",
        ),
    ]
