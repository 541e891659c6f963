"""The built-in test pattern: a moving test card with a clock, a frame number, and controls with a visible effect.

It is shown while there is no camera, and serves to try the appliance. Frames are drawn only while they are needed. The
background is drawn once for each set of control values; a frame adds the moving parts.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import cv2
import numpy as np

from appliance import jpeg
from appliance.camera.source import TEST_PATTERN, AvailableFormat, Camera
from appliance.controls import Control
from appliance.errors import CorruptFrame
from appliance.frames import Format
from appliance.jpeg import Image
from appliance.parameters import Choice, Parameter, Value

cv2.setNumThreads(1)

_SIZES = ((1920, 1080), (1280, 720), (960, 540), (640, 480), (640, 360), (320, 240))
_LARGEST_SIDE = 1920  # pixels: 20 megapixels take 30 s and 900 MB to draw
_RATES = (60.0, 30.0, 25.0, 15.0, 10.0, 5.0, 1.0)
_BARS = (  # blue, green, red: the 75 % colour bars of television, in their usual order
    (191, 191, 191),
    (0, 191, 191),
    (191, 191, 0),
    (0, 191, 0),
    (191, 0, 191),
    (0, 0, 191),
    (191, 0, 0),
)
_INK, _ACCENT, _GROUND = (240, 236, 232), (96, 190, 255), (44, 34, 28)
_FONT = cv2.FONT_HERSHEY_DUPLEX
_STYLES = ("Test card", "Colour bars", "Grey steps")


def _integer(name: str, label: str, minimum: int, maximum: int, default: int, unit: str | None = None) -> Control:
    parameter = Parameter(
        name=name, kind="integer", minimum=minimum, maximum=maximum, step=1, default=default, unit=unit
    )
    return Control(parameter, label=label, value=default)


def _number(name: str, label: str, minimum: float, maximum: float, step: float, default: float) -> Control:
    parameter = Parameter(name=name, kind="number", minimum=minimum, maximum=maximum, step=step, default=default)
    return Control(parameter, label=label, value=default)


def _boolean(name: str, label: str, default: bool, is_switch: bool = False) -> Control:
    parameter = Parameter(name=name, kind="boolean", default=default)
    return Control(parameter, label=label, value=default, is_switch=is_switch)


def _controls() -> list[Control]:
    styles = tuple(Choice(number, label) for number, label in enumerate(_STYLES))
    pattern = Parameter(name="test_pattern", kind="menu", choices=styles, minimum=0, maximum=len(styles) - 1, default=0)
    return [
        _integer("brightness", "Brightness", -100, 100, 0, "%"),
        _integer("contrast", "Contrast", 0, 200, 100, "%"),
        _integer("saturation", "Saturation", 0, 200, 100, "%"),
        _number("gamma", "Gamma", 0.2, 3.0, 0.1, 1.0),
        _boolean("white_balance_automatic", "White Balance, Automatic", True, is_switch=True),
        replace(
            _integer("white_balance_temperature", "White Balance Temperature", 2800, 6500, 4600, "K"),
            governed_by="white_balance_automatic",
        ),
        _boolean("horizontal_flip", "Horizontal Flip", False),
        replace(Control(pattern, label="Test Pattern", value=0), group="image"),
    ]


class TestPattern(Camera):
    """A camera that needs no hardware. The methods are described in `Camera`."""

    __test__ = False  # not a test, whatever pytest thinks of its name
    device = TEST_PATTERN
    description = "Test pattern"
    is_stand_in = True

    def __init__(self, requested: Format, quality: int) -> None:
        width, height = min(requested.width, _LARGEST_SIDE), min(requested.height, _LARGEST_SIDE)
        self.granted = Format(width, height, requested.fps, "BGR3")
        self._quality = quality
        self._controls = {control.name: control for control in _controls()}
        self._number = 0
        self._next_at = time.monotonic()
        self._ground: Image | None = None
        self._update_inactive()

    def grab(self) -> float:
        """Wait for the time of the next frame."""
        now = time.monotonic()
        if self._next_at > now:
            time.sleep(self._next_at - now)
        self._next_at = max(self._next_at, now - 1.0) + 1 / self.granted.fps
        self._number += 1
        return time.monotonic()

    def jpeg(self) -> bytes:
        """Draw and encode the frame."""
        try:
            return jpeg.encode_bgr(self._draw(), self._quality)
        except cv2.error as error:
            raise CorruptFrame(f"the test pattern cannot be drawn: {error}") from None

    def formats(self) -> list[AvailableFormat]:
        """Return common sizes; any other size up to 1920 pixels a side works as well."""
        return [AvailableFormat("BGR3", "Drawn, then encoded", tuple((*size, _RATES) for size in _SIZES))]

    def refuse_format(self, requested: Format) -> None:
        """Refuse nothing: a size that is too large is reduced."""

    def controls(self) -> list[Control]:
        """Return the software controls."""
        return list(self._controls.values())

    def set_controls(self, values: Mapping[str, Value]) -> None:
        """Set values; the next frame shows them."""
        for name, value in values.items():
            self._controls[name] = replace(self._controls[name], value=value)
        self._update_inactive()
        self._ground = None

    def close(self) -> None:
        """Do nothing."""

    def _value(self, name: str) -> float:
        return float(self._controls[name].value or 0)

    def _update_inactive(self) -> None:
        temperature = self._controls["white_balance_temperature"]
        automatic = bool(self._value("white_balance_automatic"))
        self._controls[temperature.name] = replace(temperature, inactive=automatic)

    def _draw(self) -> Image:
        if self._ground is None:
            style = int(self._value("test_pattern"))
            self._ground = self._adjusted(_ground(self.granted.width, self.granted.height, style))
        image = self._ground.copy()
        _draw_moving(image, self._number)
        if self._value("horizontal_flip"):
            cv2.flip(image, 1, image)
        _draw_texts(image, self._number, self.granted)
        return image

    def _adjusted(self, image: Image) -> Image:
        """Return the image as a camera with these control values would see it."""
        colours = image.astype(np.float32)
        grey = colours.mean(axis=2, keepdims=True)
        colours = grey + (colours - grey) * (self._value("saturation") / 100)
        colours = (colours - 128) * (self._value("contrast") / 100) + 128 + self._value("brightness") * 1.28
        if not self._value("white_balance_automatic"):
            warmth = (self._value("white_balance_temperature") - 4600) / 1900 * 0.25
            colours *= np.array([1 - warmth, 1.0, 1 + warmth], np.float32)
        colours = np.clip(colours, 0, 255)
        if (gamma := self._value("gamma")) != 1:
            colours = 255 * (colours / 255) ** (1 / gamma)
        result: Image = colours.astype(np.uint8)
        return result


def _ground(width: int, height: int, style: int) -> Image:
    """Draw the background."""
    if style == 1:
        return _bars(width, height)
    if style == 2:
        steps = np.repeat(np.linspace(16, 235, 11).astype(np.uint8), math.ceil(width / 11))[:width]
        image: Image = np.repeat(np.tile(steps, (height, 1))[:, :, None], 3, axis=2)
        return image
    return _card(width, height)


def _bars(width: int, height: int) -> Image:
    row = np.array([_BARS[x * len(_BARS) // width] for x in range(width)], np.uint8)
    image: Image = np.tile(row, (height, 1, 1))
    return image


def _card(width: int, height: int) -> Image:
    """Draw the test card: a plain background with a fine grid, a circle, a band of colour bars and one of greys."""
    fall = np.linspace(1.25, 0.75, height, dtype=np.float32)[:, None, None]
    image: Image = np.clip(np.full((height, width, 3), _GROUND, np.float32) * fall, 0, 255).astype(np.uint8)
    cell = max(8, height // 12)
    line = tuple(int(colour * 1.5) for colour in _GROUND)
    for x in range(width // 2 % cell, width, cell):
        cv2.line(image, (x, 0), (x, height), line)
    for y in range(height // 2 % cell, height, cell):
        cv2.line(image, (0, y), (width, y), line)
    centre = (width // 2, height // 2)
    cv2.circle(image, centre, int(height * 0.45), _INK, max(1, height // 360), cv2.LINE_AA)
    left, right = centre[0] - int(min(width * 0.44, height * 0.6)), centre[0] + int(min(width * 0.44, height * 0.6))
    band = right - left
    if band >= len(_BARS):
        image[int(height * 0.30) : int(height * 0.44), left:right] = _bars(band, 1)
        greys = np.linspace(0, 255, band).astype(np.uint8)[None, :, None]
        image[int(height * 0.44) : int(height * 0.48), left:right] = greys
    return image


def _draw_moving(image: Image, number: int) -> None:
    """Draw a ball that moves along a line, so that motion and stutter are visible."""
    height, width = image.shape[:2]
    reach = int(min(width * 0.42, height * 0.55))
    y = int(height * 0.82)
    x = width // 2 + int(reach * math.sin(number * 2 * math.pi / 120))
    cv2.line(image, (width // 2 - reach, y), (width // 2 + reach, y), _INK, max(1, height // 360), cv2.LINE_AA)
    cv2.circle(image, (x, y), max(3, height // 36), _ACCENT, -1, cv2.LINE_AA)


def _draw_texts(image: Image, number: int, granted: Format) -> None:
    now = datetime.now().astimezone()
    clock = f"{now:%H:%M:%S}.{now.microsecond // 100000}"
    _centred(image, "TEST PATTERN", 0.23, 0.045, _INK)
    _centred(image, clock, 0.64, 0.115, _INK)
    _centred(image, f"frame {number:06}   {granted.width}x{granted.height}   {now:%Y-%m-%d}", 0.735, 0.036, _INK)


def _centred(image: Image, text: str, baseline: float, size: float, colour: tuple[int, int, int]) -> None:
    """Write the text centred; `baseline` and `size` are fractions of the height. A text that is too wide is reduced."""
    height, width = image.shape[:2]
    thickness = max(1, round(height * size / 28))
    scale = cv2.getFontScaleFromHeight(_FONT, max(6, round(height * size)), thickness)
    (text_width, _), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    if text_width > width * 0.94:
        scale *= width * 0.94 / text_width
        (text_width, _), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    cv2.putText(
        image, text, ((width - text_width) // 2, int(height * baseline)), _FONT, scale, colour, thickness, cv2.LINE_AA
    )
