"""The unit file and the account, judged by systemd's own tools. Nothing is installed and nothing is started."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.declared import SETTINGS

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
UNIT = SYSTEMD / "camera-appliance@.service"
SYSUSERS = SYSTEMD / "sysusers.d" / "camera-appliance.conf"
COMMAND = "/opt/camera-appliance/current/bin/camera-appliance"


def run(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool of systemd; a machine without it cannot judge the unit, so that is a failure and no skip."""
    assert shutil.which(tool), f"{tool} is missing: install Debian's package `systemd`"
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False)


def directives() -> dict[str, list[str]]:
    """Return the directives of the unit with all values of each, in order."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def verify(folder: Path, text: str) -> str:
    """Return what systemd says about the unit, as it would on a host that has the release installed."""
    unit = folder / UNIT.name
    unit.write_text(text.replace(COMMAND, "/bin/true"), encoding="utf-8")
    result = run("systemd-analyze", "verify", unit)
    return result.stdout + result.stderr + ("" if result.returncode == 0 else f"exit status {result.returncode}")


def test_systemd_finds_nothing_to_say_about_the_unit(tmp_path: Path) -> None:
    assert verify(tmp_path, UNIT.read_text(encoding="utf-8")) == ""


def test_the_verification_notices_a_misspelt_directive(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8").replace("WatchdogSec=", "WachdogSec=")
    assert "WachdogSec" in verify(tmp_path, text)


def test_the_sandbox_leaves_little_exposed() -> None:
    result = run("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout)
    assert score, result.stdout + result.stderr
    assert float(score[1]) <= 1.5, result.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("WatchdogSec", "30"),
        ("Restart", "on-failure"),
        ("RestartSec", "2"),
        ("RestartPreventExitStatus", "78"),
        ("StartLimitIntervalSec", "0"),
        ("TimeoutStopSec", "10"),
        ("ExecStart", f"{COMMAND} run --config /etc/camera-appliance/%i.toml"),
        ("Environment", "CAMERA_APPLIANCE_CAMERA_NAME=%i"),
        ("User", "camera-appliance"),
        ("SupplementaryGroups", "video"),
        ("ExecReload", "kill -HUP $MAINPID"),
        ("PartOf", "camera-appliance.target"),
        ("StateDirectory", "camera-appliance/%i"),
        ("RuntimeDirectory", "camera-appliance/%i"),
        ("LoadCredential", "mqtt-password:/etc/camera-appliance/credentials/%i/mqtt-password"),
        ("DevicePolicy", "closed"),
        ("DeviceAllow", "char-video4linux rw"),
        ("CapabilityBoundingSet", ""),
        ("MemoryDenyWriteExecute", "yes"),
        ("SystemCallErrorNumber", "EPERM"),
        ("WantedBy", "camera-appliance.target"),
    ],
)
def test_the_unit_keeps_a_promise(name: str, value: str) -> None:
    assert value in directives().get(name, [])


def test_every_secret_setting_is_a_credential_of_the_unit() -> None:
    secret = {name.replace(".", "-").replace("_", "-") for name, each in SETTINGS.parameters().items() if each.secret}
    assert {value.partition(":")[0] for value in directives()["LoadCredential"]} == secret


def test_a_camera_without_a_password_file_starts_all_the_same() -> None:
    loaded = {value.partition(":")[0] for value in directives()["LoadCredential"]}
    preset = {name: value for name, _, value in (entry.partition(":") for entry in directives()["SetCredential"])}
    assert loaded == set(preset)
    assert set(preset.values()) == {"\\n"}, "systemd takes no empty default; the daemon reads a newline as none"


def test_a_camera_plugged_in_after_boot_is_allowed_in() -> None:
    assert directives()["Wants"] == ["modprobe@videodev.service"]
    assert "modprobe@videodev.service" in directives()["After"]


def test_the_unit_uses_only_directives_of_the_oldest_supported_systemd() -> None:
    newer_than_252 = {"RestartSteps", "RestartMaxDelaySec", "MemoryZSwapMax", "SetLoginEnvironment", "PrivatePIDs"}
    assert not newer_than_252 & set(directives())
    assert directives()["Type"] != ["notify-reload"]


def test_the_account_is_made_by_sysusers(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").touch()
    (tmp_path / "etc" / "group").touch()
    result = run("systemd-sysusers", f"--root={tmp_path}", SYSUSERS)
    assert result.returncode == 0, result.stderr
    name, _, uid, _, _, home, shell = (tmp_path / "etc" / "passwd").read_text(encoding="utf-8").strip().split(":")
    assert name == "camera-appliance"
    assert 0 < int(uid) < 1000, "a system account"
    assert home == "/"
    assert shell.endswith("nologin")
