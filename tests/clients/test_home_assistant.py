"""Home Assistant's integrations "MJPEG IP Camera" and "Generic Camera", set up by their own dialogues."""

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any

import pytest

from appliance import jpeg
from tests.clients.conftest import LONG
from tests.clients.place import RATE, Place
from tests.clients.table import shows
from tests.home_assistant.home import ENVIRONMENT, HomeAssistant
from tests.running import eventually

MJPEG, GENERIC = "Home Assistant, MJPEG IP Camera", "Home Assistant, Generic Camera"
FLOW = "/api/config/config_entries/flow"
COMMON = {"Username": "username", "Password": "password"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeAssistant]:
    """Home Assistant without any camera."""
    with HomeAssistant(tmp_path_factory.mktemp("home") / "configuration") as home:
        yield home


def labels(integration: str) -> dict[str, str]:
    """Return the names of the fields of the dialogue by what a person reads beside them."""
    (package,) = ENVIRONMENT.glob("lib/python3*/site-packages/homeassistant/components")
    text = (package / integration / "strings.json").read_text()
    data: dict[str, str] = json.loads(text)["config"]["step"]["user"]["data"]
    return {label: field for field, label in data.items()} | COMMON


def fields(integration: str, block: str, with_password: bool) -> dict[str, Any]:
    """Turn the documented lines, `label: value`, into what the dialogue sends."""
    known = labels(integration)
    found = {}
    for line in block.splitlines():
        label = next(each for each in sorted(known, key=len, reverse=True) if line.startswith(f"{each}: "))
        found[known[label]] = line.removeprefix(f"{label}: ")
    return found if with_password else {name: found[name] for name in found if name not in COMMON.values()}


def step(home: HomeAssistant, path: str, body: object) -> Any:
    answer = home.http("POST", path, body)
    assert answer.status == 200, answer.body
    return answer.json


def suggested(form: dict[str, Any]) -> dict[str, Any]:
    """Return what stands in the fields of a dialogue before anybody has typed."""
    found = {field["name"]: field["default"] for field in form["data_schema"] if "default" in field}
    described = {field["name"]: field.get("description", {}) for field in form["data_schema"]}
    return found | {name: each["suggested_value"] for name, each in described.items() if each.get("suggested_value")}


def add(home: HomeAssistant, integration: str, entered: dict[str, Any]) -> str:
    """Go through the dialogue; return the camera that it makes."""
    before = set(home.states())
    form = step(home, FLOW, {"handler": integration})
    done = step(home, f"{FLOW}/{form['flow_id']}", suggested(form) | entered)
    if done["type"] == "form" and done["step_id"] == "user_confirm":
        done = step(home, f"{FLOW}/{form['flow_id']}", {"confirmed_ok": True})
    assert done["type"] == "create_entry", done.get("errors") or done
    return str(eventually(lambda: next(iter(set(home.states()) - before), None), "a camera"))


def refused(home: HomeAssistant, integration: str, entered: dict[str, Any]) -> dict[str, str]:
    """Go through the dialogue; return the errors that it shows."""
    form = step(home, FLOW, {"handler": integration})
    errors: dict[str, str] = step(home, f"{FLOW}/{form['flow_id']}", suggested(form) | entered)["errors"]
    return errors


class Dashboard:
    """A camera as a dashboard shows it: the pictures of its stream, numbered by the simulated camera."""

    def __init__(self, home: HomeAssistant, entity: str) -> None:
        self._home, self._entity = home, entity

    def _address(self, what: str) -> str:
        token = self._home.states()[self._entity]["attributes"]["access_token"]
        return f"http://127.0.0.1:{self._home.port}/api/{what}/{self._entity}?token={token}"

    def shows_picture(self, live: bool = True) -> bool:
        """Return whether it shows a picture; a placeholder is not one of the camera."""
        try:
            with urllib.request.urlopen(self._address("camera_proxy"), timeout=20) as answer:
                picture = answer.read()
        except OSError:
            return False
        jpeg.verify(picture)
        return (b"simcam sequence=" in picture) == live

    def frames(self, seconds: float) -> int:
        """Watch the stream; return how many different frames of the camera came."""
        seen: set[int] = set()
        ended = threading.Event()
        timer = threading.Timer(seconds, ended.set)
        timer.start()
        try:
            with urllib.request.urlopen(self._address("camera_proxy_stream"), timeout=20) as stream:
                data = b""
                while not ended.is_set() and (chunk := stream.read1(1 << 16)):
                    data += chunk
                    for found in re.finditer(rb"simcam sequence=(\d+)", data):
                        seen.add(int(found[1]))
                    data = data[-100:]
        except (OSError, HTTPException):
            pass
        finally:
            timer.cancel()
        return len(seen)


@pytest.fixture(scope="module")
def mjpeg(home: HomeAssistant, open_place: Place) -> Dashboard:
    entered = fields("mjpeg", open_place.block("home-assistant-mjpeg"), with_password=False)
    return Dashboard(home, add(home, "mjpeg", entered | {"name": "Open"}))


@pytest.fixture(scope="module")
def generic(home: HomeAssistant, open_place: Place) -> Dashboard:
    entered = fields("generic", open_place.block("home-assistant-generic"), with_password=False)
    return Dashboard(home, add(home, "generic", entered))


@shows(MJPEG, stream="plays")
def test_the_stream_reaches_the_dashboard_in_full(mjpeg: Dashboard) -> None:
    assert mjpeg.shows_picture()
    assert mjpeg.frames(LONG) > 0.6 * RATE * LONG


@shows(GENERIC, stream="plays")
def test_a_generic_camera_shows_pictures_again_and_again(generic: Dashboard) -> None:
    assert generic.shows_picture()
    assert generic.frames(LONG) > LONG  # at its own rate, 2 a second by default


@shows(MJPEG, unplug="placeholder, then live")
@shows(GENERIC, unplug="last picture, then live")
def test_an_unplugged_camera_is_no_broken_picture_and_then_live_again(
    mjpeg: Dashboard, generic: Dashboard, open_place: Place
) -> None:
    with open_place.unplugged():
        assert mjpeg.shows_picture(live=False)
        assert generic.shows_picture()  # it keeps its last one where it gets an error
    eventually(mjpeg.shows_picture, "a picture of the camera")
    eventually(generic.shows_picture, "a picture of the camera")


@shows(MJPEG, restart="reconnects")
@shows(GENERIC, restart="reconnects")
def test_the_picture_is_back_after_a_restart(mjpeg: Dashboard, generic: Dashboard, open_place: Place) -> None:
    open_place.restart()
    eventually(mjpeg.shows_picture, "a picture of the camera")
    eventually(generic.shows_picture, "a picture of the camera")
    assert mjpeg.frames(3) > RATE


@shows(MJPEG, password="works", token="works")
def test_mjpeg_is_let_in(home: HomeAssistant, closed_place: Place) -> None:
    block = closed_place.block("home-assistant-mjpeg")
    assert refused(home, "mjpeg", fields("mjpeg", block, with_password=False) | {"name": "Wrong"})
    password = Dashboard(home, add(home, "mjpeg", fields("mjpeg", block, with_password=True) | {"name": "Password"}))
    assert password.frames(3) > RATE
    with_token = fields("mjpeg", closed_place.block("home-assistant-mjpeg", "token"), with_password=False)
    token = Dashboard(home, add(home, "mjpeg", with_token | {"name": "Token"}))
    assert token.shows_picture()
    assert token.frames(3) > RATE


@shows(GENERIC, password="works", token="works")
def test_generic_is_let_in(home: HomeAssistant, closed_place: Place) -> None:
    block = closed_place.block("home-assistant-generic")
    assert refused(home, "generic", fields("generic", block, with_password=False))
    assert Dashboard(home, add(home, "generic", fields("generic", block, with_password=True))).shows_picture()
    with_token = fields("generic", closed_place.block("home-assistant-generic", "token"), with_password=False)
    assert Dashboard(home, add(home, "generic", with_token)).shows_picture()
