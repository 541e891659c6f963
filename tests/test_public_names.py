"""Every name of version 0.1 that users and programs rely on is still there.

`public_names.json` was made from a running 0.1. Names are added to it, never removed.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.declared import COMMANDS, ERRORS, EVENTS, FACTS, SETTINGS
from appliance.documentation import documents
from appliance.mqtt import discovery
from appliance.mqtt.topics import Topics
from appliance.settings import environment_name
from tests.running import RunningAppliance

NAMES: dict[str, list[str]] = json.loads(Path(__file__).with_name("public_names.json").read_text(encoding="utf-8"))
Present = Mapping[str, set[str]]


def keys(content: object, prefix: str = "") -> Iterator[str]:
    """Yield the path of every member, such as `format.granted.fps`; `[]` stands for the entries of a list."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield prefix + name
            yield from keys(value, f"{prefix}{name}.")
    elif isinstance(content, list):
        for each in content:
            yield from keys(each, f"{prefix}[].")


def components() -> dict[str, dict[str, Any]]:
    """Return what home automation gets of every appliance, by the key in the unique id."""
    topics = Topics("camera-appliance", "camera")
    events = [event.name for event in EVENTS if event.bus]
    state = {"format": {"requested": {"pixel_format": "auto"}, "granted": None}}
    formats = [{"pixel_format": "MJPG", "sizes": [{"width": 640, "height": 480}]}]
    return discovery.appliance_components(topics, list(COMMANDS), FACTS, events, True) | discovery.resolution_component(
        topics, state, formats
    )


@pytest.fixture(scope="module")
def present(shared: RunningAppliance) -> Present:
    """Return the names that there are now, by the sections of the table."""
    taken = shared.ask("POST", "/api/pictures", {}).json
    openapi = shared.ask("GET", "/api/openapi.json").json
    operations = [
        (f"{method.upper()} {path}", operation["operationId"])
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]
    asyncapi = json.loads(documents()["docs/asyncapi.json"])
    metrics = shared.ask("GET", "/metrics").body.decode()
    answers = {name: shared.ask("GET", f"/api/{name}").json for name in ("state", "controls", "format", "pictures")}
    shared.ask("DELETE", f"/api/pictures/{taken['id']}")
    return {
        **{name: set(keys(answer)) for name, answer in answers.items()},
        "metrics": set(re.findall(r"^(camera_appliance_\w+)", metrics, re.MULTILINE)),
        "routes": {route for route, _ in operations},
        "operations": {name for _, name in operations},
        "topics": {channel["address"] for channel in asyncapi["channels"].values()},
        "schemas": set(openapi["components"]["schemas"]),
        "settings": {environment_name(name) for name in SETTINGS.parameters()},
        "errors": {f"{kind.code} {kind.status}" for kind in ERRORS},
        "stream events": {event.stream for event in EVENTS},
        "mqtt events": {event.name for event in EVENTS if event.bus},
        "components": {f"{each['p']} {key}" for key, each in components().items()},
    }


@pytest.mark.parametrize("section", NAMES)
def test_every_name_of_version_0_1_is_still_there(present: Present, section: str) -> None:
    assert NAMES[section]
    assert not set(NAMES[section]) - present[section]


def test_unique_ids_are_made_of_the_device_and_the_key() -> None:
    for key, component in components().items():
        assert component["uniq_id"] == f"camera-appliance-camera_{key}"
