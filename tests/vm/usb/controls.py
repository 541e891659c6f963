"""The controls of simcam as a UVC camera has them: each is a selector of a unit, with one or two numbers in it.

Source: USB Device Class Definition for Video Devices 1.1, chapter 4.2.2 and appendix A.9.
"""

import errno
from dataclasses import dataclass

from tests.simcam.controls import Controls, Refused

TERMINAL, PROCESSING, OUTPUT = 1, 2, 3  # units of the camera
SET_CUR, GET_CUR, GET_MIN, GET_MAX, GET_RES, GET_LEN, GET_INFO, GET_DEF = 0x01, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87

# What a refused request was refused for, as the camera answers when asked (4.2.1.2).
WRONG_STATE, OUT_OF_RANGE, INVALID_CONTROL, INVALID_REQUEST = 2, 4, 6, 7

# Automatic exposure is a bit in UVC and a number in V4L2.
MODES = {1: 1, 8: 3}


class Stalled(Exception):
    """The camera refuses a request; `reason` is what it says when it is asked why."""

    def __init__(self, reason: int) -> None:
        super().__init__(f"error {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Selector:
    """One control on the wire: simcam's names of its numbers, of `size` bytes each, and its bit in the descriptor."""

    unit: int
    number: int
    bit: int
    size: int
    names: tuple[str, ...]

    @property
    def length(self) -> int:
        """How many bytes it has."""
        return self.size * len(self.names)


SELECTORS = (
    Selector(PROCESSING, 0x01, 8, 2, ("backlight_compensation",)),
    Selector(PROCESSING, 0x02, 0, 2, ("brightness",)),
    Selector(PROCESSING, 0x03, 1, 2, ("contrast",)),
    Selector(PROCESSING, 0x04, 9, 2, ("gain",)),
    Selector(PROCESSING, 0x05, 10, 1, ("power_line_frequency",)),
    Selector(PROCESSING, 0x06, 2, 2, ("hue",)),
    Selector(PROCESSING, 0x07, 3, 2, ("saturation",)),
    Selector(PROCESSING, 0x08, 4, 2, ("sharpness",)),
    Selector(PROCESSING, 0x09, 5, 2, ("gamma",)),
    Selector(PROCESSING, 0x0A, 6, 2, ("white_balance_temperature",)),
    Selector(PROCESSING, 0x0B, 12, 1, ("white_balance_automatic",)),
    Selector(TERMINAL, 0x02, 1, 1, ("auto_exposure",)),
    Selector(TERMINAL, 0x03, 2, 1, ("exposure_dynamic_framerate",)),
    Selector(TERMINAL, 0x04, 3, 4, ("exposure_time_absolute",)),
    Selector(TERMINAL, 0x06, 5, 2, ("focus_absolute",)),
    Selector(TERMINAL, 0x08, 17, 1, ("focus_automatic_continuous",)),
    Selector(TERMINAL, 0x0B, 9, 2, ("zoom_absolute",)),
    Selector(TERMINAL, 0x0D, 11, 4, ("pan_absolute", "tilt_absolute")),
    Selector(TERMINAL, 0x11, 18, 1, ("privacy",)),
)
_BY_PLACE = {(selector.unit, selector.number): selector for selector in SELECTORS}


def bits(unit: int) -> int:
    """Return the bitmap that a unit's descriptor has of its controls."""
    return sum(1 << selector.bit for selector in SELECTORS if selector.unit == unit)


class UvcControls:
    """The controls of a camera. `values` are what it has, by name; `writes` is what the host has set, in order."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, int]] = []
        self._controls = Controls()

    @property
    def values(self) -> dict[str, int]:
        """The present values, in the numbers of V4L2."""
        return dict(self._controls.values)

    def power_on(self) -> None:
        """Forget everything that was set."""
        self._controls.reset()

    def answer(self, unit: int, number: int, request: int, data: bytes) -> bytes:
        """Return what the camera answers to a request. Raises Stalled."""
        selector = _BY_PLACE.get((unit, number))
        if selector is None:
            raise Stalled(INVALID_CONTROL)
        if request == SET_CUR:
            self._set(selector, data)
            return b""
        if request == GET_LEN:
            return selector.length.to_bytes(2, "little")
        if request == GET_INFO:
            return b"\x01" if selector.names == ("privacy",) else b"\x03"  # GET; GET and SET
        return b"".join(
            self._number(name, request).to_bytes(selector.size, "little", signed=True) for name in selector.names
        )

    def _number(self, name: str, request: int) -> int:
        control = self._controls.by_name[name]
        numbers = {
            GET_CUR: self._controls.values[name],
            GET_MIN: control.minimum,
            GET_MAX: control.maximum,
            GET_RES: control.step,
            GET_DEF: control.default,
        }
        if request not in numbers:
            raise Stalled(INVALID_REQUEST)
        if name != "auto_exposure":
            return numbers[request]
        modes = {mode: bit for bit, mode in MODES.items()}
        return sum(MODES) if request == GET_RES else modes.get(numbers[request], 0)

    def _set(self, selector: Selector, data: bytes) -> None:
        for index, name in enumerate(selector.names):
            number = int.from_bytes(data[index * selector.size :][: selector.size], "little", signed=True)
            if name == "auto_exposure":
                number = MODES.get(number, 0)
            if len(selector.names) > 1 and number == self._controls.values[name]:
                continue  # the host wants to change the other one
            try:
                control, accepted = self._controls.check(self._controls.by_name[name].id, number)
            except Refused as refused:
                raise Stalled(WRONG_STATE if refused.number == errno.EACCES else OUT_OF_RANGE) from None
            self._controls.values[control.name] = accepted
            self.writes.append((control.name, accepted))
