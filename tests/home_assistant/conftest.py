"""One broker, one Home Assistant, one simulated camera and one appliance for all tests, put right before each."""

import re
from collections.abc import Callable, Generator, Iterator

import pytest

from tests.home_assistant.device import Device, complete_device
from tests.home_assistant.home import HomeAssistant
from tests.mqtt.broker import Broker
from tests.mqtt.client import Client
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera

_USUAL = [  # complaints that are not about us
    r"\[homeassistant\.bootstrap\] Skipping pip installation",
    r"\[aiohttp_fast_zlib\]",
    r"\[homeassistant\.components\.camera\.img_util\] Error loading libturbojpeg",
]
_measured: list[str] = []

Measured = Callable[[str, float], None]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker of the house; it keeps nothing over a restart."""
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory, broker: Broker) -> Iterator[HomeAssistant]:
    with HomeAssistant(tmp_path_factory.mktemp("home") / "configuration") as home:
        home.connect_to(broker)
        yield home


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedCamera]:
    """The camera, from its own side."""
    with SimulatedCamera(tmp_path_factory.mktemp("camera")) as camera:
        yield camera


@pytest.fixture(scope="session")
def shared_appliance(
    tmp_path_factory: pytest.TempPathFactory, broker: Broker, camera: SimulatedCamera, shared_home: HomeAssistant
) -> Iterator[RunningAppliance]:
    """The first device that Home Assistant ever hears of: it has to load every platform while it hears more."""
    directory = tmp_path_factory.mktemp("appliance")
    with RunningAppliance(directory, "auto", camera.environment, broker.settings) as appliance:
        yield appliance.until_live()


@pytest.fixture
def complaints() -> list[str]:
    """Patterns of what Home Assistant may complain of in this test; the test adds to them."""
    return list(_USUAL)


@pytest.fixture
def home(shared_home: HomeAssistant, complaints: list[str], request: pytest.FixtureRequest) -> Iterator[HomeAssistant]:
    """Home Assistant, which may not complain of anything else during the test."""
    first = request.config.stash.setdefault(_logged, 0)
    yield shared_home
    log = shared_home.log
    request.config.stash[_logged] = len(log)
    found = shared_home.complaints(first)
    assert not [each for each in found if not any(re.search(pattern, each) for pattern in complaints)]


_logged = pytest.StashKey[int]()


@pytest.fixture
def appliance(shared_appliance: RunningAppliance) -> RunningAppliance:
    """An appliance that is live, with all values as they were at first."""
    assert shared_appliance.ask("PUT", "/api/privacy", {"on": False}).status == 200
    shared_appliance.until_live()
    assert shared_appliance.ask("POST", "/api/controls/reset").status == 200
    assert shared_appliance.ask("PATCH", "/api/format", {"width": 1280, "height": 720, "fps": 30}).status == 200
    return shared_appliance


@pytest.fixture
def device(appliance: RunningAppliance, home: HomeAssistant, broker: Broker) -> Device:
    """The appliance as Home Assistant knows it, complete."""
    return complete_device(home, broker, appliance)


@pytest.fixture
def client(broker: Broker) -> Iterator[Client]:
    """A client that hears everything."""
    with Client(broker) as client:
        yield client


@pytest.fixture
def measured() -> Measured:
    """Take down how many seconds something took, to be shown at the end."""
    return lambda what, seconds: _measured.append(f"{seconds:6.2f} s  {what}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured."""
    for line in _measured:
        terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of both sides where a test fails."""
    report = yield
    if report.failed:
        fixtures = getattr(item, "funcargs", {})
        for name in ("home", "shared_home", "appliance", "shared_appliance"):
            if name in fixtures:
                report.sections.append((f"the end of the log of {name}", fixtures[name].log[-5000:]))
    return report
