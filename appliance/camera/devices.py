"""Find cameras by names that stay the same after a replug or a restart."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from linuxpy.video.device import Capability, Device

from appliance.camera.source import Found

_FOLDERS = ("/dev/v4l/by-id", "/dev/v4l/by-path")


def devices() -> list[Found]:
    """Return all capture devices, in the order of their stable names; nodes that cannot be opened are left out.

    A webcam has a second node for metadata, which is not a capture device. A name under by-id is stable only if it is
    unique: of two identical cameras without serial numbers only one has it, and not always the same one. Such cameras
    are distinguished by their ports, under by-path.
    """
    descriptions = {node: text for node in _nodes() if (text := _capture_description(node)) is not None}
    by_id, by_path = (_links(folder, descriptions) for folder in _FOLDERS)
    kinds = Counter(descriptions.values())
    found = []
    for node, text in descriptions.items():
        twins = [other for other, kind in descriptions.items() if kind == text]
        is_alone = kinds[text] == 1 or all(twin in by_id for twin in twins)
        name = (by_id.get(node) if is_alone else None) or by_path.get(node) or by_id.get(node) or node
        found.append(Found(name, node, text))
    return sorted(found, key=lambda device: (not device.path.startswith(_FOLDERS), device.path))


def stable_name(path: str) -> str:
    """Return the most stable name of the device; a name that is stable already stays."""
    if path.startswith(_FOLDERS):
        return path
    node = os.path.realpath(path)
    return next((device.path for device in devices() if device.node == node), path)


def forbidden_nodes() -> list[str]:
    """Return the nodes that this process has no permission to open: any of them may be a camera."""
    return [node for node in _nodes() if _is_forbidden(node)]


def _links(folder: str, nodes: Iterable[str]) -> dict[str, str]:
    """Return the names in a folder of links by the nodes to which they point."""
    links = {}
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(folder), reverse=True):
            node = os.path.realpath(f"{folder}/{name}")
            if node in nodes:
                links[node] = f"{folder}/{name}"
    return links


def _nodes() -> list[str]:
    nodes = [str(path) for path in Path("/dev").glob("video*") if path.name[5:].isdigit()]
    return sorted(nodes, key=lambda node: int(node.removeprefix("/dev/video")))


def _is_forbidden(node: str) -> bool:
    try:
        os.close(os.open(node, os.O_RDWR | os.O_NONBLOCK))
    except PermissionError:
        return True
    except OSError:
        return False
    return False


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
