"""The controls and formats of a V4L2 device, through a second file descriptor beside OpenCV's.

The kernel allows that while frames are streaming (V4L2 documentation, "Multiple Opens"). OpenCV offers only a few
properties, without ranges. linuxpy's enumeration is used, but not its control objects: their flags are a snapshot, and
one control of an unknown type would hide all others.
"""

import contextlib
import errno
import re
import select
from collections.abc import Mapping
from typing import Any

from linuxpy.video import device as linuxpy_device
from linuxpy.video import raw

from appliance.camera.source import AvailableFormat
from appliance.camera.switches import with_switches
from appliance.controls import Control
from appliance.errors import CameraLost, InvalidValue
from appliance.parameters import Choice, Kind, Parameter, Value
from appliance.system.log import logger

log = logger(__name__)

_KINDS: dict[int, Kind] = {
    raw.CtrlType.INTEGER: "integer",
    raw.CtrlType.INTEGER64: "integer",
    raw.CtrlType.U8: "integer",
    raw.CtrlType.U16: "integer",
    raw.CtrlType.U32: "integer",
    raw.CtrlType.BITMASK: "integer",
    raw.CtrlType.BOOLEAN: "boolean",
    raw.CtrlType.MENU: "menu",
    raw.CtrlType.INTEGER_MENU: "menu",
    raw.CtrlType.BUTTON: "button",
}
_GROUPS = {0x980000: "user", 0x9A0000: "camera"}
_UNITS = {
    "white_balance_temperature": "K",
    "exposure_time_absolute": "100 µs",
    "exposure_absolute": "100 µs",
    "pan_absolute": "arcsec",
    "tilt_absolute": "arcsec",
}
_GONE = frozenset({errno.ENODEV, errno.EIO, errno.EBADF, errno.ENXIO, errno.ENOENT})


class V4L2Controls:
    """The controls and formats of an open device. Every method raises CameraLost if the device is gone."""

    def __init__(self, path: str) -> None:
        """Open the device. Raises OSError."""
        self._device = linuxpy_device.Device(path)
        self._device.open()
        try:
            self.description = str(self._device.info.card)
            self.bus = str(self._device.info.bus_info)
        except OSError:
            self.close()
            raise
        self._ids: dict[str, Any] = {}
        self._events: select.poll | None = None

    def close(self) -> None:
        """Close the device. Never raises."""
        try:
            self._device.close()
        except OSError as error:
            log.debug("closing the controls: %s", error)

    def formats(self) -> list[AvailableFormat]:
        """Return pixel formats, discrete sizes and rates, the largest size first."""
        sizes: dict[str, dict[tuple[int, int], set[float]]] = {}
        try:
            descriptions = {
                fourcc(each.pixel_format): each.description
                for each in linuxpy_device.iter_read_formats(self._device, linuxpy_device.BufferType.VIDEO_CAPTURE)
            }
            for each in self._device.info.frame_types:
                rates = sizes.setdefault(fourcc(each.pixel_format), {}).setdefault((each.width, each.height), set())
                rates.update(round(float(rate), 3) for rate in (each.min_fps, each.max_fps) if rate)
        except (OSError, ValueError) as error:
            raise _lost(error) from error
        return [
            AvailableFormat(
                pixel_format,
                description,
                tuple(
                    (width, height, tuple(sorted(rates, reverse=True)))
                    for (width, height), rates in sorted(sizes.get(pixel_format, {}).items(), reverse=True)
                ),
            )
            for pixel_format, description in descriptions.items()
        ]

    def has_full_range(self) -> bool:
        """Return whether luma ranges from 0 to 255 in the current raw format, rather than from 16 to 235.

        If the driver does not say, it does so only for JPEG's colour space (V4L2_MAP_QUANTIZATION_DEFAULT).
        """
        try:
            picture = linuxpy_device.get_raw_format(self._device, linuxpy_device.BufferType.VIDEO_CAPTURE).fmt.pix
        except OSError as error:
            log.debug("the range of the raw format is not known: %s", error)
            return False
        if picture.quantization == raw.Quantization.DEFAULT:
            return bool(picture.colorspace == raw.Colorspace.JPEG)
        return bool(picture.quantization == raw.Quantization.FULL_RANGE)

    def read(self) -> list[Control]:
        """Return every control that can be shown, with its current value and flags."""
        try:
            infos = [info for info in linuxpy_device.iter_read_controls(self._device) if _is_shown(info)]
            controls = [self._control(info) for info in infos]
        except OSError as error:
            raise _lost(error) from error
        self._ids = {control.name: info for control, info in zip(controls, infos, strict=True)}
        return with_switches(controls)

    def write(self, values: Mapping[str, Value]) -> None:
        """Set the values one after the other. Raises InvalidValue for the first that the device refuses."""
        for name, value in values.items():
            try:
                linuxpy_device.set_controls_values(self._device, ((self._ids[name], int(value)),))
            except OSError as error:
                if error.errno in _GONE:
                    raise _lost(error) from error
                raise InvalidValue(f"{name}: {_refusal(error)}") from None

    def subscribe(self) -> bool:
        """Subscribe to changes made by other programs; return whether the driver supports that. Raises CameraLost."""
        try:
            infos = [info for info in linuxpy_device.iter_read_controls(self._device) if _is_shown(info)]
            for info in infos:
                linuxpy_device.subscribe_event(self._device, linuxpy_device.EventType.CTRL, info.id)
        except OSError as error:
            if error.errno in _GONE:
                raise _lost(error) from error
            return False
        self._events = select.poll()
        self._events.register(self._device.fileno(), select.POLLPRI)
        return True

    def changed(self) -> bool:
        """Return whether another program, or the device itself, changed a control since the last call."""
        if self._events is None or not any(event & select.POLLPRI for _, event in self._events.poll(0)):
            return False
        with contextlib.suppress(OSError):  # ENOENT after the last event
            while True:
                linuxpy_device.deque_event(self._device)
        return True

    def _control(self, info: Any) -> Control:
        name = _name(info)
        kind = _KINDS[info.type]
        flags = info.flags
        is_number = kind in ("integer", "menu")
        parameter = Parameter(
            name=name,
            kind=kind,
            default=_value(kind, info.default_value),
            minimum=info.minimum if is_number else None,
            maximum=info.maximum if is_number else None,
            step=info.step if is_number else None,
            choices=self._choices(info) if kind == "menu" else (),
            unit=_UNITS.get(name),
        )
        readable = not flags & raw.ControlFlag.WRITE_ONLY and kind != "button"
        return Control(
            parameter,
            label=info.name.decode("utf-8", "replace"),
            group=_GROUPS.get(info.id & 0xFFF0000, "image"),
            value=_value(kind, self._read_value(info)) if readable else None,
            inactive=bool(flags & (raw.ControlFlag.INACTIVE | raw.ControlFlag.GRABBED)),
            read_only=bool(flags & raw.ControlFlag.READ_ONLY),
            is_switch=kind in ("boolean", "menu") and ("auto" in name or bool(flags & raw.ControlFlag.UPDATE)),
        )

    def _read_value(self, info: Any) -> int:
        """Return the value; the default if the device has the control but cannot read it, as with some devices."""
        try:
            return int(linuxpy_device.get_controls_values(self._device, (info,))[0])
        except OSError as error:
            if error.errno in _GONE:
                raise
            return int(info.default_value)

    def _choices(self, info: Any) -> tuple[Choice, ...]:
        """Return the entries of a menu. Its numbers may have gaps, and the device may not name all of them."""
        query = raw.v4l2_querymenu()
        query.id = info.id
        choices = []
        for item in linuxpy_device.iter_read(
            self._device,
            linuxpy_device.IOC.QUERYMENU,
            query,
            start=info.minimum,
            stop=info.maximum + 1,
            ignore_einval=True,
        ):
            is_number = info.type == raw.CtrlType.INTEGER_MENU
            label = str(item.value) if is_number else item.name.decode("utf-8", "replace")
            choices.append(Choice(int(item.index), label))
        return tuple(choices)


def _is_shown(info: Any) -> bool:
    """Return whether it is neither a heading, nor disabled, nor compound (arrays, areas), which needs other inputs."""
    unshown = raw.ControlFlag.DISABLED | raw.ControlFlag.HAS_PAYLOAD
    return info.type in _KINDS and not info.flags & unshown


def _name(info: Any) -> str:
    """Return the name as v4l2-ctl writes it: `White Balance, Automatic` is `white_balance_automatic`."""
    return re.sub(r"[^a-z0-9]+", "_", info.name.decode("ascii", "ignore").lower()).strip("_")


def _value(kind: Kind, number: int) -> Value | None:
    if kind == "button":
        return None
    return bool(number) if kind == "boolean" else int(number)


def fourcc(pixel_format: int) -> str:
    """Return the four characters of a pixel format of V4L2."""
    return int(pixel_format).to_bytes(4, "little").decode("ascii", "replace")


def _refusal(error: OSError) -> str:
    match error.errno:
        case errno.EACCES:
            return "the camera refuses it while an automatic mode governs it"
        case errno.EBUSY:
            return "the camera refuses it while it is streaming"
        case errno.ERANGE | errno.EINVAL:
            return "the camera refuses the value"
    return f"the camera refuses it: {error.strerror}"


def _lost(error: Exception) -> CameraLost:
    return CameraLost(f"the camera does not answer: {getattr(error, 'strerror', None) or error}")
