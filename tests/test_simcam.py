"""The simulated camera keeps what it promises to real, unmodified programs: OpenCV, linuxpy, v4l2-ctl."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.simcam import CameraError, SimulatedCamera, read_stamp, read_yuyv_sequence

PROBES = Path(__file__).parent / "simcam" / "probes"
PATIENCE = 20.0  # seconds until a promise counts as broken
SIZES = [(640, 480), (1280, 720), (1920, 1080)]


class Probe:
    """A program that sees the camera: JSON lines come out of it, and may be sent in."""

    def __init__(self, camera: SimulatedCamera, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", *words],
            env={**os.environ, **camera.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._text = b""

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def line(self) -> str:
        """The next line; fails after a while, and at the end of the output."""
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        while b"\n" not in self._text:
            assert select.select([output], [], [], PATIENCE)[0], "the program says nothing"
            more = os.read(output, 1 << 20)
            assert more, "the program has ended"
            self._text += more
        line, _, self._text = self._text.partition(b"\n")
        return line.decode()

    def told(self) -> dict[str, Any]:
        """The next JSON line."""
        value: dict[str, Any] = json.loads(self.line())
        return value

    def until(self, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first line of which something is true."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if true(found := self.told()):
                return found
        raise AssertionError("it never happened")

    def send(self, line: str) -> None:
        """Give the program a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def ask(self, wish: str, **arguments: Any) -> Any:
        """The result of a wish to the panel, which must succeed."""
        answer = self.try_to(wish, **arguments)
        assert "result" in answer, answer
        return answer["result"]

    def try_to(self, wish: str, **arguments: Any) -> dict[str, Any]:
        """The whole answer to a wish."""
        self.send(json.dumps({"do": wish, **arguments}))
        return self.told()


def capture(camera: SimulatedCamera, *words: str) -> Probe:
    """OpenCV, reading."""
    return Probe(camera, str(PROBES / "capture.py"), *words)


def panel(camera: SimulatedCamera, device: str = "/dev/video0") -> Probe:
    """A control panel made with linuxpy."""
    return Probe(camera, str(PROBES / "panel.py"), device)


def python(camera: SimulatedCamera, source: str, **more: str) -> Any:
    """What a short Python program prints as JSON."""
    environment = {**os.environ, **camera.environment, **more}
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def picture(frame: dict[str, Any]) -> bytes:
    """The bytes of a told frame."""
    return bytes.fromhex(frame["data"])


def decoded(jpeg: bytes) -> Any:
    """The pixels of a JPEG, or None."""
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[SimulatedCamera]:
    with SimulatedCamera(tmp_path / "camera") as camera:
        yield camera


# -- what is in /dev ------------------------------------------------------------------------------------------------


def test_the_camera_stands_where_udev_puts_cameras(camera: SimulatedCamera) -> None:
    seen = python(
        camera,
        """
import glob, json, os, pathlib
links = sorted(glob.glob("/dev/v4l/by-id/*") + glob.glob("/dev/v4l/by-path/*"))
node = os.stat("/dev/video0")
print(json.dumps({
    "globbed": sorted(glob.glob("/dev/video*")), "links": {link: os.path.realpath(link) for link in links},
    "null": "null" in os.listdir("/dev"), "char": pathlib.Path("/dev/video0").is_char_device(),
    "mode": node.st_mode, "device": [os.major(node.st_rdev), os.minor(node.st_rdev)],
    "through a link": os.stat(links[0]).st_rdev == node.st_rdev, "links are links": os.path.islink(links[0]),
    "access": os.access("/dev/video0", os.R_OK | os.W_OK), "none": os.path.exists("/dev/video7"),
    "sysfs": pathlib.Path("/sys/class/video4linux/video0/name").read_text(),
}))""",
    )
    by_id, by_path = (
        "/dev/v4l/by-id/usb-Simulated_UVC_Camera_SC0001",
        "/dev/v4l/by-path/platform-xhci-hcd.0-usb-0:1:1.0",
    )
    assert seen["globbed"] == ["/dev/video0", "/dev/video1"]
    assert seen["links"] == {
        f"{by_id}-video-index0": "/dev/video0",
        f"{by_id}-video-index1": "/dev/video1",
        f"{by_path}-video-index0": "/dev/video0",
        f"{by_path}-video-index1": "/dev/video1",
    }
    assert camera.device == f"{by_id}-video-index0"
    assert stat.S_ISCHR(seen["mode"])
    assert seen["device"] == [81, 0]
    assert seen["char"]
    assert seen["null"]
    assert seen["access"]
    assert seen["through a link"]
    assert seen["links are links"]
    assert not seen["none"]
    assert seen["sysfs"] == "Simulated UVC Camera\n"


def test_linuxpy_finds_one_camera_and_passes_over_its_metadata_node(camera: SimulatedCamera) -> None:
    source = """
import json
from linuxpy.video.device import iter_video_capture_devices, iter_video_files
print(json.dumps([[str(device.filename) for device in iter_video_capture_devices()], len(list(iter_video_files()))]))"""
    assert python(camera, source) == [["/dev/video0"], 2]
    with panel(camera, "/dev/video1") as metadata:
        assert metadata.ask("info")["capabilities"] & 0x00800001 == 0x00800000
        assert metadata.ask("controls") == {}


def test_without_its_variable_the_library_does_nothing(camera: SimulatedCamera) -> None:
    source = "import json, os; print(json.dumps(os.path.exists('/sys/class/video4linux/video0')))"
    assert python(camera, source, SIMCAM_DIRECTORY="") == os.path.exists("/sys/class/video4linux/video0")


def test_a_descriptor_survives_dup_fork_and_exec(camera: SimulatedCamera) -> None:
    with Probe(camera, str(PROBES / "descriptors.py")) as probe:
        assert probe.line() == "good"
    camera.wait_for(lambda now: now.handles == 0)


def test_buffers_go_round_as_in_a_kernel_also_in_a_child(camera: SimulatedCamera) -> None:
    with Probe(camera, "-m", "tests.simcam.probes.buffers") as probe:
        assert probe.line() == "good"


def test_a_directory_with_a_long_path_is_no_problem(tmp_path: Path) -> None:
    with SimulatedCamera(tmp_path / ("long" * 30)) as camera, capture(camera, "--device", camera.device) as program:
        assert program.told()["open"]
        assert program.told()["ok"]


def test_two_cameras_share_a_directory(tmp_path: Path) -> None:
    with (
        SimulatedCamera(tmp_path) as one,
        SimulatedCamera(tmp_path, number=2, serial="SC0002", port=2) as two,
        capture(one, "--device", one.device) as first,
        capture(one, "--device", two.device) as second,
    ):
        assert first.told()["open"]
        assert second.told()["open"]
        assert first.told()["ok"]
        assert second.told()["ok"]
        assert one.statistics.streaming
        assert two.statistics.streaming
        one.unplug()
        first.until(lambda frame: not frame["ok"])
        assert second.told()["ok"]


# -- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_opencv_gets_the_very_bytes_of_the_camera(camera: SimulatedCamera, width: int, height: int) -> None:
    with capture(camera, "--width", str(width), "--height", str(height)) as program:
        granted = program.told()
        assert granted == {"open": True, "format": "MJPG", "width": width, "height": height, "rate": 30.0}
        jpeg = picture(program.told())
    assert jpeg[:2] == b"\xff\xd8"
    assert jpeg[-2:] == b"\xff\xd9"
    assert jpeg.count(b"\xff\xc4") == 4
    assert decoded(jpeg).shape == (height, width, 3)
    assert read_stamp(jpeg).monotonic_ns < time.monotonic_ns()


def test_a_720p_frame_is_as_big_as_a_webcams(camera: SimulatedCamera) -> None:
    with capture(camera, "--width", "1280", "--height", "720") as program:
        program.told()
        sizes = [len(picture(program.told())) for _ in range(10)]
    assert 40_000 < sum(sizes) / len(sizes) < 80_000


@pytest.mark.parametrize(("pixel_format", "rate"), [("MJPG", 30), ("MJPG", 15), ("YUYV", 30)])
def test_frames_come_at_the_granted_rate(camera: SimulatedCamera, pixel_format: str, rate: int) -> None:
    with capture(camera, "--format", pixel_format, "--rate", str(rate)) as program:
        assert program.told()["rate"] == rate
        frames = [program.told() for _ in range(12)]
    first, last = (
        read_stamp(picture(f)).sequence if pixel_format == "MJPG" else read_yuyv_sequence(picture(f))
        for f in (frames[0], frames[-1])
    )
    assert last - first >= 11
    assert (frames[-1]["ms"] - frames[0]["ms"]) / (last - first) == pytest.approx(1000 / rate, abs=1)


def test_the_drivers_time_is_the_capture_time_in_the_picture(camera: SimulatedCamera) -> None:
    with capture(camera) as program:
        program.told()
        frames = [program.told() for _ in range(10)]
    times = [frame["ms"] for frame in frames]
    assert times == sorted(set(times))
    for frame in frames:
        assert frame["ms"] == pytest.approx(read_stamp(picture(frame)).monotonic_ns / 1e6, abs=0.01)
        assert frame["ms"] <= frame["now_ms"]


def test_yuyv_frames_show_the_photograph_and_their_number(camera: SimulatedCamera) -> None:
    with capture(camera, "--format", "YUYV") as program:
        assert program.told()["format"] == "YUYV"
        frame, following = program.told(), program.told()
    assert frame["shape"] == [480, 640, 2]
    assert 40 < frame["mean"] < 200
    assert read_yuyv_sequence(picture(following)) > read_yuyv_sequence(picture(frame))
    assert picture(frame)[64:] != picture(following)[64:]


def test_fast_yuyv_is_an_option(tmp_path: Path, camera: SimulatedCamera) -> None:
    words = ("--format", "YUYV", "--width", "1280", "--height", "720")
    with capture(camera, *words) as program:
        assert program.told()["rate"] == 10
    with SimulatedCamera(tmp_path / "fast", fast_yuyv=True) as fast, capture(fast, *words) as program:
        assert program.told()["rate"] == 30


def test_the_formats_are_those_of_a_usb_2_camera(camera: SimulatedCamera) -> None:
    with panel(camera) as program:
        types = program.ask("types")
        assert [entry[1:] for entry in types if entry[0] == "MJPG"] == [
            [width, height, float(rate)] for width, height in SIZES for rate in (30, 15, 5)
        ]
        assert ["YUYV", 1280, 720, 30.0] not in types
        assert ["YUYV", 1280, 720, 10.0] in types
        assert program.ask("format", width=1300, height=700, format="MJPG") == ["MJPG", 1280, 720]


def test_opencv_decodes_frames_itself(camera: SimulatedCamera) -> None:
    with capture(camera, "--convert") as program:
        program.told()
        assert program.told()["shape"] == [480, 640, 3]


def test_a_slow_reader_loses_frames_and_the_numbers_tell(camera: SimulatedCamera) -> None:
    with capture(camera, "--pause") as program:
        program.told()
        camera.wait_for(lambda now: now.dropped >= 5)
        program.send("go on")
        numbers = [read_stamp(picture(program.told())).sequence for _ in range(8)]
    assert max(b - a for a, b in pairwise(numbers)) > 4


# -- the cable --------------------------------------------------------------------------------------------------------


def test_an_unplug_makes_read_fail_at_once(camera: SimulatedCamera) -> None:
    with capture(camera, "--device", camera.device) as program:
        program.told()
        assert program.told()["ok"]
        camera.unplug()
        assert program.until(lambda frame: not frame["ok"])["seconds"] < 0.5
    assert python(camera, "import glob, json; print(json.dumps(glob.glob('/dev/v*[4d][l0-9e]*')))") == []
    assert not camera.statistics.plugged


def test_a_replugged_camera_may_have_another_number_but_keeps_its_link(camera: SimulatedCamera) -> None:
    camera.set_control("brightness", 20)
    camera.unplug()
    camera.plug(4)
    with capture(camera, "--device", camera.device) as program:
        assert program.told()["open"]
        assert program.told()["ok"]
    assert python(camera, "import glob, json; print(json.dumps(sorted(glob.glob('/dev/video*'))))") == [
        "/dev/video4",
        "/dev/video5",
    ]
    assert camera.controls["brightness"] == 0


def test_an_open_file_stays_dead_when_the_camera_comes_back(camera: SimulatedCamera) -> None:
    with panel(camera) as program:
        assert program.ask("get", name="gain") == 0
        camera.unplug()
        assert program.try_to("get", name="gain") == {"errno": "ENODEV"}
        camera.plug()
        assert program.try_to("get", name="gain") == {"errno": "ENODEV"}


def test_the_end_of_the_camera_process_is_an_unplug(tmp_path: Path) -> None:
    with SimulatedCamera(tmp_path) as camera, capture(camera) as program:
        program.told()
        assert program.told()["ok"]
        os.kill(camera.pid, signal.SIGKILL)
        program.until(lambda frame: not frame["ok"])


# -- faults -----------------------------------------------------------------------------------------------------------


def test_a_stall_runs_into_the_readers_time_out_and_ends(camera: SimulatedCamera) -> None:
    with capture(camera) as program:
        program.told()
        assert program.told()["ok"]
        camera.stall()
        assert program.until(lambda frame: not frame["ok"])["seconds"] > 1.5
        camera.resume()
        program.until(lambda frame: frame["ok"])
        assert camera.statistics.starts == 1


def test_truncated_frames_have_no_end(camera: SimulatedCamera) -> None:
    with capture(camera) as program:
        program.told()
        assert program.told()["ok"]
        camera.truncate(2)
        cut = program.until(lambda frame: not picture(frame).endswith(b"\xff\xd9"))
        assert decoded(picture(cut)) is None
        program.until(lambda frame: picture(frame).endswith(b"\xff\xd9"))


def test_corrupt_frames_look_whole_but_decode_otherwise(camera: SimulatedCamera) -> None:
    garbage = bytes(i * 151 % 251 for i in range(400))
    with capture(camera) as program:
        program.told()
        assert program.told()["ok"]
        camera.corrupt(1)
        frame = picture(program.until(lambda frame: garbage in picture(frame)))
        assert frame.endswith(b"\xff\xd9")
        program.until(lambda frame: garbage not in picture(frame))


def test_stripped_frames_decode_to_the_same_pixels(camera: SimulatedCamera) -> None:
    camera.strip_huffman()
    with capture(camera) as program:
        program.told()
        bare = picture(program.told())
        assert b"\xff\xc4" not in bare
        camera.strip_huffman(False)
        again = read_stamp(bare).sequence % 90
        whole = picture(program.until(lambda frame: read_stamp(picture(frame)).sequence % 90 == again))
    assert b"\xff\xc4" in whole
    assert (decoded(bare) == decoded(whole)).all()


def test_a_frozen_camera_repeats_its_bytes_while_time_goes_on(camera: SimulatedCamera) -> None:
    with capture(camera) as program:
        program.told()
        camera.freeze()
        earlier, later = program.told(), program.told()
        while picture(earlier) != picture(later):  # the first ones were made before
            earlier, later = later, program.told()
        assert later["ms"] > earlier["ms"]
        camera.freeze(False)
        program.until(lambda frame: picture(frame) != picture(later))


def test_a_dark_start_grows_bright(camera: SimulatedCamera) -> None:
    camera.dark_start(10)
    with capture(camera, "--convert") as program:
        program.told()
        light = [program.told()["mean"] for _ in range(15)]
    assert light[0] < light[4] < light[7] < light[-1]
    assert light[0] < light[-1] / 3


def test_a_busy_camera_refuses_formats(camera: SimulatedCamera) -> None:
    camera.busy()
    with panel(camera) as program:
        assert program.try_to("format", width=640, height=480, format="MJPG") == {"errno": "EBUSY"}
        camera.busy(False)
        assert program.ask("format", width=640, height=480, format="MJPG") == ["MJPG", 640, 480]


def test_without_bandwidth_no_frame_comes(camera: SimulatedCamera) -> None:
    camera.no_bandwidth()
    with capture(camera) as program:
        assert program.told()["open"]
        assert not program.told()["ok"]
        assert camera.statistics.starts == 0


def test_a_forbidden_camera_does_not_open_even_for_root(camera: SimulatedCamera) -> None:
    camera.forbidden()
    source = """
import errno, json, os
try:
    os.open("/dev/video0", os.O_RDWR)
except OSError as error:
    print(json.dumps([errno.errorcode[error.errno], os.access("/dev/video0", os.R_OK)]))"""
    assert python(camera, source) == ["EACCES", False]
    with capture(camera) as program:
        assert program.told() == {"open": False}
    camera.forbidden(False)
    with capture(camera) as program:
        assert program.told()["open"]


def test_an_unknown_fault_or_control_is_an_error(camera: SimulatedCamera) -> None:
    with pytest.raises(CameraError, match="no_such"):
        camera.set_control("no_such", 1)


# -- controls ---------------------------------------------------------------------------------------------------------


def test_linuxpy_lists_the_controls_of_a_usual_webcam(camera: SimulatedCamera) -> None:
    with panel(camera) as program:
        controls = program.ask("controls")
    assert list(controls) == list(camera.controls)
    brightness, temperature = controls["brightness"], controls["white_balance_temperature"]
    assert {key: brightness[key] for key in ("minimum", "maximum", "step", "default", "value", "flags")} == {
        "minimum": -64, "maximum": 64, "step": 1, "default": 0, "value": 0, "flags": [],
    }  # fmt: skip
    assert (temperature["minimum"], temperature["maximum"], temperature["step"]) == (2800, 6500, 10)
    assert temperature["flags"] == ["INACTIVE"]
    assert controls["privacy"]["flags"] == ["READ_ONLY"]
    assert controls["power_line_frequency"]["menu"] == {"0": "Disabled", "1": "50 Hz", "2": "60 Hz"}
    assert controls["auto_exposure"]["menu"] == {"1": "Manual Mode", "3": "Aperture Priority Mode"}
    assert controls["pan_absolute"]["step"] == 3600
    assert controls["white_balance_automatic"]["type"] == "BOOLEAN"


def test_controls_can_be_set_while_another_program_streams(camera: SimulatedCamera) -> None:
    with capture(camera) as program, panel(camera) as controls:
        program.told()
        assert program.told()["ok"]
        controls.ask("set", name="brightness", value=20)
        assert controls.ask("get", name="brightness") == 20
        assert program.told()["ok"]
        assert controls.try_to("format", width=640, height=480, format="MJPG") == {"errno": "EBUSY"}
        assert camera.controls["brightness"] == 20
        (write,) = camera.statistics.writes
        assert (write.name, write.value, write.ignored) == ("brightness", 20, False)


def test_brightness_shows_in_yuyv(camera: SimulatedCamera) -> None:
    with capture(camera, "--format", "YUYV") as program:
        program.told()
        before = program.told()["mean"]
        camera.set_control("brightness", 60)
        program.until(lambda frame: frame["mean"] > before + 15)


def test_an_inactive_control_refuses_until_its_switch_is_off(camera: SimulatedCamera) -> None:
    with panel(camera) as program:
        wish = {"name": "white_balance_temperature", "value": 3004}
        assert program.try_to("set", **wish) == {"errno": "EACCES"}
        program.ask("set", name="white_balance_automatic", value=0)
        assert program.ask("controls")["white_balance_temperature"]["flags"] == ["INACTIVE"]
        program.ask("refresh")
        assert program.ask("controls")["white_balance_temperature"]["flags"] == []
        program.ask("set", **wish)
        assert camera.controls["white_balance_temperature"] == 3000


def test_refusals_are_those_of_the_driver(camera: SimulatedCamera) -> None:
    source = """
import errno, fcntl, json, struct
def put(number, value):
    try:
        return struct.unpack("<Ii", fcntl.ioctl(device, 0xC008561C, struct.pack("<Ii", number, value)))[1]
    except OSError as error:
        return errno.errorcode[error.errno]
with open("/dev/video0", "rb+", buffering=0) as device:
    try:
        fcntl.ioctl(device, 0x5646)
    except OSError as error:
        other = errno.errorcode[error.errno]
    print(json.dumps([put(0x980900, 1000), put(0x9A0908, 5000), put(0x980918, 3), put(0x9A0901, 2),
                      put(0x9A0910, 1), put(0x980999, 1), put(0x980001, 1), other]))"""
    assert python(camera, source) == [64, 3600, "ERANGE", "EINVAL", "EACCES", "EINVAL", "EACCES", "ENOTTY"]


def test_a_change_by_someone_else_is_an_event(camera: SimulatedCamera) -> None:
    with panel(camera) as program:
        controls = program.ask("controls")
        for name in ("gain", "white_balance_temperature"):
            program.ask("subscribe", name=name)
        assert program.ask("event", seconds=0) is None
        program.ask("set", name="gain", value=3)
        assert program.ask("event", seconds=0) is None
        camera.set_control("gain", 7)
        assert program.ask("event", seconds=PATIENCE) == {"id": controls["gain"]["id"], "value": 7, "flags": 0}
        camera.set_control("white_balance_automatic", 0)
        assert program.ask("event", seconds=PATIENCE)["id"] == controls["white_balance_temperature"]["id"]
        assert program.ask("event", seconds=0) is None


def test_ignored_writes_are_accepted_and_change_nothing(camera: SimulatedCamera) -> None:
    camera.ignore_writes()
    with panel(camera) as program:
        program.ask("set", name="gain", value=9)
        assert program.ask("get", name="gain") == 0
    assert camera.statistics.writes[0].ignored


def test_a_forgetful_camera_resets_its_controls_some_time_after_the_start(camera: SimulatedCamera) -> None:
    camera.set_control("gain", 5)
    camera.reset_controls_after(0.3)
    with capture(camera) as program:
        program.told()
        assert program.told()["ok"]
        deadline = time.monotonic() + PATIENCE
        while camera.controls["gain"] and time.monotonic() < deadline:
            assert program.told()["ok"]
    assert camera.controls["gain"] == 0


# -- life -------------------------------------------------------------------------------------------------------------


def test_a_program_that_ends_frees_the_camera_for_the_next(camera: SimulatedCamera) -> None:
    for _ in range(3):
        with capture(camera) as program:
            assert program.told()["open"]
            assert program.told()["ok"]
    now = camera.wait_for(lambda now: now.handles == 0)
    assert (now.streaming, now.buffers, now.starts) == (False, 0, 3)


def test_the_command_line_gives_a_program_a_camera_and_its_exit_status(tmp_path: Path) -> None:
    source = "import os, sys; sys.exit(7 if os.path.exists('/dev/video2') else 1)"
    command = [sys.executable, "-m", "tests.simcam", "run", "--number", "2", "--", sys.executable, "-c", source]
    assert subprocess.run(command, cwd=PROBES.parents[2], timeout=PATIENCE).returncode == 7


def test_a_camera_process_ends_with_its_starter_and_cleans_up(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.simcam", str(tmp_path), "--follow-stdin"]
    environment = {**os.environ, "PYTHONPATH": str(PROBES.parents[2])}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert (tmp_path / "dev" / "video0").exists()
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
    assert not (tmp_path / "dev" / "video0").exists()


@pytest.mark.skipif(not shutil.which("v4l2-ctl"), reason="v4l-utils is not installed")
def test_v4l2_ctl_streams_and_sets(camera: SimulatedCamera, tmp_path: Path) -> None:
    words = ["-d", "/dev/video0", "-c", "gain=4", "--set-fmt-video=width=1280,height=720,pixelformat=MJPG"]
    words += ["--stream-mmap", "--stream-count=5", f"--stream-to={tmp_path}/frames"]
    environment = {**os.environ, **camera.environment}
    subprocess.run(["v4l2-ctl", *words], env=environment, timeout=PATIENCE, check=True, capture_output=True)
    assert (tmp_path / "frames").read_bytes().count(b"simcam sequence=") == 5
    assert camera.controls["gain"] == 4
