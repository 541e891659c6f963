"""However a camera is turned and mirrored: what viewers see is what moving the pixels would give."""

from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from appliance import jpeg
from appliance.errors import CorruptFrame

Image = npt.NDArray[np.uint8]
QUADRANTS = ((0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255))
PHOTOGRAPH = sorted((Path(__file__).parent / "simcam/photographs").glob("*.jpg"))[0].read_bytes()
WAYS = list(product((0, 90, 180, 270), (False, True), (False, True)))


def picture() -> Image:
    """Return 96x64 pixels with a colour of its own in each quarter."""
    image = np.zeros((64, 96, 3), np.uint8)
    image[:32, :48], image[:32, 48:], image[32:, :48], image[32:, 48:] = QUADRANTS
    return image


def moved(image: Image, rotate: int, flip_horizontal: bool, flip_vertical: bool) -> Image:
    """Return the image mirrored and then turned clockwise, pixel by pixel."""
    if flip_horizontal:
        image = image[:, ::-1]
    if flip_vertical:
        image = image[::-1]
    return np.rot90(image, -rotate // 90)


def decoded(data: bytes, flags: int = cv2.IMREAD_COLOR) -> Any:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    assert image is not None
    return image


def is_alike(one: Image, other: Image) -> bool:
    """Compare without what compression does at the edges."""
    return one.shape == other.shape and np.abs(one.astype(int) - other.astype(int)).mean() < 6


@pytest.mark.parametrize(("rotate", "flip_horizontal", "flip_vertical"), WAYS)
def test_a_decoder_that_honours_exif_sees_the_pixels_moved(
    rotate: int, flip_horizontal: bool, flip_vertical: bool
) -> None:
    plain = jpeg.encode_bgr(picture(), 95)
    orientation = jpeg.orientation(rotate, flip_horizontal, flip_vertical)
    data = jpeg.oriented(plain, orientation)
    expected = moved(decoded(plain), rotate, flip_horizontal, flip_vertical)
    assert is_alike(decoded(data), expected)
    assert jpeg.turned(96, 64, orientation) == (expected.shape[1], expected.shape[0])

    turned = jpeg.upright(data, 95)
    assert is_alike(decoded(turned, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION), expected)
    assert b"Exif" not in turned

    small = decoded(jpeg.thumbnail(data, 48))
    assert (small.shape[0] > small.shape[1]) == (expected.shape[0] > expected.shape[1])


def test_all_eight_orientations_occur_each_for_two_ways() -> None:
    found = sorted(jpeg.orientation(*way) for way in WAYS)
    assert found == sorted([*range(1, 9)] * 2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_not_a_byte_of_the_picture_itself_is_changed(orientation: int) -> None:
    data = jpeg.oriented(PHOTOGRAPH, orientation)
    if orientation == 1:
        assert data is PHOTOGRAPH
    else:
        assert data[:2] + data[38:] == PHOTOGRAPH
        assert data[2:12] == b"\xff\xe1\x00\x22Exif\0\0"
    jpeg.verify(data)
    assert jpeg.Cleaner().clean(data) == data
    assert jpeg.size(data) == jpeg.size(PHOTOGRAPH)


def test_the_wrong_way_round_is_not_taken_for_the_right_one() -> None:
    """The comparison above would notice a mistake."""
    views = [moved(picture(), *way).tobytes() + bytes(moved(picture(), *way).shape) for way in WAYS]
    assert len(set(views)) == 8


def test_data_that_is_no_picture_cannot_be_turned() -> None:
    with pytest.raises(CorruptFrame):
        jpeg.upright(b"\xff\xd8" + b"no picture" * 100)
