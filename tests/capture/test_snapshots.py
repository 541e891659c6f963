"""What single frames cost: turned once for all who ask, and a reason drawn once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance import jpeg
from appliance.camera import placeholder
from appliance.capture.saved_state import SavedState
from appliance.capture.snapshots import Snapshots
from appliance.capture.thread import Capture
from appliance.errors import CameraUnavailable
from appliance.frames import Format, Frame, FrameSlot
from appliance.settings import CameraSettings

PHOTOGRAPH = sorted((Path(__file__).parents[1] / "simcam/photographs").glob("*.jpg"))[0].read_bytes()


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    settings, slot = CameraSettings(rotate="90", width=640, height=360), FrameSlot()
    capture = Capture(settings, SavedState(tmp_path, "camera", Format(640, 360, 30.0, "auto")), slot)
    return Snapshots(settings, capture, slot)


def frame(orientation: int) -> Frame:
    data = jpeg.oriented(PHOTOGRAPH, orientation)
    return Frame(1, data, *jpeg.seen_size(data), time.monotonic())


def test_a_frame_is_turned_once_for_ten_clients_at_the_same_time(snapshots: Snapshots) -> None:
    shared, gate = frame(6), threading.Barrier(10)

    def upright() -> bytes:
        gate.wait()
        return snapshots.upright(shared)

    with ThreadPoolExecutor(10) as pool:
        results = [each.result() for each in [pool.submit(upright) for _ in range(10)]]
    assert all(result is results[0] for result in results)
    assert jpeg.size(results[0]) == (shared.width, shared.height)


def test_another_frame_is_turned_for_itself(snapshots: Snapshots) -> None:
    first = snapshots.upright(frame(6))
    assert snapshots.upright(frame(3)) is not first
    assert jpeg.size(snapshots.upright(frame(3))) == jpeg.size(PHOTOGRAPH)


def test_a_reason_is_drawn_once_at_the_size_that_is_seen(snapshots: Snapshots) -> None:
    placeholder.draw.cache_clear()
    drawn = {snapshots.placeholder(CameraUnavailable("the camera is unplugged")) for _ in range(10)}
    assert placeholder.draw.cache_info().misses == 1
    assert jpeg.size(drawn.pop()) == (360, 640), "turned by a quarter"
