"""What is done with the camera while nobody needs frames: the setting `camera.idle`.

It works on the camera thread.
"""

import threading
import time
from collections.abc import Callable

from appliance.camera import Camera, is_device
from appliance.frames import FrameSlot

LINGER = 5.0  # s that a camera nobody needs any more goes on as before
SLOW_INTERVAL = 1.0  # s between two frames of a camera that is slowed down
_KEPT = 8  # frames that a driver may have kept meanwhile, at most; OpenCV gives it four buffers


class Idling:
    """Knows since when nobody has needed frames.

    `is_busy` says whether the camera is needed for something else; `wake` is set when somebody needs anything.
    """

    def __init__(self, mode: str, slot: FrameSlot, wake: threading.Event, is_busy: Callable[[], bool]) -> None:
        self._mode = mode
        self._slot = slot
        self._wake = wake
        self._is_busy = is_busy
        self._needed_at = time.monotonic()

    def begin(self) -> None:
        """Count from now: how long the camera took to open does not count."""
        self._needed_at = time.monotonic()

    @property
    def may_close(self) -> bool:
        """Whether the camera may be closed."""
        return self._mode == "close" and self._is_idle()

    def grab(self, camera: Camera) -> float:
        """Wait for the next frame and return when it was captured (CLOCK_MONOTONIC, s). Raises CameraLost.

        A device that is slowed down rests for a second before, or until somebody needs frames; what the driver kept
        meanwhile is passed over. Other sources are always read: a network stream would fall behind.
        """
        if self._mode != "slow" or not is_device(camera.device) or not self._is_idle():
            return camera.grab()
        self._wake.wait(SLOW_INTERVAL)
        self._wake.clear()
        rested_until = time.monotonic()
        for _ in range(_KEPT):
            if (captured_at := camera.grab()) >= rested_until:
                break
        return captured_at

    def _is_idle(self) -> bool:
        now = time.monotonic()
        if self._slot.wanted or self._is_busy():
            self._needed_at = now
        return now - self._needed_at > LINGER
