"""`make flash` from the inventory on, with real Ansible and a real vault."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from deploy.flash import variables
from tests.flash.conftest import ROOT, Made, boot_file

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl jo@desk"
PASSPHRASE = "swordfish and chips"
INVENTORY = {
    "all": {
        "vars": {"flash_ssh_public_keys": [KEY]},
        "hosts": {
            "pi-garage.local": {
                "ansible_user": "deploy",
                "flash_wifi_ssid": "home",
                "flash_wifi_country": "DE",
                "flash_wifi_password": "{{ vault_wifi }}",
                "camera_secret": "{{ in_a_vault_that_is_not_opened }}",
            },
            "pi-roof": {"flash_timezone": "Mars"},
        },
    }
}


def environment(home: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    return kept | {"HOME": str(home), "ANSIBLE_HOME": str(home / "ansible"), "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an inventory whose Wi-Fi password is in a vault."""
    folder = tmp_path_factory.mktemp("inventory")
    (folder / "password").write_text("open sesame\n", encoding="utf-8")
    (folder / "hosts.json").write_text(json.dumps(INVENTORY), encoding="utf-8")
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "all.yml").write_text(f"vault_wifi: {PASSPHRASE}\n", encoding="utf-8")
    vault = [str(Path(sys.executable).parent / "ansible-vault"), "encrypt", "--vault-password-file", "password"]
    subprocess.run([*vault, "group_vars/all.yml"], cwd=folder, env=environment(folder), capture_output=True, check=True)
    return folder


def flash(inventory: Path, image: Made, host: str, target: Path) -> subprocess.CompletedProcess[str]:
    """Write a card as `make flash` does, with as much output as Ansible can give."""
    arguments = ["--host", host, "--inventory", str(inventory / "hosts.json"), "--image", str(image.path)]
    arguments += ["--sha256", image.sha256, "--device", str(target)]
    temporary = target.with_name("temporary")
    temporary.mkdir()
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "deploy.flash",
            "card",
            *arguments,
            "--",
            "-vvv",
            f"--vault-password-file={inventory}/password",
        ],
        cwd=ROOT,
        env=environment(target.parent) | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def flashed(
    tmp_path_factory: pytest.TempPathFactory, inventory: Path, pi_os: Made
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Return what came of flashing each of three hosts, the last of which is not in the inventory."""
    hosts = ("pi-garage.local", "pi-roof", "pi-attic")
    with ThreadPoolExecutor() as pool:
        runs = pool.map(lambda host: flash(inventory, pi_os, host, tmp_path_factory.mktemp("card") / host), hosts)
        return dict(zip(hosts, runs, strict=True))


def test_a_host_of_the_inventory_gets_its_card(flashed: dict[str, subprocess.CompletedProcess[str]]) -> None:
    result = flashed["pi-garage.local"]
    assert result.returncode == 0, result.stdout + result.stderr
    path = Path(result.stdout.splitlines()[-1].removesuffix(" is ready"))
    user_data = yaml.safe_load(boot_file(path, "user-data"))
    assert (user_data["hostname"], user_data["user"]["name"]) == ("pi-garage", "deploy")
    assert user_data["user"]["ssh_authorized_keys"] == [KEY]
    points = yaml.safe_load(boot_file(path, "network-config"))["network"]["wifis"]["wlan0"]["access-points"]
    assert points == {"home": {"password": variables.wpa_key("home", PASSPHRASE)}}
    instance = yaml.safe_load(boot_file(path, "meta-data"))["instance-id"]
    assert boot_file(path, "cmdline.txt").endswith(f" ds=nocloud;i={instance}\n")
    assert list((path.parent / "temporary").rglob("flash-*")) == [], "what holds the key of the Wi-Fi was left behind"


def test_no_secret_is_shown_however_much_ansible_says(flashed: dict[str, subprocess.CompletedProcess[str]]) -> None:
    shown = "".join(result.stdout + result.stderr for result in flashed.values())
    assert "TASK [Generate the files]" in shown
    assert PASSPHRASE not in shown
    assert variables.wpa_key("home", PASSPHRASE) not in shown


def test_a_fault_of_a_host_is_reported_and_nothing_is_written(
    flashed: dict[str, subprocess.CompletedProcess[str]],
) -> None:
    result = flashed["pi-roof"]
    assert result.returncode == 1
    assert "pi-roof: ansible_user is missing in the inventory" in result.stdout
    assert "pi-roof: flash_timezone 'Mars' is no time zone" in result.stdout
    assert result.stderr.endswith("the card's files could not be made; the reason is above\n")
    assert "write:" not in result.stdout


def test_an_unknown_host_is_answered_with_the_hosts_of_the_inventory(
    flashed: dict[str, subprocess.CompletedProcess[str]],
) -> None:
    result = flashed["pi-attic"]
    assert result.returncode == 1
    assert "pi-attic is not in the inventory. It has: pi-garage.local, pi-roof." in result.stdout


def test_a_missing_inventory_is_said(tmp_path: Path, pi_os: Made) -> None:
    result = flash(tmp_path, pi_os, "pi", tmp_path / "card")
    assert result.returncode == 1
    assert "there is no inventory" in result.stderr
