"""Whatever is sent over HTTP, the answer is one that OpenAPI promises, and the stream goes on."""

from pathlib import Path

from tests.http.conftest import bearer
from tests.http.fuzz import ENVIRONMENT, SETTINGS, TOKEN, fuzz
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera


def test_schemathesis_finds_nothing_in_what_openapi_promises(tmp_path: Path, simcam: SimulatedCamera) -> None:
    with RunningAppliance(tmp_path, "auto", ENVIRONMENT | simcam.environment, SETTINGS) as appliance:
        found = fuzz(appliance, examples=2)
        assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
        assert "Traceback" not in appliance.log
        assert appliance.ask("GET", "/snapshot.jpg", headers=bearer(TOKEN)).status in (200, 409)
