"""The controls of the simulated camera: what they are, and how a value is refused or rounded.

A usual UVC webcam has these. Refusals follow uvcvideo: integers are clamped and rounded to their step, a menu item out
of range is ERANGE, one that the camera does not have is EINVAL, a read-only control is EACCES. An inactive control
refuses with EACCES: that is what uvcvideo makes of a camera that stalls the request, and most do.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.simcam import v4l2

Switch = tuple[str, int]  # the name of an automatic switch, and the value at which it decides instead of us


class Refused(Exception):
    """A control refuses; `number` is the errno."""

    def __init__(self, number: int) -> None:
        super().__init__(errno.errorcode[number])
        self.number = number


@dataclass(frozen=True)
class Control:
    """One control. `held_by` names the automatic switch, and its value, that makes this control inactive."""

    id: int
    name: str
    label: str
    type: int
    minimum: int = 0
    maximum: int = 1
    step: int = 1
    default: int = 0
    menu: dict[int, str] = field(default_factory=dict)
    held_by: Switch | None = None
    flags: int = 0

    def accepted(self, value: int) -> int:
        """The value that the camera takes for `value`. Raises Refused."""
        if self.flags & v4l2.CONTROL_READ_ONLY:
            raise Refused(errno.EACCES)
        if self.type == v4l2.CONTROL_MENU:
            if not self.minimum <= value <= self.maximum:
                raise Refused(errno.ERANGE)
            if value not in self.menu:
                raise Refused(errno.EINVAL)
            return value
        value = min(max(value, self.minimum), self.maximum)
        value = self.minimum + (value - self.minimum + self.step // 2) // self.step * self.step
        return min(max(value, self.minimum), self.maximum)


def _class(number: int, name: str, label: str) -> Control:
    flags = v4l2.CONTROL_READ_ONLY | v4l2.CONTROL_WRITE_ONLY
    return Control(number | 1, name, label, v4l2.CONTROL_CLASS, maximum=0, step=0, flags=flags)


def _integer(
    number: int, name: str, label: str, low: int, high: int, step: int, default: int, held_by: Switch | None = None
) -> Control:
    return Control(number, name, label, v4l2.CONTROL_INTEGER, low, high, step, default, held_by=held_by)


def _switch(number: int, name: str, label: str, default: int, flags: int = 0) -> Control:
    return Control(number, name, label, v4l2.CONTROL_BOOLEAN, 0, 1, 1, default, flags=flags)


def _menu(number: int, name: str, label: str, default: int, menu: dict[int, str]) -> Control:
    return Control(number, name, label, v4l2.CONTROL_MENU, 0, max(menu), 1, default, menu)


_USER = v4l2.USER_CLASS | 0x900
_CAMERA = v4l2.CAMERA_CLASS | 0x900
_MAINS = {0: "Disabled", 1: "50 Hz", 2: "60 Hz"}
_EXPOSURE = {1: "Manual Mode", 3: "Aperture Priority Mode"}

CONTROLS = (
    _class(v4l2.USER_CLASS, "user_controls", "User Controls"),
    _integer(_USER + 0, "brightness", "Brightness", -64, 64, 1, 0),
    _integer(_USER + 1, "contrast", "Contrast", 0, 64, 1, 32),
    _integer(_USER + 2, "saturation", "Saturation", 0, 128, 1, 64),
    _integer(_USER + 3, "hue", "Hue", -40, 40, 1, 0),
    _switch(_USER + 12, "white_balance_automatic", "White Balance, Automatic", 1),
    _integer(_USER + 16, "gamma", "Gamma", 72, 500, 1, 100),
    _integer(_USER + 19, "gain", "Gain", 0, 100, 1, 0),
    _menu(_USER + 24, "power_line_frequency", "Power Line Frequency", 1, _MAINS),
    _integer(
        _USER + 26, "white_balance_temperature", "White Balance Temperature",
        2800, 6500, 10, 4600, ("white_balance_automatic", 1),
    ),
    _integer(_USER + 27, "sharpness", "Sharpness", 0, 6, 1, 3),
    _integer(_USER + 28, "backlight_compensation", "Backlight Compensation", 0, 2, 1, 1),
    _class(v4l2.CAMERA_CLASS, "camera_controls", "Camera Controls"),
    _menu(_CAMERA + 1, "auto_exposure", "Auto Exposure", 3, _EXPOSURE),
    _integer(_CAMERA + 2, "exposure_time_absolute", "Exposure Time, Absolute", 1, 5000, 1, 157, ("auto_exposure", 3)),
    _switch(_CAMERA + 3, "exposure_dynamic_framerate", "Exposure, Dynamic Framerate", 0),
    _integer(_CAMERA + 8, "pan_absolute", "Pan, Absolute", -36000, 36000, 3600, 0),
    _integer(_CAMERA + 9, "tilt_absolute", "Tilt, Absolute", -36000, 36000, 3600, 0),
    _integer(_CAMERA + 10, "focus_absolute", "Focus, Absolute", 0, 250, 5, 0, ("focus_automatic_continuous", 1)),
    _switch(_CAMERA + 12, "focus_automatic_continuous", "Focus, Automatic Continuous", 1),
    _integer(_CAMERA + 13, "zoom_absolute", "Zoom, Absolute", 100, 400, 1, 100),
    _switch(_CAMERA + 16, "privacy", "Privacy", 0, v4l2.CONTROL_READ_ONLY),
)  # fmt: skip


class Controls:
    """The controls of one camera, all but those `without`. `values` maps each name to its present value."""

    def __init__(self, without: Iterable[str] = ()) -> None:
        self.all = [control for control in CONTROLS if control.name not in without]
        self.by_id = {control.id: control for control in self.all}
        self.by_name = {control.name: control for control in self.all}
        self.values: dict[str, int] = {}
        self.reset()

    def reset(self) -> None:
        """Back to the defaults, as after power was cut."""
        self.values = {c.name: c.default for c in self.all if c.type != v4l2.CONTROL_CLASS}

    def flags(self, control: Control) -> int:
        """The V4L2 flags of a control now."""
        inactive = control.held_by is not None and self.values.get(control.held_by[0]) == control.held_by[1]
        return control.flags | (v4l2.CONTROL_INACTIVE if inactive else 0)

    def find(self, number: int) -> Control:
        """The control of an id, which may carry the "next" flags. Raises Refused (EINVAL)."""
        wanted = number & ~(v4l2.NEXT_CONTROL | v4l2.NEXT_COMPOUND)
        if number & v4l2.NEXT_CONTROL:
            control = next((c for c in self.all if c.id > wanted), None)
        else:  # NEXT_COMPOUND alone asks for arrays and the like, of which there are none
            control = None if number & v4l2.NEXT_COMPOUND else self.by_id.get(wanted)
        if control is None:
            raise Refused(errno.EINVAL)
        return control

    def read(self, number: int) -> int:
        """The value of a control. Raises Refused."""
        control = self.find(number)
        if control.flags & v4l2.CONTROL_WRITE_ONLY:
            raise Refused(errno.EACCES)
        return self.values[control.name]

    def check(self, number: int, value: int, together: dict[str, int] | None = None) -> tuple[Control, int]:
        """The control and the value it would take; `together` has what is set by the same call. Raises Refused."""
        control = self.find(number)
        accepted = control.accepted(value)
        if control.held_by is not None:
            switch, holding = control.held_by
            if (together or {}).get(switch, self.values.get(switch)) == holding:
                raise Refused(errno.EACCES)
        return control, accepted

    def dependants(self, name: str) -> Iterator[Control]:
        """The controls that the switch `name` makes inactive."""
        return (c for c in self.all if c.held_by is not None and c.held_by[0] == name)
