"""The picture that viewers see while the camera delivers none: it shows the reason."""

import textwrap
from functools import lru_cache

import cv2
import numpy as np

from appliance import jpeg
from appliance.jpeg import Image

_GROUND, _INK, _FAINT = (38, 32, 30), (225, 222, 218), (150, 144, 138)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_QUALITY = 80


@lru_cache(maxsize=4)  # it is published once a second, and requested with every snapshot
def draw(width: int, height: int, reason: str, since: str) -> bytes:
    """Return a JPEG with a struck-out camera, the reason, and the time of day since when it applies."""
    image: Image = np.full((height, width, 3), _GROUND, np.uint8)
    _draw_icon(image)
    unit = min(height, width * 9 // 16)
    y = int(height * 0.62)
    characters = max(10, int(width * 0.9 / (unit * 0.032)))
    for line in textwrap.wrap(_ascii(reason), characters)[:4]:
        y += _write(image, line, y, unit / 650, _INK)
    _write(image, f"since {since}", y, unit / 850, _FAINT)
    return jpeg.encode_bgr(image, _QUALITY)


def _draw_icon(image: Image) -> None:
    height, width = image.shape[:2]
    unit = min(height, width) / 100
    x, y = width / 2, height * 0.36
    stroke = max(1, round(unit))

    def point(right: float, down: float) -> tuple[int, int]:
        return int(x + right * unit), int(y + down * unit)

    cv2.rectangle(image, point(-14, -9), point(6, 9), _FAINT, stroke, cv2.LINE_AA)
    lens = np.array([point(8, -2), point(15, -7), point(15, 7), point(8, 2)], np.int32)
    cv2.polylines(image, [lens], True, _FAINT, stroke, cv2.LINE_AA)
    cv2.line(image, point(-17, 14), point(17, -14), _INK, stroke * 2, cv2.LINE_AA)


def _write(image: Image, text: str, y: int, scale: float, colour: tuple[int, int, int]) -> int:
    """Write one centred line and return its height with the gap below, in pixels."""
    thickness = max(1, round(scale * 1.6))
    (width, height), base = cv2.getTextSize(text, _FONT, scale, thickness)
    cv2.putText(image, text, ((image.shape[1] - width) // 2, y), _FONT, scale, colour, thickness, cv2.LINE_AA)
    return int((height + base) * 1.5)


def _ascii(text: str) -> str:
    """Return the text in ASCII: OpenCV's built-in font has no other characters."""
    return text.encode("ascii", "replace").decode()
