"""A second camera, `garden`, comes, changes and goes, and leaves nothing behind."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.home_assistant.device import Device, complete_device, retained
from tests.home_assistant.home import HomeAssistant
from tests.mqtt.broker import Broker
from tests.mqtt.client import Client
from tests.running import RunningAppliance, eventually, run_command
from tests.simcam import SimulatedCamera

NAME = "garden"
ROOT = f"camera-appliance/{NAME}"
SMALL = {"camera.width": 640, "camera.height": 480}

Start = Callable[..., RunningAppliance]


@pytest.fixture
def garden_camera(tmp_path: Path) -> Iterator[SimulatedCamera]:
    """The camera in the garden."""
    with SimulatedCamera(tmp_path / "camera") as camera:
        yield camera


@pytest.fixture
def start(
    tmp_path: Path, broker: Broker, home: HomeAssistant, garden_camera: SimulatedCamera, complaints: list[str]
) -> Iterator[Start]:
    """Start the appliance in the garden, with more settings; whatever it announced is forgotten in the end."""
    # Home Assistant clears the announcement of a device itself, once for each disabled entity, and hears that.
    complaints.append("No device components to cleanup for camera-appliance-garden")
    directory = tmp_path / "appliance"
    with ExitStack() as running:

        def start(**settings: object) -> RunningAppliance:
            running.close()
            more = {name.replace("__", "."): value for name, value in settings.items()}
            appliance = RunningAppliance(
                directory, "auto", garden_camera.environment, {**SMALL, **broker.settings, "camera.name": NAME, **more}
            )
            return running.enter_context(appliance).until_live()

        yield start
    forget(directory, broker)
    eventually(lambda: not traces(home), "that Home Assistant knows nothing of it")


def forget(directory: Path, broker: Broker) -> None:
    flags = (f"--mqtt-host={broker.settings['mqtt.host']}", f"--mqtt-port={broker.port}", f"--camera-name={NAME}")
    done = run_command("forget", *flags, f"--storage-directory={directory / 'state'}", directory=directory)
    assert done.returncode == 0, done.stderr


def traces(home: HomeAssistant) -> set[str]:
    """Return the entities and devices of the garden that Home Assistant knows."""
    entities = {entry["entity_id"] for name, entry in home.entities().items() if NAME in name}
    states = {entity for entity in home.states() if NAME in entity}
    return entities | states | {device["name"] for device in home.devices() if device["name"] == "Garden"}


def is_exactly(device: Device) -> bool:
    """Return whether the entities of the garden are those of the device, and no others."""
    entities = {name for name in device.home.entities() if NAME in name}
    return entities == {component.unique_id for component in device.components}


def test_another_camera_leaves_no_ghosts(
    start: Start, home: HomeAssistant, broker: Broker, garden_camera: SimulatedCamera
) -> None:
    """The cable goes to a camera that lacks three controls, and back."""
    appliance = start()
    former = complete_device(home, broker, appliance, NAME)
    assert is_exactly(former)
    lacks = ("gamma", "power_line_frequency", "exposure_dynamic_framerate")
    garden_camera.unplug()
    with SimulatedCamera(garden_camera.directory, number=2, serial="SC0002", port=2, without=lacks):
        eventually(lambda: "SC0002" in str(appliance.state()["camera"]["device"]), "the other camera")
        appliance.until_live()
        present = complete_device(home, broker, appliance, NAME)
        gone = {former.component(f"control_{name}").unique_id for name in lacks}
        assert {each.unique_id for each in former.components} - {each.unique_id for each in present.components} == gone
        eventually(lambda: is_exactly(present), "that what is gone is gone")
    garden_camera.plug()
    appliance.until_live()
    again = complete_device(home, broker, appliance, NAME)
    eventually(lambda: is_exactly(again), "that all is back")
    assert again.document["cmps"] == former.document["cmps"]


def test_an_announcement_lost_by_home_assistant_is_repeated(
    start: Start, home: HomeAssistant, broker: Broker, garden_camera: SimulatedCamera
) -> None:
    """Two that come at once: it leaves the second at the first component that it is still busy with, without a word."""
    lacks = ("gamma", "power_line_frequency", "exposure_dynamic_framerate")

    topic = f"homeassistant/device/camera-appliance-{NAME}/config"
    news: list[bytes] = []
    heard_at = 0.0

    def is_announced(control: str) -> bool:
        """Return whether that control is announced and nothing has changed for longer than the appliance takes."""
        nonlocal heard_at
        if (now := retained(broker).get(topic, b"")) != (news[-1] if news else b""):
            news.append(now)
            heard_at = time.monotonic()
        return f"control_{control}".encode() in now and time.monotonic() - heard_at > 8

    garden_camera.unplug()
    with home.hung():
        with SimulatedCamera(garden_camera.directory, number=2, serial="SC0002", port=2, without=lacks):
            appliance = start()
            eventually(lambda: is_announced("brightness"), "the first announcement")
        garden_camera.plug()
        eventually(lambda: is_announced("gamma"), "the last announcement")
    assert is_exactly(complete_device(home, broker, appliance, NAME, seconds=90))


def test_forgetting_removes_the_device(start: Start, home: HomeAssistant, broker: Broker, tmp_path: Path) -> None:
    appliance = start()
    complete_device(home, broker, appliance, NAME)
    assert "Garden" in traces(home)
    appliance.stop()
    forget(appliance.directory, broker)
    assert not [topic for topic in retained(broker) if NAME in topic]
    eventually(lambda: not traces(home), "that Home Assistant knows nothing of it")


def test_without_discovery_home_assistant_hears_nothing_of_it(
    start: Start, home: HomeAssistant, broker: Broker, client: Client
) -> None:
    complete_device(home, broker, start(), NAME)
    appliance = start(mqtt__discovery=False)
    eventually(lambda: not traces(home), "that what was announced is taken back")
    eventually(lambda: retained(broker).get(f"{ROOT}/camera") == b"online", "a camera on the bus")
    assert appliance.state()["mqtt"]["state"] == "connected"
    assert not [topic for topic in retained(broker) if topic.startswith("homeassistant/") and NAME in topic]
    assert not traces(home)


def test_home_assistant_may_look_below_another_prefix(start: Start, home: HomeAssistant, broker: Broker) -> None:
    home.look_below("house")
    try:
        appliance = start(mqtt__discovery_prefix="house")
        complete_device(home, broker, appliance, NAME, "house")
        appliance.stop()
        forget(appliance.directory, broker)
        eventually(lambda: not traces(home), "that Home Assistant knows nothing of it")
    finally:
        home.look_below("homeassistant")


def test_the_live_picture_is_shown_byte_for_byte(
    start: Start, home: HomeAssistant, broker: Broker, client: Client
) -> None:
    device = complete_device(home, broker, start(mqtt__live_interval=0.2), NAME)
    seen: set[bytes] = set()

    def has_moved() -> bool:
        answer = home.http("GET", f"/api/camera_proxy/{device.entity('camera')}")
        if not seen and answer.status == 500:  # what Home Assistant says before the first picture has come
            return False
        assert (answer.status, answer.headers.get_content_type()) == (200, "image/jpeg")
        seen.add(answer.body)
        return len(seen) > 2

    eventually(has_moved, "a picture that moves")
    sent = {message.payload for message in client.messages if message.topic == f"{ROOT}/live"}
    assert seen <= sent
