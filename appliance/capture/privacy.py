"""Privacy: the switch that keeps the camera closed, also after a restart."""

import threading
from collections.abc import Callable

from appliance.capture.saved_state import SavedState
from appliance.errors import CameraUnavailable


class Privacy:
    """Whether privacy is on, and whether the camera thread has closed the camera because of it.

    `wake` is called when the camera thread has to act. Every method may be called from any thread, except
    `confirm`, which belongs to the camera thread.
    """

    def __init__(self, saved_state: SavedState, wake: Callable[[], None]) -> None:
        self._saved_state = saved_state
        self._wake = wake
        self._on = saved_state.privacy
        self._is_in_effect = False
        self._condition = threading.Condition()

    @property
    def is_on(self) -> bool:
        """Whether privacy was requested."""
        return self._on

    def set(self, on: bool, timeout: float) -> None:
        """Save the value and wait until the camera thread confirms it, or until another call reverses it.

        Raises CameraUnavailable after `timeout` s; the value takes effect later.
        """
        with self._condition:
            self._on = on
            self._saved_state.remember_privacy(on)
            self._condition.notify_all()
        self._saved_state.flush()  # at once: a power cut must not open the camera again
        self._wake()
        with self._condition:
            if not self._condition.wait_for(lambda: self._on != on or self._is_in_effect == on, timeout):
                raise CameraUnavailable("the camera has not been released yet; it will be closed as soon as it is")

    def confirm(self, is_in_effect: bool) -> None:
        """Report whether the camera is closed and nothing of it is shown any longer."""
        with self._condition:
            self._is_in_effect = is_in_effect
            self._condition.notify_all()
