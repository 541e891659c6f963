"""Why a camera gives no pictures is said in words, with what to do about it."""

import errno
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from linuxpy.video.device import Capability, FrameIntervalType, FrameType, PixelFormat

from appliance.camera import diagnosis
from appliance.frames import Format
from tests.running import eventually


@dataclass
class Info:
    """What a device says of itself."""

    device_capabilities: Capability
    frame_types: list[FrameType]


OFFERED = [
    FrameType(FrameIntervalType.DISCRETE, pixel_format, width, height, 30, 30, 30)
    for pixel_format, width, height in ((PixelFormat.YUYV, 640, 480), (PixelFormat.MJPEG, 1280, 720))
]
WANTED = Format(1280, 720, 30.0, "MJPG")


@contextmanager
def holder(path: Path) -> Iterator[int]:
    """Let another process have the file open for the time of the block; its process id."""
    program = f"file = open({str(path)!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        try:
            yield process.pid
        finally:
            process.communicate("\n")


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "video0"
    path.touch()
    return path


def test_the_program_that_holds_a_device_is_named_with_its_process(node: Path) -> None:
    with holder(node) as process:
        (found,) = diagnosis.holders(str(node))
        assert re.fullmatch(rf"\S.* \(process {process}\)", found)
        assert diagnosis.busy(str(node)) == f"the camera is used by {found}: end that, or choose another camera"
    assert diagnosis.holders(str(node)) == []


def test_a_holder_is_found_through_a_link_and_all_are_named(node: Path, tmp_path: Path) -> None:
    link = tmp_path / "by-id"
    link.symlink_to(node)
    with holder(node) as one, holder(link) as other:
        found = " and ".join(diagnosis.holders(str(link)))
        assert f"(process {one})" in found
        assert f"(process {other})" in found


def test_we_ourselves_are_no_holder(node: Path) -> None:
    with node.open():
        assert diagnosis.holders(str(node)) == []


def test_a_holder_who_cannot_be_known_is_another_program(node: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "proc/712"
    hidden.mkdir(parents=True)
    (hidden / "fd").write_text("as good as unreadable")
    assert diagnosis.holders(str(node), tmp_path / "proc") == []
    assert diagnosis.busy(str(node)).startswith("the camera is used by another program: ")


def test_a_process_that_ends_while_we_look_is_passed_over(node: Path) -> None:
    with holder(node):
        eventually(lambda: diagnosis.holders(str(node)), "the holder")
    eventually(lambda: not diagnosis.holders(str(node)), "its end")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOENT, r"^no camera is connected as /dev/video7(; connected: .*)?$"),
        (errno.ENODEV, r"^no camera is connected as /dev/video7(; connected: .*)?$"),
        (errno.ENXIO, r"^no camera is connected as /dev/video7(; connected: .*)?$"),
        (errno.EACCES, r"^no permission to open /dev/video7: add the user to the group video$"),
        (errno.EPERM, r"^no permission to open /dev/video7: add the user to the group video$"),
        (errno.EBUSY, r"^the camera is used by another program: end that, or choose another camera$"),
        (errno.ENOTTY, r"^/dev/video7 is no camera(; connected: .*)?$"),
        (errno.EISDIR, r"^/dev/video7 is no camera(; connected: .*)?$"),
        (errno.EIO, r"^/dev/video7 cannot be opened: Input/output error$"),
    ],
)
def test_every_refusal_to_open_has_its_words(number: int, words: str) -> None:
    assert re.search(words, diagnosis.open_failure("/dev/video7", OSError(number, os.strerror(number))))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EBUSY, "the camera is used by another program: end that, or choose another camera"),
        (errno.ENOSPC, "not enough USB bandwidth for this format: choose MJPG, a smaller size or a lower rate"),
        (errno.ENODEV, "the camera is unplugged"),
        (
            errno.EINVAL,
            "the camera refuses 1280x720 at 30 fps, MJPG; the nearest that it offers: 1280x720 MJPG, 640x480 YUYV",
        ),
        (errno.EIO, "the camera does not stream: Input/output error"),
    ],
)
def test_every_refusal_to_stream_has_its_words(monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    class Refusing:
        """A device that opens and then refuses."""

        def __init__(self, path: str) -> None:
            self.info = Info(Capability.VIDEO_CAPTURE, OFFERED)

        def __enter__(self) -> "Refusing":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def set_format(self, *_: object) -> None:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(diagnosis, "Device", Refusing)
    assert diagnosis.explain("/dev/video7", WANTED, "MJPG").startswith(words)


def test_a_device_that_is_not_there_is_explained() -> None:
    assert diagnosis.explain("/dev/video77", WANTED, "MJPG").startswith("no camera is connected as /dev/video77")
