"""Pictures are checked, completed and made as promised; nothing that a camera sends can do harm."""

import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance import jpeg
from appliance.errors import CorruptFrame

PHOTOGRAPHS = sorted((Path(__file__).parent / "simcam/photographs").glob("*.jpg"))
PHOTOGRAPH = PHOTOGRAPHS[0].read_bytes()
SOI, EOI, DHT, SOF, SOS = b"\xff\xd8", b"\xff\xd9", 0xC4, 0xC0, 0xDA

Image = npt.NDArray[np.uint8]


def decode(data: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.astype(np.uint8, copy=False)


def segments(data: bytes) -> list[tuple[int, int, int]]:
    """Return (marker, begin, end) of each segment before the scan, and of the rest as the scan."""
    found, position = [], 2
    while data[position + 1] != SOS:
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        found.append((data[position + 1], position, end))
        position = end
    return [*found, (SOS, position, len(data))]


def without(data: bytes, marker: int) -> bytes:
    return data[:2] + b"".join(data[begin:end] for found, begin, end in segments(data) if found != marker)


def with_size(data: bytes, width: int, height: int) -> bytes:
    (begin,) = (begin for marker, begin, _ in segments(data) if marker == SOF)
    return data[: begin + 5] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[begin + 9 :]


@pytest.fixture(scope="module")
def photograph() -> bytes:
    """A real photograph as a camera sends it, with the standard Huffman tables."""
    return jpeg.encode_bgr(decode(PHOTOGRAPH), 85)


# ---------------------------------------------------------------- clean


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.name)
def test_a_good_picture_passes_untouched(path: Path) -> None:
    data = path.read_bytes()
    assert jpeg.Cleaner().clean(data) is data
    jpeg.verify(data)


@pytest.mark.parametrize(
    "rubbish", [b"\0", b"\0" * 5000, b"\n", b"\r\n\0\0", b"x" * 62, b"\xff" * 8, b"x\0x" + b"\0" * 999]
)
def test_trailing_rubbish_is_cut_off(photograph: bytes, rubbish: bytes) -> None:
    assert jpeg.Cleaner().clean(photograph + rubbish) == photograph


@pytest.mark.parametrize("kept", [0.01, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_a_picture_cut_short_is_refused(photograph: bytes, kept: float) -> None:
    cut = photograph[: int(len(photograph) * kept)]
    for data in (cut, cut + b"\0" * 2000):
        with pytest.raises(CorruptFrame, match=r"cut short|not a JPEG"):
            jpeg.Cleaner().clean(data)


@pytest.mark.parametrize("end", [-1, -2])
def test_a_picture_without_its_end_is_refused(photograph: bytes, end: int) -> None:
    with pytest.raises(CorruptFrame, match="cut short"):
        jpeg.Cleaner().clean(photograph[:end])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        SOI,
        SOI + EOI,
        b"hello" * 100,
        b"\0" * 100_000,
        SOI + b"\0" * 500,
        SOI + b"\xff" * 500 + EOI,
        EOI * 500,
    ],
)
def test_data_that_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptFrame):
        jpeg.Cleaner().clean(data)


def test_huffman_tables_that_are_missing_are_put_back_exactly(photograph: bytes) -> None:
    bare = without(photograph, DHT)
    assert len(bare) < len(photograph)
    assert jpeg.Cleaner().clean(bare) == photograph
    assert jpeg.Cleaner().clean(bare + b"\0\0") == photograph


def test_huffman_tables_of_the_camera_s_own_are_kept() -> None:
    ok, optimised = cv2.imencode(".jpg", decode(PHOTOGRAPH), [cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    assert ok
    data = optimised.tobytes()
    assert jpeg.Cleaner().clean(data) == data


def test_a_picture_inside_the_header_is_not_taken_for_the_picture(photograph: bytes) -> None:
    inner = without(jpeg.thumbnail(photograph, 64), SOF)
    application = b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner
    bare = without(photograph, DHT)
    assert jpeg.Cleaner().clean(SOI + application + bare[2:]) == SOI + application + photograph[2:]


def test_frames_of_one_camera_may_place_or_omit_tables_differently(photograph: bytes) -> None:
    comment = b"\xff\xfe\0\x0bmonotonic"
    bare = without(photograph, DHT)
    other = SOI + comment + photograph[2:]
    cleaner = jpeg.Cleaner()
    for _ in range(2):
        assert cleaner.clean(photograph) is photograph
        assert cleaner.clean(bare) == photograph
        assert cleaner.clean(SOI + comment + bare[2:]) == other
        assert cleaner.clean(other) is other
        with pytest.raises(CorruptFrame):
            cleaner.clean(photograph[:-100])


def test_a_good_frame_costs_next_to_nothing(photograph: bytes) -> None:
    begun = time.perf_counter()
    for _ in range(1000):
        jpeg.Cleaner().clean(photograph)
    assert (time.perf_counter() - begun) / 1000 < 100e-6


@given(st.binary(max_size=2000), st.binary(max_size=80))
@settings(deadline=None)
def test_any_bytes_are_cleaned_or_refused(body: bytes, tail: bytes) -> None:
    for data in (body, SOI + body + EOI, SOI + body + EOI + tail, SOI + b"\xff\xdb\0\0" * 60 + body + EOI):
        try:
            assert jpeg.Cleaner().clean(jpeg.Cleaner().clean(data)) == jpeg.Cleaner().clean(data)
        except CorruptFrame:
            continue


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=20))
@settings(deadline=None, max_examples=50)
def test_a_picture_with_wrong_bytes_is_handled_or_refused(changes: list[tuple[float, int]]) -> None:
    small = bytearray(jpeg.thumbnail(PHOTOGRAPH, 64))
    for place, byte in changes:
        small[int(place * len(small))] = byte
    for handle in (jpeg.Cleaner().clean, jpeg.size, jpeg.verify, lambda data: jpeg.thumbnail(data, 32)):
        try:
            handle(bytes(small))
        except CorruptFrame as error:
            assert str(error)  # noqa: PT017


# ---------------------------------------------------------------- size and verify


@pytest.mark.parametrize(("width", "height"), [(16, 16), (17, 31), (640, 480), (1920, 1080)])
def test_the_size_is_read_from_the_header(width: int, height: int) -> None:
    data = jpeg.encode_bgr(np.zeros((height, width, 3), np.uint8), 50)
    assert jpeg.size(data) == (width, height)
    begin_of_scan = segments(data)[-1][1]
    assert jpeg.size(data[: begin_of_scan + 20]) == (width, height)


@pytest.mark.parametrize("data", [b"", b"hello" * 100, SOI, PHOTOGRAPH[:20], with_size(PHOTOGRAPH, 0, 0)])
def test_a_damaged_header_has_no_size(data: bytes) -> None:
    with pytest.raises(CorruptFrame):
        jpeg.size(data)


def _corruptions(data: bytes) -> dict[str, bytes]:
    middle, scan = len(data) // 2, segments(data)[-1][1]
    return {
        "empty": b"",
        "no picture": b"hello" * 100,
        "cut in the middle": data[:middle],
        "cut in the middle, with an end": data[:middle] + EOI,
        "a lost packet": data[:middle] + data[middle + 3000 :],
        "zeros in the middle": data[:middle] + bytes(500) + data[middle + 500 :],
        "an end in the middle": data[:middle] + EOI + data[middle:],
        "only the header": data[:scan] + EOI,
        "no end": data[:-2],
        "no scan header": data[:scan] + data[scan + 14 :],
        "quantisation tables lost": without(data, 0xDB),
        "header of another size": with_size(data, 640, 4800),
        "a size beyond all cameras": with_size(data, 65500, 65500),
    }


@pytest.mark.parametrize("damage", _corruptions(PHOTOGRAPH))
def test_damage_is_found(photograph: bytes, damage: str) -> None:
    begun = time.monotonic()
    with pytest.raises(CorruptFrame, match=r"JPEG picture"):
        jpeg.verify(_corruptions(photograph)[damage])
    assert time.monotonic() - begun < 5


# ---------------------------------------------------------------- encode


def test_an_encoded_picture_looks_the_same() -> None:
    image = decode(PHOTOGRAPH)
    encoded = jpeg.encode_bgr(image, 90)
    jpeg.verify(encoded)
    assert jpeg.Cleaner().clean(encoded) is encoded
    assert np.abs(decode(encoded).astype(int) - image).mean() < 4


def test_a_view_of_an_image_can_be_encoded() -> None:
    image = decode(PHOTOGRAPH)
    assert np.abs(decode(jpeg.encode_bgr(image[:, ::-1], 90)).astype(int) - image[:, ::-1]).mean() < 4


def test_quality_costs_bytes() -> None:
    image = decode(PHOTOGRAPH)
    sizes = [len(jpeg.encode_bgr(image, quality)) for quality in (1, 30, 60, 90, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] * 10 < sizes[-1]


def _yuyv(image: Image) -> Image:
    """Return the image as a camera sends it in YUYV, with V4L2's limited range."""
    return cv2.cvtColor(image[:, : image.shape[1] & ~1], cv2.COLOR_BGR2YUV_YUY2).astype(np.uint8, copy=False)


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.name)
def test_a_raw_picture_keeps_its_colours(path: Path) -> None:
    image = decode(path.read_bytes())
    packed = _yuyv(image)
    encoded = jpeg.YuyvEncoder(90).encode(packed)
    jpeg.verify(encoded)
    height, width = packed.shape[0] & ~1, packed.shape[1]
    assert jpeg.size(encoded) == (width, height)
    assert np.abs(decode(encoded).astype(int) - image[:height, :width]).mean() < 5


@pytest.mark.parametrize("colour", [(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255), (0, 0, 0), (40, 120, 200)])
def test_a_raw_surface_keeps_its_colour(colour: tuple[int, int, int]) -> None:
    image = np.full((48, 64, 3), colour, np.uint8)
    decoded = decode(jpeg.YuyvEncoder(95).encode(_yuyv(image))).reshape(-1, 3).mean(axis=0)
    assert decoded == pytest.approx(colour, abs=6)


@pytest.mark.parametrize(("width", "height"), [(16, 16), (320, 240), (322, 241), (1280, 720)])
def test_raw_pictures_of_any_size_are_encoded(width: int, height: int) -> None:
    encoded = jpeg.YuyvEncoder(80).encode(np.full((height, width, 2), 128, np.uint8))
    assert jpeg.size(encoded) == (width, height & ~1)
    jpeg.verify(encoded)


COLOURS = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255), (0, 0, 0), (128, 128, 128), (40, 120, 200)]


def _planar(image: Image, interleaved: bool, full_range: bool) -> Image:
    """Return the image in planes, by the equations of BT.601."""
    blue, green, red = (image[:, :, channel].astype(float) for channel in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = [(blue - luma) / 1.772 + 128, (red - luma) / 1.402 + 128]
    chroma = [(plane[0::2, 0::2] + plane[1::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 1::2]) / 4 for plane in chroma]
    if not full_range:
        luma = luma * 219 / 255 + 16
        chroma = [(plane - 128) * 224 / 255 + 128 for plane in chroma]
    samples = np.stack(chroma, axis=-1 if interleaved else 0)
    rows = np.concatenate([luma.reshape(-1), samples.reshape(-1)]).reshape(-1, image.shape[1])
    result: Image = np.clip(np.rint(rows), 0, 255).astype(np.uint8)
    return result


@pytest.mark.parametrize("full_range", [True, False])
@pytest.mark.parametrize("interleaved", [True, False])
@pytest.mark.parametrize("colour", COLOURS)
def test_a_surface_in_planes_keeps_its_colour(
    colour: tuple[int, int, int], interleaved: bool, full_range: bool
) -> None:
    encoder = jpeg.PlanarEncoder(95, interleaved, full_range)
    for width, height in ((64, 48), (128, 96), (66, 50)):
        image = np.full((height, width, 3), colour, np.uint8)
        encoded = encoder.encode(_planar(image, interleaved, full_range))
        assert jpeg.size(encoded) == (width, height)
        assert decode(encoded).reshape(-1, 3).mean(axis=0) == pytest.approx(colour, abs=3)


@pytest.mark.parametrize("full_range", [True, False])
@pytest.mark.parametrize("interleaved", [True, False])
@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.name)
def test_a_photograph_in_planes_keeps_its_colours_and_is_not_changed(
    path: Path, interleaved: bool, full_range: bool
) -> None:
    image = decode(path.read_bytes())
    image = image[: image.shape[0] & ~1, : image.shape[1] & ~1]
    raw = _planar(image, interleaved, full_range)
    before = raw.copy()
    encoder = jpeg.PlanarEncoder(90, interleaved, full_range)
    first = encoder.encode(raw)
    jpeg.verify(first)
    difference = decode(first).astype(int) - image
    assert np.abs(difference).mean() < 5
    assert np.abs(difference.mean(axis=(0, 1))).max() < 3
    assert encoder.encode(raw) == first
    assert np.array_equal(raw, before)


@pytest.mark.parametrize("shape", [(48, 64, 3), (49, 64), (48, 63), (48,)])
def test_a_raw_picture_that_is_not_in_planes_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(CorruptFrame, match="not 4:2:0"):
        jpeg.PlanarEncoder(80, interleaved=False, full_range=True).encode(np.zeros(shape, np.uint8))


# ---------------------------------------------------------------- thumbnail


@pytest.mark.parametrize(
    ("size", "width", "expected"),
    [
        ((1920, 1080), 320, (320, 180)),
        ((1280, 720), 320, (320, 180)),
        ((640, 480), 320, (320, 240)),
        ((641, 481), 320, (320, 240)),
        ((4056, 3040), 320, (320, 240)),
        ((321, 200), 320, (320, 199)),
        ((320, 240), 320, (320, 240)),
        ((160, 120), 320, (160, 120)),
        ((16, 16), 320, (16, 16)),
        ((2000, 16), 320, (320, 3)),
        ((16, 2000), 320, (16, 2000)),
    ],
)
def test_a_thumbnail_has_the_width_asked_for_and_the_shape_of_the_picture(
    size: tuple[int, int], width: int, expected: tuple[int, int]
) -> None:
    picture = jpeg.encode_bgr(np.full((size[1], size[0], 3), (40, 120, 200), np.uint8), 80)
    small = jpeg.thumbnail(picture, width)
    got = jpeg.size(small)
    assert got[0] == expected[0]
    assert got[1] == pytest.approx(expected[1], abs=1)
    assert decode(small).reshape(-1, 3).mean(axis=0) == pytest.approx((40, 120, 200), abs=6)


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.name)
def test_a_thumbnail_shows_the_photograph(path: Path) -> None:
    data = path.read_bytes()
    small = jpeg.thumbnail(data, 160)
    shrunk = cv2.resize(decode(data), jpeg.size(small), interpolation=cv2.INTER_AREA)
    assert np.abs(decode(small).astype(int) - shrunk).mean() < 8
    assert len(small) < 20_000


@pytest.mark.parametrize("damage", ["empty", "no picture", "a size beyond all cameras"])
def test_data_that_is_no_picture_has_no_thumbnail(damage: str) -> None:
    begun = time.monotonic()
    with pytest.raises(CorruptFrame):
        jpeg.thumbnail(_corruptions(PHOTOGRAPH)[damage], 320)
    assert time.monotonic() - begun < 5
