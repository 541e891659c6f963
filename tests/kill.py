"""Kill the appliance, again and again, while pictures are stored and controls are set: `make kill KILLS=200`.

Each time the process gets SIGKILL at a random moment. Then every picture in the folder has to be whole, every one that
was answered has to be there, and what is remembered has to be readable; the next start goes on where this one ended.
"""

import argparse
import http.client
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from appliance import jpeg
from appliance.errors import CorruptFrame
from tests.running import RunningAppliance, eventually

TAKERS = 3
LONGEST_LIFE = 0.8  # s of work until the kill
WORKING = 0.8  # of the kills come after the first picture of that life; the others at any time
SETTINGS = {"camera.width": 320, "camera.height": 240, "camera.fps": 60}


@dataclass
class Outcome:
    """What a number of kills did."""

    kills: int = 0
    interrupted: int = 0
    """Kills that left a half-written file under its temporary name: those hit a write."""
    answered: dict[str, int] = field(default_factory=dict)
    """Pictures that were answered, by name, with their size in bytes."""
    set: list[int] = field(default_factory=lambda: [0])
    """Values of the control that were asked for, in order."""
    losses: list[str] = field(default_factory=list)
    """In words, what was lost, torn, or given twice."""

    def __str__(self) -> str:
        counts = f"{self.kills} kills ({self.interrupted} in the middle of a file)"
        done = f"{len(self.answered)} pictures answered, {len(self.set) - 1} controls set"
        return f"{counts}, {done}, lost or damaged: {len(self.losses)}"


class Executioner:
    """Starts an appliance in a folder, gives it work, kills it, and looks what is left."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.outcome = Outcome()
        self._appliance = RunningAppliance(directory, settings=SETTINGS)
        self._random = random.Random(seed)
        self._looked_at: set[str] = set()
        self._greatest = 0
        self._stopping = threading.Event()

    def kill(self, times: int, tell: Callable[[str], None] = lambda _: None) -> Outcome:
        """Do it so often."""
        for _ in range(times):
            self._live_and_die()
            self._look()
            if self.outcome.kills % 20 == 0:
                tell(str(self.outcome))
        return self.outcome

    def _live_and_die(self) -> None:
        self._stopping.clear()
        self._appliance.start()
        if left := self._temporary():
            self.outcome.losses.append(f"the start left {left}")
        self._greatest = max((int(name.partition("_")[0]) for name in self.outcome.answered), default=0)
        workers = [threading.Thread(target=self._take) for _ in range(TAKERS)]
        workers.append(threading.Thread(target=self._set))
        for worker in workers:
            worker.start()
        if self._random.random() < WORKING:
            answered = len(self.outcome.answered)
            eventually(lambda: len(self.outcome.answered) > answered, "a picture")
        time.sleep(self._random.uniform(0, LONGEST_LIFE))
        self._appliance.kill()
        self._stopping.set()
        for worker in workers:
            worker.join()
        self.outcome.kills += 1

    def _take(self) -> None:
        self._until_dead(self._take_one)

    def _take_one(self) -> None:
        answer = self._appliance.ask("POST", "/api/pictures")
        if answer.status == 201:
            picture = answer.json
            if picture["id"] <= self._greatest or picture["name"] in self.outcome.answered:
                self.outcome.losses.append(f"number {picture['id']} was given twice")
            self.outcome.answered[picture["name"]] = picture["bytes"]

    def _set(self) -> None:
        def set_one() -> None:
            self.outcome.set.append(self._random.randint(-100, 100))
            self._appliance.ask("PATCH", "/api/controls", {"brightness": self.outcome.set[-1]})

        self._until_dead(set_one)

    def _until_dead(self, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                work()
            except (OSError, http.client.HTTPException, ValueError):  # killed before or in the middle of the answer
                self._stopping.wait(0.01)

    def _temporary(self) -> list[str]:
        folder = self._appliance.pictures
        return [path.name for path in folder.glob(".*.tmp")] if folder.is_dir() else []

    def _look(self) -> None:
        """See what the kill left."""
        folder = self._appliance.pictures
        self.outcome.interrupted += bool(self._temporary())
        there = set(self._appliance.stored()) if folder.is_dir() else set()
        self.outcome.losses += [f"{name} is lost" for name in self.outcome.answered if name not in there]
        for name in there - self._looked_at:
            data = (folder / name).read_bytes()
            try:
                jpeg.verify(data)
            except CorruptFrame as error:
                self.outcome.losses.append(f"{name}: {error}")
            if self.outcome.answered.get(name, len(data)) != len(data):
                self.outcome.losses.append(f"{name} has {len(data)} bytes")
        self._looked_at |= there
        memory = self._appliance.directory / "state" / "camera.json"
        if memory.exists():
            try:
                remembered = json.loads(memory.read_text())["controls"]["brightness"]
            except (ValueError, KeyError) as error:
                self.outcome.losses.append(f"the memory cannot be read: {error!r}")
            else:
                if remembered not in self.outcome.set:
                    self.outcome.losses.append(f"the memory holds {remembered}, which nobody set")


def main() -> int:
    """Kill, and tell; 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        outcome = Executioner(Path(directory), options.seed).kill(options.kills, lambda words: print(words, flush=True))
    print(outcome, *outcome.losses[:50], sep="\n")
    return 1 if outcome.losses else 0


if __name__ == "__main__":
    sys.exit(main())
