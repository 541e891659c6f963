"""What happens to the camera while no frames are needed: the setting `camera.idle`.

Everything here runs on the camera thread.
"""

import threading
import time
from collections.abc import Callable

from appliance.camera.source import Camera
from appliance.frames import FrameSlot

LINGER = 5.0  # s that a camera keeps running after its frames were last needed
SLOW_INTERVAL = 1.0  # s between two frames of a camera that is slowed down
_BUFFERED = 8  # frames that a driver may have buffered meanwhile, at most; OpenCV gives it four buffers


class Idling:
    """Tracks how long frames have not been needed.

    `is_busy` returns whether the camera is needed for anything else; `wake` is set when the camera is needed again.
    """

    def __init__(self, mode: str, slot: FrameSlot, wake: threading.Event, is_busy: Callable[[], bool]) -> None:
        self._mode = mode
        self._slot = slot
        self._wake = wake
        self._is_busy = is_busy
        self._needed_at = time.monotonic()

    def begin(self) -> None:
        """Count from now on: the time that the camera took to open does not count."""
        self._needed_at = time.monotonic()

    @property
    def may_close(self) -> bool:
        """Whether the camera may be closed."""
        return self._mode == "close" and self._is_idle()

    def grab(self, camera: Camera) -> float:
        """Wait for the next frame and return when it was captured (CLOCK_MONOTONIC, s). Raises CameraLost.

        A device that is slowed down is first left alone for a second, or until frames are needed; frames that the
        driver buffered meanwhile are skipped. Other sources are read all the time: a network stream would fall behind.
        """
        if self._mode != "slow" or not camera.drops_unread or not self._is_idle():
            return camera.grab()
        self._wake.wait(SLOW_INTERVAL)
        self._wake.clear()
        rested_until = time.monotonic()
        for _ in range(_BUFFERED):
            if (captured_at := camera.grab()) >= rested_until:
                break
        return captured_at

    def _is_idle(self) -> bool:
        now = time.monotonic()
        if self._slot.is_demanded or self._is_busy():
            self._needed_at = now
        return now - self._needed_at > LINGER
