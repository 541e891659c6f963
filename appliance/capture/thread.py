"""The camera thread: open, read, publish, run jobs between two frames, recover.

It is the only thread that touches the camera. Others hand it jobs, or read its status, which is replaced as a whole
and never changed.
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
from appliance.capture.frame_pipeline import PLACEHOLDER_INTERVAL, FramePipeline
from appliance.capture.idling import Idling
from appliance.capture.jobs import Job, Jobs
from appliance.capture.lifecycle import IDLE_REASON, PRIVACY_REASON, PRIVACY_REFUSAL, Lifecycle, Status
from appliance.capture.saved_state import SavedState
from appliance.controls import Control
from appliance.errors import Busy, CameraLost, CameraUnavailable, InvalidValue, PrivacyOn
from appliance.frames import Format, FrameSlot
from appliance.settings import CameraSettings
from appliance.system.log import logger

log = logger(__name__)

T = TypeVar("T")

FIRST_RETRY, LAST_RETRY = 0.5, 5.0  # s between attempts to open a lost camera, doubling
LOOK_INTERVAL = 2.0  # s between looks for a camera while the test pattern stands in for one
GLANCE = 0.1  # s between glances whether a lost device is back: what a picture may be late after a replug
JOB_TIMEOUT = 8.0  # s: longer than a camera needs to be opened, and than a stall needs to be noticed
GOOD_FRAME_TIMEOUT = 5.0  # s without a good frame, although damaged ones come


class _ReopenError(Exception):
    """The camera has to be closed, and opened again if it is still needed, although it did not fail."""


class Capture:
    """Owns the camera.

    `on_change` is called on the camera thread when `status` changed, `on_controls` when `known_controls`, the controls
    as they were read last, did. Both must return at once. `known_formats` are what the device that was opened last
    offers.
    """

    def __init__(self, settings: CameraSettings, memory: SavedState, slot: FrameSlot) -> None:
        self.source = settings.source
        self.requested = memory.format
        self.alive_at = float("inf")  # while it loads what it needs: as slow as the disk, which is no hanging
        self.known_controls: list[Control] | None = None
        self.known_formats: list[AvailableFormat] = []
        self.on_change: Callable[[], None] = lambda: None
        self.on_controls: Callable[[], None] = lambda: None
        self._settings = settings
        self._memory = memory
        self._panel = ControlManager(memory)
        self._slot = slot
        self._lifecycle = Lifecycle(lambda: self.on_change())
        self._publisher = FramePipeline(settings, slot)
        self._was_reopened = False
        self._wake = threading.Event()
        self._jobs = Jobs(self._wake.set)
        self._private = memory.privacy
        self._is_hidden = False  # closed for privacy, and nothing of the camera is shown any more
        self._hiding = threading.Condition()
        self._idling = Idling(settings.idle, slot, self._wake, self._is_busy)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._former: str | None = None
        self._reformat: tuple[Job, Format] | None = None
        slot.on_demand = self._wake.set

    def start(self) -> None:
        """Start the camera thread."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Stop the camera thread; give up after `timeout` s, as a driver may hold it."""
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
        """How the camera is."""
        return self._lifecycle.status

    @property
    def entered(self) -> Mapping[str, int]:
        """How often each state of the camera was entered."""
        return self._lifecycle.entered

    @property
    def captured(self) -> int:
        """How many good frames the camera delivered."""
        return self._publisher.captured

    @property
    def corrupt(self) -> int:
        """How many damaged ones."""
        return self._publisher.corrupt

    @property
    def privacy(self) -> bool:
        """Whether somebody wants the camera to be closed."""
        return self._private

    @property
    def frame_age(self) -> float | None:
        """Seconds since the last good frame was captured; None before the first."""
        return self._publisher.rate.age

    @property
    def fps(self) -> float | None:
        """Frames per second that the camera really delivers; None while it delivers none."""
        return self._publisher.rate.fps if self.status.state in ("online", "frozen") else None

    def call(self, job: Callable[[Camera], T], timeout: float = JOB_TIMEOUT) -> T:
        """Run the job on the camera thread, between two frames, and return its result.

        A camera that is closed because nobody needs it is opened. Raises what the job raises, PrivacyOn, and
        CameraUnavailable when there is no camera or it does not answer in `timeout` s.
        """
        result: T = self._jobs.result(Job(Future(), run=job), timeout)
        return result

    def set_format(self, requested: Format, timeout: float = 15.0) -> None:
        """Open the camera anew with another format; where that fails, with the former one again.

        Returns when frames come in the new format. Raises InvalidValue with the reason, PrivacyOn, CameraUnavailable.
        """
        self._jobs.result(Job(Future(), requested=requested), timeout)

    def restart(self, timeout: float = 15.0) -> None:
        """Close the camera and open it again. Returns when frames come. Raises PrivacyOn, CameraUnavailable."""
        self.set_format(self.requested, timeout)

    def controls(self) -> list[Control]:
        """Return all controls as they are now. Raises PrivacyOn, CameraUnavailable."""
        return self.call(lambda camera: self._know(camera.controls()))

    def set_controls(self, wishes: Mapping[str, object]) -> list[Control]:
        """Check all values, set them, remember them, and return the controls as the device then reports them.

        If one is wrong none is set. Raises UnknownName, InvalidValue, PrivacyOn, CameraUnavailable.
        """
        return self.call(lambda camera: self._know(self._panel.set(camera, dict(wishes))))

    def reset_controls(self, names: list[str] | None = None) -> list[Control]:
        """Set these controls, or all, to their defaults. Raises UnknownName, PrivacyOn, CameraUnavailable."""
        return self.call(lambda camera: self._know(self._panel.reset(camera, names)))

    def set_privacy(self, on: bool, timeout: float = JOB_TIMEOUT) -> None:
        """Close the camera until privacy is off again, also over a restart.

        Returns when the device is closed and nothing of it is shown any more, or when somebody else has wished
        otherwise meanwhile. Raises CameraUnavailable if it cannot be closed in `timeout` s; it will be later.
        """
        with self._hiding:
            self._private = on
            self._memory.remember_privacy(on)
            self._hiding.notify_all()
        self._memory.flush()  # at once: a power cut must not open the camera again
        self._wake.set()
        with self._hiding:
            if not self._hiding.wait_for(lambda: self._private != on or self._is_hidden == on, timeout):
                raise CameraUnavailable("the camera has not been released yet; it will be closed as soon as it is")

    # From here on everything runs on the camera thread.

    def _run(self) -> None:
        try:
            sources.load()
            self._live()
        finally:
            if self._reformat:
                self._reformat[0].future.set_exception(Busy("the appliance is stopping"))
            self._jobs.cancel()

    def _live(self) -> None:
        """Do what the state of things asks for, until we stop: rest, or open the camera and stream."""
        retry = FIRST_RETRY
        while not self._stopping.is_set():
            self.alive_at = time.monotonic()
            if self._private:
                self._rest_in_privacy()
            elif self._idling.may_close:
                self._rest_idle()
            else:
                try:
                    with contextlib.closing(self._open()) as camera:
                        self._stream(camera)
                except _ReopenError:
                    continue
                except CameraUnavailable as error:
                    if self._roll_back(error):
                        continue
                    if self._lifecycle.state != "lost":
                        retry = FIRST_RETRY
                    self._lost(error)
                    came_back = self._wait_for_camera(retry)
                    retry = FIRST_RETRY if came_back else min(retry * 2, LAST_RETRY)

    def _open(self) -> Camera:
        name = sources.choose(self.source, self._former)
        source = sources.source_of(name)
        camera = source.open(name, self.requested, self._settings.jpeg_quality)
        if not camera.is_stand_in:
            self._former = source.stable_name(name)
        elif self.source == AUTO:
            log.warning("no camera found: showing the test pattern until one is connected")
        self._lifecycle.opened(camera.device, camera.description, camera.granted, camera.is_stand_in)
        self._publisher.begin(camera)
        return camera

    def _stream(self, camera: Camera) -> None:
        """Publish frames until the camera is lost (CameraLost), is to be closed (_ReopenError), or we stop."""
        opened_at = time.monotonic()
        look_at = opened_at + LOOK_INTERVAL if self.source == AUTO and camera.is_stand_in else None
        good_at, has_begun = opened_at, False
        while not self._stopping.is_set():
            captured_at = self._idling.grab(camera)
            now = self.alive_at = time.monotonic()
            # To publish comes last: the broadcaster, which it wakes, shall not find us busy with something else.
            if has_begun:
                self._watch_stillness()
                self._do_jobs(camera)
                if (controls := self._panel.look(camera)) is not None:
                    self._know(controls)
            if look_at and now > look_at:
                look_at = now + LOOK_INTERVAL
                if sources.choose(AUTO, None) != TEST_PATTERN:
                    raise _ReopenError
            if self._private or self._idling.may_close:
                raise _ReopenError
            if self._publisher.publish(captured_at):
                good_at = now
                if not has_begun:
                    has_begun = True
                    self._begin(camera)
            elif now - good_at > GOOD_FRAME_TIMEOUT:
                raise CameraLost("the camera delivers no usable frames")

    def _begin(self, camera: Camera) -> None:
        """Take note that a camera delivers: apply what is remembered, tell everybody."""
        self._idling.begin()
        if self._former:
            # udev may not have made the link yet when it was opened.
            self._former = sources.source_of(self._former).stable_name(self._former)
        self.known_formats = camera.formats()
        self._know(self._panel.begin(camera))
        online = {"EVENT": "camera-online"}
        log.info("%s (%s) is online: %s", camera.description, camera.device, camera.granted, extra=online)
        if not (camera.passes_through or camera.is_stand_in):
            log.info("the camera makes no JPEG pictures: frames are encoded only while they are needed")
        if self._lifecycle.state in ("starting", "lost"):
            self._lifecycle.happen("frame")
        if self._reformat:
            (job, former), self._reformat = self._reformat, None
            if self.requested != former:
                self._memory.remember_format(self.requested)
            job.future.set_result(None)

    def _watch_stillness(self) -> None:
        """Tell a picture that stands still from one that moves; open a frozen camera once more, not again and again."""
        state, is_frozen = self._lifecycle.state, self._publisher.stillness.is_frozen
        if is_frozen and state == "online":
            reason = f"the picture has not changed for {self._publisher.stillness.limit:g} s"
            log.warning("%s", reason, extra={"EVENT": "camera-frozen"})
            self._lifecycle.happen("stillness", reason)
            self._was_reopened = False
        if is_frozen and not self._was_reopened:
            self._was_reopened = True
            raise _ReopenError
        if not is_frozen and state == "frozen":
            log.info("the picture moves again", extra={"EVENT": "camera-online"})
            self._lifecycle.happen("frame")

    def _lost(self, error: CameraUnavailable) -> None:
        reason = str(error)
        if self._lifecycle.state != "lost" or self.status.reason != reason:
            log.warning("%s; retrying until it is back", reason, extra={"EVENT": "camera-lost"})
        self._publisher.rate.clear()
        self._lifecycle.happen("failure", reason)

    def _roll_back(self, error: CameraUnavailable) -> bool:
        """Return to the former format if the new one could not be had, and tell who asked for it."""
        if not self._reformat:
            return False
        (job, self.requested), self._reformat = self._reformat, None
        if job.requested is None or job.requested == self.requested:
            job.future.set_exception(error)
            return False
        job.future.set_exception(_cannot(job.requested, error))
        return True

    def _is_busy(self) -> bool:
        """Return whether the camera is needed for something else than frames."""
        return bool(self._reformat) or self._jobs.waiting or self.known_controls is None

    def _rest_in_privacy(self) -> None:
        """Keep the camera closed until privacy is off; viewers see why."""
        log.info("privacy is on: the camera is closed", extra={"EVENT": "privacy-on"})
        if self._reformat:
            (job, self.requested), self._reformat = self._reformat, None
            job.future.set_exception(PrivacyOn(PRIVACY_REFUSAL))
        self._publisher.rate.clear()
        self._lifecycle.happen("privacy_on", PRIVACY_REASON)
        self._publisher.placeholder(self.status, self.requested)
        self._hide(True)
        while self._private and not self._stopping.is_set():
            self._pass_time(PLACEHOLDER_INTERVAL, PrivacyOn(PRIVACY_REFUSAL))
        if not self._stopping.is_set():
            log.info("privacy is off", extra={"EVENT": "privacy-off"})
            self._lifecycle.happen("privacy_off")
        self._hide(False)

    def _hide(self, is_hidden: bool) -> None:
        """Tell who waits for it whether the camera is hidden."""
        with self._hiding:
            self._is_hidden = is_hidden
            self._hiding.notify_all()

    def _rest_idle(self) -> None:
        """Keep the camera closed until somebody needs it."""
        log.info("no frames are needed: the camera is closed until they are")
        self._publisher.rate.clear()
        self._lifecycle.happen("no_demand", IDLE_REASON)
        while self._idling.may_close and not (self._private or self._stopping.is_set()):
            self.alive_at = time.monotonic()
            self._wake.wait(PLACEHOLDER_INTERVAL)
            self._wake.clear()
        if not (self._private or self._stopping.is_set()):
            self._lifecycle.happen("demand")

    def _wait_for_camera(self, seconds: float) -> bool:
        """Wait so long, or until a device that was gone is there again: return whether it is. Viewers see why."""
        until = time.monotonic() + seconds
        awaited = self._former or self.source
        source = sources.source_of(awaited)
        is_gone = False
        while (left := until - time.monotonic()) > 0 and not (self._private or self._stopping.is_set()):
            is_present = source.is_present(awaited)
            if is_gone and is_present:
                return True
            is_gone = is_gone or is_present is False
            self._pass_time(min(left, GLANCE), CameraUnavailable(self.status.reason or "there is no camera"))
        return False

    def _pass_time(self, seconds: float, refusal: CameraUnavailable) -> None:
        """Let some time pass without a camera: show why, refuse jobs."""
        self.alive_at = time.monotonic()
        self._publisher.placeholder(self.status, self.requested)
        self._jobs.refuse(refusal)
        self._wake.wait(seconds)
        self._wake.clear()

    def _do_jobs(self, camera: Camera) -> None:
        """Do everything that waits. Raises CameraLost, _ReopenError."""
        if (job := self._jobs.run(camera)) and job.requested:
            try:
                camera.refuse_format(job.requested)
            except CameraLost as error:
                job.future.set_exception(error)
                raise
            except CameraUnavailable as error:
                job.future.set_exception(_cannot(job.requested, error))
                return
            self._reformat, self.requested = (job, self.requested), job.requested
            self._lifecycle.happen("reopen")
            raise _ReopenError

    def _know(self, controls: list[Control]) -> list[Control]:
        """Keep the controls for everybody who cannot wait for the camera, and tell if they differ."""
        if controls != self.known_controls:
            self.known_controls = controls
            self.on_controls()
        return controls


def _cannot(requested: Format, error: CameraUnavailable) -> InvalidValue:
    """Return the answer to a wish for a format that the camera does not have."""
    return InvalidValue(f"the camera cannot do {requested}: {error}")
