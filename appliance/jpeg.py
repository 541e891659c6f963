"""Check, complete and make JPEG pictures.

Cameras send two kinds of oddities: frames cut short (a USB packet was lost), and frames without Huffman tables
(allowed by the USB video class, which takes the standard ones for granted; Safari then shows nothing).
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg

from appliance.errors import CorruptFrame

Image = npt.NDArray[np.uint8]

SMALLEST = 200  # bytes: below this nothing that a camera sends is a picture
LARGEST = 100_000_000  # pixels: more is a damaged header, which would cost gigabytes and half a minute to believe
_TAIL = 64  # bytes at the end in which the end marker has to be; some cameras append a few

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_DHT, _SOS = 0xC4, 0xDA
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


def clean(data: bytes) -> bytes:
    """Return a whole JPEG as the camera made it: without trailing rubbish, Huffman tables in place.

    Costs under 2 µs for a good frame. Raises CorruptFrame for one that is cut short or no JPEG at all.
    """
    if len(data) < SMALLEST or not data.startswith(_SOI):
        raise CorruptFrame(f"{len(data)} bytes that are not a JPEG picture")
    if not data.endswith(_EOI):
        data = data.rstrip(b"\0")
        end = data.rfind(_EOI, max(0, len(data) - _TAIL))
        if end < 0:
            raise CorruptFrame(f"a JPEG picture cut short after {len(data)} bytes")
        data = data[: end + 2]
    return with_huffman_tables(data)


def with_huffman_tables(jpeg: bytes) -> bytes:
    """Return the picture with the standard Huffman tables before its scan, if it has none of its own.

    Raises CorruptFrame where the segments do not add up.
    """
    position = 2
    while position + 4 <= len(jpeg):
        if jpeg[position] != 0xFF:
            break
        marker = jpeg[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        elif marker == _DHT:
            return jpeg
        elif marker == _SOS:
            return jpeg[:position] + _standard_huffman_tables() + jpeg[position:]
        else:
            position += 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
    raise CorruptFrame("a JPEG picture whose segments do not add up")


def size(jpeg: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels from the header. Raises CorruptFrame, also for a size that cannot be."""
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


def encode_bgr(image: Image, quality: int) -> bytes:
    """Return the JPEG of an image of shape (height, width, 3), blue first, 4:2:0."""
    return bytes(
        simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=quality, colorspace="BGR", colorsubsampling="420")
    )


def encode_yuyv(image: Image, quality: int) -> bytes:
    """Return the JPEG of a YUYV image of shape (height, width, 2), 4:2:0, without a detour over RGB.

    V4L2's YUYV leaves room below black and above white (luma 16 to 235, its default quantization), JPEG does not, so
    the values are stretched. Half of the chroma lines are left out. At 1280x720 that takes 0.8 of the
    time of the way by BGR.
    """
    import cv2  # see thumbnail()

    height, width = image.shape[0] & ~1, image.shape[1] & ~1
    luma, chroma = cv2.split(image[:height, :width])
    blue, red = cv2.split(np.ascontiguousarray(chroma[0::2]).reshape(height // 2, width // 2, 2))
    # cv2.LUT would take 0.6 ms for what saturated subtraction and scaling do in 0.1.
    subtract: Any = cv2.subtract  # its stubs do not know numbers
    luma = cv2.convertScaleAbs(subtract(luma, 16), alpha=255 / 219)
    blue, red = (cv2.convertScaleAbs(subtract(each, 16), alpha=255 / 224, beta=0.5) for each in (blue, red))
    return bytes(simplejpeg.encode_jpeg_yuv_planes(luma, blue, red, quality=quality))


def thumbnail(jpeg: bytes, width: int, quality: int = 75) -> bytes:
    """Return a smaller JPEG, `width` pixels wide, or the picture's own width if that is less.

    Raises CorruptFrame.
    """
    import cv2  # Costs half a second at its first import, which is only paid where pictures are looked at.

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


@cache
def _standard_huffman_tables() -> bytes:
    """Return the DHT segments of ITU-T T.81, annex K.3, as libjpeg writes them.

    They are taken from a picture that libjpeg-turbo encodes with its defaults, which are those tables.
    """
    jpeg: bytes = simplejpeg.encode_jpeg(np.zeros((16, 16, 3), np.uint8), colorspace="BGR")
    position, tables = 2, b""
    while jpeg[position + 1] != _SOS:
        length = 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        if jpeg[position + 1] == _DHT:
            tables += jpeg[position : position + length]
        position += length
    return tables
