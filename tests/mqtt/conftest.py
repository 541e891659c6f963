"""A broker and an appliance for each module, put right before each test, and a client for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mqtt.broker import Authority, Broker
from tests.mqtt.client import Client
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera

SMALL = {"camera.width": 640, "camera.height": 480, "camera.fps": 60}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The certificate authority that issued the broker's certificate."""
    return Authority(tmp_path_factory.mktemp("certificates"), "authority")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority, that nobody knows."""
    return Authority(tmp_path_factory.mktemp("certificates"), "stranger")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that lets everybody in."""
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def shared_appliance(tmp_path_factory: pytest.TempPathFactory, broker: Broker) -> Iterator[RunningAppliance]:
    directory = tmp_path_factory.mktemp("appliance")
    with RunningAppliance(directory, settings={**SMALL, **broker.settings}) as appliance:
        yield appliance.until_live()


@pytest.fixture
def client(broker: Broker) -> Iterator[Client]:
    """A client that hears everything."""
    with Client(broker) as client:
        yield client


@pytest.fixture
def appliance(shared_appliance: RunningAppliance, client: Client) -> RunningAppliance:
    """An appliance that shows the test pattern, connected to the broker, with everything as it was at first."""
    client.wait_for("availability", lambda message: message.payload == b"online")
    assert shared_appliance.ask("POST", "/api/controls/reset").status == 200
    size = {"width": SMALL["camera.width"], "height": SMALL["camera.height"], "fps": SMALL["camera.fps"]}
    assert shared_appliance.ask("PATCH", "/api/format", size).status == 200
    values = shared_appliance.ask("GET", "/api/controls").json["values"]
    client.wait_for("controls", lambda message: message.json == values)
    return shared_appliance


@pytest.fixture
def own_directory(tmp_path: Path) -> Path:
    """A folder for an appliance that only this test has."""
    return tmp_path / "appliance"


@pytest.fixture(scope="module")
def webcam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedCamera]:
    """A camera, from its own side."""
    with SimulatedCamera(tmp_path_factory.mktemp("webcam")) as camera:
        yield camera


@pytest.fixture(scope="module")
def shared_device(
    tmp_path_factory: pytest.TempPathFactory, broker: Broker, webcam: SimulatedCamera
) -> Iterator[RunningAppliance]:
    directory = tmp_path_factory.mktemp("device")
    with RunningAppliance(directory, "auto", webcam.environment, broker.settings) as appliance:
        yield appliance.until_live()


@pytest.fixture
def device(shared_device: RunningAppliance, client: Client) -> RunningAppliance:
    """An appliance with that camera, on the topics it comes with; not together with `appliance`."""
    client.wait_for("availability", lambda message: message.payload == b"online")
    return shared_device
