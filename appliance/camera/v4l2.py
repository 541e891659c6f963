"""A V4L2 camera through OpenCV. JPEG pictures are passed through unchanged; raw ones are encoded when needed."""

import contextlib
import math
import os
import time
from collections.abc import Mapping

import cv2

from appliance import jpeg
from appliance.camera import diagnosis
from appliance.camera.source import AvailableFormat, Camera
from appliance.camera.v4l2_controls import V4L2Controls
from appliance.controls import Control
from appliance.errors import CameraLost, CameraUnavailable, CorruptFrame
from appliance.frames import Format
from appliance.jpeg import PlanarEncoder, YuyvEncoder
from appliance.parameters import Value, nearest
from appliance.system.log import logger

log = logger(__name__)

cv2.setNumThreads(1)  # one frame is encoded at a time; more threads would only wait for each other

_PASSED_THROUGH = ("MJPG", "JPEG")
_PLANAR = ("YU12", "NV12")
_ENCODED = ("YUYV", *_PLANAR)
_BUFFERS = 3  # with 1 a USB camera stalls; with more, old frames accumulate
_OLDEST = 5.0  # s: an older time stamp of the driver is not on CLOCK_MONOTONIC


class V4L2Camera(Camera):
    """One open device: OpenCV streams, linuxpy sets the controls. The methods are described in `Camera`."""

    has_noise = True
    meters_exposure = True
    drops_unread = True

    def __init__(self, path: str, requested: Format, quality: int) -> None:
        """Open the device and start to stream. Raises CameraUnavailable."""
        self.device = path
        self._quality = quality
        self._cleaner = jpeg.Cleaner()
        self._image: cv2.typing.MatLike | None = None
        try:
            self._controls = V4L2Controls(path)
        except OSError as error:
            raise CameraUnavailable(diagnosis.open_failure(path, error)) from None
        self._capture = cv2.VideoCapture()
        try:
            self.description = self._controls.description
            pixel_format = _choose(requested.pixel_format, self._controls.formats())
            if not self._capture.open(path, cv2.CAP_V4L2):
                raise CameraUnavailable(diagnosis.explain(path, requested, pixel_format))
            _configure(self._capture, requested, pixel_format)
            self.granted = _granted(self._capture)
            self._encoder = self._make_encoder()
            self.reports_changes = self._controls.subscribe()
        except CameraUnavailable:
            self.close()
            raise
        self.passes_through = self.granted.pixel_format in _PASSED_THROUGH
        self._has_streamed = False

    def grab(self) -> float:
        """Wait for the next picture, at most for the stall timeout."""
        if not self._capture.grab():
            if not os.path.exists(self.device):
                raise CameraLost("the camera is unplugged")
            if self._has_streamed:
                raise CameraLost("the camera is connected but no longer delivers frames")
            self.close()
            raise CameraLost(diagnosis.explain(self.device, self.granted, self.granted.pixel_format))
        self._has_streamed = True
        return _monotonic(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)

    def jpeg(self) -> bytes:
        """Return the grabbed picture, complete."""
        try:
            ok, data = self._capture.retrieve(self._image)
        except cv2.error as error:
            raise CorruptFrame(f"a picture that OpenCV cannot read: {error}") from None
        if not ok:
            raise CorruptFrame("a picture that OpenCV cannot read")
        if self.passes_through:
            return self._cleaner.clean(data.tobytes())
        self._image = data  # reused for the next picture; JPEG pictures differ in size
        image = data.astype("uint8", copy=False)
        if self._encoder:
            return self._encoder.encode(image)
        if image.ndim == 2:  # a grey camera
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR).astype("uint8", copy=False)
        return jpeg.encode_bgr(image, self._quality)

    def _make_encoder(self) -> YuyvEncoder | PlanarEncoder | None:
        """Return the encoder of the granted format; None if it is JPEG, or if OpenCV converts it."""
        pixel_format = self.granted.pixel_format
        if pixel_format == "YUYV":
            return YuyvEncoder(self._quality)
        if pixel_format in _PLANAR:
            interleaved = pixel_format == "NV12"
            return PlanarEncoder(self._quality, interleaved, self._controls.has_full_range())
        return None

    def formats(self) -> list[AvailableFormat]:
        """Return the formats that the device offers."""
        return self._controls.formats()

    def refuse_format(self, requested: Format) -> None:
        """Refuse a pixel format that the device does not offer; for sizes and rates the device chooses the nearest."""
        _choose(requested.pixel_format, self._controls.formats())

    def controls(self) -> list[Control]:
        """Return the device's controls."""
        return self._controls.read()

    def set_controls(self, values: Mapping[str, Value]) -> None:
        """Set values on the device."""
        self._controls.write(values)

    def controls_changed(self) -> bool:
        """Return whether another program, or the device itself, changed a control."""
        return self._controls.changed()

    def close(self) -> None:
        """Stop streaming and close both file descriptors of the device."""
        self._capture.release()
        self._controls.close()


def inspect(path: str) -> tuple[list[AvailableFormat], list[Control]]:
    """Return the formats and controls of a device, without streaming. Raises CameraUnavailable."""
    try:
        controls = V4L2Controls(path)
    except OSError as error:
        raise CameraUnavailable(diagnosis.open_failure(path, error)) from None
    with contextlib.closing(controls):
        return controls.formats(), controls.read()


def _choose(requested: str, formats: list[AvailableFormat]) -> str:
    """Return the pixel format to request. Raises CameraUnavailable if the device does not offer it."""
    offered = [each.pixel_format for each in formats]
    if requested == "auto":
        return next((each for each in (*_PASSED_THROUGH, *_ENCODED) if each in offered), offered[0] if offered else "")
    if offered and requested not in offered:
        hint = nearest(requested, offered)
        raise CameraUnavailable(f"the camera has no pixel format {requested}, only {', '.join(offered)}{hint}")
    return requested


def _configure(capture: cv2.VideoCapture, requested: Format, pixel_format: str) -> None:
    """Request the format. Each of these steps restarts the device, so their order matters."""
    if pixel_format:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*pixel_format))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, requested.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, requested.height)
    capture.set(cv2.CAP_PROP_FPS, requested.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, _BUFFERS)
    # If the device lacks the format, OpenCV reports success and sets another: only the format read back counts.
    as_it_is = _granted(capture).pixel_format in _PASSED_THROUGH + _ENCODED
    capture.set(cv2.CAP_PROP_CONVERT_RGB, 0 if as_it_is else 1)


def _granted(capture: cv2.VideoCapture) -> Format:
    fourcc = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("ascii", "replace")
    fps = capture.get(cv2.CAP_PROP_FPS)
    return Format(
        width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        fps=round(fps, 3) if math.isfinite(fps) and fps > 0 else 0.0,
        pixel_format=fourcc,
    )


def _monotonic(stamp: float) -> float:
    """Return the driver's time stamp if it can be on CLOCK_MONOTONIC, otherwise the current time."""
    now = time.monotonic()
    return stamp if now - _OLDEST < stamp <= now else now
