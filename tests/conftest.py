"""Fixtures that most tests share: a running appliance, on the test pattern or on the simulated camera.

`running` and `watching` are one test's own. `shared` serves all tests that only look, or leave all as it was.

Here is also the order of the files: `make test` gives each worker whole files, so the long ones come first.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera

TESTS = Path(__file__).parent
LONGEST_FIRST = (
    "capture/test_survival.py",
    "capture/test_random_faults.py",
    "test_contributing.py",
    "test_simcam.py",
    "http/test_slow_clients.py",
    "mqtt/test_faults.py",
    "mqtt/test_connection.py",
    "capture/test_soak.py",
    "test_benchmarks.py",
    "http/test_fuzz.py",
    "mqtt/test_commands.py",
    "test_cli.py",
    "http/test_commands.py",
    "http/test_pictures.py",
    "browser/test_album.py",
    "browser/test_controls.py",
    "browser/test_live.py",
    "browser/test_origins.py",
    "browser/test_page.py",
    "mqtt/test_discovery.py",
    "mqtt/test_examples.py",
    "mqtt/test_published.py",
    "http/test_stream.py",
    "http/test_tls.py",
    "camera/test_video.py",
    "pictures/test_power_cut.py",
    "pictures/test_disk_faults.py",
    "pictures/test_retention.py",
    "test_secrets.py",
    "pictures/test_kill.py",
    "test_daemon.py",
)
"""Files whose tests take long; the others follow in their own order."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first, so that no worker begins one while the others have ended."""
    places = {TESTS / name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture
def simcam(tmp_path: Path) -> Iterator[SimulatedCamera]:
    """A simulated UVC camera, plugged in."""
    with SimulatedCamera(tmp_path / "camera") as camera:
        yield camera


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningAppliance]:
    """An appliance that shows the test pattern, live."""
    with RunningAppliance(tmp_path) as appliance:
        yield appliance.until_live()


@pytest.fixture
def watching(tmp_path: Path, simcam: SimulatedCamera) -> Iterator[RunningAppliance]:
    """An appliance that shows the simulated camera, live."""
    with RunningAppliance(tmp_path, "auto", simcam.environment) as appliance:
        yield appliance.until_live()


@pytest.fixture(scope="session")
def shared_simcam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedCamera]:
    """The simulated camera of `shared`."""
    with SimulatedCamera(tmp_path_factory.mktemp("shared-camera")) as camera:
        yield camera


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, shared_simcam: SimulatedCamera) -> Iterator[RunningAppliance]:
    """An appliance that shows a simulated camera, live, for all tests of the session."""
    directory = tmp_path_factory.mktemp("shared")
    # All tests have one address.
    settings = {"http.max_viewers_per_address": 1000}
    with RunningAppliance(directory, "auto", shared_simcam.environment, settings) as appliance:
        yield appliance.until_live()
