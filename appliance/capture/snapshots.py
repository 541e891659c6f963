"""Single frames on request, their upright copies, and the placeholder shown if there is no frame.

Everything here runs on the caller's thread, never on the camera thread.
"""

import threading
import time
from datetime import datetime

from appliance import jpeg
from appliance.capture.frame_pipeline import orientation
from appliance.capture.lifecycle import PRIVACY_REFUSAL
from appliance.capture.thread import Capture
from appliance.errors import CameraUnavailable, CorruptFrame, PrivacyOn
from appliance.frames import Frame, FrameSlot
from appliance.settings import CameraSettings
from appliance.system.log import logger

log = logger(__name__)

SNAPSHOT_TIMEOUT = 3.0  # s that a snapshot waits for a frame
COLD_TIMEOUT = 8.0  # s that it waits for a camera that has to be opened and to settle its exposure first


class Snapshots:
    """Takes single frames of a camera; `orientation` is the EXIF orientation of all of them.

    Every method may be called from any thread except the camera thread.
    """

    def __init__(self, settings: CameraSettings, capture: Capture, slot: FrameSlot) -> None:
        self.orientation = orientation(settings)
        self._capture = capture
        self._slot = slot
        self._turning = threading.Lock()
        self._turned: tuple[bytes, bytes] | None = None

    def take(self, captured_after: float) -> Frame:
        """Return the next frame after that time (CLOCK_MONOTONIC, s) that decodes without an error.

        Raises PrivacyOn, Busy, and CameraUnavailable with the reason if no such frame arrives in time.
        """
        deadline = time.monotonic() + self._patience()
        while True:
            frame = self._frame_since(captured_after, deadline - time.monotonic())
            try:
                jpeg.verify(frame.jpeg)
            except CorruptFrame as error:
                log.warning("frame skipped: %s", error)
                captured_after = frame.captured_at
            else:
                return frame

    def upright(self, frame: Frame) -> bytes:
        """Return the JPEG of the frame with its pixels rotated as its EXIF orientation says, and without that tag.

        Simultaneous requests share the work: a frame is rotated once.
        """
        with self._turning:
            if self._turned is None or self._turned[0] is not frame.jpeg:
                self._turned = (frame.jpeg, jpeg.upright(frame.jpeg))
            return self._turned[1]

    def placeholder(self, error: CameraUnavailable) -> bytes:
        """Return a JPEG of the size of the frames that shows the reason, as viewers of the stream see it."""
        from appliance.camera import placeholder  # imports OpenCV, which takes long

        status, newest = self._capture.status, self._slot.newest
        requested = self._capture.requested
        turned = jpeg.turned(requested.width, requested.height, self.orientation)
        width, height = (newest.width, newest.height) if newest else turned
        since = status.since
        if status.reason is None and newest is not None:
            since = datetime.fromtimestamp(time.time() - (time.monotonic() - newest.captured_at), since.tzinfo)
        return placeholder.draw(width, height, status.reason or str(error), f"{since.astimezone():%H:%M:%S}")

    def _patience(self) -> float:
        """Return the time to wait for a frame, in s."""
        newest = self._slot.newest
        is_warm = self._capture.status.state == "online" and newest is not None and newest.exposure != "settling"
        return SNAPSHOT_TIMEOUT if is_warm else COLD_TIMEOUT

    def _frame_since(self, captured_after: float, timeout: float) -> Frame:
        status = self._capture.status
        if status.state == "lost":
            raise CameraUnavailable(status.reason or "there is no camera")
        frame = None if status.state == "privacy" else self._slot.live_since(captured_after, max(0.0, timeout))
        if frame is not None:
            return frame
        status = self._capture.status
        if status.state == "privacy":  # possibly switched on during the wait
            raise PrivacyOn(PRIVACY_REFUSAL)
        raise CameraUnavailable(status.reason or "the camera delivered no usable frame in time")
