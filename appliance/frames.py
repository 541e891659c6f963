"""Frames, and the slot through which the newest frame reaches all readers.

There is no queue: a slow reader misses frames, and always continues with the newest one.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

from appliance.errors import Busy
from appliance.system.log import logger

log = logger(__name__)

Exposure = Literal["settling", "settled", "unsettled"]
"""The exposure of a camera that was just started; `unsettled`: it did not settle in time, and its frames are used."""


@dataclass(frozen=True, slots=True)
class Format:
    """Size in pixels, rate in frames per second, and pixel format as four characters (or `auto` in a request)."""

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

    A placeholder is published as soon as the camera is lost and, with `is_private`, as soon as privacy is on; a
    subscriber that keeps frames must discard them then. A frame whose `exposure` is `settling` is shown, but not
    stored. A tuple: creating a frozen dataclass takes 1.3 µs instead of 0.6.
    """

    sequence: int
    jpeg: bytes
    width: int
    height: int
    captured_at: float
    live: bool = True
    exposure: Exposure = "settled"
    is_private: bool = False


Listener = Callable[[Frame], None]


def wall_clock(monotonic: float) -> float:
    """Convert a time on CLOCK_MONOTONIC to seconds since the epoch."""
    return time.time() - (time.monotonic() - monotonic)


class FrameSlot:
    """Holds the newest frame. The camera thread publishes; any number of readers subscribe, follow or wait.

    `on_demand` is called on any thread when a reader begins to need frames, and must return at once.
    """

    def __init__(self) -> None:
        self.newest: Frame | None = None
        self.on_demand: Callable[[], None] | None = None
        self._listeners: tuple[Listener, ...] = ()  # replaced as a whole, so `publish` needs no lock to read it
        self._condition = threading.Condition()
        self._waiting = 0
        self._demands = 0
        self._closed = False

    @property
    def is_demanded(self) -> bool:
        """Whether frames are needed now, so that the camera stays open and raw frames are encoded."""
        return self._demands > 0

    @contextmanager
    def demand(self) -> Iterator[None]:
        """Request frames for the duration of the block."""
        with self._condition:
            self._demands += 1
        if self.on_demand:
            self.on_demand()
        try:
            yield
        finally:
            with self._condition:
                self._demands -= 1

    def subscribe(self, listener: Listener, demand: bool = True) -> Callable[[], None]:
        """Call the listener with every frame and placeholder from now on; return a function that cancels this.

        It is called on the camera thread and must return at once. An exception in it is logged; neither the camera nor
        other listeners lose a frame. Without `demand` the listener receives only what is published for others: it
        neither keeps an idle camera open nor causes raw frames to be encoded.
        """
        own = partial(listener)  # an object of its own, so that one listener can subscribe twice
        with self._condition:
            self._listeners = (*self._listeners, own)
            self._demands += demand
        if demand and self.on_demand:
            self.on_demand()

        def cancel() -> None:
            with self._condition:
                if own in self._listeners:  # partial objects are compared by identity
                    self._listeners = tuple(each for each in self._listeners if each is not own)
                    self._demands -= demand

        return cancel

    def follow(self, max_fps: float, demand: bool = False) -> "Follower":
        """Return an iterator over the newest frames, at most `max_fps`, for a thread that reads at its own pace."""
        return Follower(self, max_fps, demand)

    def publish(self, frame: Frame) -> None:
        """Make this the newest frame, wake the waiting threads, and call the subscribers.

        A thread that begins to wait registers before it reads `newest`, so it either sees the frame or is woken.
        """
        self.newest = frame
        if self._waiting:
            with self._condition:
                self._condition.notify_all()
        for listener in self._listeners:
            try:
                listener(frame)
            except Exception:
                log.exception("a subscriber to frames failed")

    def live_since(self, captured_after: float, timeout: float) -> Frame | None:
        """Return the newest live frame captured after that time (CLOCK_MONOTONIC); None if none arrives in `timeout` s.

        Frames whose exposure has not settled do not count. Raises Busy if the appliance is stopping.
        """
        with self.demand():
            asked_at = time.monotonic()
            self._wait(lambda: self._is_live_since(captured_after) or self._is_lost_since(asked_at), timeout)
            if self._closed:
                raise Busy("the appliance is stopping")
            return self.newest if self._is_live_since(captured_after) else None

    def next_after(self, sequence: int, is_over: Callable[[], bool]) -> Frame | None:
        """Wait for a frame or placeholder with a greater sequence number; return None once `is_over` or closed."""

        def has_come() -> bool:
            return is_over() or (self.newest is not None and self.newest.sequence > sequence)

        self._wait(has_come, None)
        return None if self._closed or is_over() else self.newest

    def wake(self) -> None:
        """Let every waiting thread check its condition again."""
        with self._condition:
            self._condition.notify_all()

    def close(self) -> None:
        """Release all waiting threads and followers; later calls do not wait."""
        self._closed = True
        self.wake()

    def _wait(self, condition: Callable[[], bool], timeout: float | None) -> None:
        with self._condition:
            self._waiting += 1
            try:
                self._condition.wait_for(lambda: self._closed or condition(), timeout)
            finally:
                self._waiting -= 1

    def _is_lost_since(self, asked_at: float) -> bool:
        """Return whether a placeholder was published: waiting for an absent camera is pointless."""
        return self.newest is not None and not self.newest.live and self.newest.captured_at > asked_at

    def _is_live_since(self, captured_after: float) -> bool:
        frame = self.newest
        if frame is None or not frame.live or frame.exposure == "settling":
            return False
        return frame.captured_at > captured_after


class Follower(Iterator[Frame]):
    """An iterator over the newest frames and placeholders of a slot, at most `max_fps`, for one thread.

    It skips frames if the thread is slow, and ends when it or the slot is closed; `close` may be called from any
    thread. `working_since` is when the thread received its current frame (CLOCK_MONOTONIC, s); None while it waits.
    """

    def __init__(self, slot: FrameSlot, max_fps: float, demand: bool) -> None:
        self.working_since: float | None = None
        self._slot = slot
        self._interval = 1 / max_fps
        self._due_at = time.monotonic()
        self._sequence = 0
        self._closed = threading.Event()
        self._held = ExitStack()
        if demand:
            self._held.enter_context(slot.demand())

    def __next__(self) -> Frame:
        """Wait for the next frame. Raises StopIteration at the end."""
        self.working_since = None
        self._closed.wait(self._due_at - time.monotonic())
        frame = self._slot.next_after(self._sequence, self._closed.is_set)
        if frame is None:
            raise StopIteration
        # On a grid, so that the mean rate holds although frames arrive in steps; a late thread does not catch up.
        self._due_at = max(self._due_at, time.monotonic() - self._interval) + self._interval
        self._sequence = frame.sequence
        self.working_since = time.monotonic()
        return frame

    def close(self) -> None:
        """End the iteration, also while the thread waits for a frame."""
        self._closed.set()
        self._held.close()
        self._slot.wake()
