"""Set the controls of an open camera: all or none, saved over a restart, and polled for changes made elsewhere.

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


RECHECK_DELAY = 0.5  # s after the first frame until the controls are applied again: some cameras reset theirs late
EVENT_INTERVAL = 0.2  # s between checks for change events of the device
READ_INTERVAL = 10.0  # s between reads of the controls of a device that does not report changes


class ControlManager:
    """Sets control values on the camera and keeps them in the saved state."""

    def __init__(self, saved_state: SavedState) -> None:
        self._saved_state = saved_state
        self._recheck_at = math.inf
        self._read_at = math.inf
        self._check_at = 0.0

    def begin(self, camera: Camera) -> list[Control]:
        """Apply the saved values to a camera that has begun to stream; return all controls. Raises CameraLost."""
        now = time.monotonic()
        self._recheck_at = now + RECHECK_DELAY
        self._read_at = math.inf if camera.reports_changes else now + READ_INTERVAL
        return self._apply_saved(camera)

    def poll(self, camera: Camera) -> list[Control] | None:
        """Return all controls if they have to be read again, because some may have changed. Raises CameraLost."""
        now = time.monotonic()
        if now >= self._recheck_at:
            self._recheck_at = math.inf
            return self._apply_saved(camera)
        if now < self._check_at:
            return None
        self._check_at = now + EVENT_INTERVAL
        if camera.controls_changed() or now >= self._read_at:
            if self._read_at < math.inf:
                self._read_at = now + READ_INTERVAL
            return camera.controls()
        return None

    def set(self, camera: Camera, changes: dict[str, object]) -> list[Control]:
        """Set all values or none, save what the camera then reports, and return all controls.

        Raises UnknownName, InvalidValue, CameraLost.
        """
        before = camera.controls()
        values = check(before, changes)
        try:
            camera.set_controls(values)
        except InvalidValue:
            _put_back(camera, before, values)
            raise
        after = camera.controls()
        self._saved_state.remember_controls(
            {each.name: each.value for each in after if each.name in values and each.value is not None}
        )
        return after

    def reset(self, camera: Camera, names: list[str] | None) -> list[Control]:
        """Set these controls, or all, to their defaults, delete their saved values, and return all controls.

        First the active controls are set, then the switches, then the controls that the switches made active. Raises
        UnknownName, CameraLost.
        """
        if names is not None:
            refuse_unknown(camera.controls(), names)
        self._saved_state.forget_controls(names)
        for switches in (False, True, False):
            for control in camera.controls():
                is_chosen = names is None or control.name in names
                if is_chosen and control.is_switch == switches and _can_reset(control):
                    _try(camera, control, control.parameter.default)
        return camera.controls()

    def _apply_saved(self, camera: Camera) -> list[Control]:
        """Set the saved values, the switches first, then the controls that are active; return what is read back."""
        saved = self._saved_state.controls
        controls = camera.controls()
        is_set = False
        for switches in (True, False):
            for control in controls:
                if control.is_switch == switches and _differs(control, saved):
                    _try(camera, control, saved[control.name])
                    is_set = True
            if is_set:
                controls = camera.controls()
        if is_set:
            for control in controls:
                if _differs(control, saved):
                    log.warning("%s is %s, not %s as set", control.name, control.value, saved[control.name])
            log.info("saved control values applied")
        return controls


def _differs(control: Control, saved: Mapping[str, Value]) -> bool:
    """Return whether a control that can be set now has a value other than the saved one."""
    if control.name not in saved or control.inactive or control.read_only:
        return False
    return saved[control.name] != control.value


def _put_back(camera: Camera, before: list[Control], values: Mapping[str, Value]) -> None:
    """Undo a request that the device refused part-way: values first, the switches that govern them last."""
    by_name = {control.name: control for control in before}
    for name in reversed(ordered(before, dict(values))):
        _try(camera, by_name[name], by_name[name].value)


def _try(camera: Camera, control: Control, value: Value | None) -> None:
    """Set one value; log a warning if it is invalid or the device refuses it."""
    if value is None:
        return
    try:
        camera.set_controls({control.name: control.parameter.parse(value)})
    except InvalidValue as error:
        log.warning("control not set: %s", error)


def _can_reset(control: Control) -> bool:
    default = control.parameter.default
    return default is not None and control.value != default and not (control.inactive or control.read_only)
