"""The camera thread: open, read, publish, run jobs between two frames, recover.

It is the only thread that touches the camera. Others hand it jobs, or read its `status`, which is replaced as a
whole and never changed.
"""

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from appliance.camera import AUTO, TEST_PATTERN, Camera, find_source, is_device, open_camera
from appliance.controls import Control
from appliance.errors import Busy, CameraLost, CameraUnavailable, CorruptFrame, InvalidValue
from appliance.frames import Format, Frame, FrameSlot
from appliance.log import logger
from appliance.memory import Memory
from appliance.panel import Panel

log = logger(__name__)

T = TypeVar("T")

FIRST_RETRY, LAST_RETRY = 0.5, 5.0  # s between attempts to open a lost camera, doubling
PLACEHOLDER_INTERVAL = 1.0  # s
LOOK_INTERVAL = 2.0  # s between looks for a camera while the test pattern stands in for one
JOB_TIMEOUT = 6.0  # s: longer than a stalled camera needs to be noticed
_RATE_WINDOW = 2.0  # s over which frames per second are measured


@dataclass(frozen=True, slots=True)
class Status:
    """How the camera is: `live` delivers frames, `opening` does not yet, `lost` is waited for, with the `reason`."""

    state: Literal["opening", "live", "lost"]
    reason: str | None
    since: datetime
    device: str | None
    description: str | None
    granted: Format | None


@dataclass(slots=True)
class _Job:
    """Something to do between two frames: call `run` with the camera, or open the camera anew with `wanted`."""

    future: Future[Any]
    run: Callable[[Camera], Any] | None = None
    wanted: Format | None = None


class _ReopenError(Exception):
    """The camera has to be closed and opened again although nothing is wrong with it."""


class Capture:
    """Owns the camera.

    `on_change` is called on the camera thread when `status` changed, `on_controls` when `known_controls`, the controls
    as they were read last, did. Both must return at once.
    """

    def __init__(self, source: str, quality: int, memory: Memory, slot: FrameSlot) -> None:
        self.source = source
        self.wanted = memory.format
        self.status = Status("opening", None, datetime.now(UTC), None, None, None)
        self.captured = 0
        self.corrupt = 0
        self.alive_at = time.monotonic()
        self.known_controls: list[Control] | None = None
        self.on_change: Callable[[], None] | None = None
        self.on_controls: Callable[[], None] | None = None
        self._quality = quality
        self._memory = memory
        self._panel = Panel(memory)
        self._slot = slot
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._times: deque[float] = deque()
        self._sequence = 0
        self._former: str | None = None
        self._reformat: tuple[_Job, Format] | None = None
        self._placeholder: tuple[tuple[int, int, str], bytes] | None = None

    def start(self) -> None:
        """Start the camera thread."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Stop the camera thread; give up after `timeout` s, as a driver may hold it."""
        self._stopping.set()
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout)
        if self._thread.is_alive():
            log.warning("the camera did not let go within %g s", timeout)

    @property
    def is_alive(self) -> bool:
        """Whether the camera thread runs."""
        return self._thread.is_alive()

    @property
    def frame_age(self) -> float | None:
        """Seconds since the last good frame was captured; None before the first."""
        try:
            return max(0.0, time.monotonic() - self._times[-1])
        except IndexError:
            return None

    @property
    def fps(self) -> float | None:
        """Frames per second that the camera really delivers; None while it is not live."""
        times = self._times.copy()
        if self.status.state != "live" or len(times) < 2 or time.monotonic() - times[-1] > _RATE_WINDOW:
            return None
        return (len(times) - 1) / max(times[-1] - times[0], 1e-6)

    def call(self, job: Callable[[Camera], T], timeout: float = JOB_TIMEOUT) -> T:
        """Run the job on the camera thread, between two frames, and return its result.

        Raises what the job raises, CameraUnavailable when there is no camera or it does not answer in `timeout` s.
        """
        result: T = self._result(_Job(Future(), run=job), timeout)
        return result

    def set_format(self, wanted: Format, timeout: float = 15.0) -> None:
        """Open the camera anew with another format; where that fails, with the former one again.

        Returns when frames come in the new format. Raises CameraUnavailable with the reason.
        """
        self._result(_Job(Future(), wanted=wanted), timeout)

    def controls(self) -> list[Control]:
        """Return all controls as they are now. Raises CameraUnavailable."""
        return self.call(lambda camera: self._know(camera.controls()))

    def set_controls(self, wishes: Mapping[str, object]) -> list[Control]:
        """Check all values, set them, remember them, and return the controls as the device then reports them.

        If one is wrong none is set. Raises UnknownName, InvalidValue, CameraUnavailable.
        """
        return self.call(lambda camera: self._know(self._panel.set(camera, dict(wishes))))

    def reset_controls(self, names: list[str] | None = None) -> list[Control]:
        """Set these controls, or all, to their defaults. Raises InvalidValue, CameraUnavailable."""
        return self.call(lambda camera: self._know(self._panel.reset(camera, names)))

    def _result(self, job: _Job, timeout: float) -> Any:
        if self._stopping.is_set():
            raise Busy("the appliance is stopping")
        self._jobs.put(job)
        try:
            return job.future.result(timeout)
        except TimeoutError:
            job.future.cancel()
            raise CameraUnavailable("the camera does not answer") from None
        except CancelledError:
            raise Busy("the appliance is stopping") from None

    # From here on everything runs on the camera thread.

    def _run(self) -> None:
        try:
            self._open_and_stream_for_ever()
        finally:
            while not self._jobs.empty():
                if job := self._jobs.get():
                    job.future.cancel()

    def _open_and_stream_for_ever(self) -> None:
        retry = FIRST_RETRY
        while not self._stopping.is_set():
            self.alive_at = time.monotonic()
            try:
                with contextlib.closing(self._open()) as camera:
                    self._stream(camera)
            except _ReopenError:
                retry = FIRST_RETRY
            except CameraUnavailable as error:
                if self.status.state == "live":
                    retry = FIRST_RETRY
                if not self._roll_back(error):
                    self._lost(error)
                    self._wait(retry)
                    retry = min(retry * 2, LAST_RETRY)

    def _open(self) -> Camera:
        source = find_source(self.source, self._former)
        camera = open_camera(source, self.wanted, self._quality)
        if source != TEST_PATTERN:
            self._former = source
        elif self.source == AUTO:
            log.warning("no camera found: showing the test pattern until one is connected")
        return camera

    def _stream(self, camera: Camera) -> None:
        """Publish frames until the camera is lost (CameraLost), is to be reopened (_ReopenError), or we stop."""
        look_at = time.monotonic() + LOOK_INTERVAL if self.source == AUTO and camera.device == TEST_PATTERN else None
        is_live = False
        while not self._stopping.is_set():
            captured_at = camera.grab()
            self.alive_at = time.monotonic()
            if self._publish(camera, captured_at) and not is_live:
                is_live = True
                self._live(camera)
            self._run_jobs(camera)
            if look_at and captured_at > look_at:
                look_at = captured_at + LOOK_INTERVAL
                if find_source(AUTO, None) != TEST_PATTERN:
                    raise _ReopenError

    def _publish(self, camera: Camera, captured_at: float) -> bool:
        """Publish the grabbed frame, unless nobody wants it and it would have to be encoded. Tell if it is good."""
        if camera.passes_through or self._slot.wanted:
            try:
                data = camera.jpeg()
            except CorruptFrame as error:
                self.corrupt += 1
                log.debug("frame dropped: %s", error)
                return False
            self._sequence += 1
            granted = camera.granted
            self._slot.publish(Frame(self._sequence, data, granted.width, granted.height, captured_at))
        self.captured += 1
        self._times.append(captured_at)
        while self._times[0] < captured_at - _RATE_WINDOW:
            self._times.popleft()
        return True

    def _live(self, camera: Camera) -> None:
        """Take note that the camera delivers: apply what is remembered, tell everybody."""
        self._panel.apply_remembered(camera)
        self._know(camera.controls())
        log.info("%s (%s) is live: %s", camera.description, camera.device, camera.granted)
        if is_device(camera.device) and not camera.passes_through:
            log.info("the camera makes no JPEG pictures: frames are encoded while somebody looks")
        if self._reformat:
            (job, _), self._reformat = self._reformat, None
            self._memory.remember_format(self.wanted)
            self._report("live", None, camera)
            job.future.set_result(None)
        else:
            self._report("live", None, camera)

    def _lost(self, error: CameraUnavailable) -> None:
        reason = str(error)
        if self.status.state != "lost" or self.status.reason != reason:
            log.warning("%s: trying again until it is back", reason)
            self._times.clear()
            self._report("lost", reason, None)

    def _roll_back(self, error: CameraUnavailable) -> bool:
        """Return to the former format if the new one could not be had, and tell who asked for it."""
        if not self._reformat:
            return False
        (job, self.wanted), self._reformat = self._reformat, None
        job.future.set_exception(InvalidValue(f"the camera cannot do {job.wanted}: {error}"))
        return True

    def _report(self, state: Literal["opening", "live", "lost"], reason: str | None, camera: Camera | None) -> None:
        former = self.status
        self.status = Status(
            state,
            reason,
            former.since if state == former.state else datetime.now(UTC),
            camera.device if camera else former.device,
            camera.description if camera else former.description,
            camera.granted if camera else None,
        )
        if self.on_change:
            self.on_change()

    def _know(self, controls: list[Control]) -> list[Control]:
        """Keep the controls for everybody who cannot wait for the camera, and tell if they differ."""
        if controls != self.known_controls:
            self.known_controls = controls
            if self.on_controls:
                self.on_controls()
        return controls

    def _wait(self, seconds: float) -> None:
        """Wait while there is no camera: show why, refuse jobs."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stopping.is_set():
            self.alive_at = time.monotonic()
            self._publish_placeholder()
            with contextlib.suppress(queue.Empty):
                if job := self._jobs.get(timeout=min(left, PLACEHOLDER_INTERVAL)):
                    job.future.set_exception(CameraUnavailable(self.status.reason or "there is no camera"))

    def _publish_placeholder(self) -> None:
        """Publish the picture that says why there is none, at most once a second, at the size of the stream."""
        newest, now = self._slot.newest, time.monotonic()
        if newest and not newest.live and now - newest.captured_at < PLACEHOLDER_INTERVAL * 0.9:
            return
        from appliance.camera import placeholder

        width, height = (newest.width, newest.height) if newest else (self.wanted.width, self.wanted.height)
        reason = self.status.reason or "there is no camera"
        key = (width, height, reason)
        if self._placeholder is None or self._placeholder[0] != key:
            since = f"{self.status.since.astimezone():%H:%M:%S}"
            self._placeholder = (key, placeholder.draw(width, height, reason, since))
        self._sequence += 1
        self._slot.publish(Frame(self._sequence, self._placeholder[1], width, height, now, live=False))

    def _run_jobs(self, camera: Camera) -> None:
        """Run everything that waits. Raises CameraLost, _ReopenError."""
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is None or not job.future.set_running_or_notify_cancel():
                continue
            if job.wanted is not None:
                self._reformat, self.wanted = (job, self.wanted), job.wanted
                raise _ReopenError
            try:
                result = job.run(camera) if job.run else None
            except CameraLost as error:
                job.future.set_exception(error)
                raise
            except Exception as error:  # noqa: BLE001  the one who asked gets it, the frames go on
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
