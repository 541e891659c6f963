"""Those who follow frames without a demand cost an idle camera nothing, and no defect of theirs reaches the others."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.running import PATIENCE, clean_environment, eventually
from tests.simcam import SimulatedCamera

ROOT = Path(__file__).parent.parent
Report = dict[str, Any]


@contextmanager
def subscribers(folder: Path, camera: SimulatedCamera, pixel_format: str, idle: str) -> Iterator[Callable[..., Report]]:
    """Run the program; yield the function that gives it a command and returns its report."""
    arguments = [sys.executable, "-m", "tests.subscribers", str(folder / "state"), pixel_format, idle]
    environment = clean_environment(**camera.environment)
    with subprocess.Popen(
        arguments, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        talk = process.stdin, process.stdout

        def report(command: str = "") -> Report:
            talk[0].write(f"{command}\n")
            talk[0].flush()
            answer: Report = json.loads(talk[1].readline())
            return answer

        try:
            yield report
            process.stdin.close()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def test_following_without_demand_leaves_an_idle_camera_closed(tmp_path: Path, simcam: SimulatedCamera) -> None:
    with subscribers(tmp_path, simcam, "MJPG", "close") as report:
        eventually(lambda: report()["state"] == "idle", "an idle camera")
        assert simcam.wait_for(lambda now: now.handles == 0)
        before = report()
        assert before["first"], "frames that were there anyway"
        report("demand")
        eventually(lambda: report()["first"][-1] > before["first"][-1] + 5, "frames while others need them")
        report("release")
        eventually(lambda: report()["state"] == "idle", "an idle camera again")


def test_following_without_demand_encodes_no_raw_frame(tmp_path: Path, simcam: SimulatedCamera) -> None:
    with subscribers(tmp_path, simcam, "YUYV", "open") as report:
        eventually(lambda: report()["captured"] > 30, "captured frames")
        assert simcam.statistics.pixel_format == "YUYV"
        assert (report()["first"], report()["followed"]) == ([], [])
        report("demand")
        eventually(lambda: len(report()["first"]) > 5 and report()["followed"], "frames while others need them")
        report("release")
        last, captured = report()["first"][-1], report()["captured"]
        eventually(lambda: report()["captured"] > captured + 30, "captured frames")
        assert report()["first"][-1] <= last + 1, "one may have been on its way"


def test_a_subscriber_that_raises_costs_nobody_a_frame(tmp_path: Path, simcam: SimulatedCamera) -> None:
    with subscribers(tmp_path, simcam, "MJPG", "open") as report:

        def enough() -> Report | None:
            now = report()
            return now if len(now["first"]) > 60 else None

        seen = eventually(enough, "frames")
        assert seen["state"] == "online"
        assert seen["failures"] >= 60
        assert seen["first"] == list(range(1, len(seen["first"]) + 1))
        assert seen["first"][:-1] == seen["second"][: len(seen["first"]) - 1]
        assert simcam.statistics.starts == 1
