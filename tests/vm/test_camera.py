"""The whole way of a picture and of a control: USB, driver, appliance, HTTP or MQTT; and what breaks it."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.mqtt.client import Client
from tests.running import eventually
from tests.simcam import read_stamp
from tests.simcam.controls import CONTROLS
from tests.simcam.v4l2 import CONTROL_CLASS
from tests.system.cameras import MQTT_PASSWORD
from tests.vm.camera import (
    DEVICE,
    FROZEN_AFTER,
    PATIENCE,
    USER,
    Address,
    ask,
    condition,
    is_live,
    part_like,
    state,
    viewer,
)
from tests.vm.machine import MQTT, VirtualMachine
from tests.vm.usb import Cable
from tests.vm.usb.camera import checksum

REAL = {control.name: control for control in CONTROLS if control.type != CONTROL_CLASS}


@pytest.fixture
def mqtt(host: VirtualMachine) -> Iterator[Client]:
    """Somebody at the broker of the machine."""
    with Client(Address(MQTT), USER, MQTT_PASSWORD) as client:
        yield client


def values() -> dict[str, object]:
    """Return the values of all controls, as HTTP has them."""
    found: dict[str, object] = ask("/api/controls").json["values"]
    return found


def test_a_viewer_gets_the_bytes_that_the_camera_sent(host: VirtualMachine, cable: Cable) -> None:
    with viewer() as seen:
        parts = [part_like(seen, is_live=True) for _ in range(60)]
    assert {checksum(part.jpeg) for part in parts} <= cable.camera.sent
    numbers = [read_stamp(part.jpeg).sequence for part in parts]
    assert numbers == sorted(set(numbers))


def test_a_snapshot_and_a_picture_are_frames_of_the_camera(host: VirtualMachine, cable: Cable) -> None:
    snapshot = ask("/snapshot.jpg")
    picture = ask(ask("/api/pictures", "POST").json["url"])
    assert {checksum(snapshot.body), checksum(picture.body)} <= cable.camera.sent


def test_every_control_of_the_camera_is_there_with_its_limits(host: VirtualMachine) -> None:
    shown = {control["name"]: control for control in ask("/api/controls").json["controls"]}
    assert shown.keys() == REAL.keys()
    for name in ("brightness", "gamma", "white_balance_temperature", "exposure_time_absolute", "pan_absolute"):
        limits = [shown[name][limit] for limit in ("minimum", "maximum", "step", "default")]
        assert limits == [REAL[name].minimum, REAL[name].maximum, REAL[name].step, REAL[name].default], name
    assert shown["exposure_time_absolute"]["inactive"], "the automatic exposure governs it"
    assert shown["privacy"]["read_only"]


def test_a_control_that_is_set_over_http_arrives_at_the_camera(host: VirtualMachine, cable: Cable) -> None:
    answer = ask("/api/controls", "PATCH", {"brightness": 21, "pan_absolute": -7200})
    assert answer.status == 200, answer.body
    assert (cable.camera.controls.values["brightness"], cable.camera.controls.values["pan_absolute"]) == (21, -7200)
    assert cable.camera.controls.values["tilt_absolute"] == 0, "pan and tilt share a message of USB"
    assert (values()["brightness"], values()["pan_absolute"]) == (21, -7200)


def test_a_control_that_is_set_over_mqtt_arrives_at_the_camera(mqtt: Client, cable: Cable) -> None:
    mark = mqtt.mark
    mqtt.publish("controls/contrast/set", "44")
    mqtt.wait_for("controls", lambda message: message.json["contrast"] == 44, mark)
    assert cable.camera.controls.values["contrast"] == 44


def test_a_value_that_the_camera_does_not_take_never_reaches_it(mqtt: Client, cable: Cable) -> None:
    before = len(cable.camera.controls.writes)
    assert ask("/api/controls", "PATCH", {"brightness": 65, "gamma": 200}).status == 400
    assert mqtt.command("set_controls", {"saturation": 999})["error"]["code"] == "invalid_value"
    assert cable.camera.controls.writes[before:] == []


def test_an_automatic_mode_is_switched_off_before_its_value_is_set(mqtt: Client, cable: Cable) -> None:
    before = len(cable.camera.controls.writes)
    wanted = {"exposure_time_absolute": 500, "auto_exposure": "Manual Mode"}
    assert mqtt.command("set_controls", wanted)["ok"]
    assert cable.camera.controls.writes[before:] == [("auto_exposure", 1), ("exposure_time_absolute", 500)]
    answer = ask("/api/controls/reset", "POST", {"names": ["auto_exposure", "exposure_time_absolute"]})
    assert answer.status == 200, answer.body
    assert cable.camera.controls.values["auto_exposure"] == 3


def test_a_replugged_camera_comes_back_with_its_controls(host: VirtualMachine, mqtt: Client, cable: Cable) -> None:
    assert ask("/api/controls", "PATCH", {"saturation": 99}).status == 200
    command = host.ssh("timeout", "900", "udevadm", "monitor", "--udev", "--subsystem-match=video4linux")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as monitor:
        assert monitor.stdout
        while "the event which udev sends out" not in monitor.stdout.readline():
            pass
        with viewer() as seen:
            part_like(seen, is_live=True)
            mark = mqtt.mark
            cable.unplug()
            part_like(seen, is_live=False)
            assert "remove" in monitor.stdout.readline() + monitor.stdout.readline()
            eventually(lambda: condition() == ("lost", f"no camera is connected as {DEVICE}"), "the reason", PATIENCE)
            mqtt.wait_for("camera", lambda message: message.payload == b"offline", mark)
            cable.plug()
            part = part_like(seen, is_live=True)
        told = iter(monitor.stdout.readline, "")
        assert any(" add " in line for line in told)
        monitor.terminate()
    assert checksum(part.jpeg) in cable.camera.sent
    eventually(lambda: cable.camera.controls.values["saturation"] == 99, "what was set before", PATIENCE)
    assert values()["saturation"] == 99


def test_a_camera_that_sends_nothing_is_lost_until_it_does(host: VirtualMachine, cable: Cable) -> None:
    with viewer() as seen:
        part_like(seen, is_live=True)
        cable.camera.stalled = True
        part_like(seen, is_live=False)
        found = condition()
        cable.camera.stalled = False
        part_like(seen, is_live=True)
    assert found[0] == "lost"
    assert "delivers no frames" in found[1]


def test_a_camera_whose_picture_stands_still_is_noticed(host: VirtualMachine, cable: Cable) -> None:
    cable.camera.frozen = True
    eventually(lambda: condition()[0] == "frozen", f"a frozen camera after {FROZEN_AFTER} s", PATIENCE)
    assert ask("/healthz").status == 503
    cable.camera.frozen = False
    eventually(is_live, "a live camera", PATIENCE)


def test_a_frame_cut_short_on_the_bus_is_counted_and_not_shown(host: VirtualMachine, cable: Cable) -> None:
    before = state()["frames"]["corrupt"]
    with viewer() as seen:
        part_like(seen, is_live=True)
        cable.camera.cut = 5
        parts = [seen.part() for _ in range(30)]
    assert cable.camera.cut == 0
    assert {checksum(part.jpeg) for part in parts if part.is_live} <= cable.camera.sent
    # Not all five on a busy computer: the driver drops what nobody has fetched.
    eventually(lambda: before < state()["frames"]["corrupt"] <= before + 5, "damaged frames", PATIENCE)
