"""Commands over MQTT: every one of them, who gets the answer, and the plain topics of the controls."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.declared import COMMANDS as DECLARED
from appliance.mqtt.topics import TOPICS
from tests.mqtt.broker import HOST, Broker
from tests.mqtt.client import ROOT, Client
from tests.mqtt.conftest import SMALL
from tests.running import PATIENCE, RunningAppliance, eventually
from tests.simcam import SimulatedCamera

COMMANDS = [each.name for each in DECLARED]
HAS_ID = {"get_picture", "delete_picture", "restore_picture"}
ANYTHING = [
    b"\x00",
    b"\xff\xfe\x00",
    b"\x00" * 70_000,
    b"[" * 100_000,
    b'{"brightness": "' + b"x" * 1_000_000 + b'"}',
    b"{" * 1000,
    b'{"a":' * 20_000,
    b'"' * 500,
    b"1" * 10_000,
    b"-",
    b'{"transaction": "\\ud800"}',
    b'{"\\ud800": "\\udfff"}',
    b'{"": ""}',
    b'{"__class__": 1, "self": 2}',
    b"\xef\xbb\xbf{}",
    b'{"transaction": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"brightness": ' + b"[" * 900 + b"]" * 900 + b"}",
]


def values(appliance: RunningAppliance) -> dict[str, Any]:
    """Return the values of all controls."""
    result: dict[str, Any] = appliance.ask("GET", "/api/controls").json["values"]
    return result


# ---------------------------------------------------------------------- every command


def test_every_command_is_answered(appliance: RunningAppliance, client: Client) -> None:
    for name in COMMANDS:
        arguments: dict[str, Any] = {}
        if name in HAS_ID:
            arguments = {"id": client.command("take_picture")["result"]["id"]}
        if name == "restore_picture":
            client.command("delete_picture", arguments)
        if name in ("delete_pictures", "restore_pictures"):
            arguments = {"ids": [1]}
        if name == "set_privacy":
            arguments = {"on": False}
        answer = client.command(name, arguments)
        assert answer == {"ok": True, "result": answer["result"]}, name


def test_no_payload_means_no_arguments(appliance: RunningAppliance, client: Client) -> None:
    for payload in (b"", b"  \r\n", b"{}"):
        answer = client.ask("command/get_controls", payload)
        assert answer == {"ok": True, "result": appliance.ask("GET", "/api/controls").json}


def test_an_unknown_command_is_named_with_what_was_perhaps_meant(appliance: RunningAppliance, client: Client) -> None:
    error = client.command("take_pictur")["error"]
    assert error == {
        "code": "unknown_name",
        "message": 'there is no command "take_pictur" (did you mean take_picture?)',
    }
    assert client.command("no_such_thing_at_all")["error"]["code"] == "unknown_name"


@pytest.mark.parametrize("topic", ["command/Get_State", "command/ä", "command/" + "a" * 65, "controls/Brightness/set"])
def test_a_topic_that_cannot_be_a_name_is_logged_and_not_answered(
    appliance: RunningAppliance, client: Client, topic: str
) -> None:
    mark, seen = client.mark, len(appliance.lines)
    client.publish(topic, "1")
    assert client.command("get_state")["ok"]
    assert len([message for message in client.messages[mark:] if "/response/" in message.topic]) == 1
    eventually(lambda: f"{ROOT}/{topic[:50]}" in "".join(appliance.lines[seen:]), "a line in the log")


@pytest.mark.parametrize("payload", ANYTHING, ids=lambda payload: repr(payload[:20]))
@pytest.mark.parametrize("name", ["set_controls", "list_pictures"])
def test_any_message_gets_one_answer_and_changes_nothing(
    appliance: RunningAppliance, client: Client, name: str, payload: bytes
) -> None:
    before, mark = values(appliance), client.mark
    answer = client.ask(f"command/{name}", payload)
    if not answer["ok"]:
        assert answer["error"]["code"] in ("invalid_request", "invalid_value", "unknown_name", "too_large")
    assert client.command("get_state")["ok"]
    assert len(client.heard(f"response/{name}", after=mark)) == 1
    assert values(appliance) == before


def test_nesting_of_any_depth_is_answered_with_a_refusal_of_ours(appliance: RunningAppliance, client: Client) -> None:
    """The limit of the interpreter lies somewhere here, and not at the same depth for reading and writing."""
    mark = client.mark
    for depth in range(940, 1000):
        nested = "[" * depth + "]" * depth
        for payload in (f'{{"transaction": {nested}}}', f'{{"brightness": {nested}}}', f'{{"x": {{"y": {nested}}}}}'):
            sent = client.mark
            client.publish("command/set_controls", payload)
            client.wait_for("response/set_controls", after=sent)
    assert not client.heard("response/set_controls", lambda message: b"internal_error" in message.payload, mark)


# ---------------------------------------------------------------------- who gets the answer


@pytest.mark.parametrize(
    "transaction", ["abc", "", 1, 0, 1.5, -1, True, None, {"a": [1, {"b": None}]}, [], "é\n\0", "\ud800"], ids=repr
)
def test_the_transaction_comes_back(appliance: RunningAppliance, client: Client, transaction: object) -> None:
    good = client.command("get_format", {"transaction": transaction})
    assert (good["ok"], good["transaction"]) == (True, transaction)
    bad = client.command("get_format", {"transaction": transaction, "x": 1})
    assert (bad["error"]["code"], bad["transaction"]) == ("unknown_name", transaction)


def test_a_transaction_that_is_no_json_is_refused(appliance: RunningAppliance, client: Client) -> None:
    answer = client.ask("command/get_format", b'{"transaction": 1e999}')
    assert answer["error"] == {
        "code": "invalid_request",
        "message": "transaction: a number in it is too large to be returned",
    }


def test_without_a_transaction_the_answer_has_none(appliance: RunningAppliance, client: Client) -> None:
    assert set(client.command("get_format")) == {"ok", "result"}
    assert set(client.command("get_format", {"x": 1})) == {"ok", "error"}


@pytest.mark.parametrize(
    "correlation", [b"1234", b"\x00\xff\xfe", b"x" * 5000, None], ids=["text", "any", "5000", "no"]
)
@pytest.mark.parametrize("topic", ["answers/here", "ä/ö", "a" * 1000, f"{ROOT}/response/mine", "home//x"])
def test_the_answer_goes_where_it_was_asked_for(
    appliance: RunningAppliance, client: Client, topic: str, correlation: bytes | None
) -> None:
    mark = client.mark
    client.publish("command/get_format", response_topic=topic, correlation=correlation)
    assert client.command("get_state")["ok"]
    answers = [message for message in client.messages[mark:] if message.topic == topic]
    assert [(message.json["ok"], message.correlation) for message in answers] == [(True, correlation)]
    assert not client.heard("response/get_format", after=mark)


@pytest.mark.parametrize(
    "topic",
    [f"{ROOT}/command/take_picture", f"{ROOT}/command/x", f"{ROOT}/controls/set", f"{ROOT}/controls/brightness/set"],
)
def test_an_answer_never_becomes_a_command(appliance: RunningAppliance, client: Client, topic: str) -> None:
    pictures, mark = appliance.state()["pictures"], client.mark
    client.publish("command/get_format", response_topic=topic, correlation=b"1")
    assert client.wait_for("response/get_format", after=mark).json["ok"]
    assert client.command("get_state")["result"]["pictures"] == pictures
    assert not [message for message in client.messages[mark:] if message.topic == topic]


@pytest.mark.parametrize("topic", ["a/" * 300, "x" * 2000, "$SYS/broker/uptime", "$share/all/x"], ids=lambda it: it[:8])
def test_an_answer_refused_by_the_broker_goes_to_the_default_topic(
    appliance: RunningAppliance, client: Client, topic: str
) -> None:
    """Mosquitto ends the connection of one who publishes on a topic of more than 200 levels."""
    mark = client.mark
    client.publish("command/get_format", response_topic=topic, correlation=b"1")
    assert client.wait_for("response/get_format", after=mark).json["ok"]
    assert appliance.state()["mqtt"]["state"] == "connected"
    assert not client.heard("availability", after=mark)


def test_a_byte_order_mark_in_a_property_is_a_character_like_any_other(tmp_path: Path, own_directory: Path) -> None:
    """MQTT 5 allows U+FEFF (1.5.4), paho takes it for an error and ends the connection; retained, again and again."""
    topic = f"{ROOT}/command/take_picture"
    with Broker(tmp_path / "broker") as broker:
        publish_with_byte_order_mark(broker, topic, retain=True)
        with RunningAppliance(own_directory, settings={**SMALL, **broker.settings}) as appliance:
            appliance.until_live()
            eventually(lambda: f"retained message on {topic} ignored" in appliance.log, "a line in the log")
            publish_with_byte_order_mark(broker, topic)
            eventually(lambda: appliance.state()["pictures"] == 1, "a picture")
            assert appliance.log.count("connected to") == 1


def publish_with_byte_order_mark(broker: Broker, topic: str, retain: bool = False) -> None:
    """Publish `{}` with a user property that begins with U+FEFF: some bytes of MQTT 5, as paho would refuse it."""

    def text(content: str) -> bytes:
        return len(content.encode()).to_bytes(2, "big") + content.encode()

    def packet(first: int, content: bytes) -> bytes:
        assert len(content) < 128
        return bytes([first, len(content)]) + content

    properties = b"\x26" + text("\ufeffkey") + text("value")
    with socket.create_connection((HOST, broker.port), timeout=PATIENCE) as connection:
        connection.sendall(packet(0x10, text("MQTT") + b"\x05\x02\x00\x3c\x00" + text("bom")))
        assert connection.recv(100)[0] == 0x20
        content = text(topic) + b"\x00\x01" + bytes([len(properties)]) + properties + b"{}"
        connection.sendall(packet(0x32 | retain, content))
        assert connection.recv(100)[0] == 0x40


def test_answers_and_commands_are_not_kept_by_the_broker(
    appliance: RunningAppliance, client: Client, broker: Broker
) -> None:
    client.command("get_format")
    with Client(broker) as newcomer:
        newcomer.wait_for("availability")
        newcomer.wait_for("picture/info")
        kept = {message.topic.removeprefix(f"{ROOT}/") for message in newcomer.messages if message.retain}
    assert kept <= {topic.path for topic in TOPICS if topic.retained} | {
        "homeassistant/device/camera-appliance-camera/config"
    }


# ---------------------------------------------------------------------- the topics of the controls


@pytest.mark.parametrize(
    ("control", "payload", "expected"),
    [
        ("brightness", "60", 60),
        ("brightness", " -60 ", -60),
        ("brightness", "+5", 5),
        ("brightness", "1e1", 10),
        ("brightness", "12.0", 12),
        ("gamma", "1.8", 1.8),
        ("gamma", "0,2", 0.2),
        ("gamma", "1.84", 1.8),
        ("gamma", "1.85", 1.9),
        ("gamma", "3", 3.0),
        ("gamma", "0.30000000000000004", 0.3),
        ("horizontal_flip", "ON", True),
        ("horizontal_flip", "on", True),
        ("horizontal_flip", "true", True),
        ("horizontal_flip", "1", True),
        ("white_balance_automatic", "OFF", False),
        ("white_balance_automatic", "False", False),
        ("white_balance_automatic", "no", False),
        ("test_pattern", "Colour bars", 1),
        ("test_pattern", "colour BARS", 1),
        ("test_pattern", "2", 2),
    ],
)
def test_a_plain_value_sets_the_control(
    appliance: RunningAppliance, client: Client, control: str, payload: str, expected: object
) -> None:
    mark = client.mark
    answer = client.ask(f"controls/{control}/set", payload, "response/set_controls")
    assert answer["ok"]
    assert answer["result"]["values"][control] == expected
    assert type(values(appliance)[control]) is type(expected)
    assert client.wait_for("controls", after=mark).json[control] == expected


@pytest.mark.parametrize(
    ("control", "payload", "code"),
    [
        ("brightness", b"101", "invalid_value"),
        ("brightness", b"-101", "invalid_value"),
        ("brightness", b"abc", "invalid_value"),
        ("brightness", b"", "invalid_value"),
        ("brightness", b"100.5", "invalid_value"),
        ("brightness", b"6 0", "invalid_value"),
        ("brightness", b"0x10", "invalid_value"),
        ("brightness", b"nan", "invalid_value"),
        ("brightness", b"inf", "invalid_value"),
        ("brightness", b"1e400", "invalid_value"),
        ("brightness", b"true", "invalid_value"),
        ("brightness", b"9" * 5000, "invalid_value"),
        ("brightness", b'{"value": 60}', "invalid_value"),
        ("brightness", b"60" + b" " * 2000 + b"x", "invalid_value"),
        ("brightness", b"\xff", "invalid_request"),
        ("brightness", b"6" * 100_000, "too_large"),
        ("gamma", b"0.1", "invalid_value"),
        ("gamma", b"3.04", "invalid_value"),
        ("gamma", b"-1", "invalid_value"),
        ("gamma", b"nan", "invalid_value"),
        ("gamma", b"1,800", "invalid_value"),
        ("horizontal_flip", b"", "invalid_value"),
        ("horizontal_flip", b"maybe", "invalid_value"),
        ("horizontal_flip", b"2", "invalid_value"),
        ("test_pattern", b"Colour", "invalid_value"),
        ("test_pattern", b"3", "invalid_value"),
        ("test_pattern", b"", "invalid_value"),
        ("white_balance_temperature", b"3000", "invalid_value"),
        ("brightnes", b"60", "unknown_name"),
        ("set", b"60", "unknown_name"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:20]),
)
def test_a_refused_plain_value_is_answered_and_controls_are_republished(
    appliance: RunningAppliance, client: Client, control: str, payload: bytes, code: str
) -> None:
    before, mark = values(appliance), client.mark
    answer = client.ask(f"controls/{control}/set", payload, "response/set_controls")
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert control in answer["error"]["message"] or code == "too_large"
    assert client.wait_for("controls", after=mark).json == before == values(appliance)


def test_many_controls_are_set_together(appliance: RunningAppliance, client: Client) -> None:
    wishes = {"white_balance_temperature": 3000, "white_balance_automatic": False, "brightness": 7}
    mark = client.mark
    answer = client.ask("controls/set", json.dumps(wishes | {"transaction": 5}), "response/set_controls")
    assert (answer["ok"], answer["transaction"]) == (True, 5)
    assert wishes.items() <= answer["result"]["values"].items()
    assert wishes.items() <= client.wait_for("controls", after=mark).json.items()


def test_of_many_controls_none_is_set_if_one_is_wrong(appliance: RunningAppliance, client: Client) -> None:
    before, mark = values(appliance), client.mark
    answer = client.ask("controls/set", '{"brightness": 7, "contrast": 999}', "response/set_controls")
    assert answer["error"]["code"] == "invalid_value"
    assert answer["error"]["message"].startswith("contrast: 999 is not")
    assert client.wait_for("controls", after=mark).json == before == values(appliance)


# ---------------------------------------------------------------------- what must not be obeyed


def test_a_retained_command_is_not_obeyed(client: Client, broker: Broker, own_directory: Path) -> None:
    """The broker gives it again at every connection, whoever meant it and however long ago."""
    commands = {"command/take_picture": "{}", "controls/brightness/set": "9", "controls/set": '{"brightness": 9}'}
    for topic, payload in commands.items():
        client.publish(f"kept/yard/{topic}", payload, retain=True)
    settings = {**SMALL, **broker.settings, "mqtt.base_topic": f"{ROOT}/kept", "camera.name": "yard"}
    with RunningAppliance(own_directory, settings=settings) as appliance:
        appliance.until_live()
        client.wait_for("kept/yard/availability", lambda message: message.payload == b"online")
        for topic in commands:
            line = f"retained message on {ROOT}/kept/yard/{topic} ignored"
            eventually(lambda line=line: line in appliance.log, "a line in the log")  # type: ignore[misc]
        asked = ("kept/yard/command/get_controls", b"", "kept/yard/response/get_controls")
        assert client.ask(*asked)["result"]["values"]["brightness"] == 0
        assert appliance.state()["pictures"] == 0
        assert not client.heard("kept/yard/response/take_picture")
        assert not client.heard("kept/yard/response/set_controls")


# ---------------------------------------------------------------------- a device


@pytest.fixture
def device_topics(
    simcam: SimulatedCamera, broker: Broker, own_directory: Path, client: Client
) -> Iterator[RunningAppliance]:
    settings = {**broker.settings, "mqtt.base_topic": f"{ROOT}/device", "camera.name": "porch"}
    with RunningAppliance(own_directory, "auto", simcam.environment, settings) as appliance:
        appliance.until_live()
        # The broker has kept the other topics of the test before: they do not tell that this appliance listens.
        client.wait_for("device/porch/availability", lambda message: message.payload == b"online")
        yield appliance


def test_a_control_topic_changes_the_device(
    device_topics: RunningAppliance, simcam: SimulatedCamera, client: Client
) -> None:
    root = "device/porch"
    client.wait_for(f"{root}/controls", lambda message: message.json.get("brightness") == 0)

    def answer(topic: str, payload: str) -> dict[str, Any]:
        return client.ask(f"{root}/{topic}", payload, f"{root}/response/set_controls")

    assert answer("controls/brightness/set", "60")["ok"]
    assert simcam.controls["brightness"] == 60
    client.wait_for(f"{root}/controls", lambda message: message.json["brightness"] == 60)
    assert answer("controls/power_line_frequency/set", "60 Hz")["ok"]
    assert simcam.controls["power_line_frequency"] == 2
    assert answer("controls/set", '{"auto_exposure": "Manual Mode", "exposure_time_absolute": 99}')["ok"]
    assert (simcam.controls["auto_exposure"], simcam.controls["exposure_time_absolute"]) == (1, 99)
    before, mark = simcam.controls, client.mark
    refusal = answer("controls/brightness/set", "65")["error"]
    assert refusal == {"code": "invalid_value", "message": "brightness: 65 is not a whole number from -64 to 64"}
    assert simcam.controls == before
    assert client.wait_for(f"{root}/controls", after=mark).json["brightness"] == 60


def test_a_value_that_the_camera_changes_itself_is_published(
    device_topics: RunningAppliance, simcam: SimulatedCamera, client: Client
) -> None:
    root = "device/porch"
    client.wait_for(f"{root}/controls", lambda message: message.json.get("gain") == 0)
    simcam.set_control("gain", 17)
    assert client.ask(f"{root}/command/get_controls", answered_on=f"{root}/response/get_controls")["ok"]
    client.wait_for(f"{root}/controls", lambda message: message.json["gain"] == 17)


def test_privacy_is_a_switch_on_the_bus(appliance: RunningAppliance, client: Client) -> None:
    """A plain `ON` and `OFF`, as home automation sends them; the retained topic says what is."""
    client.wait_for("privacy", lambda message: message.payload == b"OFF" and message.retain)
    mark = client.mark
    try:
        answer = client.ask("privacy/set", "ON", answered_on="response/set_privacy")
        assert answer == {"ok": True, "result": {"privacy": True}}
        client.wait_for("privacy", lambda message: message.payload == b"ON", after=mark)
        assert client.command("take_picture")["error"]["code"] == "privacy_on"
    finally:
        assert client.ask("privacy/set", "OFF", answered_on="response/set_privacy")["ok"] is True
    client.wait_for("privacy", lambda message: message.payload == b"OFF", after=mark)
    appliance.until_live()


def test_a_wrong_privacy_value_is_refused_and_the_state_republished(
    appliance: RunningAppliance, client: Client
) -> None:
    mark = client.mark
    answer = client.ask("privacy/set", "perhaps", answered_on="response/set_privacy")
    assert answer["error"] == {"code": "invalid_value", "message": 'on: "perhaps" is not true or false'}
    client.wait_for("privacy", lambda message: message.payload == b"OFF", after=mark)
    assert appliance.state()["privacy"] is False
