"""The scripts that the role runs on a host, and the one on the controller."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.deploy.ansible import ROLE


def script(name: str) -> ModuleType:
    """Return a script of the role as a module."""
    specification = importlib.util.spec_from_file_location(name, ROLE / "files" / f"{name}.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


PI = {
    "system": "Debian GNU/Linux 13 (trixie)",
    "family": ["debian"],
    "version": "13",
    "bits": 64,
    "machine": "aarch64",
    "python": "3.13",
    "free_mb": 9000,
    "root": "ext4",
}


@pytest.mark.parametrize(
    ("difference", "complaint"),
    [
        ({}, None),
        ({"family": ["raspbian", "debian"], "version": "12", "python": "3.11"}, None),
        ({"machine": "x86_64"}, None),
        ({"family": ["ubuntu", "debian"], "version": "24.04", "system": "Ubuntu 24.04"}, "Ubuntu 24.04"),
        ({"family": ["fedora"], "system": "Fedora"}, "Fedora is not supported"),
        ({"version": "11"}, "not supported"),
        ({"bits": 32}, "32-bit"),
        ({"machine": "armv7l", "bits": 32}, "armv7l"),
        ({"python": "3.9"}, "Python is 3.9"),
        ({"free_mb": 699}, "699 MB are free"),
        ({"root": "overlay"}, "disable_overlayfs"),
    ],
)
def test_a_host_is_refused_in_words_that_help(difference: dict[str, Any], complaint: str | None) -> None:
    problems = list(script("preflight").problems(PI | difference, 700))
    if complaint is None:
        assert problems == []
    else:
        assert len(problems) == 1
        assert complaint in problems[0]


def test_the_mount_that_covers_the_root_counts() -> None:
    mounts = "rootfs / rootfs rw 0 0\n/dev/mmcblk0p2 / ext4 rw 0 0\noverlay / overlay rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n"
    assert script("preflight").file_system_of_root(mounts) == "overlay"


def test_a_missing_device_is_named_and_a_url_is_not_looked_for() -> None:
    sources = {"porch": "/dev/v4l/by-id/gone", "yard": "/dev/null", "barn": "rtsp://barn", "shed": "", "hall": "auto"}
    assert script("preflight").missing(sources) == {"porch": "/dev/v4l/by-id/gone"}


def keep(folder: Path, check: bool = False, **cameras: dict[str, Any]) -> dict[str, Any]:
    """Run the script that keeps the secrets."""
    asked = {name: {"secrets": {}, "generate": [], **camera} for name, camera in cameras.items()}
    question = json.dumps({"folder": str(folder), "check": check, "cameras": asked})
    command = [sys.executable, str(ROLE / "files" / "credentials.py")]
    ended = subprocess.run(command, input=question, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_secrets_are_files_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "credentials"
    answer = keep(folder, porch={"secrets": {"mqtt-password": 'sword "ü" \\n', "http-token": ""}}, yard={})
    assert answer == {"changed": ["porch"], "generated": {}, "left": []}
    assert files(folder) == {"porch/mqtt-password": 'sword "ü" \\n'}
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]} == {0}


def test_the_same_secrets_change_nothing_and_others_replace_them(tmp_path: Path) -> None:
    keep(tmp_path / "it", porch={"secrets": {"mqtt-password": "a", "http-token": "t"}})
    assert keep(tmp_path / "it", porch={"secrets": {"mqtt-password": "a", "http-token": "t"}})["changed"] == []
    assert keep(tmp_path / "it", porch={"secrets": {"mqtt-password": "b"}})["changed"] == ["porch"]
    assert files(tmp_path / "it") == {"porch/mqtt-password": "b"}


def test_a_secret_is_made_up_once_and_gives_way_to_one_that_is_given(tmp_path: Path) -> None:
    first = keep(tmp_path / "it", porch={"generate": ["http-password"]})
    password = first["generated"]["porch"]["http-password"]
    assert len(password) >= 16
    assert keep(tmp_path / "it", porch={"generate": ["http-password"]}) == {"changed": [], "generated": {}, "left": []}
    assert files(tmp_path / "it") == {"porch/http-password": password}
    keep(tmp_path / "it", porch={"generate": ["http-password"], "secrets": {"http-password": "mine"}})
    assert files(tmp_path / "it") == {"porch/http-password": "mine"}


def test_a_camera_that_left_loses_its_secrets(tmp_path: Path) -> None:
    keep(tmp_path / "it", porch={"secrets": {"mqtt-password": "a"}}, yard={"secrets": {"mqtt-password": "b"}})
    assert keep(tmp_path / "it", yard={"secrets": {"mqtt-password": "b"}})["left"] == ["porch"]
    assert files(tmp_path / "it") == {"yard/mqtt-password": "b"}


def test_checking_changes_nothing(tmp_path: Path) -> None:
    assert keep(tmp_path / "it", check=True, porch={"secrets": {"mqtt-password": "a"}})["changed"] == ["porch"]
    assert not (tmp_path / "it").exists()


def test_only_a_wheel_of_ours_is_deployed(tmp_path: Path) -> None:
    wheels = script("wheels")
    assert wheels.version_of(Path("camera_appliance-1.2.3-py3-none-any.whl")) == "1.2.3"
    with pytest.raises(ValueError, match="not a wheel of the Camera Appliance"):
        wheels.version_of(Path("numpy-2.4.6-cp313-cp313-manylinux_2_27_aarch64.whl"))
    with pytest.raises(ValueError, match="make wheel"):
        wheels.newest(tmp_path)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_wheels_of_both_architectures_are_asked_for(machine: str) -> None:
    platforms = script("wheels").platforms(machine)
    assert {f"manylinux2014_{machine}", f"manylinux_2_28_{machine}"} <= set(platforms)
    assert f"manylinux_2_38_{machine}" not in platforms, "Debian 12 has glibc 2.36"


@pytest.mark.parametrize(
    ("name", "arguments", "question"),
    [
        ("preflight", (), {"folder": "/tmp", "minimum_free_mb": 1, "sources": {}}),
        ("credentials", (), {"folder": "/nonexistent", "check": True, "cameras": {}}),
        ("cameras", (), {"configuration": "/nonexistent", "names": [], "prove": 0, "dark": []}),
        ("wheels", ("--help",), {}),
    ],
)
def test_a_script_runs_without_any_package(name: str, arguments: tuple[str, ...], question: dict[str, Any]) -> None:
    script = ROLE / "files" / f"{name}.py"
    ended = subprocess.run(
        [sys.executable, "-I", "-S", script, *arguments],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert ended.returncode == 0, ended.stderr
