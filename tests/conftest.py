"""Fixtures that most tests share: a running appliance, on the test pattern or on the simulated camera."""

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
