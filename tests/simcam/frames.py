"""The pictures of the simulated camera: loops over real photographs, prepared once and kept in the build folder.

Preparing needs cv2 and numpy; delivering needs neither, so that a started camera costs next to nothing.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.simcam.library import HERE, build_directory, build_lock

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Picture = NDArray[numpy.uint8]

Data = bytes | memoryview  # part of a mapped file

PHOTOGRAPHS = HERE / "photographs"
DARK_STEPS = 8
BYTES_PER_PIXEL = 0.065  # 60 kB for 1280x720: what webcams of the price of a lunch deliver
LONGEST_LOOP = 90  # frames; of YUYV a third, and no more than fit into:
LOOP_BYTES = 24_000_000

_STAMP_TEXT = "simcam sequence={:010d} monotonic_ns={:020d}"
_STAMP_LENGTH = len(_STAMP_TEXT.format(0, 0))
_COMMENT = b"\xff\xfe" + struct.pack(">H", _STAMP_LENGTH + 2)


@dataclass(frozen=True)
class Stamp:
    """What a delivered frame says of itself: its sequence number and capture time (CLOCK_MONOTONIC, nanoseconds)."""

    sequence: int
    monotonic_ns: int


def stamped(jpeg: Data, sequence: int, monotonic_ns: int) -> bytes:
    """The JPEG with a comment segment behind SOI and APP0. Always the same length for one picture."""
    cut = 4 + int.from_bytes(jpeg[4:6], "big") if jpeg[2:4] == b"\xff\xe0" else 2
    text = _STAMP_TEXT.format(sequence, monotonic_ns).encode("ascii")
    return b"".join((jpeg[:cut], _COMMENT, text, jpeg[cut:]))


def read_stamp(jpeg: bytes) -> Stamp:
    """The stamp of a delivered MJPG frame. Raises ValueError when it has none."""
    start = jpeg.find(b"simcam sequence=", 0, 256)
    words = jpeg[start : start + _STAMP_LENGTH].split() if start >= 0 else []
    if len(words) != 3:
        raise ValueError("this JPEG was not made by the simulated camera")
    return Stamp(*(int(word.partition(b"=")[2]) for word in words[1:]))


def read_yuyv_sequence(frame: bytes) -> int:
    """The sequence number of a delivered YUYV frame: the brightness of its first 32 pixels, highest bit first."""
    return int("".join("1" if luma > 128 else "0" for luma in frame[:64:2]), 2)


@lru_cache(maxsize=256)
def _bits(byte: int) -> bytes:
    return b"".join(b"\xeb\x80" if byte >> bit & 1 else b"\x10\x80" for bit in range(7, -1, -1))


def yuyv_stamp(sequence: int) -> bytes:
    """The first bytes of a YUYV frame, that hold its sequence number."""
    return b"".join(_bits(byte) for byte in (sequence & 0xFFFFFFFF).to_bytes(4, "big"))


def without_huffman_tables(jpeg: Data) -> bytes:
    """The JPEG without its DHT segments, as many cameras deliver it."""
    kept, at = [jpeg[:2]], 2
    while jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] != 0xC4:
            kept.append(jpeg[at:end])
        at = end
    return b"".join((*kept, jpeg[at:]))


@dataclass(frozen=True)
class Loop:
    """The frames of one format and size, shown over and over; `dark` ones come from black to almost bright."""

    frames: tuple[Data, ...]
    dark: tuple[Data, ...]


def loop(pixel_format: str, width: int, height: int) -> Loop:
    """The loop of a format, from the build folder if it was ever prepared there."""
    path = build_directory() / f"{pixel_format}-{width}x{height}-{_key()}.frames"
    with build_lock(path.name.partition("-")[0] + f"-{width}x{height}"):
        if not path.exists():
            part = path.with_suffix(".part")
            part.write_bytes(_packed(_prepare(pixel_format, width, height)))
            part.rename(path)
            for old in set(path.parent.glob(f"{pixel_format}-{width}x{height}-*.frames")) - {path}:
                old.unlink()
    with open(path, "rb") as file:  # mapped: several cameras share the memory, and none waits for the disk
        return _unpacked(memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)))


def _packed(loop: Loop) -> bytes:
    frames = (*loop.frames, *loop.dark)
    sizes = [len(frame) for frame in frames]
    return struct.pack(f"<II{len(sizes)}I", len(loop.frames), len(loop.dark), *sizes) + b"".join(frames)


def _unpacked(data: Data) -> Loop:
    bright, dark = struct.unpack_from("<II", data)
    sizes = struct.unpack_from(f"<{bright + dark}I", data, 8)
    frames, at = [], 8 + 4 * len(sizes)
    for size in sizes:
        frames.append(data[at : at + size])
        at += size
    return Loop(tuple(frames[:bright]), tuple(frames[bright:]))


@lru_cache(maxsize=1)
def _key() -> str:
    """Changes when this code or a photograph changes, so that the build folder never has stale frames."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(PHOTOGRAPHS.glob("*.jpg")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _prepare(pixel_format: str, width: int, height: int) -> Loop:
    import cv2 as cv2_with_partial_types

    cv2: Any = cv2_with_partial_types
    if pixel_format == "MJPG":
        count = LONGEST_LOOP
        quality = _quality(cv2, [_picture(cv2, width, height, i, count) for i in (0, count // 2)])
    else:
        count = max(4, min(LONGEST_LOOP // 3, LOOP_BYTES // (width * height * 2)))

    def encoded(index: int, light: float = 1.0) -> bytes:
        picture = cv2.convertScaleAbs(_picture(cv2, width, height, index, count), alpha=light)
        if pixel_format == "MJPG":
            return _jpeg(cv2, picture, quality)
        return _raw(cv2, picture, pixel_format)

    dark = (encoded(i, light=(i + 0.5) / DARK_STEPS / 1.3) for i in range(DARK_STEPS))
    return Loop(tuple(encoded(i) for i in range(count)), tuple(dark))


def _raw(cv2: Any, picture: Picture, pixel_format: str) -> bytes:
    """Return the picture in YUYV or YU12, both of limited range, or in NV12 of full range."""
    if pixel_format == "YUYV":
        return bytes(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_YUY2).tobytes())
    if pixel_format == "YU12":
        return bytes(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).tobytes())
    luma, red, blue = cv2.split(cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb))  # of full range, as in JPEG
    half = (picture.shape[1] // 2, picture.shape[0] // 2)
    chroma = [cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (blue, red)]
    return bytes(luma.tobytes() + cv2.merge(chroma).tobytes())


def _picture(cv2: Any, width: int, height: int, index: int, count: int) -> Picture:
    """Picture `index` of a loop of `count`: a slow circle with the zoom over one photograph, then over the next."""
    import numpy

    photographs = _photographs(cv2)
    per_photograph = max(1, count // 2)
    photograph = photographs[index // per_photograph % 2]
    turn = index % per_photograph / per_photograph * 2 * numpy.pi
    high, wide = photograph.shape[:2]
    scale = min(wide / width, high / height) * (0.86 + 0.06 * numpy.cos(turn))
    x = (wide - width * scale) / 2 * (1 + numpy.cos(turn))
    y = (high - height * scale) / 2 * (1 + numpy.sin(turn))
    matrix = numpy.array([[scale, 0, x], [0, scale, y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    picture = cv2.warpAffine(photograph, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    # The noise of a sensor: without it an enlarged photograph is far easier to encode than a live picture.
    noise = numpy.roll(_noise(width, height), index * 7919, axis=0).reshape(height, width, 3)
    picture = cv2.subtract(cv2.add(picture, noise), (6, 6, 6, 0))
    size, x_text = height / 480, round(width * (0.04 + 0.6 * index / count))
    for colour, thick in (((0, 0, 0), 6), ((255, 255, 255), 2)):
        place, text, font = (x_text, round(height * 0.94)), f"simcam {index:03d}", cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(picture, text, place, font, size, colour, max(1, round(thick * size)), cv2.LINE_AA)
    return picture  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _noise(width: int, height: int) -> Picture:
    import numpy

    grey = numpy.random.default_rng(1).normal(6, 2.5, width * height).clip(0, 12).astype(numpy.uint8)
    return numpy.repeat(grey[:, None], 3, axis=1)


@lru_cache(maxsize=1)
def _photographs(cv2: Any) -> tuple[Picture, ...]:
    return tuple(cv2.imread(str(PHOTOGRAPHS / f"{name}.jpg")) for name in ("coffee", "chelsea"))


def _jpeg(cv2: Any, picture: Picture, quality: int) -> bytes:
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return bytes(cv2.imencode(".jpg", picture, options)[1].tobytes())


def _quality(cv2: Any, pictures: list[Picture]) -> int:
    """The quality at which the pictures are as big as a webcam's."""
    wanted = pictures[0].shape[0] * pictures[0].shape[1] * BYTES_PER_PIXEL
    sizes = ((q, sum(len(_jpeg(cv2, p, q)) for p in pictures) / len(pictures)) for q in range(40, 96, 5))
    return min(sizes, key=lambda entry: abs(entry[1] - wanted))[0]


@lru_cache(maxsize=4)
def _brighter(brightness: int) -> bytes:
    return bytes(min(max(luma + brightness, 0), 255) for luma in range(256))


def brightened(frame: Data, brightness: int, luma: slice) -> Data:
    """The raw frame with `brightness` added to its luma, which is at `luma`."""
    if not brightness:
        return frame
    changed = bytearray(frame)
    changed[luma] = changed[luma].translate(_brighter(brightness))
    return bytes(changed)


def garbled(data: Data) -> bytes:
    """The frame with 400 bytes of garbage in its middle. The same garbage every time; no marker in it."""
    garbage = bytes(i * 151 % 251 for i in range(400))
    middle = len(data) // 2
    return b"".join((data[:middle], garbage, data[middle + len(garbage) :]))
