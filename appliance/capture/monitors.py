"""What a stream of frames tells about the camera: its rate, whether the picture stands still, whether exposure settled.

Each of these is fed by the camera thread alone; what others read is a number or a word.
"""

import time
from collections import deque

from appliance import jpeg
from appliance.frames import Exposure

RATE_WINDOW = 2.0  # s over which frames per second are measured
EXPOSURE_DEADLINE = 2.0  # s after its first frame, when a camera's exposure is taken as it is
STEADY = 0.5  # s for which frames have to be alike: exposure is found in steps, and each step takes some frames
ALIKE = 6.0  # of 255 levels: brightness of frames that are alike; the noise of a webcam moves it by less than 1
BLACK = 12.0  # of 255 levels: a picture so dark is that of a sensor that has not begun, until the deadline


class Rate:
    """Counts frames over the last two seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def note(self, captured_at: float) -> None:
        """Take note of a good frame, captured then (CLOCK_MONOTONIC, s)."""
        self._times.append(captured_at)
        while self._times[0] < captured_at - RATE_WINDOW:
            self._times.popleft()

    def clear(self) -> None:
        """Forget all frames: the camera is gone."""
        self._times.clear()

    @property
    def age(self) -> float | None:
        """Seconds since the newest frame; None where there is none."""
        try:
            return max(0.0, time.monotonic() - self._times[-1])
        except IndexError:
            return None

    @property
    def fps(self) -> float | None:
        """Frames per second; None where too few came."""
        times = self._times.copy()
        if len(times) < 2 or time.monotonic() - times[-1] > RATE_WINDOW:
            return None
        return (len(times) - 1) / max(times[-1] - times[0], 1e-6)


class Stillness:
    """Notices a picture that is the same, byte for byte, for longer than `limit` s; 0 switches that off.

    A sensor always has noise: frames that are identical come from a camera, or a driver, that hangs.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.is_frozen = False
        self._last = b""
        self._since = 0.0

    def note(self, data: bytes, captured_at: float) -> bool:
        """Take note of a frame; return whether the picture is frozen."""
        if data != self._last:
            self._last, self._since = data, captured_at
            self.is_frozen = False
        elif self.limit and captured_at - self._since > self.limit:
            self.is_frozen = True
        return self.is_frozen


class ExposureMeter:
    """Judges when a camera that was just started has found its exposure: when its frames stay equally bright.

    It decodes each frame at an eighth of its size (1.3 ms at 1280x720), and only until the verdict.
    """

    def __init__(self) -> None:
        self._verdict: Exposure = "settling"
        self._levels: deque[tuple[float, float]] = deque()
        self._began_at: float | None = None

    def settle(self) -> None:
        """Say that there is nothing to judge: the source has no exposure of its own."""
        self._verdict = "settled"

    def judge(self, data: bytes, captured_at: float) -> Exposure:
        """Take a frame into account and return the verdict: once it is not `settling` it stays."""
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
