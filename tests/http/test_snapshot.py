"""What a snapshot promises: one frame, fresh, or a reason."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from appliance.jpeg import verify
from tests.running import JSON, PATIENCE, Answer, RunningAppliance, eventually
from tests.simcam import SimulatedCamera, read_stamp
from tests.streaming import Viewer


@pytest.mark.parametrize("path", ["/snapshot.jpg", "/snapshot", "/?action=snapshot", "/api/frame.jpeg?src=camera"])
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


@pytest.mark.parametrize(
    "query",
    [f"max_age={value}" for value in ("-1", "61", "soon", "nan", "inf", "1e999", "", "%ff", "9" * 5000)]
    + ["max_delay=-1", "max_delay=60001", "max_delay=abc", "upright=maybe", "upright=", "upright=2", "max_age[]=5"],
)
def test_a_parameter_that_says_nothing_leaves_a_fresh_frame(shared: RunningAppliance, query: str) -> None:
    asked_at = time.monotonic_ns()
    answer = shared.ask("GET", f"/snapshot.jpg?{query}")
    assert answer.status == 200
    stamp = read_stamp(answer.body)
    assert stamp is not None
    assert stamp.monotonic_ns > asked_at


@pytest.mark.parametrize("query", ["max_delay=10000", "max_age=10&max_delay=0"])
def test_camera_streamers_max_delay_is_the_same_in_milliseconds(shared: RunningAppliance, query: str) -> None:
    stamps = [read_stamp(shared.ask("GET", f"/snapshot?{query}").body) for _ in range(20)]
    assert len({stamp.sequence for stamp in stamps if stamp}) < 20


@pytest.mark.parametrize("wanted", ["bytes=0-", "bytes=0-99", "bytes=-10", "bytes=99999999-", "bytes=0-1,5-9", "x"])
def test_a_range_of_a_live_snapshot_is_the_whole(shared: RunningAppliance, wanted: str) -> None:
    """The next answer would be another frame: parts of two frames do not fit together."""
    answer = shared.ask("GET", "/snapshot.jpg", headers={"Range": wanted})
    assert (answer.status, answer.headers["Accept-Ranges"]) == (200, "none")
    assert answer.headers["Content-Range"] is None
    assert answer.body.startswith(b"\xff\xd8")
    assert answer.body.endswith(b"\xff\xd9")


def test_a_snapshot_is_not_stored(shared: RunningAppliance) -> None:
    before = shared.stored()
    shared.ask("GET", "/snapshot.jpg")
    assert shared.stored() == before


def image(data: bytes) -> npt.NDArray[np.uint8]:
    """Return the pixels of a JPEG that has to be whole, not turned by what its EXIF says."""
    verify(data)
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert found is not None
    return found.astype(np.uint8, copy=False)


def assert_says_why(answer: Answer, status: int, shape: tuple[int, int]) -> None:
    assert (answer.status, answer.headers["Content-Type"]) == (status, "image/jpeg")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Live"] == "0"
    assert (answer.headers["Retry-After"] is not None) == (status == 503)
    assert image(answer.body).shape[:2] == shape
    assert b"simcam" not in answer.body, "no frame of the camera"


SHOWN = [
    *({}, {"Accept": "*/*"}, {"Accept": "image/*"}, {"Accept": "image/jpeg"}, {"Accept": ""}),
    {"Accept": "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"},  # Firefox, <img>
    {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},  # a browser's address bar
    {"Accept": "application/json, text/plain, */*"},  # axios, whatever it asks for
    {"Accept": "application/json;q=0.5, image/jpeg"},
    {"Accept": "text/html"},
    {"Accept": "nonsense;;q=,,;=\xff"},
]
TOLD = [
    *({"Accept": "application/json"}, {"Accept": "APPLICATION/JSON"}, {"Accept": "application/json, */*;q=0.5"}),
    *({"Accept": "application/*"}, {"Accept": "image/*;q=0, application/json;q=0.1"}),
    {"Accept": "image/jpeg;q=0.2, application/json; q=0.9"},
]


def test_without_a_camera_the_picture_or_the_json_says_why(watching: RunningAppliance, simcam: SimulatedCamera) -> None:
    simcam.unplug()
    eventually(lambda: watching.state()["camera"]["state"] == "lost", "a lost camera")
    for headers in SHOWN:
        assert_says_why(watching.ask("GET", "/snapshot.jpg", headers=headers), 503, (720, 1280))
    for path in ("/snapshot?upright=1", "/?action=snapshot", "/webcam/?action=snapshot_0", "/api/frame.jpeg?src=x"):
        assert_says_why(watching.ask("GET", path), 503, (720, 1280))
    head = watching.ask("HEAD", "/snapshot.jpg")
    assert (head.status, head.body, head.headers["Content-Type"]) == (503, b"", "image/jpeg")
    for headers in TOLD:
        answer = watching.ask("GET", "/snapshot.jpg", headers=headers)
        assert answer.status == 503
        code, message = answer.error
        assert code == "camera_unavailable"
        assert "camera" in message
        assert int(answer.headers["Retry-After"]) > 0
    with Viewer(watching) as viewer:
        viewer.begin()
        same = eventually(lambda: viewer.part().jpeg == watching.ask("GET", "/snapshot.jpg").body, "the same picture")
    assert same, "viewers of the stream see it too"


@pytest.mark.parametrize(
    ("source", "size"), [("auto", (480, 640)), ("/dev/video7", (480, 640)), ("http://127.0.0.1:9/", (480, 640))]
)
def test_a_camera_that_was_never_there_is_shown_at_the_size_that_is_set(
    tmp_path: Path, source: str, size: tuple[int, int]
) -> None:
    settings = {"camera.width": 640, "camera.height": 480, "camera.pixel_format": "NV12"}
    with SimulatedCamera(tmp_path / "camera") as camera:
        environment = camera.environment | {"http_proxy": ""}
        with RunningAppliance(tmp_path, source, environment, settings) as appliance:
            answer = appliance.ask("GET", "/snapshot.jpg")  # at once, while the camera is being opened
            assert_says_why(answer, 503, size)


def test_privacy_shows_that_it_is_on_and_nothing_of_before(watching: RunningAppliance) -> None:
    for path in ("/snapshot.jpg?max_age=60", "/snapshot.jpg?upright=1", "/snapshot.jpg"):
        assert watching.ask("GET", path).headers["X-Live"] == "1"
    assert watching.ask("PUT", "/api/privacy", {"on": True}).status == 200
    for path in ("/snapshot.jpg", "/snapshot.jpg?max_age=60&upright=1", "/snapshot?max_delay=60000", "/1/current"):
        assert_says_why(watching.ask("GET", path), 409, (720, 1280))
    assert watching.ask("GET", "/snapshot.jpg", headers=JSON).error[0] == "privacy_on"
    assert watching.ask("PUT", "/api/privacy", {"on": False}).status == 200
    watching.until_live()
    assert watching.ask("GET", "/snapshot.jpg?max_age=60").headers["X-Live"] == "1"


def test_privacy_that_begins_while_a_snapshot_waits_is_its_answer(
    watching: RunningAppliance, simcam: SimulatedCamera
) -> None:
    simcam.stall()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(watching.ask, "GET", "/snapshot.jpg", None, JSON)
        watching.ask("PUT", "/api/privacy", {"on": True})
        answer = waiting.result(PATIENCE)
    assert (answer.status, answer.error[0]) == (409, "privacy_on")
    simcam.resume()


def test_a_camera_that_stalls_is_told_within_seconds(watching: RunningAppliance, simcam: SimulatedCamera) -> None:
    simcam.stall()
    asked_at = time.monotonic()
    answer = watching.ask("GET", "/snapshot.jpg", headers=JSON)
    assert answer.status == 503
    assert answer.error[0] == "camera_unavailable"
    assert time.monotonic() - asked_at < 6
    assert_says_why(watching.ask("GET", "/snapshot.jpg"), 503, (720, 1280))
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
        assert "there is no video file" in appliance.ask("GET", "/snapshot.jpg", headers=JSON).error[1]


def test_a_turned_camera_gives_upright_pixels_and_turns_each_frame_once(
    tmp_path: Path, simcam: SimulatedCamera
) -> None:
    """Ten clients that take the same frame get the same bytes: they were made once."""
    settings = {"camera.rotate": 90, "camera.flip_vertical": "true"}
    with RunningAppliance(tmp_path, "auto", simcam.environment, settings) as appliance:
        appliance.until_live()
        as_made = appliance.ask("GET", "/snapshot.jpg?upright=0").body
        assert image(as_made).shape == (720, 1280, 3)
        assert b"Exif" in as_made[:32]
        appliance.ask("GET", "/snapshot.jpg")  # so that there is a newest frame
        simcam.stall()
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: appliance.ask("GET", "/1/current?max_age=60"), range(10)))
        upright = {answer.body for answer in answers}
        assert len(upright) == 1
        (turned,) = upright
        assert image(turned).shape == (1280, 720, 3)
        assert b"Exif" not in turned[:32]
        simcam.resume()
