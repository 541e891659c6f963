"""Sources of frames: V4L2 devices, URLs, files, and the built-in test pattern.

`open_camera` gives a `Camera`, which one thread owns and uses. Everything that takes long to import is imported
when a camera is opened, so that the page is there before the first frame is.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from appliance.controls import Control
from appliance.frames import Format
from appliance.parameters import Value

# OpenCV reads these once, when it is imported. Without the first, a camera that stalls is noticed after 10 s.
STALL_TIMEOUT = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"
"""Environment variable: whole seconds after which a device that gives no frame counts as lost."""

os.environ.setdefault(STALL_TIMEOUT, "2")
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "8")  # AV_LOG_FATAL: FFmpeg writes to standard error by itself

TEST_PATTERN = "test-pattern"
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class AvailableFormat:
    """A pixel format that a device offers, with its sizes in pixels and the rates of each in frames per second."""

    pixel_format: str
    description: str
    sizes: tuple[tuple[int, int, tuple[float, ...]], ...]

    def as_json(self) -> dict[str, Any]:
        """Return the format as commands report it."""
        sizes = [{"width": width, "height": height, "rates": list(rates)} for width, height, rates in self.sizes]
        return {"pixel_format": self.pixel_format, "description": self.description, "sizes": sizes}


class Camera(Protocol):
    """An open source of frames. Not thread-safe: the camera thread owns it."""

    device: str
    """What was opened: a stable device path, a file, a URL without its password, or `test-pattern`."""
    description: str
    """What the device calls itself."""
    granted: Format
    """What the device really does, which may differ from what was asked for."""
    passes_through: bool
    """Whether `jpeg()` is free because the device itself makes JPEG pictures."""
    has_noise: bool
    """Whether no two of its frames are ever alike, so that equal ones mean that it hangs."""
    tells_changes: bool
    """Whether `controls_changed` knows; else one has to look from time to time."""

    def grab(self) -> float:
        """Wait for the next picture; return when it was captured (CLOCK_MONOTONIC, s). Raises CameraLost."""

    def jpeg(self) -> bytes:
        """Return the grabbed picture as a whole JPEG. Raises CorruptFrame."""

    def formats(self) -> list[AvailableFormat]:
        """Return what the device could do; empty where it cannot tell."""

    def refuse_format(self, wanted: Format) -> None:
        """Raise CameraUnavailable, with the reason, if the device surely cannot do that."""

    def controls(self) -> list[Control]:
        """Return all controls as they are now. Raises CameraLost."""

    def set_controls(self, values: Mapping[str, Value]) -> None:
        """Set checked values in their order. Raises InvalidValue when the device refuses one, CameraLost."""

    def controls_changed(self) -> bool:
        """Tell whether somebody else, or the device itself, changed a control since the last call."""

    def close(self) -> None:
        """Give the device back. Never raises."""


def find_source(source: str, former: str | None) -> str:
    """Return what to open: the device that was open before (`former`, its stable name) whatever its number is now.

    For `auto` the first camera that is found, if none was open before. The test pattern stands in only for a camera
    that was never there: a lost one is waited for, and so is a device that we may not open, which may be one.
    """
    if source != AUTO:
        return former or source
    if former and os.path.exists(former):
        return former
    from appliance.camera.devices import first_device, forbidden_nodes

    return first_device() or former or next(iter(forbidden_nodes()), TEST_PATTERN)


def stable_name(source: str) -> str:
    """Return the name under which a source is found again after a replug."""
    if not is_device(source):
        return source
    from appliance.camera import devices

    return devices.stable_name(source)


def is_back(source: str) -> bool:
    """Tell whether a device that was gone is there again; of other sources nothing is known before they are opened."""
    return is_device(source) and os.path.exists(source)


def load() -> None:
    """Load OpenCV, which every source needs: 0.1 s, or half a minute where a slow card has much else to do."""
    import cv2  # noqa: F401


def open_camera(source: str, wanted: Format, quality: int) -> Camera:
    """Open a source that `find_source` gave. `quality` (1 to 100) is that of frames we have to encode ourselves.

    Raises CameraUnavailable with the reason, for people.
    """
    if source == TEST_PATTERN:
        from appliance.camera.pattern import TestPattern

        return TestPattern(wanted, quality)
    if is_device(source):
        from appliance.camera.v4l2 import V4L2Camera

        return V4L2Camera(source, wanted, quality)
    from appliance.camera.video import Video

    return Video(source, quality)


def is_device(source: str) -> bool:
    """Tell a V4L2 device from a URL, a file or the test pattern."""
    return source.startswith("/dev/")
