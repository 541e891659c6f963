"""Durations and repetitions: a full run takes a quarter of an hour, a quick run two minutes."""

from dataclasses import dataclass

WIDTH, HEIGHT, FPS = 1280, 720, 30
QUALITY = 80
SLOW_RATE = 250_000  # bytes/s, which is 2 Mbit/s
GOOD, STALLED = 50, 50  # viewers that read, and that never do


@dataclass(frozen=True)
class Plan:
    """Numbers of viewers, rounds and samples; everything else in seconds."""

    rounds: int
    viewers: tuple[int, ...]
    tls_viewers: tuple[int, ...]
    warm_up: float
    seconds: float
    settle: float
    slow_settle: float
    slow_seconds: float
    stalled_seconds: float
    snapshots: int
    ask_seconds: float
    raw_seconds: float
    starts: int
    idle_seconds: float
    visits: int
    visit_seconds: float
    has_all_peers: bool


FULL = Plan(
    rounds=2,
    viewers=(1, 10, 100, 300),
    tls_viewers=(1, 10, 100),
    warm_up=3.0,
    seconds=3.5,
    settle=1.0,
    slow_settle=6.0,
    slow_seconds=8.0,
    stalled_seconds=6.0,
    snapshots=40,
    ask_seconds=2.0,
    raw_seconds=5.0,
    starts=3,
    idle_seconds=5.0,
    visits=200,
    visit_seconds=600.0,
    has_all_peers=True,
)
QUICK = Plan(
    rounds=1,
    viewers=(1, 10, 100, 300),
    tls_viewers=(10,),
    warm_up=2.5,
    seconds=2.0,
    settle=0.8,
    slow_settle=4.0,
    slow_seconds=3.5,
    stalled_seconds=2.0,
    snapshots=10,
    ask_seconds=1.0,
    raw_seconds=2.5,
    starts=1,
    idle_seconds=2.5,
    visits=20,
    visit_seconds=8.0,
    has_all_peers=False,
)
