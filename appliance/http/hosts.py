"""Names and addresses by which a browser may call the appliance.

DNS rebinding needs a name that an attacker controls in the public DNS: it resolves to the attacker's server first and
to the appliance later, and the browser takes both for one site. An address cannot be rebound, and the names accepted
by `cannot_be_rebound` are not resolved by the public DNS. docs/security.md has the reasoning for each of them.
"""

import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress

from appliance.errors import InvalidRequest
from appliance.http.errors import UnknownHost
from appliance.settings import HttpSettings

LOCAL_DOMAINS = ("local", "localhost", "lan", "home", "home.arpa", "internal", "localdomain", "fritz.box")
"""Domains that networks at home use. `fritz.box` is the only one that the public DNS can resolve; AVM owns it."""

_LONGEST_LABEL, _LONGEST_NAME = 63, 253  # characters (RFC 1035, 2.3.4)
_AT_OR_BELOW = tuple(f".{domain}" for domain in LOCAL_DOMAINS)
_LONGEST_SHOWN = 100  # characters of what a client sent
_HIGHEST_PORT = 65535
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
    """Return name or address, in lower case, without brackets, zone and final dot; and the port, None without one.

    Raises InvalidRequest for what is neither `NAME[:PORT]` nor `ADDRESS[:PORT]`, with an IPv6 address in brackets.
    """
    match = _HOST.fullmatch(host)
    if match is None:
        raise _malformed(host)
    port = int(match["port"]) if match["port"] and len(match["port"]) <= len(str(_HIGHEST_PORT)) else None
    if (match["port"] and port is None) or (port or 0) > _HIGHEST_PORT:
        raise _malformed(host)
    if match["address"]:
        if ":" not in match["address"] or not _is_address(match["address"]):
            raise _malformed(host)
        return match["address"].lower(), port
    name = match["name"].lower()
    # Browsers take a name whose last part is a number for an IPv4 address, and send that as four decimal numbers
    # (https://url.spec.whatwg.org/#ends-in-a-number-checker). `127.1` and `300.1.1.1` are neither that nor a name.
    ends_in_number = "." in name and _NUMBER.fullmatch(name.rpartition(".")[2])
    if ends_in_number and not _is_address(name):
        raise _malformed(host)
    return name, port


def cannot_be_rebound(name: str) -> bool:
    """Return whether that name, as `split` returns it, is an address, or a name that the public DNS does not resolve."""
    is_name = len(name) <= _LONGEST_NAME and all(1 <= len(label) <= _LONGEST_LABEL for label in name.split("."))
    is_local = "." not in name or f".{name}".endswith(_AT_OR_BELOW)
    return _is_address(name) or (is_name and is_local)


class Hosts:
    """The names that are ours, besides those that cannot be rebound. `names` are those of this machine."""

    def __init__(self, settings: HttpSettings, names: Iterable[str]) -> None:
        allowed = [_name(host) for host in settings.allowed_hosts.split(",") if host.strip()]
        self._below = tuple(host[1:] for host in allowed if host.startswith("*."))
        self._names = {*allowed, *(_name(name) for name in names)}
        if settings.public_url:
            self._names.add(_name(settings.public_url.split("/")[2]))

    def are_ours(self, name: str) -> bool:
        """Return whether a browser may call the appliance by that name, as `split` returns it."""
        return name in self._names or cannot_be_rebound(name) or name.endswith(self._below)

    def check(self, host: str) -> None:
        """Raise InvalidRequest for a `Host` that is malformed, UnknownHost for a name that is not ours."""
        name, _ = split(host)
        if not self.are_ours(name):
            raise UnknownHost(
                f"this appliance is not known as {name[:_LONGEST_SHOWN]!r}; to use that name, "
                "add it to http.allowed_hosts"
            )


def host_of(origin: str) -> str:
    """Return the name or address in an origin; empty where it has none, as `null` has."""
    match = _ORIGIN.fullmatch(origin)
    with suppress(InvalidRequest):
        return split(match[2])[0] if match else ""
    return ""


def is_same_host_and_port(origin: str, host: str) -> bool:
    """Return whether an origin is at that `Host`. The scheme may differ: a reverse proxy may speak TLS for us."""
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return False
    usual = _DEFAULT_PORTS[match[1].lower()]
    with suppress(InvalidRequest):
        (name, port), (own_name, own_port) = split(match[2]), split(host)
        return (name, usual if port is None else port) == (own_name, usual if own_port is None else own_port)
    return False


def is_same_origin(origin: str, url: str) -> bool:
    """Return whether an origin is that of a URL: scheme, host and port."""
    scheme, _, rest = url.partition("://")
    return origin.partition("://")[0].lower() == scheme.lower() and is_same_host_and_port(origin, rest.split("/")[0])


def _is_address(text: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(text))
    return False


def _name(host: str) -> str:
    """Return a configured name as `split` returns one from a request."""
    return re.sub(r":[0-9]*$", "", host.strip().lower()).strip("[]").removesuffix(".")


def _malformed(host: str) -> InvalidRequest:
    return InvalidRequest(
        f"the Host {host[:_LONGEST_SHOWN]!r} is malformed; send NAME, NAME:PORT, ADDRESS or ADDRESS:PORT, with an IPv6 "
        "address in brackets"
    )
