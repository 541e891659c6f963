"""The files that a host reads at its first boot: those of cloud-init's data source NoCloud.

They are for Raspberry Pi OS since 2025-11 (trixie), whose cloud-init reads them in /boot/firmware, and for Debian's
cloud images, whose cloud-init finds them on a FAT file system labelled CIDATA. Unusual parts follow the files that
Raspberry Pi's own imager writes (rpi-imager 2.0.11, src/customization_generator.cpp and src/downloadthread.cpp).
"""

import re
from typing import Any

import yaml  # type: ignore[import-untyped,unused-ignore]

from deploy.flash.variables import Host, Wifi

CIDATA = "CIDATA"
ADDITION = "cmdline-addition"


def files(host: Host, instance: str) -> dict[str, bytes]:
    """Return name and content of every file; `instance` is new for each card. All but ADDITION belong on the card.

    In addition to those of cloud-init there is an empty `ssh`: it makes Raspberry Pi OS start its SSH server even if
    cloud-init fails, so that the failure can be examined.
    """
    return {
        "user-data": user_data(host),
        "meta-data": _yaml({"instance-id": instance, "local-hostname": host.hostname, "dsmode": "local"}),
        "network-config": network_config(host.wifi),
        "ssh": b"",
        ADDITION: addition(instance, host.wifi).encode(),
    }


def user_data(host: Host) -> bytes:
    """Return the account, its keys and rights, the host's name and its time zone."""
    rule = "ALL=(ALL) ALL" if host.sudo_password else "ALL=(ALL) NOPASSWD:ALL"
    # `user`, not `users`: the distribution's first account is renamed and keeps its groups, video among them.
    user: dict[str, Any] = {"name": host.user, "shell": "/bin/bash", "lock_passwd": not host.password_hash}
    if host.password_hash:
        user["passwd"] = host.password_hash
    user |= {"ssh_authorized_keys": list(host.ssh_public_keys), "sudo": rule}
    # Raspberry Pi OS requires a password since 2026-04, and its imager does not rely on `sudo` alone either.
    sudoers = f"umask 0226 && echo '{host.user} {rule}' > /etc/sudoers.d/010_{host.user}"
    content = {
        "hostname": host.hostname,
        "manage_etc_hosts": True,
        "manage_resolv_conf": False,
        "timezone": host.timezone,
        "user": user,
        "ssh_pwauth": False,
        # cloud-init has no key that starts sshd, and Raspberry Pi OS ships it disabled.
        "runcmd": [["sh", "-c", sudoers], ["systemctl", "enable", "--now", "ssh"]],
    }
    return b"#cloud-config\n" + _yaml(content)


def network_config(wifi: Wifi | None) -> bytes:
    """Return the networks; without Wi-Fi only a comment, so that the default of the image (wired DHCP) applies."""
    if wifi is None:
        return b"# By cable, with an address from DHCP: the default of the image.\n"
    cable = {"dhcp4": True, "dhcp6": True, "optional": True}
    # With `password` beside, not in, `auth`, netplan connects to both WPA2 and WPA2/WPA3 networks.
    point: dict[str, Any] = {"password": wifi.key} if wifi.key else {"auth": {"key-management": "none"}}
    if wifi.hidden:
        point["hidden"] = True
    wireless = {
        "dhcp4": True,
        "optional": True,
        "regulatory-domain": wifi.country,
        "access-points": {wifi.ssid: point},
    }
    # A file with Wi-Fi replaces the default, so wired networks are repeated: eth0 on a Pi, en... on other machines.
    ethernets = {"eth0": cable, "wired": {"match": {"name": "en*"}, **cable}}
    return _yaml({"network": {"version": 2, "ethernets": ethernets, "wifis": {"wlan0": wireless}}})


def addition(instance: str, wifi: Wifi | None) -> str:
    """Return the words to add to the kernel's command line.

    With the instance named here, cloud-init recognises at later boots that it has already run.
    """
    return f"cfg80211.ieee80211_regdom={wifi.country} ds=nocloud;i={instance}" if wifi else f"ds=nocloud;i={instance}"


def command_line(present: str, addition: str) -> str:
    """Return the kernel's command line with the words added, in place of what an earlier customisation added.

    It must stay one line: the firmware reads no further.
    """
    kept = [word for word in present.split() if not re.match(r"ds=nocloud|cfg80211\.ieee80211_regdom=", word)]
    return " ".join([*kept, *addition.split()]) + "\n"


def _yaml(content: dict[str, Any]) -> bytes:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
    return text.encode()
