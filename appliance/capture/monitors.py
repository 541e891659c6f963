"""Monitors of the frames: their rate, whether the picture stands still, whether the exposure has settled.

Only the camera thread feeds them; other threads read a number or a word.
"""

import time
from collections import deque

from appliance import jpeg
from appliance.frames import Exposure

RATE_WINDOW = 2.0  # s over which frames per second are measured
EXPOSURE_DEADLINE = 2.0  # s after the first frame, when the exposure is accepted as it is
STEADY = 0.5  # s for which frames must be alike: exposure is adjusted in steps, each of which takes several frames
ALIKE = 6.0  # of 255 levels: maximum difference of brightness; the noise of a webcam changes it by less than 1
BLACK = 12.0  # of 255 levels: until the deadline, a darker picture is that of a sensor that has not started


class Rate:
    """Counts frames over the last two seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def note(self, captured_at: float) -> None:
        """Count a good frame, captured at that time (CLOCK_MONOTONIC, s)."""
        self._times.append(captured_at)
        while self._times[0] < captured_at - RATE_WINDOW:
            self._times.popleft()

    def clear(self) -> None:
        """Forget all frames, because the camera is closed."""
        self._times.clear()

    @property
    def age(self) -> float | None:
        """Seconds since the newest frame; None if there is none."""
        try:
            return max(0.0, time.monotonic() - self._times[-1])
        except IndexError:
            return None

    @property
    def fps(self) -> float | None:
        """Frames per second; None if there are too few frames."""
        times = self._times.copy()
        if len(times) < 2 or time.monotonic() - times[-1] > RATE_WINDOW:
            return None
        return (len(times) - 1) / max(times[-1] - times[0], 1e-6)


class Stillness:
    """Detects a picture that stays identical, byte for byte, for longer than `limit` s; 0 disables this.

    A sensor always has noise, so identical frames come from a camera or a driver that hangs.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.is_frozen = False
        self._last = b""
        self._since = 0.0

    def note(self, data: bytes, captured_at: float) -> bool:
        """Compare a frame with the one before; return whether the picture is frozen."""
        if data != self._last:
            self._last, self._since = data, captured_at
            self.is_frozen = False
        elif self.limit and captured_at - self._since > self.limit:
            self.is_frozen = True
        return self.is_frozen


class ExposureMeter:
    """Detects when the exposure of a camera that was just started has settled: its frames stay equally bright.

    Each frame is decoded at an eighth of its size (1.3 ms at 1280x720), but only until the exposure has settled.
    """

    def __init__(self) -> None:
        self._verdict: Exposure = "settling"
        self._levels: deque[tuple[float, float]] = deque()
        self._began_at: float | None = None

    def settle(self) -> None:
        """Treat the exposure as settled, for example of a source that has none."""
        self._verdict = "settled"

    def judge(self, data: bytes, captured_at: float) -> Exposure:
        """Evaluate a frame and return the result, which is final once it is not `settling`."""
        if self._verdict != "settling":
            return self._verdict
        if self._began_at is None:
            self._began_at = captured_at
        self._levels.append((captured_at, jpeg.brightness(data)))
        while len(self._levels) > 1 and self._levels[1][0] <= captured_at - STEADY:
            self._levels.popleft()
        levels = [level for _, level in self._levels]
        is_steady = captured_at - self._levels[0][0] >= STEADY and max(levels) - min(levels) < ALIKE
        if is_steady and min(levels) > BLACK:
            self._verdict = "settled"
        elif captured_at - self._began_at > EXPOSURE_DEADLINE:
            self._verdict = "unsettled"
        return self._verdict
