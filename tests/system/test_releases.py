"""An update is a new folder and a link; one that does not work is undone."""

import pytest

from appliance import __version__
from tests.system.cameras import CAMERAS, PORCH, ask, is_live
from tests.system.conftest import TIMES
from tests.system.deployment import Deployment, another

CURRENT = "/opt/camera-appliance/current"


def releases(deployment: Deployment) -> list[str]:
    return sorted(
        name.split("-")[0] for name in deployment.machine.read("ls", "/opt/camera-appliance/releases").split()
    )


@pytest.fixture(scope="module")
def updated(deployment: Deployment, first: object) -> Deployment:
    """The machine, after an update that switches two options off."""
    deployment.wheel = another(deployment.wheel, deployment.work, "7.0.0")
    deployment.variables |= {"camera_appliance_watchdog": False, "camera_appliance_journal": "unchanged"}
    run = deployment.deploy()
    assert run.status == 0, run.text
    TIMES["update"] = run.seconds
    return deployment


def test_an_update_runs_the_new_version_and_keeps_the_former(updated: Deployment) -> None:
    assert ask(PORCH, "/api/state").json["version"] == "7.0.0"
    assert releases(updated) == [__version__, "7.0.0"]


def test_an_option_that_is_switched_off_is_taken_back(updated: Deployment) -> None:
    machine = updated.machine
    assert machine.read("systemctl", "show", "--value", "--property=RuntimeWatchdogUSec") == "0"
    assert machine.run("ls", "/etc/systemd/journald.conf.d/60-camera-appliance.conf").returncode != 0


def test_an_update_that_gives_no_picture_is_undone_with_its_configuration(updated: Deployment) -> None:
    broken = another(
        updated.wheel,
        updated.work,
        "8.0.0",
        (
            "appliance/daemon.py",
            "Part(self.capture.start,",
            'Part(lambda: log.warning("no camera in this release"),',
        ),
    )
    with_other_settings = [CAMERAS[0] | {"settings": {**CAMERAS[0]["settings"], "log": {"level": "debug"}}}]
    run = updated.deploy(
        camera_appliance_wheel=str(broken),
        camera_appliance_cameras=with_other_settings,
        camera_appliance_verify_seconds=3,
    )
    assert run.status != 0
    assert "porch: /healthz answers 503" in run.words
    assert "no camera in this release" in run.words, "the end of the journal is shown"
    assert "7.0.0-" in run.words
    assert ask(PORCH, "/api/state").json["version"] == "7.0.0"
    assert is_live(PORCH)
    assert "debug" not in updated.machine.read("cat", "/etc/camera-appliance/porch.toml")
    assert releases(updated) == [__version__, "7.0.0"]
    assert updated.machine.property("camera-appliance@yard", "ActiveState") == "active", "it had been retired"


def test_only_the_last_two_releases_are_kept(updated: Deployment) -> None:
    updated.wheel = another(updated.wheel, updated.work, "9.0.0")
    run = updated.deploy()
    assert run.status == 0, run.text
    assert releases(updated) == ["7.0.0", "9.0.0"]
    assert updated.machine.read("readlink", CURRENT).startswith("releases/9.0.0-")
