"""What was measured, as plain data."""

from dataclasses import dataclass, field

from benchmarks.client import Load
from benchmarks.figures import median


@dataclass(frozen=True)
class Stalled:
    """Good viewers beside viewers that never read: what the good ones got, and the memory before and after (MB)."""

    good: Load
    memory_before: float


@dataclass(frozen=True)
class Latency:
    """How long requests took, in ms."""

    p50: float
    p95: float


@dataclass(frozen=True)
class Raw:
    """Encoding raw frames: processor time for each (ms), its size (bytes), the chroma subsampling, frames a second."""

    cpu: float
    size: float
    subsampling: str
    fps: float


@dataclass(frozen=True)
class Start:
    """From the start of the process, in s."""

    listening: float
    first_frame: float


@dataclass(frozen=True)
class Idle:
    """With the camera open and no viewer: processor time as a part of one core, and resident memory (MB)."""

    cpu: float
    memory: float


@dataclass(frozen=True)
class Visits:
    """Viewers coming and going: how many, for how long (s), and resident memory (MB) on the way."""

    visits: int
    seconds: float
    memory_early: float
    memory_late: float
    memory_most: float

    @property
    def growth(self) -> float:
        """What the memory grew by after the first minute (or tenth of the time, if that is more), in MB."""
        return self.memory_late - self.memory_early


@dataclass
class Results:
    """Everything, by the name of the program; `problems` are what could not be measured, for people."""

    ours: str
    theirs: str
    loads: dict[str, dict[int, list[Load]]] = field(default_factory=dict)
    encrypted: dict[int, Load] = field(default_factory=dict)
    stalled: dict[str, Stalled] = field(default_factory=dict)
    slow: dict[str, Load] = field(default_factory=dict)
    snapshots: dict[str, dict[int, Latency]] = field(default_factory=dict)
    requests: dict[str, float] = field(default_factory=dict)
    raw: dict[str, Raw] = field(default_factory=dict)
    starts: dict[str, list[Start]] = field(default_factory=dict)
    idle: dict[str, Idle] = field(default_factory=dict)
    visits: dict[str, Visits] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def load(self, program: str, viewers: int, figure: str) -> float | None:
        """Return the median over the rounds of one figure of `Load`, None where it was not measured."""
        return median([getattr(load, figure) for load in self.loads.get(program, {}).get(viewers, [])])

    def start(self, program: str, figure: str) -> float | None:
        """Return the median over all starts of one figure of `Start`."""
        return median([getattr(start, figure) for start in self.starts.get(program, [])])
