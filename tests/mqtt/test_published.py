"""What the appliance publishes of itself, and that a broker always has it."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mqtt.broker import Broker
from tests.mqtt.client import Client, Message
from tests.mqtt.conftest import SMALL
from tests.running import RunningAppliance, eventually

KEPT = ("availability", "camera", "state", "controls", "controls/availability", "privacy", "picture", "picture/info")


@pytest.fixture
def retained(broker: Broker, client: Client) -> Iterator[Client]:
    """A client that came later than `client`, and so has what the broker keeps."""
    with Client(broker) as newcomer:
        yield newcomer


def is_online(message: Message) -> bool:
    return message.payload == b"online"


def test_availability_is_online_while_it_is_connected(appliance: RunningAppliance, retained: Client) -> None:
    message = retained.wait_for("availability")
    assert (message.payload, message.qos, message.retain) == (b"online", 1, True)
    assert appliance.state()["mqtt"] == {"state": "connected", "reason": None}


def test_the_state_is_that_of_http(appliance: RunningAppliance, retained: Client) -> None:
    message = retained.wait_for("state")
    assert (message.qos, message.retain) == (1, True)
    state = appliance.state()
    assert shape(message.json) == shape(state)
    assert message.json["format"] == state["format"]


def granted_width(message: Message) -> int | None:
    granted = message.json["format"]["granted"]
    return granted["width"] if granted else None


def test_the_state_is_published_when_the_format_changes(appliance: RunningAppliance, client: Client) -> None:
    mark = client.mark
    assert appliance.ask("PATCH", "/api/format", {"width": 320, "height": 240}).status == 200
    client.wait_for("state", lambda message: granted_width(message) == 320, mark)


def test_the_controls_are_the_values_of_http(appliance: RunningAppliance, retained: Client) -> None:
    message = retained.wait_for("controls")
    assert (message.qos, message.retain) == (1, True)
    assert message.json == appliance.ask("GET", "/api/controls").json["values"]


def test_a_control_that_is_set_over_http_is_published(appliance: RunningAppliance, client: Client) -> None:
    mark = client.mark
    appliance.ask("PATCH", "/api/controls", {"brightness": 33})
    client.wait_for("controls", lambda message: message.json["brightness"] == 33, mark)


def test_the_picture_is_the_stored_file(appliance: RunningAppliance, client: Client, broker: Broker) -> None:
    mark = client.mark
    picture = appliance.ask("POST", "/api/pictures").json
    stored = (appliance.pictures / picture["name"]).read_bytes()
    assert client.wait_for("picture", after=mark).payload == stored
    with Client(broker) as newcomer:
        message = newcomer.wait_for("picture")
    assert (message.payload, message.qos, message.retain) == (stored, 1, True)


def test_a_picture_is_published_even_if_another_is_deleted_at_once(appliance: RunningAppliance, client: Client) -> None:
    first = client.command("take_picture")["result"]
    mark = client.mark
    client.publish("command/take_picture")
    client.publish("command/delete_picture", json.dumps({"id": first["id"]}))
    client.wait_for("response/delete_picture", lambda message: message.json["ok"], mark)
    taken = client.wait_for("response/take_picture", after=mark).json["result"]
    stored = (appliance.pictures / taken["name"]).read_bytes()
    client.wait_for("picture", lambda message: message.payload == stored, mark)


def test_a_broker_that_forgot_everything_is_told_again(
    appliance: RunningAppliance, client: Client, broker: Broker
) -> None:
    picture = appliance.ask("POST", "/api/pictures").json
    appliance.ask("PATCH", "/api/controls", {"brightness": 44})
    broker.restart()
    with Client(broker) as newcomer:
        newcomer.wait_for("availability", is_online)
    with Client(broker) as newcomer:
        kept = {topic: newcomer.wait_for(topic) for topic in KEPT}
    assert {message.retain for message in kept.values()} == {True}
    assert kept["controls"].json["brightness"] == 44
    assert shape(kept["state"].json) == shape(appliance.state())
    assert kept["picture"].payload == (appliance.pictures / picture["name"]).read_bytes()
    client.until_subscribed(2)
    assert client.command("get_state")["ok"]


def test_the_data_of_a_picture_is_published_beside_it(appliance: RunningAppliance, client: Client) -> None:
    mark = client.mark
    picture = appliance.ask("POST", "/api/pictures").json
    message = client.wait_for("picture/info", lambda message: message.json["id"] == picture["id"], mark)
    size = {name: picture[name] for name in ("bytes", "width", "height")}
    assert message.json == {**picture, "published": {**size, "reduced": False}}
    assert message.qos == 1


def test_the_picture_that_is_left_takes_the_place_of_a_deleted_one(appliance: RunningAppliance, client: Client) -> None:
    first, second = (appliance.ask("POST", "/api/pictures").json for _ in range(2))
    client.wait_for("picture/info", lambda message: message.json["id"] == second["id"])
    mark = client.mark
    appliance.ask("DELETE", f"/api/pictures/{second['id']}")
    client.wait_for("picture/info", lambda message: message.json["id"] == first["id"], mark)
    stored = (appliance.pictures / first["name"]).read_bytes()
    client.wait_for("picture", lambda message: message.payload == stored, mark)


def test_without_any_picture_none_is_kept_and_all_that_is_known_is_null(
    broker: Broker, client: Client, own_directory: Path
) -> None:
    with RunningAppliance(own_directory, settings=settings(broker, "few")) as appliance:
        wait_for(client, "few", "online")
        client.wait_for("few/camera/picture/info", lambda message: set(message.json.values()) == {None})
        picture = appliance.ask("POST", "/api/pictures").json
        client.wait_for("few/camera/picture", lambda message: len(message.payload) == picture["bytes"])
        mark = client.mark
        appliance.ask("DELETE", f"/api/pictures/{picture['id']}")
        client.wait_for("few/camera/picture/info", lambda message: message.json["id"] is None, mark)
        with Client(broker) as newcomer:
            newcomer.wait_for("few/camera/picture/info")
            assert not newcomer.heard("few/camera/picture")


def test_each_event_is_published_once(appliance: RunningAppliance, client: Client, broker: Broker) -> None:
    def told(kind: str) -> dict[str, Any]:
        event: dict[str, Any] = client.wait_for("event", lambda each: each.json["event_type"] == kind, mark).json
        return event

    mark = client.mark
    picture = appliance.ask("POST", "/api/pictures").json
    assert told("picture_taken")["picture"] == picture
    appliance.ask("DELETE", f"/api/pictures/{picture['id']}")
    assert told("picture_deleted")["picture"] == picture
    client.command("restore_picture", {"id": picture["id"]})
    assert told("picture_restored")["picture"] == picture
    client.command("delete_pictures", {"ids": [picture["id"]]})
    assert told("pictures_deleted")["ids"] == [picture["id"]]
    client.command("restore_pictures", {"ids": [picture["id"]]})
    assert told("pictures_restored")["ids"] == [picture["id"]]
    client.command("get_picture", {"id": 99999})
    refused = told("command_refused")
    assert (refused["command"], refused["code"]) == ("get_picture", "not_found")
    appliance.ask("PUT", "/api/privacy", {"on": True})
    told("privacy_on")
    client.wait_for("camera", lambda message: message.payload == b"offline", mark)
    appliance.ask("PUT", "/api/privacy", {"on": False})
    told("privacy_off")
    client.wait_for("camera", lambda message: message.payload == b"online", mark)
    kinds = [message.json["event_type"] for message in client.heard("event", after=mark)]
    assert len(kinds) == len(set(kinds))
    with Client(broker) as newcomer:
        newcomer.wait_for("picture/info")
        assert not newcomer.heard("event")


def test_a_restarted_camera_is_back_and_says_so(appliance: RunningAppliance, client: Client) -> None:
    mark = client.mark
    answer = client.command("restart_camera")
    assert answer["result"]["camera"]["state"] == "online"
    assert client.newest("camera").payload == b"online"
    assert not [each for each in client.heard("event", after=mark) if each.json["event_type"] == "camera_lost"]


def test_a_clean_stop_says_offline_before_it_goes(broker: Broker, client: Client, own_directory: Path) -> None:
    with RunningAppliance(own_directory, settings=settings(broker, "clean")) as appliance:
        wait_for(client, "clean", "online")
        appliance.stop()
    wait_for(client, "clean", "offline")


def test_the_broker_says_offline_for_one_that_was_killed(broker: Broker, client: Client, own_directory: Path) -> None:
    with RunningAppliance(own_directory, settings=settings(broker, "killed")) as appliance:
        wait_for(client, "killed", "online")
        appliance.kill()
    wait_for(client, "killed", "offline")


def test_a_restarted_appliance_is_online_before_the_old_one_is_missed(
    broker: Broker, client: Client, own_directory: Path
) -> None:
    """As after a power cut: the broker takes the former connection for a living one, and would report its end later."""
    former = RunningAppliance(own_directory / "former", settings=settings(broker, "back"))
    with former, RunningAppliance(own_directory / "present", settings=settings(broker, "back")) as present:
        wait_for(client, "back", "online")
        former.process.send_signal(signal.SIGSTOP)
        former.kill()
        eventually(lambda: present.state()["mqtt"]["state"] == "connected", "a connection")
        eventually(lambda: client.newest("back/camera/availability").payload == b"online", "being online")


def settings(broker: Broker, name: str) -> dict[str, object]:
    return {**SMALL, **broker.settings, "mqtt.base_topic": f"camera-appliance/camera/{name}"}


def wait_for(client: Client, name: str, availability: str) -> None:
    topic = f"{name}/camera/availability"
    message = client.wait_for(topic, lambda message: message.payload == availability.encode())
    assert message.qos == 1


def shape(content: object) -> object:
    """Return the keys of JSON objects, at every depth."""
    if isinstance(content, dict):
        return {key: shape(value) for key, value in content.items()}
    return None
