"""The Ansible role, run by real Ansible against a folder instead of a host.

`camera_appliance_prefix` puts a folder before every path, so the whole role but packages, account and services runs
here: preflight, a release in a real venv, configurations, the `current` link. The wheel is a stand-in for the
appliance that only knows `version` and `check`.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

ANSIBLE = Path(__file__).resolve().parents[2] / "deploy" / "ansible"
ROLE = ANSIBLE / "roles" / "camera_appliance"

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

STAND_IN = """
import sys
import tomllib

def main():
    if sys.argv[1] == "version":
        print("{version}")
        return 0
    verb, _, path = sys.argv[1:]
    with open(path, "rb") as file:
        settings = tomllib.load(file)
    if verb != "check" or settings.get("http", {{}}).get("port") == 99999:
        print("http.port: 99999 is above 65535", file=sys.stderr)
        return 78
    return 0
"""

# A Python that makes a venv without a pip of its own and lends it ours: ensurepip would take longer than all the rest.
PYTHON = f"""#!/bin/sh
set -e
[ "$1 $2" = "-m venv" ] || exec {sys.executable} "$@"
{sys.executable} -m venv --without-pip "$3"
printf '#!/bin/sh\\nexec {sys.executable} -m pip --python "$PWD/bin/python" "$@"\\n' > "$3/bin/pip"
chmod 755 "$3/bin/pip"
"""


@dataclass(frozen=True)
class Run:
    """One finished ansible-playbook: its exit status, how many tasks changed something, and all it printed."""

    status: int
    changed: int
    text: str


@dataclass(frozen=True)
class Host:
    """A folder that stands for a host, and the wheel to bring there."""

    root: Path
    wheel: Path
    work: Path

    def deploy(self, cameras: list[dict[str, Any]], *arguments: str, **variables: Any) -> Run:
        """Run the role as site.yml does, but locally and as whoever runs the tests."""
        inventory = {
            "cameras": {
                "hosts": {
                    "here": {
                        "ansible_connection": "local",
                        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                        "ansible_become": False,
                        "camera_appliance_prefix": str(self.root),
                        "camera_appliance_wheel": str(self.wheel),
                        "camera_appliance_lock": str(self.work / "requirements.lock"),
                        "camera_appliance_python": str(self.work / "python"),
                        "camera_appliance_pip_arguments": ["--no-index"],
                        "camera_appliance_minimum_free_mb": 1,
                        "camera_appliance_cameras": cameras,
                        **variables,
                    }
                }
            }
        }
        own = Path(tempfile.mkdtemp(dir=self.work))
        file = own / "inventory.json"
        file.write_text(json.dumps(inventory), encoding="utf-8")
        result = ansible(own, "ansible-playbook", "-i", str(file), "site.yml", *arguments)
        _, _, recap = result.stdout.partition("PLAY RECAP")
        changed = int(recap.partition("changed=")[2].split()[0]) if "changed=" in recap else -1
        return Run(result.returncode, changed, result.stdout + result.stderr)

    def settings(self, camera: str) -> dict[str, Any]:
        """Return the configuration of a camera as the daemon would read it."""
        text = (self.root / "etc" / "camera-appliance" / f"{camera}.toml").read_text(encoding="utf-8")
        return tomllib.loads(text)

    def files(self) -> list[Path]:
        """Return all that lies on the host."""
        return sorted(self.root.rglob("*"))


def ansible(work: Path, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of Ansible in the folder of site.yml; what it caches goes to `work`."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
        "HOME": str(work),
        "ANSIBLE_HOME": str(work / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        [str(Path(sys.executable).parent / tool), *arguments],
        cwd=ANSIBLE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def make_wheel(folder: Path, version: str) -> Path:
    """Write a wheel with the stand-in, which needs nothing but Python; return its path."""
    wheel = folder / f"camera_appliance-{version}-py3-none-any.whl"
    info = f"camera_appliance-{version}.dist-info"
    files = {
        "stand_in.py": STAND_IN.format(version=version),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: camera-appliance\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ncamera-appliance = stand_in:main\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    return wheel


def new_host(folder: Path) -> Host:
    """Return an empty host below a folder."""
    work = folder / "work"
    root = folder / "root"
    work.mkdir()
    root.mkdir()
    (work / "python").write_text(PYTHON, encoding="utf-8")
    (work / "python").chmod(0o755)
    (work / "requirements.lock").write_text("# The stand-in needs nothing.\n", encoding="utf-8")
    return Host(root, make_wheel(folder, "1.2.3"), work)


CAMERAS: list[dict[str, Any]] = [
    {"name": "porch", "settings": AWKWARD, "mqtt_password": 'swordfish "ü" \\n'},
    {"name": "yard"},
]


@pytest.fixture(scope="module")
def side_by_side() -> Iterator[ThreadPoolExecutor]:
    """Return what runs Ansible more than once at a time: each run is many seconds of one core."""
    with ThreadPoolExecutor(max_workers=3) as pool:
        yield pool


@pytest.fixture(scope="module")
def linted(
    tmp_path_factory: pytest.TempPathFactory, side_by_side: ThreadPoolExecutor
) -> Future[subprocess.CompletedProcess[str]]:
    """Return the linter's verdict to come."""
    arguments = ("--offline", "--profile", "production", "--strict", "--nocolor")
    return side_by_side.submit(ansible, tmp_path_factory.mktemp("lint"), "ansible-lint", *arguments)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, linted: object) -> Host:
    """Return a host with an older release and a camera that is not in the list any more, after one run of the role."""
    host = new_host(tmp_path_factory.mktemp("installed"))
    (host.root / "opt" / "camera-appliance" / "releases" / "1.0.0-former").mkdir(parents=True)
    (host.root / "opt" / "camera-appliance" / "current").symlink_to("releases/1.0.0-former")
    (host.root / "etc" / "camera-appliance" / "credentials").mkdir(parents=True)
    (host.root / "etc" / "camera-appliance" / "former.toml").touch()
    (host.root / "etc" / "camera-appliance" / "credentials" / "former.mqtt-password").touch()
    run = host.deploy(CAMERAS, "--diff")
    assert run.status == 0, run.text
    assert run.changed > 0
    assert "swordfish" not in run.text, "a password was printed"
    return host


@dataclass(frozen=True)
class Later:
    """What came of three more runs on the installed host, none of which may leave a trace."""

    same: Run
    refused: Run
    dry: Run


@pytest.fixture(scope="module")
def later(installed: Host, side_by_side: ThreadPoolExecutor) -> Later:
    """Run the role with the same list, with settings that the appliance refuses, and an update in check mode."""
    before = {path: path.read_bytes() for path in installed.files() if path.is_file() and path.suffix != ".pyc"}
    wrong = [{"name": "porch", "settings": {"http": {"port": 99999}}}]
    slower = [{"name": "yard", "settings": {"camera": {"fps": 5}}}]
    newer = str(make_wheel(installed.work, "1.3.0"))
    same = side_by_side.submit(installed.deploy, CAMERAS)
    refused = side_by_side.submit(installed.deploy, wrong)
    dry = side_by_side.submit(installed.deploy, slower, "--check", "--diff", camera_appliance_wheel=newer)
    runs = Later(same.result(), refused.result(), dry.result())
    after = {path: path.read_bytes() for path in installed.files() if path.is_file() and path.suffix != ".pyc"}
    assert after == before
    return runs


def test_the_playbook_is_understood_by_ansible(tmp_path: Path) -> None:
    result = ansible(tmp_path, "ansible-playbook", "--syntax-check", "-i", "inventory.example.yml", "site.yml")
    assert result.returncode == 0, result.stderr


def test_the_playbook_satisfies_the_linter_at_its_strictest(
    linted: Future[subprocess.CompletedProcess[str]],
) -> None:
    result = linted.result()
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_variable_is_described_with_its_default() -> None:
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    options = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = options["argument_specs"]["main"]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults
    assert all(option["description"] and option["type"] for option in options.values())


def test_the_example_inventory_holds_no_secret() -> None:
    inventory = yaml.safe_load((ANSIBLE / "inventory.example.yml").read_text(encoding="utf-8"))
    cameras = [camera for host in inventory["cameras"]["hosts"].values() for camera in host["camera_appliance_cameras"]]
    assert len(cameras) > 1
    for camera in cameras:
        assert "password" not in json.dumps(camera.get("settings", {}))
        assert camera.get("mqtt_password", "{{ vault_ }}").startswith("{{ vault_")


def test_the_example_inventory_is_accepted_by_the_appliance(tmp_path: Path) -> None:
    settings = pytest.importorskip("appliance.settings")
    inventory = yaml.safe_load((ANSIBLE / "inventory.example.yml").read_text(encoding="utf-8"))
    known = set(settings.parameters())
    for host in inventory["cameras"]["hosts"].values():
        for camera in host["camera_appliance_cameras"]:
            named = {f"{section}.{key}" for section, keys in camera["settings"].items() for key in keys}
            assert named <= known


def test_the_role_assumes_the_defaults_that_the_appliance_has() -> None:
    settings = pytest.importorskip("appliance.settings")
    assumed = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))
    assert assumed["camera_appliance__default_host"] == settings.HttpSettings().host
    assert assumed["camera_appliance__default_port"] == settings.HttpSettings().port


def test_settings_arrive_in_the_file_unchanged(installed: Host) -> None:
    wanted = {**AWKWARD, "camera": {key: value for key, value in AWKWARD["camera"].items() if value is not None}}
    assert installed.settings("porch") == wanted
    assert installed.settings("yard") == {}


def test_passwords_are_for_root_alone_and_always_there(installed: Host) -> None:
    folder = installed.root / "etc" / "camera-appliance" / "credentials"
    assert folder.stat().st_mode & 0o777 == 0o700
    passwords = {file.name: file for file in folder.iterdir()}
    assert set(passwords) == {"porch.mqtt-password", "yard.mqtt-password"}
    assert passwords["porch.mqtt-password"].read_text(encoding="utf-8") == CAMERAS[0]["mqtt_password"]
    assert passwords["yard.mqtt-password"].read_text(encoding="utf-8") == ""
    assert {file.stat().st_mode & 0o777 for file in passwords.values()} == {0o600}


def test_nothing_of_a_release_can_be_written_by_others(installed: Host) -> None:
    release = (installed.root / "opt" / "camera-appliance" / "current").resolve()
    assert release.parent.name == "releases"
    assert release.name.startswith("1.2.3-")
    assert [
        path for path in [release, *release.rglob("*")] if not path.is_symlink() and path.stat().st_mode & 0o022
    ] == []


def test_the_unit_that_is_installed_is_the_one_of_the_repository(installed: Host) -> None:
    unit = installed.root / "etc" / "systemd" / "system" / "camera-appliance@.service"
    assert unit.read_bytes() == (ANSIBLE.parents[1] / "systemd" / unit.name).read_bytes()


def test_the_former_release_stays_beside_the_new_one(installed: Host) -> None:
    assert (installed.root / "opt" / "camera-appliance" / "releases" / "1.0.0-former").exists()


def test_a_camera_that_left_the_list_loses_its_configuration_and_password(installed: Host) -> None:
    names = {path.name.partition(".")[0] for path in (installed.root / "etc" / "camera-appliance").rglob("*.*")}
    assert names == {"porch", "yard"}


def test_a_second_run_changes_nothing(later: Later) -> None:
    assert (later.same.status, later.same.changed) == (0, 0), later.same.text


def test_a_configuration_that_the_appliance_refuses_does_not_replace_the_former(later: Later) -> None:
    assert later.refused.status != 0
    assert "http.port: 99999 is above 65535" in later.refused.text


def test_check_mode_shows_an_update_and_does_not_make_it(later: Later) -> None:
    assert later.dry.status == 0, later.dry.text
    assert "+fps = 5" in later.dry.text
    assert "+    src: releases/1.3.0-" in later.dry.text


@pytest.mark.parametrize(
    ("cameras", "variables", "complaint"),
    [
        (CAMERAS, {"camera_appliance_minimum_free_mb": 10**9}, "Nothing was changed"),
        ([{"name": "porch"}, {"name": "yard"}], {}, "its own http.port"),
    ],
    ids=["no space", "two cameras on one port"],
)
def test_a_host_that_cannot_be_served_is_left_untouched(
    tmp_path: Path, cameras: list[dict[str, Any]], variables: dict[str, Any], complaint: str
) -> None:
    host = new_host(tmp_path)
    run = host.deploy(cameras, **variables)
    assert run.status != 0
    assert complaint in " ".join(run.text.split())
    assert host.files() == []
