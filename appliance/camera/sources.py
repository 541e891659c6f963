"""The sources of frames, in order: the first that claims a name opens it."""

import os

from appliance.camera.source import AUTO, TEST_PATTERN, AvailableFormat, Camera, Found, Source
from appliance.controls import Control
from appliance.frames import Format


class _Pattern(Source):
    """The built-in test pattern."""

    def claims(self, name: str) -> bool:
        return name == TEST_PATTERN

    def open(self, _name: str, requested: Format, quality: int) -> Camera:
        from appliance.camera.pattern import TestPattern

        return TestPattern(requested, quality)


class _V4L2(Source):
    """V4L2 devices, such as webcams."""

    def claims(self, name: str) -> bool:
        return name.startswith("/dev/")

    def found(self) -> list[Found]:
        from appliance.camera.devices import devices, forbidden_nodes

        return [*devices(), *(Found(node, node, None) for node in forbidden_nodes())]

    def stable_name(self, name: str) -> str:
        from appliance.camera.devices import stable_name

        return stable_name(name)

    def is_present(self, name: str) -> bool | None:
        return os.path.exists(name)

    def inspect(self, name: str) -> tuple[list[AvailableFormat], list[Control]]:
        from appliance.camera.v4l2 import inspect

        return inspect(name)

    def open(self, name: str, requested: Format, quality: int) -> Camera:
        from appliance.camera.v4l2 import V4L2Camera

        return V4L2Camera(name, requested, quality)


class _Video(Source):
    """URLs and files: every name that no other source claims."""

    def claims(self, _name: str) -> bool:
        return True

    def open(self, name: str, _requested: Format, quality: int) -> Camera:
        from appliance.camera.video import Video

        return Video(name, quality)


SOURCES: tuple[Source, ...] = (
    _Pattern(),
    _V4L2(),
    _Video(),
)


def source_of(name: str) -> Source:
    """Return the source that opens a camera of that name."""
    return next(source for source in SOURCES if source.claims(name))


def found() -> list[Found]:
    """Return every camera of this machine, and every device that may be one but cannot be opened."""
    return [camera for source in SOURCES for camera in source.found()]


def choose(setting: str, former: str | None) -> str:
    """Return the name to open for the setting `camera.source`.

    `former` is the stable name of the camera that was open before; the appliance waits for that camera, whatever its
    node is now. `auto` without a former camera chooses the first camera found, otherwise a device without permission
    (so that opening it reports the reason), otherwise the test pattern.
    """
    if setting != AUTO:
        return former or setting
    if former and source_of(former).is_present(former) is not False:
        return former
    cameras = found()
    usable = next((camera.path for camera in cameras if camera.description is not None), None)
    return usable or former or next((camera.path for camera in cameras), TEST_PATTERN)


def load() -> None:
    """Load OpenCV, which every source needs: 0.1 s, or half a minute from a slow and busy SD card."""
    import cv2  # noqa: F401
