"""Find cameras by names that stay the same after a replug or a restart."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from linuxpy.video.device import Capability, Device

_FOLDERS = ("/dev/v4l/by-id", "/dev/v4l/by-path")


@dataclass(frozen=True, slots=True)
class Found:
    """A capture device: its most stable name, its node, and what it calls itself."""

    path: str
    node: str
    description: str


def devices() -> list[Found]:
    """Return all capture devices, in the order of their stable names; nodes that cannot be opened are left out.

    A webcam has a second node for metadata, which is not a capture device. Of two cameras without serial numbers
    only one has a name under by-id; the other is found by its port, under by-path.
    """
    found: dict[str, Found] = {}
    for path in [path for folder in _FOLDERS for path in _listing(folder)] + _nodes():
        node = os.path.realpath(path)
        if node not in found and (description := _capture_description(node)) is not None:
            found[node] = Found(path, node, description)
    return list(found.values())


def first_device() -> str | None:
    """Return the most stable name of the first capture device, or None."""
    return next((device.path for device in devices()), None)


def _listing(folder: str) -> list[str]:
    with contextlib.suppress(OSError):
        return [f"{folder}/{name}" for name in sorted(os.listdir(folder))]
    return []


def _nodes() -> list[str]:
    nodes = [str(path) for path in Path("/dev").glob("video*") if path.name[5:].isdigit()]
    return sorted(nodes, key=lambda node: int(node.removeprefix("/dev/video")))


def _capture_description(node: str) -> str | None:
    """Return the name of a device that captures pictures, None for any other."""
    try:
        with Device(node) as device:
            capabilities = device.info.device_capabilities
            if Capability.VIDEO_CAPTURE in capabilities and Capability.STREAMING in capabilities:
                return str(device.info.card)
    except (OSError, ValueError):
        return None
    return None
