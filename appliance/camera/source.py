"""The interfaces of a camera and of a source of cameras.

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
"""The value of `camera.source` for the first camera found, or the test pattern while none has been found yet."""
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
    """The opened source: a stable device path, a file, a URL without its password, or `test-pattern`."""
    description: str
    """The name that the device reports."""
    granted: Format
    """The format of the open device, which may differ from the requested one."""
    passes_through: bool = False
    """Whether the device itself makes JPEG pictures, so that `jpeg()` encodes nothing."""
    has_noise: bool = False
    """Whether no two of its frames are identical, so that identical frames mean that it hangs."""
    meters_exposure: bool = False
    """Whether it adjusts its exposure after the start, so that its first frames are too dark or too bright."""
    drops_unread: bool = False
    """Whether frames that are not grabbed are dropped, so that grabbing may pause. A network stream falls behind."""
    is_stand_in: bool = False
    """Whether it is not a camera, but is shown in place of one."""
    reports_changes: bool = True
    """Whether `controls_changed` reports changes; otherwise the controls are read from time to time."""

    def grab(self) -> float:
        """Wait for the next picture; return when it was captured (CLOCK_MONOTONIC, s). Raises CameraLost."""

    def jpeg(self) -> bytes:
        """Return the grabbed picture as a whole JPEG. Raises CorruptFrame."""

    def formats(self) -> list[AvailableFormat]:
        """Return the formats that the device offers; none if the format cannot be chosen."""
        return []

    def refuse_format(self, requested: Format) -> None:
        """Raise CameraUnavailable with the reason if it is certain that the device cannot deliver that format."""
        return

    def controls(self) -> list[Control]:
        """Return the current controls. Raises CameraLost."""
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
    """A camera of this machine: its most stable name, its node if it has one, and the name that it reports.

    A device without permission to open it has no description: it may or may not be a camera.
    """

    path: str
    node: str
    description: str | None


class Source(Protocol):
    """A kind of camera. Every method may be called from any thread."""

    def claims(self, name: str) -> bool:
        """Return whether this source opens cameras of that name."""

    def found(self) -> list[Found]:
        """Return the connected cameras of this kind, the most stable names first."""
        return []

    def stable_name(self, name: str) -> str:
        """Return the name under which this camera is found again after a replug."""
        return name

    def is_present(self, name: str) -> bool | None:
        """Return whether the camera is connected; None if only an attempt to open it shows that."""
        return None

    def inspect(self, name: str) -> tuple[list[AvailableFormat], list[Control]]:
        """Return the formats and controls of a camera that was found, without streaming. Raises CameraUnavailable."""
        return [], []

    def open(self, name: str, requested: Format, quality: int) -> Camera:
        """Open a camera. `quality` (1 to 100) is the JPEG quality of frames that have to be encoded.

        Raises CameraUnavailable with the reason, as a text for people.
        """
