"""Turn grabbed pictures into frames and, while the camera is absent, publish placeholders.

Everything here runs on the camera thread; other threads read the counters and `rate`.
"""

import time

from appliance import jpeg
from appliance.camera.source import Camera
from appliance.capture.lifecycle import Status
from appliance.capture.monitors import ExposureMeter, Rate, Stillness
from appliance.errors import CorruptFrame
from appliance.frames import Format, Frame, FrameSlot
from appliance.settings import CameraSettings
from appliance.system.log import logger

log = logger(__name__)

PLACEHOLDER_INTERVAL = 1.0  # s
SETTLED_AFTER = 2.0  # s after which the exposure of a camera whose frames were not encoded counts as settled
VERIFY_EVERY = 600  # frames between two that are fully decoded: 3 to 4 ms each


def orientation(settings: CameraSettings) -> int:
    """Return the EXIF orientation, 1 to 8, of all frames."""
    return jpeg.orientation(int(settings.rotate), settings.flip_horizontal, settings.flip_vertical)


class FramePipeline:
    """Checks, orients and counts frames, and publishes them into the slot."""

    def __init__(self, settings: CameraSettings, slot: FrameSlot) -> None:
        self.captured = 0
        self.corrupt = 0
        self.rate = Rate()
        self.stillness = Stillness(settings.frozen_after)
        self._settings = settings
        self._slot = slot
        self._orientation = orientation(settings)
        self._sequence = 0
        self._camera: Camera | None = None
        self._size = (0, 0)
        self._opened_at = 0.0
        self._verify_in = 0  # frames
        self._meter = ExposureMeter()

    def begin(self, camera: Camera) -> None:
        """Publish from this camera, which has just been opened, from now on."""
        self._camera, self._opened_at, self._verify_in = camera, time.monotonic(), 0
        self._size = jpeg.turned(camera.granted.width, camera.granted.height, self._orientation)
        self.stillness.limit = self._settings.frozen_after if camera.has_noise else 0
        self._meter = ExposureMeter()
        if not camera.meters_exposure:
            self._meter.settle()

    def publish(self, captured_at: float) -> bool:
        """Publish the grabbed frame and return whether it is good. A raw frame that is not needed is only counted."""
        camera, frame = self._camera, None
        if camera and (camera.passes_through or self._slot.is_demanded):
            try:
                data = self._checked(camera)
            except CorruptFrame as error:
                self.corrupt += 1
                log.debug("frame dropped: %s", error)
                return False
            self.stillness.note(data, captured_at)
            exposure = self._meter.judge(data, captured_at)
            self._sequence += 1
            data = jpeg.oriented(data, self._orientation)
            frame = Frame(self._sequence, data, *self._size, captured_at, exposure=exposure)
        self.captured += 1
        self.rate.note(captured_at)
        if frame:
            self._slot.publish(frame)
        return True

    def placeholder(self, status: Status, requested: Format) -> None:
        """Publish a picture that shows the reason, at most once a second, at the size of the stream."""
        newest, now, is_private = self._slot.newest, time.monotonic(), status.state == "privacy"
        is_same = newest is not None and not newest.live and newest.is_private == is_private
        if newest and is_same and now - newest.captured_at < PLACEHOLDER_INTERVAL * 0.9:
            return
        from appliance.camera import placeholder

        turned = jpeg.turned(requested.width, requested.height, self._orientation)
        size = (newest.width, newest.height) if newest else turned
        since = f"{status.since.astimezone():%H:%M:%S}"
        drawn = placeholder.draw(*size, status.reason or "there is no camera", since)
        self._sequence += 1
        self._slot.publish(Frame(self._sequence, drawn, *size, now, live=False, is_private=is_private))

    def _checked(self, camera: Camera) -> bytes:
        """Return the grabbed picture. The first and every 600th are fully decoded. Raises CorruptFrame."""
        data = camera.jpeg()
        if camera.passes_through:
            if self._verify_in == 0:
                jpeg.verify(data)
                self._verify_in = VERIFY_EVERY
            self._verify_in -= 1
        if not camera.passes_through and time.monotonic() - self._opened_at > SETTLED_AFTER:
            self._meter.settle()  # The camera has been exposing all the time, although no frame was encoded.
        return data
