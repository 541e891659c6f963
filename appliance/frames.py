"""A frame, and the one slot through which the newest frame reaches everybody.

There is no queue: whoever is slow misses frames, and always continues with the newest one.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from appliance.errors import Busy

Exposure = Literal["settling", "settled", "unsettled"]
"""Whether a camera that was just started has found its exposure; `unsettled`: it did not in time, and is taken so."""


@dataclass(frozen=True, slots=True)
class Format:
    """Size in pixels, rate in frames per second, and pixel format as four characters (or `auto` when asked for)."""

    width: int
    height: int
    fps: float
    pixel_format: str

    def as_json(self) -> dict[str, Any]:
        """Return the format as commands report it."""
        return {"width": self.width, "height": self.height, "fps": self.fps, "pixel_format": self.pixel_format}

    def __str__(self) -> str:
        return f"{self.width}x{self.height} at {self.fps:g} fps, {self.pixel_format}"


class Frame(NamedTuple):
    """One picture as a JPEG. `captured_at` is CLOCK_MONOTONIC in seconds; `live` is false for a placeholder.

    While `exposure` is `settling` a frame is good enough to look at, not to keep. A tuple: a frozen dataclass
    takes 1.3 µs to make instead of 0.6.
    """

    sequence: int
    jpeg: bytes
    width: int
    height: int
    captured_at: float
    live: bool = True
    exposure: Exposure = "settled"


class FrameSlot:
    """Holds the newest frame. The camera thread publishes; everybody else reads or waits.

    `on_publish` is called on the camera thread after each frame, `on_wanted` on any when somebody begins to need
    frames. Both must return at once.
    """

    def __init__(self) -> None:
        self.newest: Frame | None = None
        self.on_publish: Callable[[], None] | None = None
        self.on_wanted: Callable[[], None] | None = None
        self._condition = threading.Condition()
        self._waiting = 0
        self._wanting = 0
        self._closed = False

    @property
    def wanted(self) -> bool:
        """Whether anybody needs frames now, so that encoding one is worth it."""
        return self._wanting > 0

    @contextmanager
    def wanting(self) -> Iterator[None]:
        """Say for the time of the block that frames are needed."""
        with self._condition:
            self._wanting += 1
        if self.on_wanted:
            self.on_wanted()
        try:
            yield
        finally:
            with self._condition:
                self._wanting -= 1

    def publish(self, frame: Frame) -> None:
        """Make this the newest frame and wake everybody who waits.

        Who begins to wait says so before it looks at `newest`, so that it either sees the frame or is woken.
        """
        self.newest = frame
        if self._waiting:
            with self._condition:
                self._condition.notify_all()
        if self.on_publish:
            self.on_publish()

    def live_since(self, captured_after: float, timeout: float) -> Frame | None:
        """Return the newest live frame captured after that time (CLOCK_MONOTONIC); None when none came in `timeout` s.

        Frames of a camera that still looks for its exposure do not count. Raises Busy when the appliance is stopping.
        """
        with self.wanting(), self._condition:
            asked_at = time.monotonic()
            self._waiting += 1
            try:
                self._condition.wait_for(
                    lambda: self._closed or self._is_live_since(captured_after) or self._is_lost_since(asked_at),
                    timeout,
                )
            finally:
                self._waiting -= 1
            if self._closed:
                raise Busy("the appliance is stopping")
            return self.newest if self._is_live_since(captured_after) else None

    def close(self) -> None:
        """Release everybody who waits; nobody will wait again."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _is_lost_since(self, asked_at: float) -> bool:
        """Tell whether a placeholder came: it is of no use to wait for a camera that is not there."""
        return self.newest is not None and not self.newest.live and self.newest.captured_at > asked_at

    def _is_live_since(self, captured_after: float) -> bool:
        frame = self.newest
        if frame is None or not frame.live or frame.exposure == "settling":
            return False
        return frame.captured_at > captured_after
