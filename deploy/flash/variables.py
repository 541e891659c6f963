"""The variables of a host's card: each declared once, checked, and read from the inventory into a `Host`.

They are documented in deploy/README.md; a test compares that table with VARIABLES.
"""

import difflib
import hashlib
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.flash.errors import Refused

KEY_FILES = ("id_ed25519.pub", "id_ed25519_sk.pub", "id_ecdsa.pub", "id_ecdsa_sk.pub", "id_rsa.pub")
KEY = re.compile(
    r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d+|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) AAAA[\w+/]+=*( .*)?"
)


@dataclass(frozen=True)
class Wifi:
    """A wireless network. `key` is the 256-bit WPA key in hexadecimal, or '' for an open network."""

    ssid: str
    key: str
    country: str
    hidden: bool


@dataclass(frozen=True)
class Host:
    """The configuration of a host for its first boot."""

    hostname: str
    user: str
    ssh_public_keys: tuple[str, ...]
    timezone: str
    password_hash: str
    sudo_password: bool
    wifi: Wifi | None


@dataclass(frozen=True)
class Variable:
    """One variable of the inventory. `wrong` returns the problem of a value, without repeating it, or None."""

    kind: type
    wrong: Callable[[Any], str | None]
    default: Any = None
    secret: bool = False


def _pattern(pattern: str, words: str) -> Callable[[Any], str | None]:
    return lambda value: None if re.fullmatch(pattern, value) else words


def _timezone(name: str) -> str | None:
    known = zoneinfo.available_timezones()
    if not known or name in known:
        return None
    near = difflib.get_close_matches(name, known, 1)
    return f"is no time zone{f'; did you mean {near[0]}?' if near else ', like Europe/Berlin'}"


def _user(name: str) -> str | None:
    if name == "root":
        return "cannot be the account of the card: name an ordinary one; it may use sudo"
    return _pattern(r"[a-z_][a-z0-9_-]{0,31}", "is no account name: small letters, digits, - and _")(name)


def _keys(keys: list[Any]) -> str | None:
    for number, key in enumerate(keys, 1):
        if isinstance(key, str) and "PRIVATE KEY" in key:
            return f"holds a private key (number {number}): give the .pub file that belongs to it, and make a new key"
        if not isinstance(key, str) or not KEY.fullmatch(key.strip()):
            return f"holds something that is no public key (number {number}): one looks like `ssh-ed25519 AAAA... name`"
    return None if keys else "is empty, and ~/.ssh holds no key of yours either: `ssh-keygen -t ed25519` makes one"


def _wifi_password(password: str) -> str | None:
    if re.fullmatch(r"[ -~]{8,63}|[0-9A-Fa-f]{64}", password):
        return None
    return "is neither a passphrase of 8 to 63 ASCII characters nor a key of 64 hexadecimal digits"


def _ssid(ssid: str) -> str | None:
    return None if 1 <= len(ssid.encode()) <= 32 else "must be 1 to 32 bytes long"


VARIABLES: dict[str, Variable] = {
    "ansible_user": Variable(str, _user),
    "flash_hostname": Variable(
        str,
        _pattern(
            r"(?!\d+$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
            "is no host name: small letters, digits and -, not only digits. flash_hostname sets one",
        ),
    ),
    "flash_ssh_public_keys": Variable(list, _keys),
    "flash_timezone": Variable(str, _timezone, "Etc/UTC"),
    "flash_password_hash": Variable(
        str,
        _pattern(r"\$(6|5|y|2[aby])\$[^\s:]{8,}", "is no hash of a password: `openssl passwd -6` makes one"),
        "",
        secret=True,
    ),
    "flash_sudo_password": Variable(bool, lambda _: None, False),
    "flash_wifi_ssid": Variable(str, _ssid, ""),
    "flash_wifi_password": Variable(str, _wifi_password, "", secret=True),
    "flash_wifi_country": Variable(str, _pattern("[A-Z]{2}", "is no country of two capital letters, like DE"), ""),
    "flash_wifi_hidden": Variable(bool, lambda _: None, False),
}


def read(name: str, given: Mapping[str, Any], home: Path) -> Host:
    """Return the host of that name in the inventory, from its variables; the default of the keys is in `home`/.ssh.

    Raises Refused with all problems, not only the first.
    """
    values = {"flash_hostname": name.partition(".")[0], "flash_ssh_public_keys": own_keys(given, home)}
    values |= {variable: value for variable, value in given.items() if value is not None}
    problems = [_unknown(name) for name in values if name.startswith("flash_") and name not in VARIABLES]
    known: dict[str, Any] = {}
    for variable, declared in VARIABLES.items():
        known[variable] = values.get(variable, declared.default)
        if problem := _problem(known[variable], declared):
            shown = (
                "" if declared.secret or declared.kind is list or known[variable] is None else f" {known[variable]!r}"
            )
            problems.append(f"{variable}{shown} {problem}")
    problems += [] if problems else _contradictions(known)
    if problems:
        raise Refused("\n".join(f"{name}: {problem}" for problem in problems))
    return _host(known)


def own_keys(given: Mapping[str, Any], home: Path) -> list[str]:
    """Return the public key that Ansible is configured to use, or the public keys of this account."""
    named = given.get("ansible_ssh_private_key_file")
    files = [Path(f"{Path(named).expanduser()}.pub")] if named else [home / ".ssh" / file for file in KEY_FILES]
    return [file.read_text(encoding="utf-8").strip() for file in files if file.is_file()]


def wpa_key(ssid: str, password: str) -> str:
    """Return the key of a network in hexadecimal: derived from a passphrase (IEEE 802.11, annex J.4), or as given."""
    if len(password) in (0, 64):
        return password.lower()
    return hashlib.pbkdf2_hmac("sha1", password.encode(), ssid.encode(), 4096, 32).hex()


def _unknown(variable: str) -> str:
    near = difflib.get_close_matches(variable, VARIABLES, 1)
    return f"{variable} is not known" + (f"; did you mean {near[0]}?" if near else "")


def _problem(value: Any, variable: Variable) -> str | None:
    if value is None:
        return "is missing in the inventory"
    if not isinstance(value, variable.kind):
        return f"must be of the kind {variable.kind.__name__}"
    return None if value == variable.default else variable.wrong(value)


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    problems = []
    if values["flash_sudo_password"] and not values["flash_password_hash"]:
        problems.append(
            "flash_sudo_password requires a password, but flash_password_hash is empty: sudo would be impossible"
        )
    if values["flash_wifi_ssid"] and not values["flash_wifi_country"]:
        problems.append("flash_wifi_country is missing: Raspberry Pi OS keeps the radio off until the country is set")
    if values["flash_wifi_password"] and not values["flash_wifi_ssid"]:
        problems.append("flash_wifi_password is given without flash_wifi_ssid: which network is it for?")
    return problems


def _host(values: Mapping[str, Any]) -> Host:
    ssid = str(values["flash_wifi_ssid"])
    key = wpa_key(ssid, str(values["flash_wifi_password"]))
    wifi = Wifi(ssid, key, values["flash_wifi_country"], values["flash_wifi_hidden"]) if ssid else None
    return Host(
        hostname=str(values["flash_hostname"]),
        user=str(values["ansible_user"]),
        ssh_public_keys=tuple(str(key).strip() for key in values["flash_ssh_public_keys"]),
        timezone=str(values["flash_timezone"]),
        password_hash=str(values["flash_password_hash"]),
        sudo_password=values["flash_sudo_password"],
        wifi=wifi,
    )
