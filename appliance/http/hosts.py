"""The host names and addresses by which a browser may reach the appliance.

DNS rebinding needs a name that an attacker controls in the public DNS: it first resolves to the server of the attacker
and later to the appliance, and the browser treats both as one site. An address cannot be rebound, and the public DNS
does not resolve the names that `cannot_be_rebound` accepts. docs/security.md explains each of them.
"""

import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress

from appliance.errors import InvalidRequest
from appliance.http.errors import UnknownHost
from appliance.settings import HttpSettings

LOCAL_DOMAINS = ("local", "localhost", "lan", "home", "home.arpa", "internal", "localdomain", "fritz.box")
"""Domains of home networks. The public DNS can resolve only `fritz.box`, which AVM owns."""

_MAX_LABEL, _MAX_NAME = 63, 253  # characters (RFC 1035, 2.3.4)
_LOCAL_SUFFIXES = tuple(f".{domain}" for domain in LOCAL_DOMAINS)
_MAX_SHOWN = 100  # characters of a value from a client
_MAX_PORT = 65535
# Browsers allow an underscore in a name and send no zone (https://url.spec.whatwg.org/#host-parsing); programs may send
# one, as `%eth0` or `%25eth0` (RFC 6874).
_HOST = re.compile(
    r"(?:\[(?P<address>[0-9A-Fa-f:.]+)(?:%[A-Za-z0-9._~-]+)?\]"
    r"|(?P<name>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\.?)"
    r"(?::(?P<port>[0-9]*))?"
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ORIGIN = re.compile(r"(https?)://(\S+)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def split(host: str) -> tuple[str, int | None]:
    """Return the name or address in lower case, without brackets, zone and trailing dot; and the port or None.

    Raises InvalidRequest unless it is `NAME[:PORT]` or `ADDRESS[:PORT]`, with an IPv6 address in brackets.
    """
    match = _HOST.fullmatch(host)
    if match is None:
        raise _malformed(host)
    port = int(match["port"]) if match["port"] and len(match["port"]) <= len(str(_MAX_PORT)) else None
    if (match["port"] and port is None) or (port or 0) > _MAX_PORT:
        raise _malformed(host)
    if match["address"]:
        if ":" not in match["address"] or not _is_address(match["address"]):
            raise _malformed(host)
        return match["address"].lower(), port
    name = match["name"].lower()
    # Browsers treat a name whose last part is a number as an IPv4 address, and send it as four decimal numbers
    # (https://url.spec.whatwg.org/#ends-in-a-number-checker). `127.1` and `300.1.1.1` are neither.
    ends_in_number = "." in name and _NUMBER.fullmatch(name.rpartition(".")[2])
    if ends_in_number and not _is_address(name):
        raise _malformed(host)
    return name, port


def cannot_be_rebound(name: str) -> bool:
    """Return whether a name, as returned by `split`, is an address or not resolvable in the public DNS."""
    is_name = len(name) <= _MAX_NAME and all(1 <= len(label) <= _MAX_LABEL for label in name.split("."))
    is_local = "." not in name or f".{name}".endswith(_LOCAL_SUFFIXES)
    return _is_address(name) or (is_name and is_local)


class Hosts:
    """The allowed host names, in addition to those that cannot be rebound. `names` are those of this machine."""

    def __init__(self, settings: HttpSettings, names: Iterable[str]) -> None:
        allowed = [_name(host) for host in settings.allowed_hosts.split(",") if host.strip()]
        self._suffixes = tuple(host[1:] for host in allowed if host.startswith("*."))
        self._names = {*allowed, *(_name(name) for name in names)}
        if settings.public_url:
            self._names.add(_name(settings.public_url.split("/")[2]))

    def is_allowed(self, name: str) -> bool:
        """Return whether a name, as returned by `split`, is allowed in `Host`."""
        return name in self._names or cannot_be_rebound(name) or name.endswith(self._suffixes)

    def check(self, host: str) -> None:
        """Raise InvalidRequest for a malformed `Host`, UnknownHost for a name that is not allowed."""
        name, _ = split(host)
        if not self.is_allowed(name):
            raise UnknownHost(
                f"this appliance is not known as {name[:_MAX_SHOWN]!r}; to use that name, add it to http.allowed_hosts"
            )


def host_of(origin: str) -> str:
    """Return the name or address in an origin; empty for `null` and malformed origins."""
    match = _ORIGIN.fullmatch(origin)
    with suppress(InvalidRequest):
        return split(match[2])[0] if match else ""
    return ""


def is_same_host_and_port(origin: str, host: str) -> bool:
    """Return whether an origin has that host and port. Its scheme is ignored: a reverse proxy may terminate TLS."""
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return False
    usual = _DEFAULT_PORTS[match[1].lower()]
    with suppress(InvalidRequest):
        (name, port), (own_name, own_port) = split(match[2]), split(host)
        return (name, usual if port is None else port) == (own_name, usual if own_port is None else own_port)
    return False


def is_same_origin(origin: str, url: str) -> bool:
    """Return whether an origin and a URL have the same scheme, host and port."""
    scheme, _, rest = url.partition("://")
    return origin.partition("://")[0].lower() == scheme.lower() and is_same_host_and_port(origin, rest.split("/")[0])


def _is_address(text: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(text))
    return False


def _name(host: str) -> str:
    """Return a configured name in the form that `split` returns."""
    return re.sub(r":[0-9]*$", "", host.strip().lower()).strip("[]").removesuffix(".")


def _malformed(host: str) -> InvalidRequest:
    return InvalidRequest(
        f"the Host {host[:_MAX_SHOWN]!r} is malformed; send NAME, NAME:PORT, ADDRESS or ADDRESS:PORT, with an IPv6 "
        "address in brackets"
    )
