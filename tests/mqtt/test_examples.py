"""Every example in docs/mqtt.md is run as it is written, with a real broker and a device; only the address differs."""

import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from appliance import jpeg
from appliance.declared import SETTINGS
from appliance.mqtt.topics import TOPICS
from tests.mqtt import openhab
from tests.mqtt.broker import HOST, Broker
from tests.mqtt.client import ROOT, Client
from tests.running import PATIENCE, RunningAppliance, eventually
from tests.simcam import SimulatedCamera

DOCUMENT = Path(__file__).parents[2] / "docs" / "mqtt.md"


def blocks() -> dict[tuple[str, str], str]:
    """Return every example, by its section and language."""
    found: dict[tuple[str, str], str] = {}
    section = language = ""
    for line in DOCUMENT.read_text().splitlines(keepends=True):
        if line.startswith("```"):
            language = "" if language else line[3:].strip()
            assert (section, language) not in found, "two examples of one kind: give them sections of their own"
            found |= {(section, language): ""} if language else {}
        elif language:
            found[section, language] += line
        elif line.startswith("#"):
            section = line.strip("# \n")
    return found


BLOCKS = blocks()
ADDRESS = "192.168.1.10"
LIMITS = {"min": "minimum", "max": "maximum", "step": "step"}  # as openHAB names them, and as we do
THING, CHANNELS = openhab.parse(BLOCKS["openHAB", "text"])
CHANNEL = {channel.name: channel for channel in CHANNELS}
SHELL = [line for line in BLOCKS["Try it", "sh"].splitlines() if line and not line.startswith("#")]


def below_root(topic: str) -> str:
    """Return the topic without what all topics of the examples begin with."""
    assert topic.startswith(f"{ROOT}/"), topic
    return topic.removeprefix(f"{ROOT}/")


def answered_on(topic: str) -> str:
    """Return where a message on one of our topics is answered."""
    if topic.startswith("controls/"):
        return "response/set_controls"
    return "response/set_privacy" if topic == "privacy/set" else topic.replace("command/", "response/")


@pytest.fixture(autouse=True)
def as_at_first(device: RunningAppliance) -> None:
    assert device.ask("PUT", "/api/privacy", {"on": False}).status == 200
    assert device.until_live().ask("POST", "/api/controls/reset").status == 200
    assert device.ask("PATCH", "/api/format", {"width": 1280, "height": 720}).status == 200


def test_no_example_is_left_out() -> None:
    """A block that is not named here has no test yet."""
    assert set(BLOCKS) == {
        ("MQTT", "toml"),
        ("Try it", "sh"),
        ("Home Assistant", "yaml"),
        ("Node-RED", "json"),
        ("openHAB", "text"),
    }


def test_the_settings_are_settings() -> None:
    values = tomllib.loads(BLOCKS["MQTT", "toml"])["mqtt"]
    known = SETTINGS.parameters()
    for name, value in values.items():
        assert known[f"mqtt.{name}"].parse(value) == value


# ---------------------------------------------------------------------- mosquitto


Shell = Callable[[str], "subprocess.Popen[str]"]


def finished(process: "subprocess.Popen[str]") -> str:
    """Wait for the end of the process, which has to be a good one, and return what it has written."""
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    return said


@pytest.fixture
def shell(broker: Broker, tmp_path: Path) -> Shell:
    """A function that starts a line of the examples."""

    def start(line: str) -> subprocess.Popen[str]:
        assert f"-h {ADDRESS}" in line
        literal = "exec " + line.replace(f"-h {ADDRESS}", f"-h {HOST} -p {broker.port}")
        return subprocess.Popen(
            ["bash", "-c", literal], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    return start


def test_the_mosquitto_commands_do_what_is_said(
    device: RunningAppliance, webcam: SimulatedCamera, tmp_path: Path, shell: Shell
) -> None:
    watch, take, *sets, keep = SHELL
    watching = shell(watch)  # without an end
    heard: set[str] = set()
    assert watching.stdout
    for line in watching.stdout:
        heard.add(line.split(" ")[0].strip())
        if {f"{ROOT}/{topic}" for topic in ("availability", "state", "controls", "privacy")} <= heard:
            break
    assert not heard & {f"{ROOT}/picture", f"{ROOT}/live"}
    watching.terminate()
    watching.communicate(timeout=PATIENCE)

    answer = json.loads(finished(shell(take)))
    assert (answer["ok"], answer["result"]["id"]) == (True, device.state()["pictures"])
    assert len(sets) == 3
    for line in sets:
        assert finished(shell(line)) == ""
    eventually(lambda: (webcam.controls["brightness"], webcam.controls["contrast"]) == (60, 20), "both controls")
    wanted = {"width": 640, "height": 480}.items()
    eventually(lambda: wanted <= (device.state()["format"]["granted"] or {}).items(), "the format")
    assert finished(shell(keep)) == ""
    jpeg.verify((tmp_path / "picture.jpg").read_bytes())


# ---------------------------------------------------------------------- Home Assistant


def test_the_entities_of_the_automation_are_those_announced(device: RunningAppliance, client: Client) -> None:
    """An entity's id is the device's name and its own, as slugs; the press is what MqttButton publishes."""
    automation = yaml.safe_load(BLOCKS["Home Assistant", "yaml"])
    (action,) = automation["actions"]
    topic = "homeassistant/device/camera-appliance-camera/config"
    announced = client.wait_for_any(lambda message: message.topic == topic and b"take_picture" in message.payload).json
    slugs = {
        f"{each['p']}.{re.sub(r'[^a-z0-9]+', '_', (announced['dev']['name'] + ' ' + each['name']).lower())}": each
        for each in announced["cmps"].values()
        if each.get("name")
    }
    assert action["action"] == "button.press"
    button = slugs[action["target"]["entity_id"]]
    before = device.state()["pictures"]
    assert client.ask(below_root(button["cmd_t"]), button.get("pl_prs", "PRESS"), "response/take_picture")["ok"]
    assert device.state()["pictures"] == before + 1


# ---------------------------------------------------------------------- Node-RED


def test_messages_of_the_node_red_flow_are_obeyed(
    device: RunningAppliance, webcam: SimulatedCamera, client: Client
) -> None:
    """As its `mqtt out` 4.1 sends it: a text as it is, a number as JavaScript writes it. See tests/clients."""
    nodes = {node["id"]: node for node in json.loads(BLOCKS["Node-RED", "json"])}
    for node in nodes.values():
        assert {target for wires in node.get("wires", []) for target in wires} <= set(nodes)
        assert node.get("broker", "broker") == "broker" or node["type"] == "mqtt-broker"
    before = device.state()["pictures"]
    injected = [node for node in nodes.values() if node["type"] == "inject"]
    for node in injected:
        topic = below_root(node["topic"])
        assert client.ask(topic, node["payload"], answered_on(topic))["ok"]
    assert len(injected) == 2
    assert webcam.controls["brightness"] == 60
    assert device.state()["pictures"] == before + 1
    watched = [node for node in nodes.values() if node["type"] == "mqtt in"]
    assert [client.newest(below_root(node["topic"])).payload[:2] for node in watched] == [b"\xff\xd8"]


# ---------------------------------------------------------------------- openHAB


def limits(device: RunningAppliance, control: str) -> dict[str, Any]:
    """Return what the camera says of a control."""
    controls = device.ask("GET", "/api/controls").json["controls"]
    described: dict[str, Any] = next(each for each in controls if each["name"] == control)
    return described


def sent(client: Client, channel: openhab.Channel, command: str, state: Any = None) -> dict[str, Any]:
    """Give a command to a channel as openHAB does, and return the answer."""
    topic = below_root(channel.command_topic)
    return client.ask(topic, channel.publishes(command, state), answered_on(topic))


def until_shown(client: Client, channel: openhab.Channel, expected: object) -> None:
    """Wait until the channel's item has that state."""
    topic = below_root(channel.state_topic)
    eventually(lambda: channel.understands(client.newest(topic).payload) == expected, f"{channel.name} at {expected}")


def test_the_example_of_openhab_has_a_channel_of_each_type() -> None:
    assert {channel.kind for channel in CHANNELS} == set(openhab.SETTINGS)
    topics = {topic.path for topic in TOPICS}
    for channel in CHANNELS:
        for topic in filter(None, [channel.command_topic, channel.state_topic]):
            assert re.sub(r"(?<=controls/)\w+(?=/set)|(?<=command/)\w+", "*", below_root(topic)) in {
                re.sub(r"{\w+}", "*", path) for path in topics
            }
    assert below_root(THING["availabilityTopic"]) == "availability"
    assert (THING["payloadAvailable"], THING["payloadNotAvailable"]) == ("online", "offline")


def test_a_dimmer_of_openhab_is_obeyed_at_all_101_positions(
    device: RunningAppliance, webcam: SimulatedCamera, client: Client
) -> None:
    """Percents become fractions such as -62.72; each is rounded to the nearest step, and comes back as a percent."""
    channel, described = CHANNEL["brightness"], limits(device, "brightness")
    assert all(Decimal(channel.settings[short]) == described[name] for short, name in LIMITS.items())
    fractions, obeyed = 0, 0
    for percent in range(101):
        published = Decimal(channel.publishes(str(percent)))
        fractions += published != int(published)
        answer = sent(client, channel, str(percent))
        assert answer["ok"], answer
        nearest = (published + Decimal("0.5")).to_integral_value(ROUND_FLOOR)
        obeyed += webcam.controls["brightness"] == nearest
        until_shown(client, channel, (nearest + 64) * 100 / Decimal(128))
    assert (fractions, obeyed) == (96, 101)


def test_the_other_commands_of_a_dimmer_are_obeyed(
    device: RunningAppliance, webcam: SimulatedCamera, client: Client
) -> None:
    channel = CHANNEL["brightness"]
    commands = [
        ("ON", 64),
        ("INCREASE", 64),
        ("DECREASE", 63),
        ("DOWN", 62),
        ("UP", 63),
        ("OFF", -64),
        ("DECREASE", -64),
    ]
    for command, expected in [*commands, ("INCREASE", -63), ("33.3", -21), ("50.5", 1)]:
        state = channel.understands(client.newest("controls").payload)
        assert sent(client, channel, command, state)["ok"]
        assert webcam.controls["brightness"] == expected, command
        until_shown(client, channel, (Decimal(expected) + 64) * 100 / Decimal(128))


@pytest.mark.parametrize("control", ["focus_absolute", "white_balance_temperature", "pan_absolute"])
def test_a_dimmer_of_another_control_is_obeyed_as_well(
    device: RunningAppliance, webcam: SimulatedCamera, client: Client, control: str
) -> None:
    """As a user would write it for other ranges, and for steps of 5, 10 and 3600."""
    device.ask("PATCH", "/api/controls", {"focus_automatic_continuous": False, "white_balance_automatic": False})
    described = limits(device, control)
    written = {short: str(described[name]) for short, name in LIMITS.items()}
    channel = openhab.Channel("dimmer", control, {"commandTopic": f"{ROOT}/controls/{control}/set"} | written)
    low, high, step = (described[name] for name in ("minimum", "maximum", "step"))
    for percent in [*range(0, 100, 7), 99, 100]:
        assert sent(client, channel, str(percent))["ok"]
        value, published = webcam.controls[control], Decimal(channel.publishes(str(percent)))
        assert abs(value - published) * 2 <= step
        assert (value - low) % step == 0
        assert low <= value <= high


def test_a_number_of_openhab_is_obeyed_at_each_value(
    device: RunningAppliance, webcam: SimulatedCamera, client: Client
) -> None:
    channel, described = CHANNEL["gain"], limits(device, "gain")
    assert all(Decimal(channel.settings[short]) == described[name] for short, name in LIMITS.items())
    for number in range(described["minimum"], described["maximum"] + 1):
        assert sent(client, channel, str(number))["ok"]
        assert webcam.controls["gain"] == number
    until_shown(client, channel, Decimal(100))
    for command, expected in [("DECREASE", 99), ("INCREASE", 100), ("12.4", 12), ("0.0000001", 0)]:
        assert sent(client, channel, command, channel.understands(client.newest("controls").payload))["ok"]
        assert webcam.controls["gain"] == expected
        until_shown(client, channel, Decimal(expected))
    refused = sent(client, channel, "101")
    assert refused["error"]["message"] == "gain: 101 is not a whole number from 0 to 100"


def test_the_switches_of_openhab_are_obeyed(device: RunningAppliance, webcam: SimulatedCamera, client: Client) -> None:
    for command, value in [("OFF", 0), ("ON", 1)]:
        assert sent(client, CHANNEL["automatic"], command)["ok"]
        assert webcam.controls["white_balance_automatic"] == value
        until_shown(client, CHANNEL["automatic"], command)
    for command, on in [("ON", True), ("OFF", False)]:
        assert sent(client, CHANNEL["privacy"], command)["ok"]
        assert device.state()["privacy"] is on
        until_shown(client, CHANNEL["privacy"], command)
        until_shown(client, CHANNEL["camera"], "CLOSED" if on else "OPEN")


def test_a_menu_of_openhab_takes_each_allowed_state(
    device: RunningAppliance, webcam: SimulatedCamera, client: Client
) -> None:
    channel, described = CHANNEL["mains"], limits(device, "power_line_frequency")
    allowed = channel.settings["allowedStates"].split(",")
    assert allowed == [str(choice["value"]) for choice in described["choices"]]
    for state in [*allowed, *reversed(allowed)]:
        assert sent(client, channel, state)["ok"]
        assert webcam.controls["power_line_frequency"] == int(state)
        until_shown(client, channel, state)


def test_any_text_presses_the_button_of_openhab(device: RunningAppliance, client: Client) -> None:
    before, mark = device.state()["pictures"], client.mark
    for text in ("ON", "TAKE", "PRESS", "take", "1", "Bild machen"):
        assert sent(client, CHANNEL["take"], text)["ok"]
    assert device.state()["pictures"] == before + 6
    event = client.wait_for("event", after=mark)
    assert CHANNEL["event"].understands(event.payload) == "picture_taken"
    until_shown(client, CHANNEL["picture"], "image/jpeg")


def test_the_availability_is_what_the_thing_expects(device: RunningAppliance, client: Client) -> None:
    assert client.newest("availability").payload.decode() == THING["payloadAvailable"]
