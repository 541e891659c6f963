"""Set the controls of an open camera so that they hold: checked first, undone together, remembered.

Everything here runs on the camera thread.
"""

from collections.abc import Mapping

from appliance.camera import Camera
from appliance.controls import Control, check, ordered, refuse_unknown
from appliance.errors import InvalidValue
from appliance.log import logger
from appliance.memory import Memory
from appliance.parameters import Value

log = logger(__name__)


class Panel:
    """The way in which control values reach the camera and the memory."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def set(self, camera: Camera, wishes: dict[str, object]) -> list[Control]:
        """Set all values or none, remember what the camera then reports, and return all controls.

        Raises UnknownName, InvalidValue, CameraLost.
        """
        before = camera.controls()
        values = check(before, wishes)
        try:
            camera.set_controls(values)
        except InvalidValue:
            _put_back(camera, before, values)
            raise
        after = camera.controls()
        self._memory.remember_controls(
            {each.name: each.value for each in after if each.name in values and each.value is not None}
        )
        return after

    def reset(self, camera: Camera, names: list[str] | None) -> list[Control]:
        """Set these controls, or all, to their defaults, forget what was remembered, and return all controls.

        First what is free now, then the switches, then what those set free. Raises UnknownName, CameraLost.
        """
        if names is not None:
            refuse_unknown(camera.controls(), names)
        self._memory.forget_controls(names)
        for switches in (False, True, False):
            for control in camera.controls():
                is_chosen = names is None or control.name in names
                if is_chosen and control.is_switch == switches and _can_reset(control):
                    _try(camera, control, control.parameter.default)
        return camera.controls()

    def apply_remembered(self, camera: Camera) -> None:
        """Set what was set before a restart or replug: the switches first, then what they leave free.

        Raises CameraLost.
        """
        remembered = self._memory.controls
        if not remembered:
            return
        for switches in (True, False):
            for control in camera.controls():
                value = remembered.get(control.name)
                is_due = value is not None and value != control.value and control.is_switch == switches
                if is_due and not (control.inactive or control.read_only):
                    _try(camera, control, value)
        log.info("%d remembered control values applied", len(remembered))


def _put_back(camera: Camera, before: list[Control], values: Mapping[str, Value]) -> None:
    """Undo a request that the device refused half-way: values first, the switches that govern them last."""
    by_name = {control.name: control for control in before}
    for name in reversed(ordered(before, dict(values))):
        _try(camera, by_name[name], by_name[name].value)


def _try(camera: Camera, control: Control, value: Value | None) -> None:
    """Set one value as well as it goes; log it if it is wrong or the device refuses."""
    if value is None:
        return
    try:
        camera.set_controls({control.name: control.parameter.parse(value)})
    except InvalidValue as error:
        log.warning("control not set: %s", error)


def _can_reset(control: Control) -> bool:
    default = control.parameter.default
    return default is not None and control.value != default and not (control.inactive or control.read_only)
