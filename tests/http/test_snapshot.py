"""What a snapshot promises: one frame, fresh, or a reason."""

import time
from pathlib import Path

import pytest

from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera, read_stamp


@pytest.mark.parametrize("path", ["/snapshot.jpg", "/snapshot", "/?action=snapshot"])
def test_a_snapshot_was_captured_after_it_was_asked_for(shared: RunningAppliance, path: str) -> None:
    asked_at = time.monotonic_ns()
    answer = shared.ask("GET", path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    stamp = read_stamp(answer.body)
    assert stamp is not None
    assert stamp.monotonic_ns > asked_at


def test_a_snapshot_says_when_it_was_captured_and_how_old_it_is(shared: RunningAppliance) -> None:
    answer = shared.ask("GET", "/snapshot.jpg")
    assert abs(time.time() - float(answer.headers["X-Timestamp"])) < 5
    assert 0 <= float(answer.headers["X-Frame-Age"]) < 5


def test_a_snapshot_may_be_as_old_as_the_client_accepts(shared: RunningAppliance) -> None:
    """With a frame on hand it is given at once: of many snapshots some are the same frame."""
    stamps = [read_stamp(shared.ask("GET", "/snapshot.jpg?max_age=10").body) for _ in range(20)]
    assert len({stamp.sequence for stamp in stamps if stamp}) < 20


@pytest.mark.parametrize("max_age", ["-1", "61", "soon", "nan", "inf", "1e999", ""])
def test_a_senseless_age_is_refused_with_words(shared: RunningAppliance, max_age: str) -> None:
    answer = shared.ask("GET", f"/snapshot.jpg?max_age={max_age}")
    assert answer.status == 400
    code, message = answer.error
    assert code == "invalid_value"
    assert "max_age" in message
    assert "from 0 to 60" in message


def test_a_snapshot_is_not_stored(shared: RunningAppliance) -> None:
    before = shared.stored()
    shared.ask("GET", "/snapshot.jpg")
    assert shared.stored() == before


def test_without_a_camera_there_is_a_reason_instead_of_a_snapshot(
    watching: RunningAppliance, simcam: SimulatedCamera
) -> None:
    simcam.unplug()
    eventually(lambda: watching.state()["camera"]["state"] == "lost", "a lost camera")
    answer = watching.ask("GET", "/snapshot.jpg")
    assert answer.status == 503
    code, message = answer.error
    assert code == "camera_unavailable"
    assert "camera" in message
    assert int(answer.headers["Retry-After"]) > 0


def test_a_camera_that_stalls_is_told_within_seconds(watching: RunningAppliance, simcam: SimulatedCamera) -> None:
    simcam.stall()
    asked_at = time.monotonic()
    answer = watching.ask("GET", "/snapshot.jpg")
    assert answer.status == 503
    assert answer.error[0] == "camera_unavailable"
    assert time.monotonic() - asked_at < 6
    simcam.resume()
    eventually(lambda: watching.ask("GET", "/snapshot.jpg").status == 200, "a snapshot after the stall")


def test_damaged_frames_are_never_shown_and_are_counted(watching: RunningAppliance, simcam: SimulatedCamera) -> None:
    simcam.truncate(3)
    eventually(lambda: watching.state()["frames"]["corrupt"] >= 3, "three damaged frames")
    assert watching.ask("GET", "/snapshot.jpg").body.endswith(b"\xff\xd9")


def test_frames_without_huffman_tables_get_the_standard_ones(
    watching: RunningAppliance, simcam: SimulatedCamera
) -> None:
    simcam.strip_huffman(True)
    for _ in range(5):
        snapshot = watching.ask("GET", "/snapshot.jpg").body
    assert b"\xff\xc4" in snapshot


def test_healthz_is_good_only_while_frames_are_fresh(watching: RunningAppliance, simcam: SimulatedCamera) -> None:
    assert watching.ask("GET", "/healthz").json["ok"] is True
    simcam.unplug()
    eventually(lambda: watching.ask("GET", "/healthz").status == 503, "bad health")
    assert watching.ask("GET", "/healthz").error[0] == "camera_unavailable"
    simcam.plug()
    eventually(lambda: watching.ask("GET", "/healthz").status == 200, "good health")


def test_a_video_file_that_does_not_exist_is_the_reason(tmp_path: Path) -> None:
    with RunningAppliance(tmp_path, str(tmp_path / "none.mp4")) as appliance:
        eventually(lambda: appliance.state()["camera"]["state"] == "lost", "a lost camera")
        assert "there is no video file" in appliance.ask("GET", "/snapshot.jpg").error[1]
