"""The picture that says why there is none can be drawn at any size, for any reason."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from appliance import jpeg
from appliance.camera import placeholder

REASONS = [
    "the camera is unplugged",
    "the camera is connected but delivers no frames",
    "the camera is used by another program, or gives no pictures",
    "the camera has no pixel format NV12, only MJPG, YUYV",
    "no permission to open /dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_6E5D4A3F-video-index0: "
    "add the user to the group video",
    "rtsp://me:***@front-door.local:8554/stream1 cannot be opened: it is not reachable or contains no video",
]
SIZES = [(320, 240), (640, 360), (640, 480), (1280, 720), (1920, 1080), (720, 1280), (3840, 2160)]


def decoded(width: int, height: int, reason: str, since: str = "12:00:00") -> npt.NDArray[np.uint8]:
    data = placeholder.draw(width, height, reason, since)
    jpeg.verify(data)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return image.astype(np.uint8, copy=False)


@pytest.mark.parametrize(("width", "height"), [(16, 16), (16, 1080), (1920, 16), (17, 31), *SIZES])
def test_it_has_the_size_of_the_stream(width: int, height: int) -> None:
    assert decoded(width, height, REASONS[0]).shape == (height, width)


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_all_of_the_reason_is_inside_the_picture(width: int, height: int, reason: str) -> None:
    image = decoded(width, height, reason)
    ground = int(np.median(image))
    edge = max(2, width // 100)
    for border in (image[:, :edge], image[:, -edge:], image[-edge:]):
        assert np.abs(border.astype(int) - ground).max() < 24
    assert (np.abs(image[height // 2 :].astype(int) - ground) > 60).any()


def test_reason_and_time_can_be_seen() -> None:
    plain = decoded(640, 480, "unplugged", "12:00:00").astype(int)
    assert np.abs(plain - decoded(640, 480, "busy", "12:00:00")).max() > 60
    assert np.abs(plain - decoded(640, 480, "unplugged", "12:34:56")).max() > 60
    assert np.array_equal(plain, decoded(640, 480, "unplugged", "12:00:00"))


@pytest.mark.parametrize(
    "reason", ["", " ", "\n\n", "Tür 🚪 \udcff", "x" * 10_000, "word " * 2000, "a\0b", "%s {} \\n <b>"]
)
def test_any_reason_can_be_drawn(reason: str) -> None:
    for width, height in ((16, 16), (640, 480)):
        assert decoded(width, height, reason).shape == (height, width)
