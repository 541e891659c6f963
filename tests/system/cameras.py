"""The cameras of the machine, and how they are asked."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any

from tests.running import Answer

MQTT_PASSWORD = "swordfish 'ü'"
PORCH, YARD = 8000, 8001
CAMERAS: list[dict[str, Any]] = [
    {"name": "porch", "settings": {"camera": {"source": "test-pattern"}, "http": {"host": "0.0.0.0", "port": PORCH}}},
    {"name": "yard", "settings": {"camera": {"source": "test-pattern", "fps": 5}, "http": {"port": YARD}}},
]
OPTIONS: dict[str, Any] = {
    "camera_appliance_broker": True,
    "camera_appliance_broker_users": [{"name": "home", "password": MQTT_PASSWORD}],
    "camera_appliance_mdns": True,
    "camera_appliance_firewall": True,
    "camera_appliance_watchdog": True,
    "camera_appliance_journal": "persistent",
    "camera_appliance_upgrades": True,
    "camera_appliance_data": "/srv/disk",
}


TOKENS: dict[int, str] = {}  # by port, once the host has made them up


def basic(user: str, password: str) -> str:
    """Return the header of somebody who logs in with a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def ask(port: int, path: str, method: str = "GET", authorization: str | None = None, body: object = None) -> Answer:
    """Return the answer of the camera on the port; without an authorization, with its token. `body` is sent as JSON.

    Raises OSError where nobody listens.
    """
    header = authorization if authorization is not None else f"Bearer {TOKENS.get(port, '')}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, method=method)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    if header != "Bearer ":
        request.add_header("Authorization", header)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def is_live(port: int) -> bool:
    """Return whether the camera on the port has fresh frames."""
    try:
        return ask(port, "/healthz").status == 200
    except OSError:
        return False
