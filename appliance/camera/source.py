"""What a camera is, and what a source of cameras is, to the camera thread.

A class that derives from `Camera` or `Source` overrides only what differs from the defaults here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from appliance.controls import Control
from appliance.errors import InvalidValue
from appliance.frames import Format
from appliance.parameters import Value

AUTO = "auto"
"""The setting `camera.source`: the first camera that is found; the test pattern while there never was one."""
TEST_PATTERN = "test-pattern"


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
    passes_through: bool = False
    """Whether `jpeg()` is free because the device itself makes JPEG pictures."""
    has_noise: bool = False
    """Whether no two of its frames are ever alike, so that equal ones mean that it hangs."""
    meters_exposure: bool = False
    """Whether it looks for its exposure after the start, so that its first frames are too dark or too bright."""
    drops_unread: bool = False
    """Whether frames that are not grabbed are dropped, so that it may rest; a network stream would fall behind."""
    is_stand_in: bool = False
    """Whether it is no camera, but what is shown where there is none."""
    tells_changes: bool = True
    """Whether `controls_changed` knows; else one has to look from time to time."""

    def grab(self) -> float:
        """Wait for the next picture; return when it was captured (CLOCK_MONOTONIC, s). Raises CameraLost."""

    def jpeg(self) -> bytes:
        """Return the grabbed picture as a whole JPEG. Raises CorruptFrame."""

    def formats(self) -> list[AvailableFormat]:
        """Return the formats that the device offers; none where the source alone decides."""
        return []

    def refuse_format(self, requested: Format) -> None:
        """Raise CameraUnavailable, with the reason, if the device certainly cannot deliver that format."""
        return

    def controls(self) -> list[Control]:
        """Return all controls as they are now. Raises CameraLost."""
        return []

    def set_controls(self, values: Mapping[str, Value]) -> None:
        """Set checked values in their order. Raises InvalidValue when the device refuses one, CameraLost."""
        if values:
            raise InvalidValue(f"{next(iter(values))}: {self.device} has no controls")

    def controls_changed(self) -> bool:
        """Return whether another program, or the device itself, changed a control since the last call."""
        return False

    def close(self) -> None:
        """Release the device. Never raises."""


@dataclass(frozen=True, slots=True)
class Found:
    """A camera of this machine: the most stable name for it, its node if it has one, and what it calls itself.

    One that may not be opened has no description: it may be a camera, or not.
    """

    path: str
    node: str
    description: str | None


class Source(Protocol):
    """A kind of cameras, by the names under which they are opened. Every method may be called from any thread."""

    def claims(self, name: str) -> bool:
        """Return whether the name is one of this source's."""

    def found(self) -> list[Found]:
        """Return the cameras of this kind that are connected, the most stable names first."""
        return []

    def stable_name(self, name: str) -> str:
        """Return the name under which this camera is found again after it was unplugged."""
        return name

    def is_present(self, name: str) -> bool | None:
        """Return whether the camera is connected; None where only an attempt to open it shows that."""
        return None

    def inspect(self, name: str) -> tuple[list[AvailableFormat], list[Control]]:
        """Return the formats and controls of a camera that was found, without streaming. Raises CameraUnavailable."""
        return [], []

    def open(self, name: str, requested: Format, quality: int) -> Camera:
        """Open a camera. `quality` (1 to 100) is that of frames that have to be encoded here.

        Raises CameraUnavailable with the reason, for people.
        """
