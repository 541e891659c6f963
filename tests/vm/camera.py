"""The camera of the machine, and how it is asked."""

import time
from dataclasses import dataclass
from typing import Any

from tests.running import Answer
from tests.streaming import Part, Viewer
from tests.system import cameras
from tests.system.cameras import MQTT_PASSWORD, PORCH, TOKENS

HOST = "porch"
DEVICE = "/dev/v4l/by-id/usb-Simulated_UVC_Camera_SC0001-video-index0"
FROZEN_AFTER = 5  # s
CAMERA: dict[str, Any] = {
    "name": "camera",
    "settings": {
        "camera": {"source": DEVICE, "frozen_after": FROZEN_AFTER},
        "http": {"host": "0.0.0.0", "port": PORCH},
    },
}
UNIT = "camera-appliance@camera.service"
USER = "home"  # of the broker
OPTIONS: dict[str, Any] = {
    "camera_appliance_broker": True,
    "camera_appliance_broker_users": [{"name": USER, "password": MQTT_PASSWORD}],
    "camera_appliance_verify_seconds": 180,  # each of its seconds takes several here
}
PATIENCE = 180.0  # s


@dataclass(frozen=True)
class Address:
    """A port of 127.0.0.1."""

    port: int


def ask(path: str, method: str = "GET", body: object = None) -> Answer:
    """Return the camera's answer to somebody with its token. Raises OSError where nobody listens."""
    return cameras.ask(PORCH, path, method, body=body)


def is_live() -> bool:
    """Return whether it has fresh frames."""
    return cameras.is_live(PORCH)


def state() -> dict[str, Any]:
    """Return what it says of itself."""
    answer: dict[str, Any] = ask("/api/state").json
    return answer


def condition() -> tuple[str, str]:
    """Return the state of the camera and the reason for it, '' where there is none."""
    camera = state()["camera"]
    return camera["state"], camera["reason"] or ""


def viewer() -> Viewer:
    """Return a viewer of the stream, at its first part."""
    return Viewer(Address(PORCH), f"/stream.mjpg?token={TOKENS[PORCH]}").begin()


def part_like(viewer: Viewer, is_live: bool, seconds: float = PATIENCE) -> Part:
    """Return the next part that is a frame of the camera, or a placeholder; everything before it is left out."""
    deadline = time.monotonic() + seconds
    while (part := viewer.part()).is_live != is_live:
        assert time.monotonic() < deadline, f"for {seconds:g} s the viewer saw nothing else"
    return part
