"""Appliances that are protected, or stand behind a reverse proxy; each shared by the tests of a module."""

import base64
import hashlib
from collections.abc import Iterator

import pytest

from tests.running import RunningAppliance, eventually

PASSWORD, VIEWER_PASSWORD = "Passwort: für admin", "nur schauen"
TOKEN, VIEWER_TOKEN = "token-that-controls", "token-that-views"


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def quick_hash(password: str) -> str:
    """Return a hash that is checked in no time, which no hash for a real appliance may be."""
    digest = hashlib.scrypt(password.encode(), salt=b"saltsalt", n=2, r=1, p=1, dklen=32)
    return "$".join(
        ("scrypt", "2", "1", "1", base64.b64encode(b"saltsalt").decode(), base64.b64encode(digest).decode())
    )


ADMIN, VIEWER = basic("admin", PASSWORD), basic("viewer", VIEWER_PASSWORD)


@pytest.fixture(scope="session")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance with all four secrets."""
    environment = {
        "CAMERA_APPLIANCE_HTTP_PASSWORD": quick_hash(PASSWORD),
        "CAMERA_APPLIANCE_HTTP_VIEWER_PASSWORD": quick_hash(VIEWER_PASSWORD),
        "CAMERA_APPLIANCE_HTTP_TOKEN": TOKEN,
        "CAMERA_APPLIANCE_HTTP_VIEWER_TOKEN": VIEWER_TOKEN,
    }
    # The tests guess a lot. Each of them has an address of its own, or they would slow each other down.
    settings = {"http.trusted_proxies": "127.0.0.1", "log.level": "debug", "camera.fps": 10}
    with RunningAppliance(tmp_path_factory.mktemp("protected"), "test-pattern", environment, settings) as appliance:
        ready = eventually(lambda: appliance.ask("GET", "/healthz").status == 200, "a live camera")
        assert ready
        yield appliance


@pytest.fixture(scope="session")
def running_behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An open appliance that believes what is forwarded to it, with room for two viewers from an address."""
    settings = {
        "http.trusted_proxies": "127.0.0.0/8",
        "http.max_viewers_per_address": 2,
        "http.allowed_hosts": "camera.example.org, *.home.example.org",
        "http.cors_origins": "https://friend.example.org",
        "http.frame_origins": "http://homeassistant.local:8123",
    }
    with RunningAppliance(tmp_path_factory.mktemp("proxy"), settings=settings) as appliance:
        yield appliance.until_live()
