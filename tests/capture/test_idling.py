"""`camera.idle = "slow"`: one frame a second while nobody needs frames, and all of them at once when somebody does."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera
from tests.streaming import Viewer

RATE = 30.0


@pytest.fixture
def slow(tmp_path: Path, simcam: SimulatedCamera) -> Iterator[RunningAppliance]:
    """An appliance that has slowed its camera down."""
    settings = {"camera.idle": "slow", "camera.fps": RATE}
    with RunningAppliance(tmp_path, "auto", simcam.environment, settings) as appliance:
        slowed_down(appliance.until_live())
        yield appliance


def slowed_down(appliance: RunningAppliance) -> None:
    eventually(lambda: 0 < (appliance.state()["fps"] or 0) < 2, "a camera that is slowed down")


def test_a_slow_camera_is_online_and_well(slow: RunningAppliance) -> None:
    state = slow.state()
    assert state["camera"]["state"] == "online"
    before, since = state["frames"]["captured"], time.monotonic()
    captured = eventually(lambda: (now := slow.state()["frames"]["captured"]) > before + 2 and now, "three frames")
    assert captured - before < 2 * (time.monotonic() - since) + 2
    assert slow.ask("GET", "/healthz").status == 200


def test_the_first_viewer_sees_a_fresh_frame_at_once_and_then_all_of_them(slow: RunningAppliance) -> None:
    for _ in range(3):
        asked_at = time.time()
        with Viewer(slow) as viewer:
            first = viewer.begin().part()
            assert time.time() - asked_at < 0.9
            assert first.timestamp > asked_at - 0.3
            times = [viewer.part().timestamp for _ in range(20)]
        assert (times[-1] - times[0]) / 19 < 0.2, "not one a second"
        slowed_down(slow)


def test_a_snapshot_of_a_slow_camera_is_fresh(slow: RunningAppliance) -> None:
    asked_at = time.time()
    answer = slow.ask("GET", "/snapshot.jpg")
    assert float(answer.headers["X-Timestamp"]) > asked_at
    assert time.time() - asked_at < 0.9


def test_a_command_does_not_wait_for_the_next_second(slow: RunningAppliance) -> None:
    asked_at = time.monotonic()
    assert slow.ask("PATCH", "/api/controls", {"brightness": 60}).json["values"]["brightness"] == 60
    assert time.monotonic() - asked_at < 0.9


def test_a_slow_camera_that_is_unplugged_is_missed_and_found(slow: RunningAppliance, simcam: SimulatedCamera) -> None:
    simcam.unplug()
    eventually(lambda: slow.state()["camera"]["state"] == "lost", "a lost camera")
    simcam.plug()
    slow.until_live()


def test_privacy_closes_a_slow_camera(slow: RunningAppliance, simcam: SimulatedCamera) -> None:
    assert slow.ask("PUT", "/api/privacy", {"on": True}).status == 200
    simcam.wait_for(lambda now: now.handles == 0)
