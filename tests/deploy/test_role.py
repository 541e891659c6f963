"""The Ansible role, as far as it can be judged without a host; `make test-system` deploys it to a real one."""

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from appliance.declared import SETTINGS
from appliance.settings import HttpSettings, MqttSettings
from tests.deploy.ansible import FOLDER, ROLE, ansible

AWKWARD: dict[str, dict[str, Any]] = {
    "camera": {
        "quotes": '"double" and \'single\' and """three"""',
        "backslashes": "C:\\temp\\new \\u0041",
        "umlauts": "Tür über Straße, 日本, 🎥",
        "lines": "one\ntwo\r\n\ttab",
        "unprintable": "bell \u0007 delete \u007f separator \u2028",
        "looks_like_a_number": "007",
        "looks_like_a_boolean": "yes",
        "looks_like_a_comment": "a # b",
        "looks_like_toml": "]\n[http]\nport = 1",
        "empty": "",
        "fps": 12.5,
        "tiny": 1e-7,
        "width": 1280,
        "minus": -3,
        "on": True,
        "off": False,
        "list": ["a", 'b"', "ü"],
        "numbers": [1, 2, 3],
        "left at its default": None,
    },
    "odd key": {"with.dot": 1},
    "http": {"port": 8001, "nested": {"deeper": {"leaf": "x"}}},
}
EXAMPLES = sorted(FOLDER.glob("inventory*.example.yml"))
PLAYBOOKS = sorted(path for path in FOLDER.glob("*.yml") if "inventory" not in path.name)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rendered(work: Path, template: str, **variables: Any) -> str:
    """Return what Ansible makes of a template of the role."""
    given = {**read(ROLE / "defaults" / "main.yml"), **read(ROLE / "vars" / "main.yml"), **variables}
    (work / "variables.json").write_text(json.dumps(given), encoding="utf-8")
    module = ("--module-name=template", f"--args=src={ROLE / 'templates' / template} dest={work / 'rendered'} mode=600")
    result = ansible(work, "ansible", "localhost", *module, f"--extra-vars=@{work / 'variables.json'}")
    assert result.returncode == 0, result.stdout + result.stderr
    return (work / "rendered").read_text(encoding="utf-8")


def cameras(work: Path, *listed: dict[str, Any], **variables: Any) -> dict[str, Any]:
    """Return what the role makes of a list of cameras."""
    text = rendered(work, "cameras.json.j2", camera_appliance_cameras=list(listed), **variables)
    made: dict[str, Any] = json.loads(text)
    return made


def test_the_playbooks_are_understood_by_ansible(tmp_path: Path) -> None:
    result = ansible(
        tmp_path, "ansible-playbook", "--syntax-check", "-i", str(EXAMPLES[0]), *(path.name for path in PLAYBOOKS)
    )
    assert result.returncode == 0, result.stderr


def test_the_playbooks_satisfy_the_linter_at_its_strictest(tmp_path: Path) -> None:
    arguments = ("--offline", "--profile", "production", "--strict", "--nocolor")
    result: subprocess.CompletedProcess[str] = ansible(tmp_path, "ansible-lint", *arguments)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_variable_is_described_with_its_default() -> None:
    defaults = read(ROLE / "defaults" / "main.yml")
    options = read(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults
    assert all(option["description"] and option["type"] for option in options.values())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_example_inventories_are_valid_and_hold_no_secret(path: Path) -> None:
    group = read(path)["cameras"]
    hosts = [(group.get("vars") or {}) | (host or {}) for host in group["hosts"].values()]
    listed = [camera for host in hosts for camera in host["camera_appliance_cameras"]]
    assert listed
    for camera in listed:
        settings = camera.get("settings", {})
        assert {f"{section}.{key}" for section, keys in settings.items() for key in keys} <= set(SETTINGS.parameters())
        secrets = [value for key, value in camera.items() if key not in ("name", "settings")]
        assert all(secret.startswith("{{ vault_") for secret in secrets)
        assert "password" not in json.dumps(settings)


def test_the_role_assumes_the_defaults_that_the_appliance_has() -> None:
    script = (ROLE / "files" / "cameras.py").read_text(encoding="utf-8")
    assert read(ROLE / "vars" / "main.yml")["camera_appliance__default_port"] == HttpSettings().port
    assert f"PORT = {HttpSettings().port}\n" in script
    assert f'BASE_TOPIC = "{MqttSettings().base_topic}"\n' in script
    assert HttpSettings().host == "127.0.0.1"


def test_every_secret_of_the_appliance_has_a_variable() -> None:
    credentials = {
        name.replace(".", "-").replace("_", "-") for name, each in SETTINGS.parameters().items() if each.secret
    }
    assert set(read(ROLE / "vars" / "main.yml")["camera_appliance__secrets"].values()) == credentials


def test_settings_arrive_in_the_file_unchanged(tmp_path: Path) -> None:
    text = rendered(tmp_path, "instance.toml.j2", item="porch", camera_appliance_settings=AWKWARD)
    wanted = {**AWKWARD, "camera": {key: value for key, value in AWKWARD["camera"].items() if value is not None}}
    assert tomllib.loads(text) == wanted


LAN = {"http": {"host": "0.0.0.0"}}
BOTH = ["http-password", "http-token"]
MADE_UP: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({}, []),
    ({"settings": {"http": {"host": "127.0.0.2"}}}, []),
    ({"settings": LAN}, BOTH),
    ({"settings": {"http": {"host": "::"}}}, BOTH),
    ({"settings": LAN, "http_viewer_token": "x" * 16}, BOTH),
    ({"settings": LAN, "http_password": "x"}, ["http-token"]),
    ({"settings": LAN, "http_token": "x" * 16}, ["http-token"]),
    ({"http_password": "x"}, ["http-token"]),
    ({"settings": {"http": {"host": "0.0.0.0", "open": True}}}, []),
)


def test_secrets_are_made_up_where_a_camera_would_be_open_to_others(tmp_path: Path) -> None:
    named = [{"name": f"camera{number}", **camera} for number, (camera, _) in enumerate(MADE_UP)]
    made = cameras(tmp_path, *named)
    assert [made[camera["name"]]["generate"] for camera in named] == [generated for _, generated in MADE_UP]


def test_a_camera_without_a_broker_uses_the_one_of_its_host(tmp_path: Path) -> None:
    elsewhere = {"mqtt": {"host": "broker.local", "username": "me"}}
    made = cameras(
        tmp_path,
        {"name": "porch", "settings": {"mqtt": {"live_interval": 2}}},
        {"name": "yard", "settings": elsewhere, "mqtt_password": "swordfish"},
        camera_appliance_broker=True,
    )
    here = {"host": "127.0.0.1", "port": 1883, "username": "porch", "live_interval": 2}
    assert made["porch"]["settings"]["mqtt"] == here
    assert made["porch"]["generate"] == ["mqtt-password"]
    assert made["yard"]["settings"] == elsewhere
    assert made["yard"]["generate"] == []
    assert made["yard"]["checked"]["mqtt"]["password"] == "swordfish"
