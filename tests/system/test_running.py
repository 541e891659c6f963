"""What systemd does for a camera, and a camera for systemd."""

import json
from collections.abc import Iterator

import pytest

from tests.running import eventually
from tests.system.cameras import PORCH, YARD, ask, is_live
from tests.system.machine import Machine

UNIT = "camera-appliance@porch"
OTHER = "camera-appliance@yard"


def started_anew(host: Machine, former: str) -> bool:
    return host.property(UNIT, "InvocationID") != former and is_live(PORCH)


def test_a_killed_camera_comes_back_and_the_other_one_notices_nothing(host: Machine) -> None:
    former, other = host.property(UNIT, "MainPID"), host.property(OTHER, "MainPID")
    host.read("systemctl", "kill", "--signal=KILL", UNIT)
    eventually(lambda: host.property(UNIT, "MainPID") not in (former, "0") and is_live(PORCH), "its return")
    assert host.property(OTHER, "MainPID") == other


@pytest.fixture
def impatient(host: Machine) -> Iterator[Machine]:
    """The host, with a watchdog that waits for 3 s instead of 30."""
    folder = f"/run/systemd/system/{UNIT}.service.d"
    host.read("mkdir", "--parents", folder)
    host.run("tee", f"{folder}/impatient.conf", stdin="[Service]\nWatchdogSec=3\n")
    host.read("systemctl", "daemon-reload")
    host.read("systemctl", "restart", UNIT)
    yield host
    host.read("rm", "--recursive", folder)
    host.read("systemctl", "daemon-reload")
    host.read("systemctl", "restart", UNIT)


def test_the_watchdog_restarts_a_camera_that_stands_still(impatient: Machine) -> None:
    former = impatient.property(UNIT, "MainPID")
    impatient.read("kill", "-STOP", former)
    eventually(lambda: impatient.property(UNIT, "MainPID") not in (former, "0") and is_live(PORCH), "its return")
    assert "Watchdog timeout" in impatient.read(
        "journalctl", f"--unit={UNIT}", "--output=cat", "--grep=Watchdog timeout"
    )


def test_the_target_stops_and_starts_all_cameras(host: Machine) -> None:
    host.read("systemctl", "stop", "camera-appliance.target")
    assert {host.property(unit, "ActiveState") for unit in (UNIT, OTHER)} == {"inactive"}
    host.read("systemctl", "start", "camera-appliance.target")
    eventually(lambda: is_live(PORCH) and is_live(YARD), "both cameras")


def test_a_stop_is_clean(host: Machine) -> None:
    host.read("systemctl", "restart", UNIT)
    assert host.property(UNIT, "Result") == "success"
    lines = host.read("journalctl", f"--unit={UNIT}", "--output=json", "--lines=30").splitlines()
    assert any(json.loads(line)["MESSAGE"].startswith("Stopped") for line in lines)


def entries(host: Machine, *matches: str) -> list[dict[str, str]]:
    """Return the entries of the journal that match."""
    lines = host.run("journalctl", "--output=json", "--quiet", *matches).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_the_journal_can_be_searched_by_camera_and_event(host: Machine) -> None:
    entry = entries(host, "CAMERA=porch", "EVENT=camera-online")[-1]
    assert entry["PRIORITY"] == "6"
    assert entry["SYSLOG_IDENTIFIER"] == "camera-appliance@porch"
    assert entry["_SYSTEMD_UNIT"] == "camera-appliance@porch.service"
    assert not entry["MESSAGE"].startswith("<")
    assert entries(host, "CAMERA=nobody") == []


def test_nothing_is_logged_for_a_request(host: Machine) -> None:
    before = len(entries(host, f"_SYSTEMD_UNIT={OTHER}.service"))
    for _ in range(20):
        ask(YARD, "/api/state")
    assert len(entries(host, f"_SYSTEMD_UNIT={OTHER}.service")) == before


def told(host: Machine, *matches: str) -> str:
    """Return what the yard has written into the journal."""
    return " ".join(entry["MESSAGE"] for entry in entries(host, "CAMERA=yard", *matches))


def configure(host: Machine, text: str, new: str) -> None:
    """Change the configuration of the yard."""
    host.read("sed", "--in-place", f"s/{text}/{new}/", "/etc/camera-appliance/yard.toml")


def test_a_reload_applies_what_it_can_and_names_what_needs_a_restart(host: Machine) -> None:
    former = host.property(OTHER, "MainPID")
    configure(host, "fps = 5", "fps = 6")
    host.run("tee", "--append", "/etc/camera-appliance/yard.toml", stdin='\n[log]\nlevel = "debug"\n')
    host.read("systemctl", "reload", OTHER)
    eventually(lambda: "log.level is now debug" in told(host, "EVENT=reloaded"), "the new level")
    assert "camera.fps has changed, which takes effect after a restart" in told(host, "EVENT=reloaded")
    assert host.property(OTHER, "MainPID") == former


def test_a_reload_of_a_wrong_file_is_refused_and_the_camera_runs_on(host: Machine) -> None:
    former = host.property(OTHER, "MainPID")
    configure(host, f"port = {YARD}", "port = 99999")
    ended = host.run("systemctl", "reload", OTHER)
    configure(host, "port = 99999", f"port = {YARD}")
    assert ended.returncode != 0
    assert "http.port: 99999 is not a whole number" in host.read("journalctl", f"--unit={OTHER}", "--lines=20")
    assert host.property(OTHER, "MainPID") == former
    assert is_live(YARD)
