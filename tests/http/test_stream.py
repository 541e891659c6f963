"""What a viewer of the live stream may rely on."""

import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera, read_stamp
from tests.simcam.frames import loop
from tests.streaming import Viewer


def picture(jpeg: bytes) -> npt.NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.astype(np.uint8, copy=False)


def viewers(appliance: RunningAppliance) -> int:
    return int(appliance.state()["viewers"])


@pytest.mark.parametrize("path", ["/stream.mjpg", "/stream", "/?action=stream", "/webcam/", "/webcam/?action=stream"])
def test_every_stream_address_gives_parts_with_length_type_and_time(shared: RunningAppliance, path: str) -> None:
    with Viewer(shared, path) as viewer:
        viewer.begin()
        assert viewer.headers["content-type"] == "multipart/x-mixed-replace;boundary=frame"
        assert viewer.headers["cache-control"] == "no-store"
        assert "transfer-encoding" not in viewer.headers
        assert "content-length" not in viewer.headers
        for _ in range(5):
            part = viewer.part()
            assert part.headers["content-type"] == "image/jpeg"
            assert part.is_live
            assert abs(time.time() - part.timestamp) < 5


@pytest.mark.parametrize("path", ["/?action=stream", "/webcam/", "/webcam/?action=stream"])
def test_every_action_counts_as_one_viewer(running: RunningAppliance, path: str) -> None:
    with Viewer(running, path) as viewer:
        viewer.begin()
        viewer.part()
        assert viewers(running) == 1


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/octet-stream", "application/octet-stream"),
        ("Application/Octet-Stream, */*;q=0.1", "application/octet-stream"),
        ("*/*", "multipart/x-mixed-replace"),
        ("image/avif,image/webp,*/*;q=0.8", "multipart/x-mixed-replace"),
        ("multipart/x-mixed-replace", "multipart/x-mixed-replace"),
        ("application/*", "multipart/x-mixed-replace"),
        ("\xff", "multipart/x-mixed-replace"),
    ],
)
def test_a_script_can_read_the_stream_as_plain_bytes(shared: RunningAppliance, accept: str, media_type: str) -> None:
    """WebKit lets no script read a response of type multipart/x-mixed-replace."""
    with Viewer(shared, accept=accept) as viewer:
        viewer.begin()
        assert viewer.headers["content-type"] == f"{media_type};boundary=frame"
        assert viewer.headers["vary"] == "Accept"
        assert all(viewer.part().is_live for _ in range(3))


def test_frames_are_the_bytes_that_the_camera_made(shared: RunningAppliance) -> None:
    with Viewer(shared) as viewer:
        viewer.begin()
        sequences = []
        for _ in range(10):
            part = viewer.part()
            stamp = read_stamp(part.jpeg)
            assert stamp is not None
            assert part.jpeg.startswith(b"\xff\xd8")
            assert part.jpeg.endswith(b"\xff\xd9")
            # The driver's time stamp becomes the time of the part; microseconds are lost on the way.
            age_of_capture = time.monotonic() - stamp.monotonic_ns / 1e9
            assert time.time() - part.timestamp == pytest.approx(age_of_capture, abs=0.02)
            sequences.append(stamp.sequence)
    assert sequences == sorted(set(sequences))


def test_a_viewer_who_leaves_frees_its_place(shared: RunningAppliance) -> None:
    with Viewer(shared) as viewer:
        viewer.begin().part()
        assert viewers(shared) == 1
    eventually(lambda: viewers(shared) == 0, "no viewer")


def test_a_viewer_who_leaves_is_noticed_although_no_frame_comes(
    watching: RunningAppliance, simcam: SimulatedCamera
) -> None:
    with Viewer(watching) as viewer:
        viewer.begin().part()
        simcam.stall()
        assert viewers(watching) == 1
    eventually(lambda: viewers(watching) == 0, "no viewer", seconds=1.5)


def test_a_viewer_who_only_closes_its_half_of_the_connection_has_left(shared: RunningAppliance) -> None:
    with Viewer(shared) as viewer:
        viewer.begin().part()
        viewer.connection.shutdown(1)
        eventually(lambda: viewers(shared) == 0, "no viewer")


def test_one_viewer_too_many_is_sent_away_with_words_and_a_time(tmp_path: Path) -> None:
    with RunningAppliance(tmp_path, settings={"http.max_viewers": 2}) as appliance:
        with Viewer(appliance) as first, Viewer(appliance) as second:
            first.begin().part()
            second.begin().part()
            refusal = appliance.ask("GET", "/stream.mjpg")
            assert refusal.status == 503
            assert int(refusal.headers["Retry-After"]) > 0
            assert refusal.error == ("too_many_viewers", "all 2 places for viewers are taken; try again later")
            assert first.part().is_live
        eventually(lambda: viewers(appliance) == 0, "no viewer")
        with Viewer(appliance) as third:
            assert third.begin().part().is_live


def test_a_viewer_that_never_reads_costs_others_nothing_and_is_closed(tmp_path: Path) -> None:
    with (
        RunningAppliance(tmp_path, settings={"http.viewer_timeout": 1}) as appliance,
        Viewer(appliance, receive_buffer=4096) as stalled,
        Viewer(appliance) as good,
    ):
        good.begin()
        good.part()
        captured, count = appliance.state()["frames"]["captured"], 0
        while viewers(appliance) == 2:
            for _ in range(10):  # without a pause: between two questions it is this test that is slow
                good.part()
            count += 10
        captured = appliance.state()["frames"]["captured"] - captured
        assert count > 10
        assert count > captured / 2, "the good one got its frames"
        with pytest.raises((EOFError, ConnectionError)):
            stalled.exactly(1 << 30)


def test_a_slow_viewer_sees_the_newest_picture_not_old_ones(shared: RunningAppliance) -> None:
    with Viewer(shared, receive_buffer=4096) as slow, Viewer(shared) as fast:
        slow.begin()
        fast.begin()
        slow.part()
        for _ in range(60):
            newest = fast.part()
        slow.part()  # was under way, or in the kernel's buffers, while it slept
        slow.part()
        after = slow.part()
        assert after.timestamp > newest.timestamp
        assert shared.state()["frames"]["dropped"] > 0


def test_a_hundred_viewers_all_get_the_same_frames(shared: RunningAppliance) -> None:
    crowd = [Viewer(shared) for _ in range(100)]
    try:
        for viewer in crowd:
            viewer.begin()
        assert viewers(shared) == 100
        rounds = [{viewer.part().headers["x-timestamp"] for viewer in crowd} for _ in range(3)]
        assert all(timestamps for timestamps in rounds)
    finally:
        for viewer in crowd:
            viewer.connection.close()
    eventually(lambda: viewers(shared) == 0, "no viewer")


def test_viewers_of_a_lost_camera_see_a_placeholder_until_it_is_back(
    watching: RunningAppliance, simcam: SimulatedCamera
) -> None:
    with Viewer(watching) as viewer:
        viewer.begin().part()
        simcam.unplug()
        while (part := viewer.part()).is_live:
            pass
        assert part.jpeg.startswith(b"\xff\xd8")
        state = watching.state()
        assert state["camera"]["state"] == "lost"
        assert state["camera"]["reason"] == "the camera is unplugged" or "no camera" in state["camera"]["reason"]
        simcam.plug()
        while not (part := viewer.part()).is_live:
            pass
        assert read_stamp(part.jpeg) is not None


def test_opencv_reads_the_stream_as_a_network_camera(shared: RunningAppliance) -> None:
    capture = cv2.VideoCapture(shared.url + "stream.mjpg", cv2.CAP_FFMPEG)
    assert capture.isOpened()
    ok, image = capture.read()
    capture.release()
    assert ok
    assert image is not None
    assert image.shape == (720, 1280, 3)


def test_a_head_request_answers_without_taking_a_place(shared: RunningAppliance) -> None:
    answer = shared.ask("HEAD", "/stream.mjpg")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace")
    assert viewers(shared) == 0


def test_raw_formats_are_encoded_only_while_somebody_looks(tmp_path: Path, simcam: SimulatedCamera) -> None:
    settings = {"camera.width": 640, "camera.height": 480, "camera.pixel_format": "YUYV", "log.level": "debug"}
    with RunningAppliance(tmp_path, "auto", simcam.environment, settings) as appliance:
        appliance.until_live()
        assert appliance.state()["format"]["granted"]["pixel_format"] == "YUYV"
        captured = appliance.state()["frames"]["captured"]
        eventually(lambda: appliance.state()["frames"]["captured"] > captured + 5, "frames without viewers")
        with Viewer(appliance) as viewer:
            part = viewer.begin().part()
            assert part.is_live
            assert time.time() - part.timestamp < 5, "a new viewer is not shown a picture of long ago"


@pytest.mark.parametrize("pixel_format", ["YU12", "NV12"])
def test_raw_formats_in_planes_are_shown_in_their_colours(tmp_path: Path, pixel_format: str) -> None:
    settings = {"camera.width": 640, "camera.height": 480, "camera.pixel_format": pixel_format}
    with (
        SimulatedCamera(tmp_path / "camera", planes=True) as camera,
        RunningAppliance(tmp_path, "auto", camera.environment, settings) as appliance,
    ):
        appliance.until_live()
        assert appliance.state()["format"]["granted"]["pixel_format"] == pixel_format
        shown = picture(appliance.ask("GET", "/snapshot.jpg").body).astype(int)
    passed_on = [picture(bytes(frame)).astype(int) for frame in loop("MJPG", 640, 480).frames]
    nearest = min(passed_on, key=lambda frame: float(np.abs(frame - shown).mean()))
    assert np.abs((shown - nearest).mean(axis=(0, 1))).max() < 3


def test_a_viewer_who_asks_for_five_frames_a_second_gets_no_more(shared: RunningAppliance) -> None:
    with Viewer(shared, "/stream.mjpg?fps=5") as slow, Viewer(shared) as fast:
        slow.begin()
        fast.begin()
        times = [slow.part().timestamp for _ in range(8)]
        assert (times[-1] - times[0]) / (len(times) - 1) > 0.19, "the mean interval is that of five a second"
        assert min(after - before for before, after in zip(times, times[5:], strict=False)) > 0.75, "no bursts"
        assert fast.part().is_live


def test_parameters_of_other_servers_are_ignored(shared: RunningAppliance) -> None:
    with Viewer(shared, "/?action=stream&advance_headers=1&dual_final_frames=1&t=123") as viewer:
        assert viewer.begin().part().is_live


def test_extra_headers_tell_what_ustreamers_tell(shared: RunningAppliance) -> None:
    with Viewer(shared, "/stream?extra_headers=1") as viewer:
        viewer.begin()
        viewer.part()
        part = viewer.part()
    assert part.jpeg.startswith(b"\xff\xd8")
    assert part.jpeg.endswith(b"\xff\xd9")
    assert part.headers["x-ustreamer-online"] == "true"
    assert (part.headers["x-ustreamer-width"], part.headers["x-ustreamer-height"]) == ("1280", "720")
    grabbed, sent = (float(part.headers[f"x-ustreamer-{name}-time"]) for name in ("grab-begin", "send"))
    assert float(part.headers["x-ustreamer-latency"]) == pytest.approx(sent - grabbed, abs=1e-5)
    assert int(part.headers["x-ustreamer-client-fps"]) >= 0


def test_without_data_only_the_headers_come(shared: RunningAppliance) -> None:
    with Viewer(shared, "/stream?zero_data=1&extra_headers=true") as viewer:
        viewer.begin()
        first, second = viewer.part(), viewer.part()
    assert first.jpeg == second.jpeg == b""
    assert second.headers["content-length"] == "0"
    assert second.timestamp > first.timestamp


def test_the_state_has_the_shape_of_ustreamers(shared: RunningAppliance) -> None:
    with Viewer(shared, "/stream?key=mine%22;x&extra_headers=1") as viewer:
        viewer.begin().part()
        cookie = viewer.headers["set-cookie"]
        answer = shared.ask("GET", "/state")
    assert answer.status == 200
    assert answer.json["ok"] is True
    result = answer.json["result"]
    assert set(result) == {"instance_id", "encoder", "source", "stream"}
    assert result["encoder"] == {"type": "HW", "quality": 80}
    source = result["source"]
    assert source["resolution"] == {"width": 1280, "height": 720}
    assert source["online"] is True
    assert source["desired_fps"] == 30
    assert isinstance(source["captured_fps"], int)
    assert result["stream"]["clients"] == 1
    (id, statistics), *_ = result["stream"]["clients_stat"].items()
    assert statistics["key"] == 'mine";x'
    assert statistics["extra_headers"] is True
    assert statistics["zero_data"] is statistics["advance_headers"] is statistics["dual_final_frames"] is False
    assert isinstance(statistics["fps"], int)
    assert cookie.startswith(f"stream_client_{result['instance_id']}=mine%22%3Bx/{id};")
