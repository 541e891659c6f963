"""Fixtures that most tests share: a running appliance, on the test pattern or on the simulated camera.

`running` and `watching` are one test's own. `shared` serves all tests that only look, or leave all as it was.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera


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
