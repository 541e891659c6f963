"""Checks across settings: combinations that are invalid although each value is valid."""

import ipaddress
import os
from collections.abc import Iterator, Mapping

from appliance.parameters import Value
from appliance.settings.effective import Effective
from appliance.system import passwords

_FILES = (
    "mqtt.tls_ca_file",
    "mqtt.tls_certificate_file",
    "mqtt.tls_key_file",
    "http.tls_certificate",
    "http.tls_key",
)
_UNPROTECTED = """\
http.host: {host} can be reached from other machines, but no setting says who may view and control the camera.
  Add two lines to the file of the settings (one, if it has a section [http]): a password, of which
  `camera-appliance hash-password` makes the line,
    [http]
    password = "..."
  or, to allow everyone who can reach that address to view and control the camera,
    [http]
    open = true
  In the environment: CAMERA_APPLIANCE_HTTP_PASSWORD=... or CAMERA_APPLIANCE_HTTP_OPEN=true"""


def contradictions(effective: Mapping[str, Effective]) -> Iterator[str]:
    """Yield the problems of combinations of settings."""
    value = {name: entry.value for name, entry in effective.items()}
    if value["mqtt.tls_key_file"] and not value["mqtt.tls_certificate_file"]:
        yield "mqtt.tls_key_file: has no effect without mqtt.tls_certificate_file"
    if value["mqtt.password"] and not value["mqtt.username"]:
        yield "mqtt.password: has no effect without mqtt.username"
    if bool(value["http.tls_certificate"]) != bool(value["http.tls_key"]):
        yield "http.tls_certificate, http.tls_key: one has no effect without the other"
    if value["http.tls_certificate"] and value["http.tls_self_signed"]:
        yield "http.tls_self_signed: contradicts http.tls_certificate; choose one"
    for name in _FILES:
        if value[name] and not os.path.isfile(str(value[name])):
            yield f"{name}: there is no file {value[name]!r} ({effective[name].origin})"
    yield from _access_problems(value)
    for name in ("http.host", "camera.source", "pictures.directory", "storage.directory"):
        if not str(value[name]).strip():
            yield f"{name}: must not be empty ({effective[name].origin})"


def is_loopback(host: str) -> bool:
    """Return whether the address can be reached only from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _access_problems(value: Mapping[str, Value]) -> Iterator[str]:
    """Yield the problems of the settings that control access."""
    secrets = ("http.password", "http.token", "http.viewer_password", "http.viewer_token")
    given = [name for name in secrets if value[name]]
    if value["http.open"] and given:
        yield f"http.open: allows everyone, so {', '.join(given)} would have no effect; remove one or the other"
    host = str(value["http.host"]).strip()
    if host and not value["http.open"] and not given and not is_loopback(host):
        yield _UNPROTECTED.format(host=host)
    if value["http.viewer_open"] and not value["http.password"] and not value["http.token"]:
        yield "http.viewer_open: has no effect without http.password or http.token"
    if value["http.token"] and value["http.token"] == value["http.viewer_token"]:
        yield "http.viewer_token: has to differ from http.token, or it would grant control"
    for name in ("http.password", "http.viewer_password"):
        if passwords.is_hash(str(value[name])) and not passwords.is_usable(str(value[name])):
            yield f"{name}: is a damaged hash; `camera-appliance hash-password` makes a good one"
    for proxy in filter(None, str(value["http.trusted_proxies"]).split(",")):
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            yield f'http.trusted_proxies: "{proxy}" is not an address or a network such as 192.168.1.0/24'
