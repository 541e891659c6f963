"""What the programs that people have really send, and what a camera does then; over a real broker, with a device."""

from typing import Any

import pytest

from appliance.declared import COMMANDS
from tests.mqtt.client import Client
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera

# Program, topic, payload, control of the device, its value then.
SET: list[tuple[str, str, str, str, int]] = [
    ("Home Assistant number", "controls/brightness/set", "53", "brightness", 53),
    ("Home Assistant number, with a template", "controls/brightness/set", "53.0", "brightness", 53),
    ("Home Assistant switch", "controls/white_balance_automatic/set", "OFF", "white_balance_automatic", 0),
    ("Home Assistant select", "controls/power_line_frequency/set", "60 Hz", "power_line_frequency", 2),
    ("openHAB dimmer at 60 %", "controls/brightness/set", "12.8", "brightness", 13),
    ("openHAB dimmer at 1 %", "controls/brightness/set", "-62.72", "brightness", -63),
    ("openHAB dimmer, %.2f in German", "controls/brightness/set", "12,80", "brightness", 13),
    ("openHAB 2.5 at 60", "controls/brightness/set", "6E+1", "brightness", 60),
    ("openHAB switch", "controls/white_balance_automatic/set", "OFF", "white_balance_automatic", 0),
    ("Node-RED number", "controls/brightness/set", "53", "brightness", 53),
    ("Node-RED, calculated", "controls/brightness/set", "16.900000000000002", "brightness", 17),
    ("Node-RED boolean", "controls/white_balance_automatic/set", "false", "white_balance_automatic", 0),
    ("Node-RED, a string as JSON", "controls/power_line_frequency/set", '"60 Hz"', "power_line_frequency", 2),
    ("Homebridge mqttthing boolean", "controls/white_balance_automatic/set", "false", "white_balance_automatic", 0),
    ("Homebridge mqttthing integer", "controls/white_balance_automatic/set", "0", "white_balance_automatic", 0),
    ("Homebridge mqttthing brightness", "controls/brightness/set", "42", "brightness", 42),
    ("ioBroker number", "controls/brightness/set", "53.7", "brightness", 54),
    ("ioBroker boolean", "controls/white_balance_automatic/set", "false", "white_balance_automatic", 0),
    ("Domoticz level", "controls/brightness/set", "60", "brightness", 60),
    ("Tasmota rule", "controls/white_balance_automatic/set", "0", "white_balance_automatic", 0),
    ("Zigbee2MQTT's way", "controls/set", '{"brightness": 60}', "brightness", 60),
    ("Zigbee2MQTT's way, a state", "controls/set", '{"white_balance_automatic": "OFF"}', "white_balance_automatic", 0),
    ("Python str(False)", "controls/white_balance_automatic/set", "False", "white_balance_automatic", 0),
    ("Python str(53.0)", "controls/brightness/set", "53.0", "brightness", 53),
    ("Python json.dumps", "controls/power_line_frequency/set", '"60 Hz"', "power_line_frequency", 2),
    ("echo, mosquitto_pub -s", "controls/brightness/set", "53\n", "brightness", 53),
    ("mosquitto_pub -m '53' in cmd.exe", "controls/brightness/set", "'53'", "brightness", 53),
    ("Arduino, sizeof of a buffer", "controls/brightness/set", "53\0", "brightness", 53),
    ("PowerShell, a file with a BOM", "controls/brightness/set", "\ufeff53\r\n", "brightness", 53),
    ("a slider with a step of its own", "controls/focus_absolute/set", "52", "focus_absolute", 50),
    ("a slider of degrees", "controls/pan_absolute/set", "-34000.5", "pan_absolute", -32400),
    ("a menu as a number", "controls/power_line_frequency/set", "2.0", "power_line_frequency", 2),
]  # fmt: skip
REFUSED: list[tuple[str, str, str]] = [
    ("brightness", "65", 'brightness: 65 is not a whole number from -64 to 64'),
    ("brightness", "64.4", 'brightness: 64.4 is not a whole number from -64 to 64'),
    ("brightness", "1_0", 'brightness: "1_0" is not a whole number from -64 to 64'),
    ("brightness", "١٢", 'brightness: "١٢" is not a whole number from -64 to 64'),
    ("brightness", "nan", 'brightness: "nan" is not a whole number from -64 to 64'),
    ("brightness", "1e999", 'is not a whole number from -64 to 64'),
    ("brightness", "INCREASE", 'brightness: "INCREASE" is not a whole number from -64 to 64'),
    ("exposure_time_absolute", "1,000", 'exposure_time_absolute: "1,000" is not a whole number from 1 to 5000'),
    ("white_balance_automatic", "TOGGLE", 'white_balance_automatic: "TOGGLE" is not true or false'),
    ("power_line_frequency", "70 Hz", 'power_line_frequency: "70 Hz" is not one of 0 (Disabled), 1 (50 Hz), 2 (60 Hz)'),
]  # fmt: skip
PRIVACY = [
    *((text, True) for text in ["ON", "on", "true", "True", "1", "1.0", '"ON"', " on\n"]),
    *((text, False) for text in ["OFF", "off", "false", "0", "0.0", '"false"', "'off'"]),
]
PRESSED: list[bytes] = [
    b"PRESS", b"ON", b"OFF", b"1", b"true", b"", b" ", b"TAKE", b'"PRESS"', b"[]", b"[1, 2]", b"null", b"{}", b"0",
    b"nan", b"\xff\xfe", b"\0", b"{broken", b"12.8", b"[" * 30_000,
]  # fmt: skip
PRESSES = [b"PRESS", b"ON", b"1", b"true", b'"PRESS"']
GARBAGE = [b"OFF", b"0", b"[]", b"null", b"brightness", b'{"names": ["brightness"', b"\xff", b"\0"]


@pytest.fixture
def values(device: RunningAppliance, webcam: SimulatedCamera) -> dict[str, int]:
    """What the device has before."""
    assert device.ask("POST", "/api/controls/reset").status == 200
    return webcam.controls


@pytest.mark.parametrize(("program", "topic", "payload", "control", "value"), SET, ids=[row[0] for row in SET])
def test_payloads_of_real_programs_reach_the_device(
    values: dict[str, int], device: RunningAppliance, webcam: SimulatedCamera, client: Client,
    program: str, topic: str, payload: str, control: str, value: int,
) -> None:  # fmt: skip
    if control == "focus_absolute":
        device.ask("PATCH", "/api/controls", {"focus_automatic_continuous": False})
    assert values[control] != value, program
    mark = client.mark
    answer = client.ask(topic, payload, "response/set_controls")
    assert answer["ok"], answer
    assert webcam.controls[control] == value
    client.wait_for("controls", lambda message: message.json[control] == value, after=mark)
    assert len(client.heard("response/set_controls", after=mark)) == 1


@pytest.mark.parametrize(("control", "payload", "words"), REFUSED)
def test_payloads_without_a_plain_meaning_are_refused_and_change_nothing(
    values: dict[str, int], webcam: SimulatedCamera, client: Client, control: str, payload: str, words: str
) -> None:
    answer = client.ask(f"controls/{control}/set", payload, "response/set_controls")
    assert answer["error"]["code"] == "invalid_value"
    assert words in answer["error"]["message"]
    assert webcam.controls == values


def test_json_stays_exact(values: dict[str, int], webcam: SimulatedCamera, client: Client) -> None:
    """A program that writes JSON says what it means; HTTP refuses the same."""
    for payload in ('{"brightness": 12.8}', '{"brightness": "13"}', '{"brightness": "12,8"}'):
        assert client.ask("controls/set", payload, "response/set_controls")["error"]["code"] == "invalid_value"
    assert webcam.controls == values


@pytest.mark.parametrize(("payload", "on"), PRIVACY)
def test_privacy_takes_what_switches_send(device: RunningAppliance, client: Client, payload: str, on: bool) -> None:
    try:
        answer = client.ask("privacy/set", payload, "response/set_privacy")
        assert answer == {"ok": True, "result": {"privacy": on}}
        assert device.state()["privacy"] is on
    finally:
        device.ask("PUT", "/api/privacy", {"on": False})


@pytest.mark.parametrize("payload", PRESSED, ids=lambda payload: repr(payload[:12]))
def test_a_picture_is_taken_whatever_the_payload_is(device: RunningAppliance, client: Client, payload: bytes) -> None:
    before = device.until_live().state()["pictures"]
    answer = client.ask("command/take_picture", payload)
    assert answer["ok"], answer
    assert device.state()["pictures"] == before + 1


def test_an_object_with_names_that_the_command_lacks_is_refused(device: RunningAppliance, client: Client) -> None:
    before = device.state()["pictures"]
    answer = client.ask("command/take_picture", '{"name": "door", "transaction": 7}')
    assert (answer["error"]["code"], answer["transaction"]) == ("unknown_name", 7)
    assert client.ask("command/take_picture", b" " * 70_000)["error"]["code"] == "too_large"
    assert device.state()["pictures"] == before


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.name)
def test_each_command_is_run_or_refused_for_a_payload_that_is_no_object(
    values: dict[str, int], device: RunningAppliance, webcam: SimulatedCamera, client: Client, command: Any
) -> None:
    if command.takes_any_payload:
        run, refused = PRESSES + GARBAGE, []
    elif command.is_button:
        run, refused = PRESSES, GARBAGE
    else:
        run, refused = [], PRESSES + GARBAGE
    assert device.until_live().ask("PATCH", "/api/controls", {"brightness": 7}).status == 200
    pictures = device.state()["pictures"]
    for payload in refused:
        answer = client.ask(f"command/{command.name}", payload)
        assert answer["error"]["code"] == "invalid_request", payload
        assert "JSON" in answer["error"]["message"]
    assert webcam.controls == values | {"brightness": 7}
    assert device.state()["pictures"] == pictures
    assert device.state()["privacy"] is False
    for payload in run:
        assert client.ask(f"command/{command.name}", payload)["ok"], payload
        device.until_live()


def test_a_pressed_button_resets_the_controls_and_garbage_does_not(
    values: dict[str, int], webcam: SimulatedCamera, client: Client
) -> None:
    assert client.ask("controls/brightness/set", "7", "response/set_controls")["ok"]
    assert not client.ask("command/reset_controls", "brightness")["ok"]
    assert webcam.controls["brightness"] == 7
    assert client.ask("command/reset_controls", "PRESS")["ok"]
    assert webcam.controls == values


def test_the_name_of_no_command_is_named_whatever_the_payload_is(device: RunningAppliance, client: Client) -> None:
    answer = client.ask("command/take_pictur", "PRESS")
    assert answer["error"]["code"] == "unknown_name"
    assert "did you mean take_picture?" in answer["error"]["message"]
