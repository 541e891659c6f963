"""What the camera thread does while no camera is open: for privacy, while idle, and while a camera is lost."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from appliance.camera import sources
from appliance.capture.format_change import FormatChange
from appliance.capture.frame_pipeline import PLACEHOLDER_INTERVAL, FramePipeline
from appliance.capture.idling import Idling
from appliance.capture.jobs import Jobs
from appliance.capture.lifecycle import IDLE_REASON, PRIVACY_REASON, PRIVACY_REFUSAL, Lifecycle
from appliance.capture.privacy import Privacy
from appliance.errors import CameraUnavailable, PrivacyOn
from appliance.system.log import logger

log = logger(__name__)

PRESENCE_INTERVAL = 0.1  # s between checks whether a lost device is back: the delay of the picture after a replug


@dataclass(frozen=True, slots=True)
class Standby:
    """Waits until the camera has to be opened.

    While privacy is on or the camera is lost, placeholders are published and jobs are refused. `report_alive` is called
    at least once a second.
    """

    lifecycle: Lifecycle
    pipeline: FramePipeline
    jobs: Jobs
    format: FormatChange
    privacy: Privacy
    idling: Idling
    wake: threading.Event
    stopping: threading.Event
    report_alive: Callable[[], None]

    def wait_in_privacy(self) -> None:
        """Wait until privacy is off."""
        log.info("privacy is on: the camera is closed", extra={"EVENT": "privacy-on"})
        self.format.cancel(PrivacyOn(PRIVACY_REFUSAL))
        self.pipeline.rate.clear()
        self.lifecycle.transition("privacy_on", PRIVACY_REASON)
        self._show_placeholder()
        self.privacy.confirm(True)
        while self.privacy.is_on and not self.stopping.is_set():
            self._wait(PLACEHOLDER_INTERVAL, PrivacyOn(PRIVACY_REFUSAL))
        if not self.stopping.is_set():
            log.info("privacy is off", extra={"EVENT": "privacy-off"})
            self.lifecycle.transition("privacy_off")
        self.privacy.confirm(False)

    def wait_for_demand(self) -> None:
        """Wait until the camera is needed."""
        log.info("no frames are needed: the camera is closed until they are")
        self.pipeline.rate.clear()
        self.lifecycle.transition("no_demand", IDLE_REASON)
        while self.idling.may_close and not self._is_interrupted:
            self.report_alive()
            self.wake.wait(PLACEHOLDER_INTERVAL)
            self.wake.clear()
        if not self._is_interrupted:
            self.lifecycle.transition("demand")

    def wait_for_camera(self, name: str, seconds: float) -> bool:
        """Wait for that time, or until the device was absent and is connected again; return whether it is."""
        until = time.monotonic() + seconds
        source = sources.source_of(name)
        was_absent = False
        while (remaining := until - time.monotonic()) > 0 and not self._is_interrupted:
            is_present = source.is_present(name)
            if was_absent and is_present:
                return True
            was_absent = was_absent or is_present is False
            reason = self.lifecycle.status.reason or "there is no camera"
            self._wait(min(remaining, PRESENCE_INTERVAL), CameraUnavailable(reason))
        return False

    @property
    def _is_interrupted(self) -> bool:
        return self.privacy.is_on or self.stopping.is_set()

    def _wait(self, seconds: float, refusal: CameraUnavailable) -> None:
        self.report_alive()
        self._show_placeholder()
        self.jobs.refuse(refusal)
        self.wake.wait(seconds)
        self.wake.clear()

    def _show_placeholder(self) -> None:
        self.pipeline.placeholder(self.lifecycle.status, self.format.requested)
