"""The results of the measurements, as plain data."""

from dataclasses import dataclass, field

from benchmarks.client import Load
from benchmarks.figures import median


@dataclass(frozen=True)
class Stalled:
    """Viewers that read, together with viewers that never do: results of the former, and the memory before (MB)."""

    good: Load
    memory_before: float


@dataclass(frozen=True)
class Latency:
    """Durations of requests, in ms."""

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
    """Times since the start of the process, in s."""

    listening: float
    first_frame: float


@dataclass(frozen=True)
class Idle:
    """With the camera open and no viewer: processor time as a fraction of one core, and resident memory (MB)."""

    cpu: float
    memory: float


@dataclass(frozen=True)
class Visits:
    """Viewers that connect and disconnect: their number, the duration (s), and the resident memory (MB) meanwhile."""

    visits: int
    seconds: float
    memory_early: float
    memory_late: float
    memory_most: float

    @property
    def growth(self) -> float:
        """Growth of the memory after the first minute (or tenth of the time, if that is longer), in MB."""
        return self.memory_late - self.memory_early


@dataclass
class Results:
    """All results, by the name of the program; `problems` are the messages of failed measurements."""

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
        """Return the median of one value of `Load` over all rounds; None if it was not measured."""
        return median([getattr(load, figure) for load in self.loads.get(program, {}).get(viewers, [])])

    def start(self, program: str, figure: str) -> float | None:
        """Return the median of one value of `Start` over all starts."""
        return median([getattr(start, figure) for start in self.starts.get(program, [])])
