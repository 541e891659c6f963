"""What a host reads at its first boot, held against the schema of cloud-init itself."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from deploy.flash import firstboot, inventory, variables
from deploy.flash.errors import Refused

CLOUD_INIT = Path(sys.prefix) / "cloud-init" / "usr" / "lib" / "python3" / "dist-packages"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl jo@desk"
HASH = "$6$saltsalt$0123456789abcdefghijklmnopqrstuvwxyz./"
PLAIN: dict[str, Any] = {"ansible_user": "deploy", "flash_ssh_public_keys": [KEY]}
FULL: dict[str, Any] = {
    **PLAIN,
    "flash_hostname": "garage-2",
    "flash_timezone": "Europe/Berlin",
    "flash_password_hash": HASH,
    "flash_sudo_password": True,
    "flash_wifi_ssid": 'Näh "e": #☃',
    "flash_wifi_password": "correct horse",
    "flash_wifi_country": "DE",
    "flash_wifi_hidden": True,
}


def host(**given: Any) -> variables.Host:
    return variables.read("pi-garage.local", PLAIN | given, Path("/nowhere"))


# `cloud-init schema --config-file FILE` for each file, in one process: most of its time is spent on importing.
VALIDATE = """
import sys
from cloudinit.cmd.main import main
for path in sys.argv[1:]:
    try:
        main(["cloud-init", "schema", "--config-file", path])
    except SystemExit as stopped:
        print(path, stopped.code)
"""


def test_cloud_init_itself_finds_the_user_data_valid(tmp_path: Path) -> None:
    least, everything, wrong = (tmp_path / name for name in ("least", "everything", "wrong"))
    least.write_bytes(firstboot.user_data(host()))
    everything.write_bytes(firstboot.user_data(host(**FULL)))
    wrong.write_bytes(firstboot.user_data(host()).replace(b"ssh_pwauth: false", b"ssh_pwauth: [7]"))
    result = subprocess.run(
        [sys.executable, "-c", VALIDATE, str(least), str(everything), str(wrong)],
        env={**os.environ, "PYTHONPATH": str(CLOUD_INIT)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = result.stdout + result.stderr
    assert f"Valid cloud-config: {least}" in said or f"Valid schema {least}" in said, said
    assert f"Valid cloud-config: {everything}" in said or f"Valid schema {everything}" in said, said
    assert f"{wrong} 1" in said, "the check cannot fail"
    assert "ssh_pwauth" in said


def test_the_host_gets_its_name_account_key_and_right_to_be_root() -> None:
    data = yaml.safe_load(firstboot.user_data(host()))
    assert (data["hostname"], data["timezone"]) == ("pi-garage", "Etc/UTC")
    assert data["user"] == {
        "name": "deploy",
        "shell": "/bin/bash",
        "lock_passwd": True,
        "ssh_authorized_keys": [KEY],
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
    }
    assert data["ssh_pwauth"] is False
    assert "users" not in data, "an account in `users` would not be in the group video"
    assert ["systemctl", "enable", "--now", "ssh"] in data["runcmd"]
    assert "'deploy ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/010_deploy" in data["runcmd"][0][2]


def test_sudo_asks_for_a_password_only_if_one_is_given() -> None:
    user = yaml.safe_load(firstboot.user_data(host(**FULL)))["user"]
    assert (user["sudo"], user["passwd"], user["lock_passwd"]) == ("ALL=(ALL) ALL", HASH, False)


def test_wifi_is_joined_with_the_derived_key_and_the_cable_stays_in_use() -> None:
    network = yaml.safe_load(firstboot.network_config(host(**FULL).wifi))["network"]
    # IEEE 802.11, annex J.4: PBKDF2 of passphrase and name; made here with `wpa_passphrase 'IEEE' 'password'`.
    assert variables.wpa_key("IEEE", "password") == "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    assert network["version"] == 2
    (ssid, point), *_ = network["wifis"]["wlan0"]["access-points"].items()
    assert (ssid, point["hidden"]) == (FULL["flash_wifi_ssid"], True)
    assert point["password"] == variables.wpa_key(ssid, "correct horse")
    assert network["wifis"]["wlan0"]["regulatory-domain"] == "DE"
    assert [entry["dhcp4"] for entry in network["ethernets"].values()] == [True, True]
    assert [entry.get("match") for entry in network["ethernets"].values()] == [None, {"name": "en*"}]


def test_an_open_network_and_a_ready_made_key_are_taken_as_they_are() -> None:
    where = {"flash_wifi_ssid": "cafe", "flash_wifi_country": "AT"}
    points = yaml.safe_load(firstboot.network_config(host(**where).wifi))["network"]["wifis"]["wlan0"]["access-points"]
    assert points == {"cafe": {"auth": {"key-management": "none"}}}
    wifi = host(**where, flash_wifi_password="AB" * 32).wifi
    assert wifi is not None
    assert wifi.key == "ab" * 32


def test_without_wifi_the_image_keeps_its_own_network() -> None:
    assert yaml.safe_load(firstboot.network_config(None)) is None


def test_the_instance_is_the_same_in_meta_data_and_on_the_command_line() -> None:
    files = firstboot.files(host(), "pi-garage-1a2b")
    assert yaml.safe_load(files["meta-data"])["instance-id"] == "pi-garage-1a2b"
    assert files[firstboot.ADDITION] == b"ds=nocloud;i=pi-garage-1a2b"
    assert files["ssh"] == b""


def test_the_files_are_for_one_account_alone_and_new_for_each_card(tmp_path: Path) -> None:
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        inventory.render(json.dumps({"name": "pi-garage", "variables": PLAIN}), folder, tmp_path)
        assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    one, other = inventory.read(tmp_path / "one"), inventory.read(tmp_path / "other")
    assert one.keys() == {"user-data", "meta-data", "network-config", "ssh", firstboot.ADDITION}
    assert one["meta-data"] != other["meta-data"]


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ("console=tty1 root=PARTUUID=1-02 rootwait\n", "console=tty1 root=PARTUUID=1-02 rootwait ds=nocloud;i=new\n"),
        ("console=tty1  rootwait ds=nocloud;i=old", "console=tty1 rootwait ds=nocloud;i=new\n"),
        ("ds=nocloud;s=/x cfg80211.ieee80211_regdom=GB console=tty1\n\n", "console=tty1 ds=nocloud;i=new\n"),
    ],
)
def test_the_command_line_stays_one_line_and_names_the_instance_once(present: str, expected: str) -> None:
    assert firstboot.command_line(present, "ds=nocloud;i=new") == expected


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no account": ({"ansible_user": None}, "ansible_user is missing in the inventory"),
    "root": ({"ansible_user": "root"}, "ansible_user 'root' cannot be the account of the card"),
    "odd account": ({"ansible_user": "Jo Doe"}, "ansible_user 'Jo Doe' is no account name"),
    "no key": ({"flash_ssh_public_keys": None}, "`ssh-keygen -t ed25519` makes one"),
    "empty key": ({"flash_ssh_public_keys": []}, "`ssh-keygen -t ed25519` makes one"),
    "key as text": ({"flash_ssh_public_keys": KEY}, "flash_ssh_public_keys must be of the kind list"),
    "half a key": ({"flash_ssh_public_keys": [KEY, "AAAAC3Nza jo@desk"]}, "no public key (number 2)"),
    "two lines": ({"flash_ssh_public_keys": [f"{KEY}\n{KEY}"]}, "no public key (number 1)"),
    "host name": ({"flash_hostname": "pi_garage"}, "flash_hostname 'pi_garage' is no host name"),
    "long name": ({"flash_hostname": "a" * 64}, "is no host name"),
    "time zone": ({"flash_timezone": "Europe/Berln"}, "'Europe/Berln' is no time zone; did you mean Europe/Berlin?"),
    "misspelt": ({"flash_wifi_pasword": "x"}, "flash_wifi_pasword is not known; did you mean flash_wifi_password?"),
    "sudo": ({"flash_sudo_password": True}, "nobody could be root"),
    "yes": ({"flash_sudo_password": "yes"}, "flash_sudo_password 'yes' must be of the kind bool"),
    "no country": ({"flash_wifi_ssid": "home"}, "flash_wifi_country is missing"),
    "country": ({"flash_wifi_country": "de"}, "flash_wifi_country 'de' is no country"),
    "no network": ({"flash_wifi_password": "correct horse"}, "which network is it for?"),
    "long ssid": ({"flash_wifi_ssid": "ü" * 17}, "must be 1 to 32 bytes long"),
}


@pytest.mark.parametrize(("given", "complaint"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_variable_is_named_with_what_would_do(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Refused) as caught:
        host(**given)
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("pi-garage.local: ")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"flash_password_hash": "hunter2"}, "flash_password_hash is no hash of a password: `openssl passwd -6` makes"),
        (
            {"flash_wifi_password": "hunter2", "flash_wifi_ssid": "a"},
            "flash_wifi_password is neither a passphrase of 8",
        ),
        ({"flash_ssh_public_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2"]}, "holds a private key (number 1)"),
    ],
)
def test_a_wrong_secret_is_named_and_not_shown(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Refused) as caught:
        host(**given)
    assert complaint in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Refused) as caught:
        host(ansible_user="root", flash_timezone="Mars", flash_wifi_country="xx")
    assert len(str(caught.value).splitlines()) == 3


def test_without_a_key_in_the_inventory_ones_own_is_taken(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519.pub").write_text(f"{KEY}\n", encoding="utf-8")
    (tmp_path / "fleet.pub").write_text(f"{KEY}-of-the-fleet\n", encoding="utf-8")
    given = {"ansible_user": "deploy"}
    assert variables.read("pi", given, tmp_path).ssh_public_keys == (KEY,)
    given["ansible_ssh_private_key_file"] = str(tmp_path / "fleet")
    assert variables.read("pi", given, tmp_path).ssh_public_keys == (f"{KEY}-of-the-fleet",)


def test_every_variable_is_explained() -> None:
    readme = Path(__file__).resolve().parents[2] / "deploy" / "README.md"
    text = readme.read_text(encoding="utf-8")
    assert [name for name in variables.VARIABLES if f"`{name}`" not in text] == []
