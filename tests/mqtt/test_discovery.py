"""What Home Assistant is told: valid, true, and taken back when it is no longer so."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import jsonschema
import pytest

from appliance.declared import COMMANDS
from appliance.mqtt.discovery import control_components, device_id, resolution_component
from appliance.mqtt.topics import Topics
from tests.mqtt.broker import Broker
from tests.mqtt.client import Client, Message
from tests.mqtt.conftest import SMALL
from tests.mqtt.home_assistant_rules import COMPONENTS, DEVICE
from tests.running import RunningAppliance, eventually, run_command
from tests.simcam import SimulatedCamera

CONFIG = "homeassistant/device/camera-appliance-camera/config"
ROOT = "camera-appliance/camera"


def announced(client: Client, after: int = 0, topic: str = CONFIG) -> dict[str, Any]:
    """Return the newest announcement; wait for one."""
    client.wait_for_any(lambda message: message.topic == topic and message.payload, after)
    document: dict[str, Any] = [m for m in client.messages if m.topic == topic and m.payload][-1].json
    return document


def components(client: Client, *wanted: str) -> dict[str, Any]:
    """Return all announced components; wait until these are among them."""

    def all_there() -> dict[str, Any] | None:
        found: dict[str, Any] = announced(client)["cmps"]
        return found if set(wanted) <= set(found) else None

    return eventually(all_there, f"components {wanted}")


def render(template: str | None, payload: bytes) -> str:
    """Return what Home Assistant makes of a message with such a template."""
    if template is None:
        return payload.decode()
    try:
        value_json = json.loads(payload)
    except ValueError:
        value_json = None
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    return environment.from_string(template).render(value=payload.decode(), value_json=value_json)


def state(client: Client, component: dict[str, Any]) -> str:
    """Return the state that Home Assistant shows for the component."""
    topic = component["stat_t"].removeprefix(f"{ROOT}/")
    return render(component.get("val_tpl"), client.newest(topic).payload)


def is_available(client: Client, component: dict[str, Any]) -> bool:
    """Return whether each of its topics says so."""
    return all(
        render(each.get("val_tpl"), client.newest(each["t"].removeprefix(f"{ROOT}/")).payload) == "online"
        for each in component["avty"]
    )


def press(client: Client, component: dict[str, Any], value: str) -> None:
    """Publish what Home Assistant publishes when somebody chooses the value."""
    template = component.get("cmd_tpl")
    payload = jinja2.Template(template).render(value=value) if template else value
    client.publish(component["cmd_t"].removeprefix(f"{ROOT}/"), payload)


@pytest.fixture(scope="module")
def camera_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def on_camera(camera_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance with a real camera's controls, and with a camera that nobody else holds."""
    directory = tmp_path_factory.mktemp("discovery")
    with SimulatedCamera(directory / "camera") as camera:
        appliance = RunningAppliance(directory / "appliance", "auto", camera.environment, camera_broker.settings)
        with appliance:
            yield appliance.until_live()


@pytest.fixture
def home(on_camera: RunningAppliance, camera_broker: Broker) -> Iterator[Client]:
    """What Home Assistant hears."""
    with Client(camera_broker) as client:
        client.wait_for("availability", lambda message: message.payload == b"online")
        components(client, "control_brightness")
        yield client


# ---------------------------------------------------------------------- valid


def test_the_announcement_keeps_all_rules_of_home_assistant(home: Client) -> None:
    document = announced(home)
    jsonschema.validate(document, DEVICE)
    identities = [each["uniq_id"] for each in document["cmps"].values()]
    assert len(set(identities)) == len(identities)
    assert {each["p"] for each in document["cmps"].values()} >= {
        "camera",
        "image",
        "button",
        "switch",
        "number",
        "select",
        "sensor",
        "binary_sensor",
        "event",
        "update",
    }


def test_it_is_retained_with_qos_1(home: Client, camera_broker: Broker) -> None:
    with Client(camera_broker) as newcomer:
        message = newcomer.wait_for_any(lambda message: message.topic == CONFIG)
    assert (message.retain, message.qos) == (True, 1)


def test_every_control_of_the_camera_is_a_component(home: Client, on_camera: RunningAppliance) -> None:
    controls = on_camera.ask("GET", "/api/controls").json["controls"]
    platforms = {"integer": "number", "boolean": "switch", "menu": "select", "button": "button"}
    found = {key.removeprefix("control_"): each for key, each in announced(home)["cmps"].items() if "control_" in key}
    assert set(found) == {control["name"] for control in controls}
    for control in controls:
        component = found[control["name"]]
        read_only = "binary_sensor" if control["kind"] == "boolean" else "sensor"
        assert component["p"] == (read_only if control["read_only"] else platforms[control["kind"]])
        if component["p"] == "number":
            limits = (component["min"], component["max"], component["step"])
            assert limits == (control["minimum"], control["maximum"], control["step"])
            assert component.get("unit_of_meas") == control["unit"]


def test_every_command_that_can_be_pressed_is_a_button(home: Client) -> None:
    wanted = {each.name: each.press for each in COMMANDS if each.press}
    found = announced(home)["cmps"]
    assert {name: found[name]["name"] for name in wanted} == wanted
    assert set(wanted) >= {"take_picture", "reset_controls", "restart_camera"}


def test_every_component_has_a_state_that_it_may_have(home: Client, on_camera: RunningAppliance) -> None:
    on_camera.ask("POST", "/api/pictures")
    home.wait_for("picture/info", lambda message: message.json["taken_at"])
    eventually(lambda: home.newest("state").json["fps"], "a known rate")
    for key, each in announced(home)["cmps"].items():
        if each["p"] in ("camera", "image", "button", "event"):
            continue
        shown = state(home, each)
        if shown == "None":
            assert each.get("dev_cla") in ("temperature", "problem"), key  # what only a Pi knows
        elif each["p"] == "number" or each.get("stat_cla"):
            assert each.get("min", float("-inf")) <= float(shown) <= each.get("max", float("inf")), key
        elif "ops" in each:
            assert shown in each["ops"], key
        elif each["p"] == "switch":
            assert shown in ("ON", "OFF"), key
        elif each["p"] == "update":
            assert set(json.loads(shown)) == {"installed_version", "latest_version"}


# ---------------------------------------------------------------------- true


def test_a_chosen_option_reaches_the_device(home: Client, on_camera: RunningAppliance) -> None:
    found = announced(home)["cmps"]
    for key, value, shown in (
        ("control_brightness", "17", 17),
        ("control_white_balance_automatic", "OFF", False),
        ("control_power_line_frequency", "60 Hz", 2),
    ):
        mark, name = home.mark, key.removeprefix("control_")
        press(home, found[key], value)
        home.wait_for("controls", lambda message, name=name, shown=shown: message.json[name] == shown, mark)  # type: ignore[misc]
        assert state(home, found[key]) == value
    press(home, found["reset_controls"], "{}")
    home.wait_for("controls", lambda message: message.json["brightness"] == 0)


def test_the_resolution_can_be_chosen(home: Client, on_camera: RunningAppliance) -> None:
    select = components(home, "resolution")["resolution"]
    assert state(home, select) == "1280x720"
    for size in ("640x480", "1280x720"):
        press(home, select, size)
        eventually(lambda size=size: state(home, select) == size, f"the state {size}")  # type: ignore[misc]
    on_camera.until_live()


def test_a_control_that_an_automatic_mode_governs_is_unavailable(home: Client) -> None:
    found = announced(home)["cmps"]
    manual, automatic = found["control_white_balance_temperature"], found["control_white_balance_automatic"]
    eventually(lambda: is_available(home, automatic), "an available switch")
    eventually(lambda: not is_available(home, manual), "an unavailable number")
    press(home, automatic, "OFF")
    eventually(lambda: is_available(home, manual), "an available number")
    press(home, automatic, "ON")
    eventually(lambda: not is_available(home, manual), "an unavailable number")


def test_without_a_camera_only_its_controls_are_unavailable(
    simcam: SimulatedCamera, tmp_path: Path, own_directory: Path
) -> None:
    with Broker(tmp_path / "broker") as broker, Client(broker) as client:
        with RunningAppliance(own_directory, "auto", simcam.environment, broker.settings) as appliance:
            appliance.until_live()
            found = components(client, "control_brightness")
            eventually(lambda: is_available(client, found["control_brightness"]), "an available control")
            simcam.unplug()
            lost = client.wait_for("event", lambda message: message.json["event_type"] == "camera_lost").json
            assert lost["reason"]
            eventually(lambda: not is_available(client, found["control_brightness"]), "an unavailable control")
            assert state(client, found["connectivity"]) == "offline"
            assert is_available(client, found["restart_camera"])
            assert is_available(client, found["privacy"])
            assert not is_available(client, found["take_picture"])
            simcam.plug()
            client.wait_for("event", lambda message: message.json["event_type"] == "camera_back")
            eventually(lambda: is_available(client, found["control_brightness"]), "an available control")
            mark = client.mark
        client.wait_for("availability", lambda message: message.payload == b"offline", mark)
        # Started again without its camera, what belongs to it is kept: the household named it and put it on pages.
        simcam.unplug()
        mark = client.mark
        with RunningAppliance(own_directory, "auto", simcam.environment, broker.settings) as appliance:
            appliance.until_live()
            assert appliance.state()["camera"]["device"] == "test-pattern"
            client.wait_for("controls", lambda message: "test_pattern" in message.json, mark)
            kept = announced(client, mark)["cmps"]
            assert "control_backlight_compensation" in kept
            assert "control_test_pattern" not in kept
            gone = kept["control_backlight_compensation"]
            eventually(lambda: not is_available(client, gone), "an unavailable control")
            said = [message.json["cmps"] for message in client.messages[mark:] if message.topic == CONFIG]
            assert not any({"p": "number"} in each.values() for each in said)
        mark = client.mark
        with RunningAppliance(own_directory, "auto", simcam.environment, broker.settings):  # and once more
            client.wait_for("controls", lambda message: "test_pattern" in message.json, mark)
            again = announced(client, mark)["cmps"]
            assert again["control_backlight_compensation"] == gone
            assert "control_test_pattern" not in again


# ---------------------------------------------------------------------- taken back


def test_the_first_announcement_waits_for_the_controls_of_the_camera(
    simcam: SimulatedCamera, tmp_path: Path, own_directory: Path
) -> None:
    """Home Assistant misses what is new in an announcement that comes while it works on the one before."""
    with Broker(tmp_path / "broker") as broker, Client(broker) as client:
        started_at = time.monotonic()
        with RunningAppliance(own_directory, "auto", simcam.environment, broker.settings):
            first = client.wait_for_any(lambda message: message.topic == CONFIG)
            assert "control_brightness" in first.json["cmps"] or time.monotonic() - started_at > 5


def test_controls_missing_on_another_camera_are_removed_explicitly(
    simcam: SimulatedCamera, tmp_path: Path, own_directory: Path
) -> None:
    with Broker(tmp_path / "broker") as broker, Client(broker) as client:
        with RunningAppliance(own_directory, "auto", simcam.environment, broker.settings) as appliance:
            appliance.until_live()
            before = components(client, "control_brightness")
        mark = client.mark
        with RunningAppliance(own_directory, "test-pattern", settings=broker.settings):
            eventually(lambda: "control_test_pattern" in announced(client, mark)["cmps"], "other controls")
            removed_at = time.monotonic()
            gone_control = "control_backlight_compensation"
            eventually(lambda: gone_control not in announced(client, mark)["cmps"], "nothing of the former camera")
            assert time.monotonic() - removed_at > 3, "Home Assistant was still at work: it would have missed things"
        said = [message.json["cmps"] for message in client.messages[mark:] if message.topic == CONFIG]
        gone = set(before) - set(said[-1])
        assert "control_backlight_compensation" in gone
        removing = next(each for each in said if each.get("control_backlight_compensation") == {"p": "number"})
        assert {key: removing[key] for key in gone} == {key: {"p": before[key]["p"]} for key in gone}
        # and the next start says nothing of them
        mark = client.mark
        with RunningAppliance(own_directory, "test-pattern", settings=broker.settings):
            eventually(lambda: "control_test_pattern" in announced(client, mark)["cmps"], "other controls")
            client.wait_for("camera", lambda message: message.payload == b"online", mark)
        later = [message.json["cmps"] for message in client.messages[mark:] if message.topic == CONFIG]
        assert not any(gone & set(each) for each in later)


def test_at_the_birth_of_home_assistant_everything_is_said_again(home: Client) -> None:
    mark = home.mark
    home.publish_anywhere("homeassistant/status", "online")
    home.wait_for_any(lambda message: message.topic == CONFIG, mark)
    for topic in ("availability", "camera", "state", "controls", "controls/availability", "privacy", "picture/info"):
        home.wait_for(topic, after=mark)


def test_the_end_of_home_assistant_is_no_birth(home: Client) -> None:
    mark = home.mark
    home.publish_anywhere("homeassistant/status", "offline")
    for _ in range(5):
        assert home.command("get_state")["ok"]
    assert not [message for message in home.messages[mark:] if message.topic == CONFIG]


def test_the_prefix_is_a_setting_and_discovery_can_be_off(tmp_path: Path, own_directory: Path) -> None:
    elsewhere = "home/ha/device/camera-appliance-camera/config"
    with Broker(tmp_path / "broker") as broker, Client(broker) as client:
        settings = {**SMALL, **broker.settings}
        with RunningAppliance(own_directory, settings={**settings, "mqtt.discovery_prefix": "home/ha"}):
            jsonschema.validate(announced(client, topic=elsewhere), DEVICE)
        mark = client.mark
        with RunningAppliance(own_directory, settings={**settings, "mqtt.discovery": False}):
            emptied = client.wait_for_any(lambda message: message.topic == elsewhere, mark)
            assert emptied.payload == b""
            client.wait_for("camera", lambda message: message.payload == b"online", mark)
        assert not [m for m in client.messages[mark:] if "/device/" in m.topic and m.payload]


def test_a_camera_with_another_name_takes_the_former_one_back(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        settings = {**SMALL, **broker.settings}
        with Client(broker) as client, RunningAppliance(own_directory, settings=settings) as appliance:
            client.wait_for("camera", lambda message: message.payload == b"online")
            appliance.ask("POST", "/api/pictures")
            client.wait_for("picture", lambda message: message.payload)
        with (
            Client(broker) as client,
            RunningAppliance(own_directory, settings={**settings, "mqtt.base_topic": "house"}),
        ):
            client.wait_for_any(lambda message: message.topic == "house/camera/camera")
            client.wait_for_any(lambda message: message.topic == "house/camera/availability")
        assert {topic.partition("/camera/")[0] for topic in kept(broker)} <= {
            "house",
            "homeassistant/device/house-camera/config",
        }


def kept(broker: Broker) -> set[str]:
    """Return the topics on which the broker keeps something."""
    with Client(broker) as newcomer:
        newcomer.publish("end/of/retained", "x")
        newcomer.wait_for("end/of/retained")
        return {message.topic for message in newcomer.messages if message.retain and message.payload}


# ---------------------------------------------------------------------- forgetting


def test_forget_leaves_nothing_on_the_broker(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        settings = {**SMALL, **broker.settings}
        flags = [f"--mqtt-host={settings['mqtt.host']}", f"--mqtt-port={settings['mqtt.port']}"]
        storage = f"--storage-directory={own_directory / 'state'}"
        with Client(broker) as client, RunningAppliance(own_directory, settings=settings) as appliance:
            client.wait_for("camera", lambda message: message.payload == b"online")
            appliance.ask("POST", "/api/pictures")
            client.wait_for("picture", lambda message: message.payload)
            client.publish_anywhere("another/camera/state", "stays", retain=True)
            refused = run_command("forget", *flags, storage, directory=own_directory)
            assert (refused.returncode, "stop the appliance first" in refused.stderr) == (1, True)
        assert {CONFIG, f"{ROOT}/state", f"{ROOT}/picture"} <= kept(broker)
        done = run_command("forget", *flags, storage, directory=own_directory)
        assert done.returncode == 0, done.stderr
        assert CONFIG in done.stdout
        assert kept(broker) == {"another/camera/state"}
        again = run_command("forget", *flags, storage, directory=own_directory)
        assert (again.returncode, "no topics of this camera" in again.stdout) == (0, True)


def test_forget_says_what_keeps_it_from_it(tmp_path: Path) -> None:
    without = run_command("forget", directory=tmp_path)
    assert (without.returncode, "mqtt.host: is empty" in without.stderr) == (78, True)
    nobody = run_command("forget", "--mqtt-host=127.0.0.1", "--mqtt-port=9", directory=tmp_path)
    assert (nobody.returncode, "no connection to 127.0.0.1:9" in nobody.stderr) == (1, True)
    with Broker(tmp_path / "broker", users={"a": "b"}) as broker:
        stranger = run_command("forget", "--mqtt-host=127.0.0.1", f"--mqtt-port={broker.port}", directory=tmp_path)
    assert (stranger.returncode, "the broker refuses" in stranger.stderr) == (1, True)
    assert "Traceback" not in without.stderr + nobody.stderr + stranger.stderr


# ---------------------------------------------------------------------- odd cameras

TOPICS = Topics("house of/ä", "door")


def odd(**changes: Any) -> dict[str, Any]:
    control = {
        "name": "mode",
        "label": "Mode",
        "kind": "menu",
        "group": "user",
        "value": 1,
        "default": 0,
        "minimum": 0,
        "maximum": 3,
        "step": 1,
        "choices": None,
        "unit": None,
        "inactive": False,
        "governed_by": None,
        "read_only": False,
    }
    return {"values": {"mode": changes.get("value", 1)}, "controls": [control | changes]}


MENUS = {
    "plain": ["Off", "On"],
    "two of one name": ["Auto", "Auto", "Manual"],
    "numbers": ["1", "0", "2"],
    "quotes": ['say "hi"', "it's", "back\\slash", "{{ 7 * 7 }}", "{% raw %}", "50 % }}"],
    "letters": ["Grün", "日本", "🎥"],
}


@pytest.mark.parametrize("labels", MENUS.values(), ids=MENUS)
def test_a_menu_is_shown_and_chosen_whatever_its_labels_are(labels: list[str]) -> None:
    choices = [{"value": value, "label": label} for value, label in enumerate(labels)]
    report = odd(choices=choices, maximum=len(labels) - 1)
    component = control_components(TOPICS, report)["control_mode"]
    jsonschema.validate(component, COMPONENTS["select"])
    for value in range(len(labels)):
        shown = render(component["val_tpl"], json.dumps({"mode": value}).encode())
        assert shown == component["ops"][value]
        assert jinja2.Template(component["cmd_tpl"]).render(value=shown) == str(value)
    assert render(component["val_tpl"], b'{"mode": 99}') == "None"
    assert render(component["val_tpl"], b"{}") == "None"


@pytest.mark.parametrize(
    ("changes", "platform"),
    [
        ({"kind": "integer"}, "number"),
        ({"kind": "number", "step": None}, "number"),
        ({"kind": "boolean"}, "switch"),
        ({"kind": "boolean", "value": True, "read_only": True}, "binary_sensor"),
        ({"kind": "button", "value": None}, "button"),
        ({"kind": "text", "value": "x", "maximum": 1000}, "text"),
        ({"kind": "integer", "read_only": True, "unit": "K"}, "sensor"),
        ({"kind": "menu", "choices": [{"value": 1, "label": "On"}], "read_only": True}, "sensor"),
    ],
)
def test_every_kind_of_control_has_its_platform(changes: dict[str, Any], platform: str) -> None:
    component = control_components(TOPICS, odd(**changes))["control_mode"]
    assert component["p"] == platform
    jsonschema.validate(component, COMPONENTS[platform])


@pytest.mark.parametrize(
    ("kind", "minimum", "maximum", "step", "shown"),
    [
        ("number", -1, 1, None, 0.01),
        ("number", 0, 1, None, 0.01),
        ("number", 0, 100, None, 1),
        ("number", 0, 5000, 0, 10),
        ("number", 0.2, 3.0, 0.1, 0.1),
        ("number", 0, 0.01, None, 0.001),
        ("number", 0, 1, 0.0001, 0.001),
        ("number", 5, 5, None, 1),
        ("number", None, None, None, 10_000),
        ("number", None, 0, 0.5, 0.5),
        ("integer", 0, 255, None, 1),
        ("integer", 0, 255, 0, 1),
        ("integer", 2800, 6500, 10, 10),
        ("integer", None, None, None, 1),
    ],
)
def test_a_number_has_limits_and_a_step_that_suits_its_range(
    kind: str, minimum: float | None, maximum: float | None, step: float | None, shown: float
) -> None:
    report = odd(kind=kind, minimum=minimum, maximum=maximum, step=step)
    component = control_components(TOPICS, report)["control_mode"]
    jsonschema.validate(component, COMPONENTS["number"])
    assert component["step"] == pytest.approx(shown)
    for limit, declared in ((component["min"], minimum), (component["max"], maximum)):
        assert limit == declared if declared is not None else abs(limit) >= 1_000_000


def test_the_id_of_a_device_is_one_whatever_the_base_topic() -> None:
    assert device_id(TOPICS) == "house_of__-door"


@pytest.mark.parametrize(
    ("pixel_format", "granted", "expected"),
    [
        ("auto", "MJPG", ["640x480", "1280x720"]),
        ("YUYV", "YUYV", ["320x240", "640x480"]),
        ("auto", None, ["320x240", "640x480", "1280x720"]),
    ],
)
def test_resolutions_are_those_of_the_pixel_format(pixel_format: str, granted: str | None, expected: list[str]) -> None:
    sizes = {"MJPG": [(640, 480), (1280, 720)], "YUYV": [(320, 240), (640, 480)]}
    formats = [
        {"pixel_format": each, "sizes": [{"width": width, "height": height} for width, height in offered]}
        for each, offered in sizes.items()
    ]
    now = {"width": 640, "height": 480, "pixel_format": granted} if granted else None
    state = {"format": {"requested": {"pixel_format": pixel_format}, "granted": now}}
    assert resolution_component(TOPICS, state, formats)["resolution"]["ops"] == expected


def test_a_camera_that_does_not_tell_its_sizes_has_no_choice_of_them() -> None:
    state = {"format": {"requested": {"pixel_format": "auto"}, "granted": None}}
    assert resolution_component(TOPICS, state, []) == {}


def test_retained_messages_may_be_rubbish(tmp_path: Path, own_directory: Path) -> None:
    file = own_directory / "state" / "camera.discovery.json"
    file.parent.mkdir(parents=True)
    with Broker(tmp_path / "broker") as broker, Client(broker) as client:
        for rubbish in ("", "[]", '{"topic": 5, "root": 1, "device": 2, "components": []}', "\0", "{" * 5000):
            file.write_text(rubbish)
            mark = client.mark
            with RunningAppliance(own_directory, settings={**SMALL, **broker.settings}) as appliance:
                jsonschema.validate(announced(client, mark), DEVICE)
                client.wait_for("availability", is_online, mark)
                assert "Traceback" not in appliance.log


def is_online(message: Message) -> bool:
    return message.payload == b"online"
