"""Check, complete and encode JPEG pictures.

Cameras deliver two kinds of incomplete frames: truncated ones (a USB packet was lost), and frames without Huffman
tables (the USB video class allows that and implies the standard tables; Safari does not show such pictures).
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg

from appliance.errors import CorruptFrame

Image = npt.NDArray[np.uint8]

SMALLEST = 200  # bytes: no picture of a camera is smaller
LARGEST = 100_000_000  # pixels: more means a damaged header; decoding would take gigabytes and half a minute
_LARGEST_METERED = 25_000_000  # pixels: measuring the brightness of more would delay the camera thread
_SMALLEST_SIDE = 32  # pixels: in a smaller picture nothing is recognisable
_TAIL = 64  # bytes at the end that must contain the end marker; some cameras append a few bytes

_MAXIMUM_SEGMENTS = 1000  # before the scan; cameras send ten

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_DHT, _SOS = 0xC4, 0xDA
_TABLES = bytes((0xFF, _DHT))
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


class Cleaner:
    """Completes the frames of one camera.

    They all have their Huffman tables at the same position, which is tried first: parsing the segments of each frame
    took 20 µs of the 250 that the camera thread needs for a frame.
    """

    def __init__(self) -> None:
        self._tables_at = 0

    def clean(self, data: bytes) -> bytes:
        """Return the complete JPEG: without trailing bytes, and with Huffman tables.

        Raises CorruptFrame if it is truncated or not a JPEG.
        """
        data = _trimmed(data)
        if data.startswith(_TABLES, self._tables_at):
            return data
        marker, self._tables_at = _tables(data)
        return data if marker == _DHT else _with_tables(data, self._tables_at)


def _trimmed(data: bytes) -> bytes:
    """Return the JPEG from its first marker to its last. Raises CorruptFrame if it lacks one of them."""
    if len(data) < SMALLEST or not data.startswith(_SOI):
        raise CorruptFrame(f"{len(data)} bytes that are not a JPEG picture")
    if not data.endswith(_EOI):
        data = data.rstrip(b"\0")
        end = data.rfind(_EOI, max(0, len(data) - _TAIL))
        if end < 0:
            raise CorruptFrame(f"a JPEG picture cut short after {len(data)} bytes")
        data = data[: end + 2]
    return data


def _with_tables(jpeg: bytes, scan: int) -> bytes:
    """Return the picture with the standard Huffman tables before its scan."""
    return jpeg[:scan] + _standard_huffman_tables() + jpeg[scan:]


def _tables(jpeg: bytes) -> tuple[int, int]:
    """Return the marker and the position of the Huffman tables, or of the scan if it comes first.

    Raises CorruptFrame if the segments are inconsistent.
    """
    position = 2
    for _ in range(_MAXIMUM_SEGMENTS):
        if position + 4 > len(jpeg) or jpeg[position] != 0xFF:
            break
        marker = jpeg[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        elif marker in (_DHT, _SOS):
            return marker, position
        else:
            position += 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
    raise CorruptFrame("a JPEG picture whose segments do not add up")


def orientation(rotate: int, flip_horizontal: bool, flip_vertical: bool) -> int:
    """Return the EXIF orientation, 1 to 8, of a picture that is mirrored and then rotated clockwise by `rotate`."""
    if flip_vertical:  # equals mirroring horizontally and rotating by 180 degrees
        flip_horizontal, rotate = not flip_horizontal, rotate + 180
    turned_plain, turned_mirrored = {0: 1, 90: 6, 180: 3, 270: 8}, {0: 2, 90: 7, 180: 4, 270: 5}
    return (turned_mirrored if flip_horizontal else turned_plain)[rotate % 360]


def oriented(jpeg: bytes, orientation: int) -> bytes:
    """Return the picture with the orientation added as EXIF (36 bytes); 1 leaves it unchanged."""
    return jpeg if orientation == 1 else _SOI + _exif(orientation) + jpeg[2:]


def turned(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return (width, height) of a picture after its orientation is applied."""
    return (height, width) if orientation >= 5 else (width, height)


def seen_size(jpeg: bytes) -> tuple[int, int]:
    """Return (width, height) with the orientation applied that `oriented` added. Raises CorruptFrame."""
    orientation = jpeg[31] if jpeg[2:30] == _exif(1)[:28] else 1
    return turned(*size(jpeg), orientation)


def upright(jpeg: bytes, quality: int = 90) -> bytes:
    """Return the picture with its EXIF orientation applied to the pixels, for programs that ignore it.

    Raises CorruptFrame.
    """
    import cv2  # see thumbnail()

    size(jpeg)  # refuses pictures that would take gigabytes
    image: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise CorruptFrame("a JPEG picture that cannot be decoded")
    return encode_bgr(image, quality)


def size(jpeg: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels from the header. Raises CorruptFrame, also for an implausible size."""
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(jpeg)
    except ValueError as error:
        raise CorruptFrame(f"a JPEG picture with a damaged header: {error}") from None
    if width * height > LARGEST:
        raise CorruptFrame(f"a JPEG picture with a damaged header: {width}x{height} pixels")
    return int(width), int(height)


def verify(jpeg: bytes) -> None:
    """Decode the whole picture and raise CorruptFrame if anything in it is damaged (3 to 4 ms at 1280x720)."""
    size(jpeg)
    try:
        simplejpeg.decode_jpeg(jpeg, colorspace="GRAY", strict=True)
    except ValueError as error:
        raise CorruptFrame(f"a damaged JPEG picture: {error}") from None


def brightness(jpeg: bytes) -> float:
    """Return the mean luma, 0 to 255, measured at an eighth of the size.

    A picture that cannot be decoded counts as black, as does one of more than 25 megapixels: with a damaged header,
    decoding would take gigabytes and a minute.
    """
    try:
        width, height = size(jpeg)
        if width * height > _LARGEST_METERED:
            return 0.0
        image = simplejpeg.decode_jpeg(jpeg, colorspace="GRAY", min_factor=8)
    except (CorruptFrame, ValueError):
        return 0.0
    return float(image.mean())


def encode_bgr(image: Image, quality: int) -> bytes:
    """Return the JPEG of an image of shape (height, width, 3), blue first, 4:2:0."""
    return bytes(
        simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=quality, colorspace="BGR", colorsubsampling="420")
    )


class YuyvEncoder:
    """Encodes YUYV images as JPEG pictures, 4:2:0, without converting to RGB. Not thread-safe.

    V4L2's YUYV uses the limited range by default (luma 16 to 235), JPEG the full range, so the values are stretched.
    Every second chroma line is dropped. The planes are reused: allocating them for each picture took as long as the
    encoding.
    """

    def __init__(self, quality: int) -> None:
        self._quality = quality
        self._planes: tuple[Image, ...] = ()

    def encode(self, image: Image) -> bytes:
        """Return the JPEG of an image of shape (height, width, 2)."""
        import cv2  # see thumbnail()

        height, width = image.shape[0] & ~1, image.shape[1] & ~1
        if not self._planes or self._planes[0].shape != (height, width):
            sizes = ((height, width), (height, width), (height // 2, width), *[(height // 2, width // 2)] * 2)
            self._planes = tuple(np.empty(size, np.uint8) for size in sizes)
        luma, chroma, half, blue, red = self._planes
        cv2.split(image[:height, :width], (luma, chroma))
        np.copyto(half, chroma[0::2])
        cv2.split(half.reshape(height // 2, width // 2, 2), (blue, red))
        _stretch((luma, blue, red), (luma, blue, red))
        return bytes(simplejpeg.encode_jpeg_yuv_planes(luma, blue, red, quality=self._quality))


class PlanarEncoder:
    """Encodes planar 4:2:0 images as JPEG pictures: YUV420 (V4L2's `YU12`), or NV12 if `interleaved`.

    Not thread-safe.

    The planes of YUV420 are luma, blue and red; NV12 has both chroma planes interleaved in one. Images with
    `full_range` (luma 0 to 255) are encoded directly, others are stretched into planes that are reused.
    """

    def __init__(self, quality: int, interleaved: bool, full_range: bool) -> None:
        self._quality = quality
        self._interleaved = interleaved
        self._full_range = full_range
        self._planes: tuple[Image, ...] = ()

    def encode(self, image: Image) -> bytes:
        """Return the JPEG of an image of shape (height * 3 / 2, width). Raises CorruptFrame for any other shape."""
        if image.ndim != 2 or image.shape[0] % 3 or image.shape[1] % 2:
            raise CorruptFrame(f"a raw picture of the shape {image.shape}, which is not 4:2:0")
        height, width = image.shape[0] * 2 // 3, image.shape[1]
        half = (height // 2, width // 2)
        if not self._planes or self._planes[0].shape != (height, width):
            self._planes = tuple(np.empty(shape, np.uint8) for shape in ((height, width), half, half))
        planes = (image[:height], *self._chroma(image[height:], half))
        if not self._full_range:
            _stretch(planes, self._planes)
        return bytes(
            simplejpeg.encode_jpeg_yuv_planes(*(planes if self._full_range else self._planes), quality=self._quality)
        )

    def _chroma(self, samples: Image, shape: tuple[int, int]) -> tuple[Image, Image]:
        """Return the blue and the red plane of the lower third of an image."""
        import cv2  # see thumbnail()

        if self._interleaved:
            cv2.split(samples.reshape(*shape, 2), self._planes[1:])
            return self._planes[1], self._planes[2]
        blue, red = samples.reshape(2, *shape)
        return blue, red


def _stretch(planes: tuple[Image, ...], into: tuple[Image, ...]) -> None:
    """Stretch luma, blue and red from the limited range of video to the full range of JPEG; `into` may be `planes`."""
    import cv2  # see thumbnail()

    # cv2.LUT takes 0.6 ms, saturated subtraction and scaling 0.4.
    subtract: Any = cv2.subtract  # its stubs do not allow numbers
    for plane, stretched, span, rounding in zip(planes, into, (219, 224, 224), (0.0, 0.5, 0.5), strict=True):
        cv2.convertScaleAbs(subtract(plane, 16, dst=stretched), dst=stretched, alpha=255 / span, beta=rounding)


def thumbnail(jpeg: bytes, width: int, quality: int = 75) -> bytes:
    """Return a smaller JPEG, `width` pixels wide, or the picture's own width if that is less.

    Raises CorruptFrame.
    """
    import cv2  # the first import takes half a second, so it is not done at the start

    full_width, _ = size(jpeg)
    reduction = next((n for n in (8, 4, 2) if full_width // n >= width), 1)
    flags = {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }
    image: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flags[reduction])
    if image is None:
        raise CorruptFrame("a JPEG picture that cannot be decoded")
    if image.shape[1] > width:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return encode_bgr(image, quality)


def reduced(jpeg: bytes, limit: int, quality: int = 80) -> tuple[bytes, int, int]:
    """Return an upright copy of the picture of at most `limit` bytes, with its width and height in pixels.

    The size of a JPEG is roughly proportional to its area, so few attempts are needed. Raises CorruptFrame, also if no
    recognisable picture is that small.
    """
    import cv2  # see thumbnail()

    size(jpeg)  # refuses pictures that would take gigabytes
    image: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise CorruptFrame("a JPEG picture that cannot be decoded")
    smaller = encode_bgr(image, quality)
    width, height = image.shape[1], image.shape[0]
    while len(smaller) > limit and min(width, height) > _SMALLEST_SIDE:
        scale = min(0.9, (limit / len(smaller)) ** 0.5 * 0.97)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        smaller = encode_bgr(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), quality)
    if len(smaller) > limit:
        raise CorruptFrame(f"a picture that does not fit into {limit} bytes")
    return smaller, width, height


@cache
def _exif(orientation: int) -> bytes:
    """Return an APP1 segment with one entry, the orientation (EXIF 2.3, 4.6.4: tag 0x112, one SHORT)."""
    entry = (0x112).to_bytes(2, "big") + (3).to_bytes(2, "big") + (1).to_bytes(4, "big")
    entry += orientation.to_bytes(2, "big") + bytes(2)
    tiff = b"MM\0*" + (8).to_bytes(4, "big") + (1).to_bytes(2, "big") + entry + bytes(4)
    content = b"Exif\0\0" + tiff
    return b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content


@cache
def _standard_huffman_tables() -> bytes:
    """Return the DHT segments of ITU-T T.81, annex K.3, as libjpeg writes them.

    They are copied from a picture encoded by libjpeg-turbo, which uses these tables by default.
    """
    jpeg: bytes = simplejpeg.encode_jpeg(np.zeros((16, 16, 3), np.uint8), colorspace="BGR")
    position, tables = 2, b""
    while jpeg[position + 1] != _SOS:
        length = 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        if jpeg[position + 1] == _DHT:
            tables += jpeg[position : position + length]
        position += length
    return tables
