"""A camera that survives: whatever a cable, a driver or a network does, viewers stay, are told why, and see it again.

The real command on the simulated camera. Most tests share one appliance, which gets well again after each of them.
"""

import json
import re
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from appliance import jpeg
from appliance.errors import CorruptFrame
from tests.faults import heal
from tests.rtsp import RtspCamera
from tests.running import JSON, RunningAppliance, eventually, run_command
from tests.simcam import SimulatedCamera, frames
from tests.spectators import EventReader, Spectator

SECRET = "hunter2-of-the-camera"
CHANGED = {"brightness": 33, "white_balance_automatic": False, "white_balance_temperature": 5000}
EXIF = b"\xff\xe1\x00\x22Exif\x00\x00MM\x00*"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SimulatedCamera, RunningAppliance]]:
    """A camera, and an appliance that is quick to notice."""
    directory = tmp_path_factory.mktemp("survival")
    settings = {"camera.stall_timeout": 1, "camera.frozen_after": 1, "log.level": "debug"}
    with (
        SimulatedCamera(directory / "camera") as camera,
        RunningAppliance(directory, "auto", camera.environment, settings) as appliance,
    ):
        yield camera, appliance.until_live()


@pytest.fixture
def camera(house: tuple[SimulatedCamera, RunningAppliance]) -> Iterator[SimulatedCamera]:
    """The camera of `appliance`; it is well again afterwards."""
    camera, appliance = house
    yield camera
    heal(camera)
    if appliance.state()["camera"]["state"] == "lost":
        camera.unplug()
        camera.plug()
    appliance.ask("PUT", "/api/privacy", {"on": False})
    appliance.until_live()
    appliance.ask("PATCH", "/api/format", {"width": 1280, "height": 720, "fps": 30, "pixel_format": "auto"})
    appliance.ask("POST", "/api/controls/reset", {})


@pytest.fixture
def appliance(house: tuple[SimulatedCamera, RunningAppliance], camera: SimulatedCamera) -> RunningAppliance:
    """An appliance that shows `camera`, live."""
    return house[1].until_live()


def is_in(appliance: RunningAppliance, *states: str) -> Callable[[], dict[str, Any] | None]:
    """Return a condition: the camera is in one of these states. Its result is what the state says of the camera."""

    def condition() -> dict[str, Any] | None:
        camera: dict[str, Any] = appliance.state()["camera"]
        return camera if camera["state"] in states else None

    return condition


def until(appliance: RunningAppliance, *states: str, seconds: float = 30.0) -> dict[str, Any]:
    """Wait until the camera is in one of these states; return what the state says of it."""
    return eventually(is_in(appliance, *states), f"a camera that is {' or '.join(states)}", seconds)


def entered(appliance: RunningAppliance, state: str) -> int:
    """Return what the metrics say: how often the camera came into that state."""
    text = appliance.ask("GET", "/metrics").body.decode()
    found = re.search(rf'^camera_appliance_camera_state_entered_total{{state="{state}"}} (\d+)', text, re.MULTILINE)
    return int(found[1]) if found else 0


def pixels(data: bytes, flags: int = cv2.IMREAD_COLOR) -> Any:
    """Return the decoded picture, turned as its EXIF says unless the flags forbid it."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    assert image is not None
    return image


def is_damaged(data: bytes) -> bool:
    """Return whether a strict decoder finds anything wrong."""
    try:
        jpeg.verify(data)
    except CorruptFrame:
        return True
    return False


def without_stamp(data: bytes) -> bytes:
    """Return a frame of the simulated camera without the comment that has its number and time."""
    begin = data.index(b"\xff\xfe")
    return data[:begin] + data[begin + 2 + int.from_bytes(data[begin + 2 : begin + 4], "big") :]


@pytest.fixture(scope="module")
def originals() -> frozenset[bytes]:
    """The pictures that the simulated camera makes of the usual size, before it stamps them."""
    return frozenset(bytes(frame) for frame in frames.loop("MJPG", 1280, 720).frames)


# ------------------------------------------------------------------------------------------------ the cable


def test_an_unplugged_camera_is_lost_at_once_and_viewers_stay(
    appliance: RunningAppliance, camera: SimulatedCamera
) -> None:
    with Spectator(appliance) as viewer, EventReader(appliance) as listener:
        viewer.live(0)
        at = time.time()
        camera.unplug()
        first = viewer.placeholder(at)
        assert first.timestamp - at < 2, "0.5 s are promised"
        state = appliance.state()["camera"]
        assert state["state"] == "lost"
        assert state["reason"] == "the camera is unplugged" or "no camera is connected" in state["reason"]
        listener.find(lambda event: '"state": "lost"' in event, "the news")
        assert pixels(first.jpeg).shape == (720, 1280, 3)
        second = viewer.placeholder(first.timestamp + 0.1)
        assert 0.5 < second.timestamp - first.timestamp < 3, "one a second"
        camera.plug()
        viewer.live(second.timestamp)


def test_a_replugged_camera_is_back_within_a_second_as_it_was_set(
    appliance: RunningAppliance, camera: SimulatedCamera, record_property: Callable[[str, object], None]
) -> None:
    assert appliance.ask("PATCH", "/api/controls", CHANGED).status == 200
    took = []
    with Spectator(appliance) as viewer:
        for _ in range(5):
            at = time.time()
            camera.unplug()
            gone = viewer.placeholder(at)
            at = time.time()
            camera.plug()
            took.append(viewer.live(gone.timestamp).timestamp - at)
            eventually(
                lambda: {name: camera.controls[name] for name in CHANGED} == CHANGED, "controls as they were set"
            )
            now = camera.statistics
            assert (now.pixel_format, now.width, now.height, now.rate) == ("MJPG", 1280, 720, 30)
    values = appliance.ask("GET", "/api/controls").json["values"]
    assert {name: values[name] for name in CHANGED} == CHANGED
    print("replug to picture, s:", [round(each, 3) for each in took])
    record_property("replug_to_picture", took)
    assert statistics.median(took) < 1.5


def test_a_returned_camera_that_is_not_ready_is_retried_soon(
    appliance: RunningAppliance, camera: SimulatedCamera
) -> None:
    with Spectator(appliance) as viewer:
        at = time.time()
        camera.unplug()
        viewer.placeholder(at + 3.8)  # the next attempt is 4 s after the last one by now
        camera.busy()
        camera.plug()
        eventually(lambda: "used by" in appliance.state()["camera"]["reason"], "an attempt")
        at = time.time()
        camera.busy(False)
        assert viewer.live(at).timestamp - at < 2.5


@pytest.mark.parametrize("source", ["auto", "/dev/video0"])
def test_a_camera_returning_under_another_number_is_found_by_name(
    tmp_path: Path, simcam: SimulatedCamera, source: str
) -> None:
    with RunningAppliance(tmp_path, source, simcam.environment) as appliance:
        appliance.until_live()
        with Spectator(appliance) as viewer:
            for number in (2, 5):
                at = time.time()
                simcam.unplug()
                gone = viewer.placeholder(at)
                simcam.plug(number)
                viewer.live(gone.timestamp)
                assert appliance.state()["camera"]["device"] == simcam.device


def test_a_camera_whose_link_appears_late_is_still_found_by_it(tmp_path: Path, simcam: SimulatedCamera) -> None:
    """As udev does it: first there is the node, the names come some time later."""
    links = [simcam.directory / folder for folder in ("dev/v4l/by-id", "dev/v4l/by-path")]
    for folder in links:
        folder.rename(folder.with_suffix(".later"))
    simcam.stall()
    with RunningAppliance(tmp_path, "/dev/video0", simcam.environment, {"camera.stall_timeout": 20}) as appliance:
        simcam.wait_for(lambda now: now.streaming)
        for folder in links:
            folder.with_suffix(".later").rename(folder)
        simcam.resume()
        appliance.until_live()
        simcam.unplug()
        until(appliance, "lost")
        simcam.plug(4)
        appliance.until_live()
        assert appliance.state()["camera"]["device"] == simcam.device


def test_two_cameras_of_a_kind_are_told_apart_by_their_ports(tmp_path: Path) -> None:
    with ExitStack() as opened:
        left, right = (
            opened.enter_context(SimulatedCamera(tmp_path / "dev", number=number, serial="", port=port))
            for number, port in ((0, 1), (2, 2))
        )
        listed = run_command("cameras", directory=tmp_path, **left.environment)
        names = re.findall(r"source: (\S+)", listed.stdout)
        assert len(set(names)) == 2, listed.stdout
        assert all(name.startswith("/dev/v4l/by-path/") for name in names)
        by_number = RunningAppliance(tmp_path / "one", "/dev/video0", left.environment)
        by_port = RunningAppliance(tmp_path / "two", next(n for n in names if ":2:" in n), left.environment)
        for each, brightness in ((by_number, 11), (by_port, 22)):
            opened.enter_context(each).until_live()
            assert each.ask("PATCH", "/api/controls", {"brightness": brightness}).status == 200
        assert (left.controls["brightness"], right.controls["brightness"]) == (11, 22)
        for camera in (left, right):
            camera.unplug()
        for each in (by_number, by_port):
            until(each, "lost")
        right.plug(0)
        left.plug(2)
        for each in (by_number, by_port):
            each.until_live()
        eventually(lambda: left.controls["brightness"] == 11, "the left camera as it was set")
        eventually(lambda: right.controls["brightness"] == 22, "the right camera as it was set")


# ------------------------------------------------------------------------------------------------ the picture


def test_a_stalled_camera_is_noticed_reopened_and_back_when_it_goes_on(
    appliance: RunningAppliance, camera: SimulatedCamera
) -> None:
    with Spectator(appliance) as viewer:
        viewer.live(0)
        starts = camera.statistics.starts
        at = time.time()
        camera.stall()
        noticed = viewer.placeholder(at)
        assert 0.9 < noticed.timestamp - at < 3, "the setting says 1 s"
        assert "no longer delivers frames" in until(appliance, "lost")["reason"]
        camera.wait_for(lambda now: now.starts > starts)
        camera.resume()
        viewer.live(noticed.timestamp)


def test_the_process_stops_at_once_although_the_camera_stalls(tmp_path: Path, simcam: SimulatedCamera) -> None:
    with RunningAppliance(tmp_path, "auto", simcam.environment, {"camera.stall_timeout": 30}) as appliance:
        appliance.until_live()
        simcam.stall()
        eventually(lambda: appliance.state()["frame_age"] > 1, "a stall")
        assert appliance.stop() < 5  # stop() asserts that the exit status is 0


def test_a_frozen_picture_is_reported_and_the_camera_reopened_once(
    appliance: RunningAppliance, camera: SimulatedCamera
) -> None:
    starts, frozen, told = (
        camera.statistics.starts,
        entered(appliance, "frozen"),
        appliance.log.count("has not changed"),
    )
    with Spectator(appliance) as viewer:
        camera.freeze()
        at = time.time()
        assert until(appliance, "frozen")["reason"] == "the picture has not changed for 1 s"
        health = appliance.ask("GET", "/healthz")
        assert (health.status, health.error[1]) == (503, "the picture has not changed for 1 s")
        viewer.live(at + 3.5)  # long enough to be opened twice
        assert appliance.state()["camera"]["state"] == "frozen"
        assert camera.statistics.starts == starts + 1
        assert entered(appliance, "frozen") == frozen + 1
        assert appliance.log.count("has not changed") == told + 1
        camera.freeze(False)
        until(appliance, "online")
        eventually(lambda: appliance.ask("GET", "/healthz").status == 200, "health")


@pytest.mark.parametrize("between", ["a stall", "another rate", "privacy"])
def test_a_frozen_camera_is_still_told_from_one_that_moves_after(
    appliance: RunningAppliance, camera: SimulatedCamera, between: str
) -> None:
    camera.freeze()
    until(appliance, "frozen")
    match between:
        case "a stall":
            camera.stall()
            until(appliance, "lost")
            camera.resume()
        case "another rate":
            assert appliance.ask("PATCH", "/api/format", {"fps": 15}).status == 200
        case "privacy":
            for on in (True, False):
                assert appliance.ask("PUT", "/api/privacy", {"on": on}).status == 200
    until(appliance, "frozen")
    camera.freeze(False)
    until(appliance, "online")
    assert appliance.process.poll() is None


def test_a_test_pattern_never_freezes(tmp_path: Path) -> None:
    settings = {"camera.frozen_after": 1, "camera.fps": 5}
    with RunningAppliance(tmp_path, settings=settings) as appliance, Spectator(appliance) as viewer:
        viewer.live(viewer.live(0).timestamp + 2)
        assert appliance.state()["camera"]["state"] == "online"
        assert entered(appliance, "frozen") == 0


def test_frames_cut_short_are_dropped_and_counted(appliance: RunningAppliance, camera: SimulatedCamera) -> None:
    with Spectator(appliance) as viewer:
        viewer.live(0)
        corrupt = appliance.state()["frames"]["corrupt"]
        for _ in range(3):
            camera.truncate(5)
            at = time.time()
            viewer.live(at + 0.5)
        assert appliance.state()["frames"]["corrupt"] == corrupt + 15
        shown = viewer.recent
        assert not [part for part in shown if is_damaged(part.jpeg)]
        assert all(part.is_live for part in shown)


def test_a_camera_that_gives_only_damage_is_lost_with_a_reason(
    appliance: RunningAppliance, camera: SimulatedCamera
) -> None:
    corrupt = appliance.state()["frames"]["corrupt"]
    with Spectator(appliance) as viewer:
        camera.corrupt(1_000_000)
        eventually(lambda: appliance.state()["frames"]["corrupt"] > corrupt, "a strict look")
        found_at = time.time()
        lost = viewer.placeholder(found_at)
        assert appliance.state()["camera"]["reason"] == "the camera delivers no usable frames"
        shown = [part for part in viewer.recent if found_at + 0.5 < part.timestamp]
        assert not [part for part in shown if part.is_live]
        camera.corrupt(0)
        assert not is_damaged(viewer.live(lost.timestamp).jpeg)


def test_a_damaged_frame_is_not_stored(appliance: RunningAppliance, camera: SimulatedCamera) -> None:
    for _ in range(3):
        camera.corrupt(8)
        answer = appliance.ask("POST", "/api/pictures")
        assert answer.status == 201
        assert not is_damaged(appliance.ask("GET", answer.json["url"]).body)


def test_missing_huffman_tables_are_put_in_just_as_the_camera_had_them(
    appliance: RunningAppliance, camera: SimulatedCamera, originals: frozenset[bytes]
) -> None:
    with Spectator(appliance) as viewer:
        assert without_stamp(viewer.live(0).jpeg) in originals
        camera.strip_huffman()
        at = time.time() + 0.3
        viewer.live(at + 1)
        completed = [part.jpeg for part in viewer.recent if part.timestamp > at]
    assert len(completed) > 5
    assert all(without_stamp(each) in originals for each in completed)
    assert not [each for each in completed if is_damaged(each)]


# ------------------------------------------------------------------------------------------------ what is wrong


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("busy", r"^the camera is used by another program: end that, or choose another camera$"),
        ("forbidden", r"^no permission to open /dev/\S+: add the user to the group video$"),
        ("no_bandwidth", r"^not enough USB bandwidth for this format: choose MJPG, a smaller size or a lower rate"),
    ],
)
def test_a_refusal_says_what_to_do_and_is_over_when_its_cause_is(
    appliance: RunningAppliance, camera: SimulatedCamera, fault: str, words: str
) -> None:
    getattr(camera, fault)()
    camera.stall()  # it takes effect when the camera is opened anew
    eventually(lambda: re.search(words, appliance.state()["camera"]["reason"] or ""), words)
    answer = appliance.ask("GET", "/snapshot.jpg", headers=JSON)
    code, message = answer.error
    assert (answer.status, code) == (503, "camera_unavailable")
    assert re.search(words, message)
    assert appliance.ask("GET", "/healthz").status == 503
    assert re.search(words, appliance.ask("PATCH", "/api/controls", {"brightness": 1}).error[1])
    camera.resume()
    getattr(camera, fault)(False)
    appliance.until_live()


@pytest.mark.parametrize(
    ("source", "settings", "words"),
    [
        ("/dev/video7", {}, r"^no camera is connected as /dev/video7; connected: /dev/v4l/by-id/\S+$"),
        ("/dev/video1", {}, r"^/dev/video1 delivers no frames; .*; connected: /dev/v4l/by-id/\S+$"),
        ("/dev/null", {}, r"^/dev/null is no camera; connected: /dev/v4l/by-id/\S+$"),
        (
            "auto",
            {"camera.pixel_format": "MJPP"},
            r"^the camera has no pixel format MJPP, only MJPG, YUYV.*MJPG",
        ),
    ],
)
def test_a_wrong_setting_says_what_there_is_instead(
    tmp_path: Path, simcam: SimulatedCamera, source: str, settings: dict[str, object], words: str
) -> None:
    with RunningAppliance(tmp_path, source, simcam.environment, settings) as appliance:
        reason = until(appliance, "lost")["reason"]
        assert re.search(words, reason)
        assert appliance.ask("GET", "/snapshot.jpg", headers=JSON).error == ("camera_unavailable", reason)
        if source == "/dev/video7":
            simcam.plug(7)
            appliance.until_live()


def test_a_forbidden_camera_is_waited_for_and_not_replaced(tmp_path: Path, simcam: SimulatedCamera) -> None:
    simcam.forbidden()
    with RunningAppliance(tmp_path, "auto", simcam.environment) as appliance:
        assert until(appliance, "lost", "online")["reason"] == (
            "no permission to open /dev/video0: add the user to the group video"
        )
        simcam.forbidden(False)
        appliance.until_live()
        assert appliance.state()["camera"]["device"] == simcam.device


def test_a_pixel_format_not_offered_is_refused_and_the_picture_goes_on(
    appliance: RunningAppliance, camera: SimulatedCamera
) -> None:
    starts = camera.statistics.starts
    answer = appliance.ask("PATCH", "/api/format", {"pixel_format": "H264"})
    assert answer.status == 400
    assert "no pixel format H264, only MJPG, YUYV" in answer.error[1]
    assert appliance.state()["camera"]["state"] == "online"
    assert camera.statistics.starts == starts, "it was not even closed"
    assert appliance.state()["format"]["granted"]["pixel_format"] == "MJPG"


@pytest.mark.parametrize(
    ("fault", "end", "words"),
    [
        (lambda camera: camera.no_bandwidth(), lambda camera: camera.no_bandwidth(False), "not enough USB bandwidth"),
        (lambda camera: camera.no_frames_at(1920), lambda camera: camera.no_frames_at(0), "delivers no frames"),
        (lambda camera: camera.corrupt(1_000_000), lambda camera: camera.corrupt(0), "delivers no usable frames"),
        (lambda camera: camera.truncate(1_000_000), lambda camera: camera.truncate(0), "delivers no usable frames"),
    ],
    ids=["refused", "no frame", "only damaged frames", "only half frames"],
)
def test_a_format_that_yields_no_good_frame_is_rolled_back(
    appliance: RunningAppliance,
    camera: SimulatedCamera,
    fault: Callable[[SimulatedCamera], None],
    end: Callable[[SimulatedCamera], None],
    words: str,
) -> None:
    before = appliance.state()["format"]
    fault(camera)
    begun = time.monotonic()
    answer = appliance.ask("PATCH", "/api/format", {"width": 1920, "height": 1080})
    assert time.monotonic() - begun < 10, "5 s are promised"
    code, message = answer.error
    assert (answer.status, code) == (400, "invalid_value")
    assert "1920x1080" in message
    assert words in message
    end(camera)
    appliance.until_live()
    assert appliance.state()["format"] == before
    assert camera.statistics.width == 1280


# ------------------------------------------------------------------------------------------------ controls


def test_controls_that_a_camera_resets_late_are_put_right(appliance: RunningAppliance, camera: SimulatedCamera) -> None:
    assert appliance.ask("PATCH", "/api/controls", CHANGED).status == 200
    camera.reset_controls_after(0.4)  # usually after they were set for the first time, and before the second look
    with Spectator(appliance) as viewer:
        at = time.time()
        camera.unplug()
        gone = viewer.placeholder(at)
        camera.plug()
        viewer.live(viewer.live(gone.timestamp).timestamp + 0.7)
    eventually(lambda: {name: camera.controls[name] for name in CHANGED} == CHANGED, "controls as they were set", 3)


def test_changes_by_another_program_are_reported(appliance: RunningAppliance, camera: SimulatedCamera) -> None:
    with EventReader(appliance) as listener:
        camera.set_control("brightness", -7)
        listener.find(lambda each: each.startswith("event: controls") and '"brightness": -7' in each, "the news", 5)
    assert appliance.ask("GET", "/api/controls").json["values"]["brightness"] == -7


def test_changes_by_other_programs_are_seen_without_driver_events(tmp_path: Path, simcam: SimulatedCamera) -> None:
    simcam.no_events()
    with RunningAppliance(tmp_path, "auto", simcam.environment) as appliance:
        appliance.until_live()
        with EventReader(appliance) as listener:
            simcam.set_control("brightness", -7)
            listener.find(lambda each: each.startswith("event: controls") and '"brightness": -7' in each, "the news")


def test_a_camera_that_ignores_a_value_is_reported_as_it_is(
    appliance: RunningAppliance, camera: SimulatedCamera
) -> None:
    camera.ignore_writes()
    answer = appliance.ask("PATCH", "/api/controls", {"contrast": 50})
    assert (answer.status, answer.json["values"]["contrast"]) == (200, 32)
    assert camera.controls["contrast"] == 32


# ------------------------------------------------------------------------------------------------ closed on purpose


def test_an_unused_camera_is_closed_and_opened_for_the_next_viewer(tmp_path: Path, simcam: SimulatedCamera) -> None:
    settings = {"camera.idle": "close"}
    with RunningAppliance(tmp_path, "auto", simcam.environment, settings) as appliance:
        appliance.until_live()
        bright = float(pixels(appliance.ask("GET", "/snapshot.jpg").body).mean())

        def rests() -> None:
            until(appliance, "idle")
            simcam.wait_for(lambda now: now.handles == 0)
            assert appliance.ask("GET", "/healthz").status == 200

        rests()
        simcam.dark_start(40)
        cold = appliance.ask("GET", "/snapshot.jpg")
        assert cold.status == 200
        assert cold.headers["X-Exposure"] in ("settled", "unsettled")
        assert float(pixels(cold.body).mean()) > 0.7 * bright
        simcam.dark_start(0)
        rests()
        with Spectator(appliance) as viewer:
            assert viewer.live(0).is_live
        rests()
        assert appliance.ask("PATCH", "/api/controls", {"brightness": 9}).json["values"]["brightness"] == 9
        assert simcam.controls["brightness"] == 9


def test_a_slow_camera_is_not_closed_with_its_first_picture(tmp_path: Path, simcam: SimulatedCamera) -> None:
    settings = {"camera.idle": "close", "camera.stall_timeout": 20}
    simcam.stall()
    with RunningAppliance(tmp_path, "auto", simcam.environment, settings) as appliance:
        simcam.wait_for(lambda now: now.streaming)
        begun = time.monotonic()
        eventually(lambda: time.monotonic() > begun + 5.5, "longer than a camera lingers that nobody needs")
        simcam.resume()
        frames = simcam.statistics.frames
        until(appliance, "idle")
        assert simcam.statistics.frames > frames + 100


def test_privacy_closes_the_camera_and_refuses_pictures(appliance: RunningAppliance, camera: SimulatedCamera) -> None:
    with Spectator(appliance) as viewer:
        viewer.live(0)
        at = time.time()
        answer = appliance.ask("PUT", "/api/privacy", {"on": True})
        assert (answer.status, answer.json) == (200, {"privacy": True})
        camera.wait_for(lambda now: now.handles == 0)
        shown = viewer.placeholder(at)
        state = appliance.state()
        assert (state["privacy"], state["camera"]["state"], state["camera"]["reason"]) == (
            True, "privacy", "privacy is on",
        )  # fmt: skip
        for method, path in (("GET", "/snapshot.jpg"), ("POST", "/api/pictures"), ("GET", "/api/controls")):
            refusal = appliance.ask(method, path, headers=JSON)
            assert (refusal.status, refusal.error[0]) == (409, "privacy_on"), path
        assert appliance.ask("GET", "/healthz").status == 200
        later = viewer.placeholder(shown.timestamp + 1.5)
        assert not [part for part in viewer.recent if part.is_live and part.timestamp > shown.timestamp]
        assert camera.statistics.handles == 0
        assert appliance.ask("PUT", "/api/privacy", {"on": False}).json == {"privacy": False}
        viewer.live(later.timestamp)


def test_viewers_after_privacy_was_switched_on_see_nothing_older(appliance: RunningAppliance) -> None:
    for _ in range(5):
        assert appliance.ask("PUT", "/api/privacy", {"on": True}).status == 200
        with Spectator(appliance) as viewer:
            first = viewer.find(lambda part: True, "anything")
        assert not first.is_live
        assert appliance.ask("GET", "/snapshot.jpg?max_age=60").status == 409
        assert appliance.ask("PUT", "/api/privacy", {"on": False}).status == 200
        appliance.until_live()


def test_privacy_is_not_changed_by_a_senseless_request(appliance: RunningAppliance, camera: SimulatedCamera) -> None:
    bodies: tuple[object, ...] = (
        {},
        {"on": None},
        {"on": "maybe"},
        {"on": 2},
        {"on": [True]},
        {"on": True, "off": 1},
        [],
    )
    for body in bodies:
        assert appliance.ask("PUT", "/api/privacy", body).status == 400, body
        assert appliance.state()["privacy"] is False
    assert camera.statistics.streaming


def test_privacy_survives_a_restart_and_a_power_cut(tmp_path: Path, simcam: SimulatedCamera) -> None:
    with RunningAppliance(tmp_path, "auto", simcam.environment) as appliance:
        appliance.until_live()
        appliance.ask("PUT", "/api/privacy", {"on": True})
        starts = simcam.statistics.starts
        for end in (appliance.kill, appliance.stop):
            end()
            appliance.start()
            until(appliance, "privacy")
            with Spectator(appliance) as viewer:
                viewer.placeholder(viewer.placeholder(0).timestamp + 0.1)
            assert simcam.statistics.starts == starts
            assert simcam.statistics.handles == 0
        appliance.ask("PUT", "/api/privacy", {"on": False})
        appliance.until_live()


# ------------------------------------------------------------------------------------------------ orientation


@pytest.mark.parametrize(
    ("settings", "orientation", "shape"),
    [
        ({"camera.rotate": 90}, 6, (1280, 720, 3)),
        ({"camera.rotate": 270, "camera.flip_vertical": "true"}, 7, (1280, 720, 3)),
        ({"camera.flip_horizontal": "true"}, 2, (720, 1280, 3)),
    ],
)
def test_a_turned_camera_is_seen_upright_everywhere(
    tmp_path: Path,
    simcam: SimulatedCamera,
    originals: frozenset[bytes],
    settings: dict[str, object],
    orientation: int,
    shape: tuple[int, int, int],
) -> None:
    with RunningAppliance(tmp_path, "auto", simcam.environment, settings) as appliance, Spectator(appliance) as viewer:
        frame = viewer.live(0).jpeg
        snapshot = appliance.ask("GET", "/snapshot.jpg?upright=0").body
        picture = appliance.ask("POST", "/api/pictures").json
        stored = appliance.ask("GET", picture["url"]).body
        for each in (frame, snapshot, stored):
            assert each.startswith(b"\xff\xd8" + EXIF)
            assert each[30:32] == orientation.to_bytes(2, "big")
            assert pixels(each).shape == shape
            assert without_stamp(each[:2] + each[38:]) in originals, "the rest is as the camera made it"
        small = pixels(appliance.ask("GET", picture["thumbnail"]).body)
        assert (small.shape[0] > small.shape[1]) == (shape[0] > shape[1])
        for query in ("", "?upright=1", "?upright=perhaps"):
            turned = appliance.ask("GET", f"/snapshot.jpg{query}").body
            assert b"Exif" not in turned[:200], "nobody turns it a second time"
            assert pixels(turned, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION).shape == shape
        at = time.time()
        simcam.unplug()
        assert pixels(viewer.placeholder(at).jpeg).shape == shape
        refused = appliance.ask("GET", "/snapshot.jpg")
        assert refused.status == 503
        assert pixels(refused.body, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION).shape == shape


# ------------------------------------------------------------------------------------------------ other sources


class NetworkCamera:
    """An IP camera with whims: `mood` is what it does, now and to whoever asks."""

    def __init__(self) -> None:
        self.mood = "good"
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with suppress(OSError):
                    camera._serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._changed = threading.Event()
        self.port = int(self._server.server_address[1])

    @contextmanager
    def running(self) -> Iterator["NetworkCamera"]:
        """Serve for the time of the block."""
        with self._server:
            thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield self
            finally:
                self.mood = "drop"
                self._server.shutdown()
                thread.join()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        if self.mood.isdigit():
            request.send_error(int(self.mood))
            return
        while self.mood == "silent":
            self._changed.wait(0.05)
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace;boundary=frame")
        request.end_headers()
        number = 0
        while self.mood in ("good", "stall", "garbage"):
            self._changed.wait(0.05)
            if self.mood == "stall":
                continue
            number += 1
            data = jpeg.encode_bgr(np.full((120, 160, 3), 60 + number % 100, np.uint8), 80)
            if self.mood == "garbage":
                data = bytes(byte ^ 0x5A for byte in data)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            request.wfile.write(head.encode() + data + b"\r\n")


def test_a_faulty_network_camera_is_lost_and_back_without_its_password(
    tmp_path: Path,
) -> None:
    with NetworkCamera().running() as camera:
        source = f"http://me:{SECRET}@127.0.0.1:{camera.port}/stream.mjpg"
        settings = {"log.level": "debug"}
        with (
            RunningAppliance(tmp_path, source, {"http_proxy": ""}, settings) as appliance,
            Spectator(appliance) as viewer,
            EventReader(appliance) as listener,
        ):
            for mood in ("drop", "401", "404", "garbage", "stall"):
                viewer.live(time.time())
                camera.mood = mood
                reason = until(appliance, "lost")["reason"]
                assert f"http://me:***@127.0.0.1:{camera.port}/stream.mjpg" in reason
                assert appliance.ask("GET", "/snapshot.jpg", headers=JSON).error == ("camera_unavailable", reason)
                camera.mood = "good"
                appliance.until_live()
            shown = json.dumps(appliance.state()) + appliance.ask("GET", "/metrics").body.decode()
            shown += listener.find(lambda event: event.startswith("event: state"), "a state")
            assert SECRET not in shown + appliance.log


def test_a_command_to_a_silent_network_camera_is_refused(tmp_path: Path) -> None:
    with NetworkCamera().running() as camera:
        camera.mood = "silent"
        source = f"http://127.0.0.1:{camera.port}/"
        with RunningAppliance(tmp_path, source, {"http_proxy": ""}) as appliance:
            for _ in range(2):
                answer = appliance.ask("GET", "/api/controls")
                assert (answer.status, answer.error[0]) == (503, "camera_unavailable")
            until(appliance, "lost")
            camera.mood = "good"
            appliance.until_live()


def test_a_video_file_that_disappears_is_lost_with_a_reason_and_back(tmp_path: Path) -> None:
    film, elsewhere = tmp_path / "film.avi", tmp_path / "elsewhere.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 25, (160, 120))
    for number in range(10):
        writer.write(np.full((120, 160, 3), 20 + number * 20, np.uint8))
    writer.release()
    with RunningAppliance(tmp_path, str(film)) as appliance:
        appliance.until_live()
        with Spectator(appliance) as viewer:
            viewer.live(0)
            at = time.time()
            film.rename(elsewhere)
            gone = viewer.placeholder(at)
            eventually(lambda: "there is no video file" in (appliance.state()["camera"]["reason"] or ""), "a reason")
            elsewhere.rename(film)
            viewer.live(gone.timestamp)


def test_a_faulty_rtsp_camera_is_lost_and_back_without_its_password(
    tmp_path: Path,
) -> None:
    with RtspCamera("me", SECRET).running() as camera:
        source = f"rtsp://me:{SECRET}@127.0.0.1:{camera.port}/live"
        with (
            RunningAppliance(tmp_path, source, settings={"log.level": "debug"}) as appliance,
            Spectator(appliance) as viewer,
        ):
            for mood in ("drop", "stall"):
                assert 50 < pixels(viewer.live(time.time()).jpeg).mean() < 170
                at = time.time()
                camera.mood = mood
                viewer.placeholder(at)
                assert f"rtsp://me:***@127.0.0.1:{camera.port}/live" in until(appliance, "lost")["reason"]
                camera.mood = "good"
                appliance.until_live()
            assert SECRET not in appliance.log + json.dumps(appliance.state())


@pytest.mark.parametrize(
    "answer",
    [
        b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n",
        b"RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n",
        b"\0\xff" * 500,
        b"",
    ],
    ids=["401", "404", "garbage", "silence"],
)
def test_an_rtsp_camera_that_refuses_or_is_silent_is_lost_with_a_reason(tmp_path: Path, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    if answer:
                        with connection:
                            connection.recv(4096)
                            connection.sendall(answer)
                    else:
                        kept.append(connection)

        kept: list[socket.socket] = []
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with RunningAppliance(tmp_path, f"rtsp://me:{SECRET}@127.0.0.1:{port}/stream") as appliance:
                reason = until(appliance, "lost")["reason"]
                assert f"rtsp://me:***@127.0.0.1:{port}/stream cannot be opened" in reason
                assert appliance.ask("GET", "/healthz").error == ("camera_unavailable", reason)
                assert SECRET not in appliance.log
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()
