"""The camera thread: open the camera, publish its frames, run jobs between two frames, recover.

It is the only thread that touches the camera. Other threads hand it jobs, or read its status, which is replaced as a
whole and never changed.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TypeVar

from appliance.camera import sources
from appliance.camera.source import AUTO, TEST_PATTERN, AvailableFormat, Camera
from appliance.capture.control_manager import ControlManager
from appliance.capture.format_change import FormatChange, format_refusal
from appliance.capture.frame_pipeline import FramePipeline
from appliance.capture.idling import Idling
from appliance.capture.jobs import Job, Jobs
from appliance.capture.lifecycle import Lifecycle, Status
from appliance.capture.privacy import Privacy
from appliance.capture.saved_state import SavedState
from appliance.capture.standby import Standby
from appliance.controls import Control
from appliance.errors import Busy, CameraLost, CameraUnavailable
from appliance.frames import Format, FrameSlot
from appliance.settings import CameraSettings
from appliance.system.log import logger

log = logger(__name__)

T = TypeVar("T")

FIRST_RETRY, LAST_RETRY = 0.5, 5.0  # s between attempts to open a lost camera, doubling
SEARCH_INTERVAL = 2.0  # s between searches for a camera while the test pattern is shown in place of one
JOB_TIMEOUT = 8.0  # s: longer than it takes to open a camera, and to notice a stall
GOOD_FRAME_TIMEOUT = 5.0  # s without a good frame, although damaged ones arrive


class _ReopenError(Exception):
    """The camera has to be closed, and opened again if it is still needed, although it did not fail."""


class Capture:
    """Owns the camera.

    `on_change` is called on the camera thread when `status` has changed, `on_controls` when `known_controls` (the
    controls as they were last read) have. Both must return at once. `known_formats` are the formats of the device that
    was opened last.
    """

    def __init__(self, settings: CameraSettings, saved_state: SavedState, slot: FrameSlot) -> None:
        self.source = settings.source
        self.alive_at = float("inf")  # not supervised while it loads OpenCV, which takes as long as the disk does
        self.known_controls: list[Control] | None = None
        self.known_formats: list[AvailableFormat] = []
        self.on_change: Callable[[], None] = lambda: None
        self.on_controls: Callable[[], None] = lambda: None
        self._settings = settings
        self._controls = ControlManager(saved_state)
        self._lifecycle = Lifecycle(lambda: self.on_change())
        self._pipeline = FramePipeline(settings, slot)
        self._was_reopened = False
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._jobs = Jobs(self._wake.set)
        self._format = FormatChange(saved_state)
        self._privacy = Privacy(saved_state, self._wake.set)
        self._idling = Idling(settings.idle, slot, self._wake, self._is_busy)
        self._standby = Standby(
            self._lifecycle,
            self._pipeline,
            self._jobs,
            self._format,
            self._privacy,
            self._idling,
            self._wake,
            self._stopping,
            self._report_alive,
        )
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._former: str | None = None  # the stable name of the camera that was open before
        slot.on_demand = self._wake.set

    def start(self) -> None:
        """Start the camera thread."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Stop the camera thread; give up after `timeout` s, because a driver may block it."""
        self._stopping.set()
        self._jobs.close()
        self._wake.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            log.warning("the camera was not released within %g s", timeout)

    @property
    def is_alive(self) -> bool:
        """Whether the camera thread runs."""
        return self._thread.is_alive()

    @property
    def status(self) -> Status:
        """The state of the camera, with its reason and its device."""
        return self._lifecycle.status

    @property
    def requested(self) -> Format:
        """The requested format."""
        return self._format.requested

    @property
    def entered(self) -> Mapping[str, int]:
        """How often each state of the camera was entered."""
        return self._lifecycle.entered

    @property
    def captured(self) -> int:
        """Number of good frames that the camera delivered."""
        return self._pipeline.captured

    @property
    def corrupt(self) -> int:
        """Number of damaged frames that the camera delivered."""
        return self._pipeline.corrupt

    @property
    def privacy(self) -> bool:
        """Whether privacy is on."""
        return self._privacy.is_on

    @property
    def frame_age(self) -> float | None:
        """Seconds since the last good frame was captured; None before the first."""
        return self._pipeline.rate.age

    @property
    def fps(self) -> float | None:
        """Frames per second that the camera delivers; None while it delivers none."""
        return self._pipeline.rate.fps if self.status.state in ("online", "frozen") else None

    def call(self, job: Callable[[Camera], T], timeout: float = JOB_TIMEOUT) -> T:
        """Run the job on the camera thread, between two frames, and return its result.

        A camera that is closed because it was not needed is opened. Raises what the job raises, PrivacyOn, and
        CameraUnavailable when there is no camera or it does not answer within `timeout` s.
        """
        result: T = self._jobs.result(Job(Future(), run=job), timeout)
        return result

    def set_format(self, requested: Format, timeout: float = 15.0) -> None:
        """Reopen the camera with another format or, if that fails, with the former one.

        Returns when frames arrive in the new format. Raises InvalidValue with the reason, PrivacyOn, CameraUnavailable.
        """
        self._jobs.result(Job(Future(), requested=requested), timeout)

    def restart(self, timeout: float = 15.0) -> None:
        """Close the camera and open it again. Returns when frames arrive. Raises PrivacyOn, CameraUnavailable."""
        self.set_format(self.requested, timeout)

    def controls(self) -> list[Control]:
        """Return the current controls. Raises PrivacyOn, CameraUnavailable."""
        return self.call(lambda camera: self._update_controls(camera.controls()))

    def set_controls(self, changes: Mapping[str, object]) -> list[Control]:
        """Check all values, set and save them, and return the controls as the device then reports them.

        If one value is wrong, none is set. Raises UnknownName, InvalidValue, PrivacyOn, CameraUnavailable.
        """
        return self.call(lambda camera: self._update_controls(self._controls.set(camera, dict(changes))))

    def reset_controls(self, names: list[str] | None = None) -> list[Control]:
        """Set these controls, or all, to their defaults. Raises UnknownName, PrivacyOn, CameraUnavailable."""
        return self.call(lambda camera: self._update_controls(self._controls.reset(camera, names)))

    def set_privacy(self, on: bool, timeout: float = JOB_TIMEOUT) -> None:
        """Close the camera until privacy is switched off, also after a restart, or open it again.

        Returns when the device is closed and nothing of it is shown any longer, or when another call has reversed this
        one. Raises CameraUnavailable if it cannot be closed within `timeout` s; it is then closed later.
        """
        self._privacy.set(on, timeout)

    # From here on everything runs on the camera thread.

    def _run(self) -> None:
        try:
            sources.load()
            self._serve()
        finally:
            self._format.cancel(Busy("the appliance is stopping"))
            self._jobs.cancel()

    def _serve(self) -> None:
        """Wait, or open the camera and stream, until the thread is stopped."""
        retry = FIRST_RETRY
        while not self._stopping.is_set():
            self._report_alive()
            if self._privacy.is_on:
                self._standby.wait_in_privacy()
            elif self._idling.may_close:
                self._standby.wait_for_demand()
            else:
                try:
                    with contextlib.closing(self._open()) as camera:
                        self._stream(camera)
                except _ReopenError:
                    continue
                except CameraUnavailable as error:
                    if self._format.roll_back(error):
                        continue
                    if self._lifecycle.state != "lost":
                        retry = FIRST_RETRY
                    self._lose(error)
                    is_back = self._standby.wait_for_camera(self._former or self.source, retry)
                    retry = FIRST_RETRY if is_back else min(retry * 2, LAST_RETRY)

    def _open(self) -> Camera:
        name = sources.choose(self.source, self._former)
        source = sources.source_of(name)
        camera = source.open(name, self.requested, self._settings.jpeg_quality)
        if not camera.is_stand_in:
            self._former = source.stable_name(name)
        elif self.source == AUTO:
            log.warning("no camera found: showing the test pattern until one is connected")
        self._lifecycle.opened(camera.device, camera.description, camera.granted, camera.is_stand_in)
        self._pipeline.begin(camera)
        return camera

    def _stream(self, camera: Camera) -> None:
        """Publish frames until the camera is lost (CameraLost), has to be closed (_ReopenError), or on a stop."""
        opened_at = time.monotonic()
        search_at = opened_at + SEARCH_INTERVAL if self.source == AUTO and camera.is_stand_in else None
        good_at, has_begun = opened_at, False
        while not self._stopping.is_set():
            captured_at = self._idling.grab(camera)
            now = self.alive_at = time.monotonic()
            # Publishing comes last: it wakes the broadcaster, which must not find this thread busy.
            if has_begun:
                self._check_stillness()
                self._run_jobs(camera)
                if (controls := self._controls.poll(camera)) is not None:
                    self._update_controls(controls)
            if search_at and now > search_at:
                search_at = now + SEARCH_INTERVAL
                if sources.choose(AUTO, None) != TEST_PATTERN:
                    raise _ReopenError
            if self._privacy.is_on or self._idling.may_close:
                raise _ReopenError
            if self._pipeline.publish(captured_at):
                good_at = now
                if not has_begun:
                    has_begun = True
                    self._begin(camera)
            elif now - good_at > GOOD_FRAME_TIMEOUT:
                raise CameraLost("the camera delivers no usable frames")

    def _begin(self, camera: Camera) -> None:
        """Handle the first good frame: apply the saved values and report that the camera is online."""
        self._idling.begin()
        if self._former:
            # udev may not have made the link yet when the device was opened.
            self._former = sources.source_of(self._former).stable_name(self._former)
        self.known_formats = camera.formats()
        self._update_controls(self._controls.begin(camera))
        online = {"EVENT": "camera-online"}
        log.info("%s (%s) is online: %s", camera.description, camera.device, camera.granted, extra=online)
        if not (camera.passes_through or camera.is_stand_in):
            log.info("the camera makes no JPEG pictures: frames are encoded only while they are needed")
        if self._lifecycle.state in ("starting", "lost"):
            self._lifecycle.transition("frame")
        self._format.complete()

    def _check_stillness(self) -> None:
        """Report a picture that stands still, or moves again. A frozen camera is reopened once, not repeatedly."""
        state, is_frozen = self._lifecycle.state, self._pipeline.stillness.is_frozen
        if is_frozen and state == "online":
            reason = f"the picture has not changed for {self._pipeline.stillness.limit:g} s"
            log.warning("%s", reason, extra={"EVENT": "camera-frozen"})
            self._lifecycle.transition("stillness", reason)
            self._was_reopened = False
        if is_frozen and not self._was_reopened:
            self._was_reopened = True
            raise _ReopenError
        if not is_frozen and state == "frozen":
            log.info("the picture moves again", extra={"EVENT": "camera-online"})
            self._lifecycle.transition("frame")

    def _lose(self, error: CameraUnavailable) -> None:
        reason = str(error)
        if self._lifecycle.state != "lost" or self.status.reason != reason:
            log.warning("%s; retrying until it is back", reason, extra={"EVENT": "camera-lost"})
        self._pipeline.rate.clear()
        self._lifecycle.transition("failure", reason)

    def _is_busy(self) -> bool:
        """Return whether the camera is needed for something other than frames."""
        return self._format.is_pending or self._jobs.waiting or self.known_controls is None

    def _report_alive(self) -> None:
        self.alive_at = time.monotonic()

    def _run_jobs(self, camera: Camera) -> None:
        """Run all waiting jobs. Raises CameraLost, _ReopenError."""
        if (job := self._jobs.run(camera)) and job.requested:
            try:
                camera.refuse_format(job.requested)
            except CameraLost as error:
                job.future.set_exception(error)
                raise
            except CameraUnavailable as error:
                job.future.set_exception(format_refusal(job.requested, error))
                return
            self._format.begin(job, job.requested)
            self._lifecycle.transition("reopen")
            raise _ReopenError

    def _update_controls(self, controls: list[Control]) -> list[Control]:
        """Keep the controls for callers that cannot wait for the camera, and report a change."""
        if controls != self.known_controls:
            self.known_controls = controls
            self.on_controls()
        return controls
