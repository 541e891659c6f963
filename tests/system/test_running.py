"""What systemd does for a camera, and a camera for systemd."""

import json
from collections.abc import Iterator

import pytest

from tests.running import eventually
from tests.system.cameras import PORCH, YARD, ask, is_live
from tests.system.deployment import Deployment
from tests.system.machine import Machine

UNIT = "camera-appliance@porch"
OTHER = "camera-appliance@yard"


@pytest.fixture
def machine(deployed: Deployment) -> Machine:
    """The machine, with both cameras live."""
    eventually(lambda: is_live(PORCH) and is_live(YARD), "two live cameras")
    return deployed.machine


def started_anew(machine: Machine, former: str) -> bool:
    return machine.property(UNIT, "InvocationID") != former and is_live(PORCH)


def test_a_killed_camera_comes_back_and_the_other_one_notices_nothing(machine: Machine) -> None:
    former, other = machine.property(UNIT, "MainPID"), machine.property(OTHER, "MainPID")
    machine.read("systemctl", "kill", "--signal=KILL", UNIT)
    eventually(lambda: machine.property(UNIT, "MainPID") not in (former, "0") and is_live(PORCH), "its return")
    assert machine.property(OTHER, "MainPID") == other


@pytest.fixture
def impatient(machine: Machine) -> Iterator[Machine]:
    """The machine, with a watchdog that waits for 3 s instead of 30."""
    folder = f"/run/systemd/system/{UNIT}.service.d"
    machine.read("mkdir", "--parents", folder)
    machine.run("tee", f"{folder}/impatient.conf", stdin="[Service]\nWatchdogSec=3\n")
    machine.read("systemctl", "daemon-reload")
    machine.read("systemctl", "restart", UNIT)
    yield machine
    machine.read("rm", "--recursive", folder)
    machine.read("systemctl", "daemon-reload")
    machine.read("systemctl", "restart", UNIT)


def test_the_watchdog_restarts_a_camera_that_stands_still(impatient: Machine) -> None:
    former = impatient.property(UNIT, "MainPID")
    impatient.read("kill", "-STOP", former)
    eventually(lambda: impatient.property(UNIT, "MainPID") not in (former, "0") and is_live(PORCH), "its return")
    assert "Watchdog timeout" in impatient.read("journalctl", f"--unit={UNIT}", "--output=cat", "--lines=60")


def test_the_target_stops_and_starts_all_cameras(machine: Machine) -> None:
    machine.read("systemctl", "stop", "camera-appliance.target")
    assert {machine.property(unit, "ActiveState") for unit in (UNIT, OTHER)} == {"inactive"}
    machine.read("systemctl", "start", "camera-appliance.target")
    eventually(lambda: is_live(PORCH) and is_live(YARD), "both cameras")


def test_a_stop_is_clean(machine: Machine) -> None:
    machine.read("systemctl", "restart", UNIT)
    assert machine.property(UNIT, "Result") == "success"
    lines = machine.read("journalctl", f"--unit={UNIT}", "--output=json", "--lines=30").splitlines()
    assert any(json.loads(line)["MESSAGE"].startswith("Stopped") for line in lines)


def entries(machine: Machine, *matches: str) -> list[dict[str, str]]:
    """Return the entries of the journal that match."""
    lines = machine.run("journalctl", "--output=json", "--quiet", *matches).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_the_journal_can_be_searched_by_camera_and_event(machine: Machine) -> None:
    entry = entries(machine, "CAMERA=porch", "EVENT=camera-online")[-1]
    assert entry["PRIORITY"] == "6"
    assert entry["SYSLOG_IDENTIFIER"] == "camera-appliance@porch"
    assert entry["_SYSTEMD_UNIT"] == "camera-appliance@porch.service"
    assert not entry["MESSAGE"].startswith("<")
    assert entries(machine, "CAMERA=nobody") == []


def test_nothing_is_logged_for_a_request(machine: Machine) -> None:
    before = len(entries(machine, f"_SYSTEMD_UNIT={OTHER}.service"))
    for _ in range(20):
        ask(YARD, "/api/state")
    assert len(entries(machine, f"_SYSTEMD_UNIT={OTHER}.service")) == before


def told(machine: Machine, *matches: str) -> str:
    """Return what the yard has written into the journal."""
    return " ".join(entry["MESSAGE"] for entry in entries(machine, "CAMERA=yard", *matches))


def configure(machine: Machine, text: str, new: str) -> None:
    """Change the configuration of the yard."""
    machine.read("sed", "--in-place", f"s/{text}/{new}/", "/etc/camera-appliance/yard.toml")


def test_a_reload_applies_what_it_can_and_names_what_needs_a_restart(machine: Machine) -> None:
    former = machine.property(OTHER, "MainPID")
    configure(machine, "fps = 5", "fps = 6")
    machine.run("tee", "--append", "/etc/camera-appliance/yard.toml", stdin='\n[log]\nlevel = "debug"\n')
    machine.read("systemctl", "reload", OTHER)
    eventually(lambda: "log.level is now debug" in told(machine, "EVENT=reloaded"), "the new level")
    assert "camera.fps has changed: it needs a restart" in told(machine, "EVENT=reloaded")
    assert machine.property(OTHER, "MainPID") == former


def test_a_reload_of_a_wrong_file_is_refused_and_the_camera_runs_on(machine: Machine) -> None:
    former = machine.property(OTHER, "MainPID")
    configure(machine, f"port = {YARD}", "port = 99999")
    ended = machine.run("systemctl", "reload", OTHER)
    configure(machine, "port = 99999", f"port = {YARD}")
    assert ended.returncode != 0
    assert "http.port: 99999 is not a whole number" in machine.read("journalctl", f"--unit={OTHER}", "--lines=20")
    assert machine.property(OTHER, "MainPID") == former
    assert is_live(YARD)
