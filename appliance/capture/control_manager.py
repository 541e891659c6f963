"""Set the controls of an open camera so that they hold: checked first, undone together, remembered, watched.

Everything here runs on the camera thread.
"""

import math
import time
from collections.abc import Mapping

from appliance.camera.source import Camera
from appliance.capture.saved_state import SavedState
from appliance.controls import Control, check, ordered, refuse_unknown
from appliance.errors import InvalidValue
from appliance.parameters import Value
from appliance.system.log import logger

log = logger(__name__)


RECHECK = 0.5  # s after the first frame, when controls are looked at again: some cameras reset theirs late
LOOK_INTERVAL = 0.2  # s between questions to the device whether a control was changed
POLL_INTERVAL = 10.0  # s between looks at the controls of a device that tells no changes


class ControlManager:
    """The way in which control values reach the camera and the memory."""

    def __init__(self, memory: SavedState) -> None:
        self._memory = memory
        self._recheck_at = math.inf
        self._poll_at = math.inf
        self._look_at = 0.0

    def begin(self, camera: Camera) -> list[Control]:
        """Set what is remembered on a camera that has begun to stream; return all controls. Raises CameraLost."""
        now = time.monotonic()
        self._recheck_at = now + RECHECK
        self._poll_at = math.inf if camera.tells_changes else now + POLL_INTERVAL
        return self._apply_remembered(camera)

    def look(self, camera: Camera) -> list[Control] | None:
        """Return all controls if it is time to look at them: some may have changed by themselves. Raises CameraLost."""
        now = time.monotonic()
        if now >= self._recheck_at:
            self._recheck_at = math.inf
            return self._apply_remembered(camera)
        if now < self._look_at:
            return None
        self._look_at = now + LOOK_INTERVAL
        if camera.controls_changed() or now >= self._poll_at:
            if self._poll_at < math.inf:
                self._poll_at = now + POLL_INTERVAL
            return camera.controls()
        return None

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

    def _apply_remembered(self, camera: Camera) -> list[Control]:
        """Set what was set before a restart or replug, the switches first, then what they leave free; read back."""
        remembered = self._memory.controls
        controls = camera.controls()
        is_set = False
        for switches in (True, False):
            for control in controls:
                if control.is_switch == switches and _differs(control, remembered):
                    _try(camera, control, remembered[control.name])
                    is_set = True
            if is_set:
                controls = camera.controls()
        if is_set:
            for control in controls:
                if _differs(control, remembered):
                    log.warning("%s is %s, not %s as set", control.name, control.value, remembered[control.name])
            log.info("saved control values applied")
        return controls


def _differs(control: Control, remembered: Mapping[str, Value]) -> bool:
    """Return whether a control that can be set now has another value than the remembered one."""
    if control.name not in remembered or control.inactive or control.read_only:
        return False
    return remembered[control.name] != control.value


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
