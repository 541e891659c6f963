"""Security checks before routing: the `Host`, the origin of a change, and the client behind a reverse proxy.

As WSGI middleware it covers every route.

- DNS rebinding is detected by `Host`, which has a name that is not allowed (see `hosts`).
- Cross-site request forgery is detected by `Origin` and `Sec-Fetch-Site`, which scripts cannot set. Browsers omit
  `Sec-Fetch-Site` over plain HTTP, so its absence proves nothing.
- The page of the appliance adds `X-Camera-Appliance`. A script of another origin can send such a header only after a
  preflight request, which is never granted for it (see `sharing`). This allows the page to work behind a proxy that
  replaces `Host`.
- Behind a reverse proxy all requests come from its address; forwarded headers are used only from trusted proxies.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from appliance import json_codec
from appliance.errors import ApplianceError
from appliance.http.errors import CrossSite
from appliance.http.hosts import Hosts, host_of, is_same_host_and_port, is_same_origin
from appliance.http.sharing import Sharing
from appliance.settings import HttpSettings
from appliance.system.log import logger

log = logger(__name__)

CLIENT = "appliance.client"
"""Key of the WSGI environment: the `Client` that sends the request."""
LOCAL_ADDRESS = "appliance.local_address"
"""Key of the WSGI environment: the local address of the connection."""

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_OWN_PAGE = "HTTP_X_CAMERA_APPLIANCE"  # set by web/shared/api.js
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_~+@-][A-Za-z0-9._~+@-]*)+")
_MAX_PREFIX = 200  # characters
_MAX_HINTS = 10  # values for which a hint is logged
_RESOLVER = Path("/etc/resolv.conf")

Environment = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environment, StartResponse], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Client:
    """The client of a request: its address, whether its connection is encrypted, and the requested host.

    `prefix` is the path below which a reverse proxy serves the appliance, such as `/door`, or empty.
    """

    address: str
    is_secure: bool
    host: str
    prefix: str = ""


class SecurityMiddleware:
    """Wraps the application. `names` are those of this machine."""

    def __init__(self, application: Application, settings: HttpSettings, names: Iterable[str]) -> None:
        self._application = application
        self._sharing = Sharing(settings)
        self._hosts = Hosts(settings, names)
        self._public_url = settings.public_url
        self._proxies = [ipaddress.ip_network(each, strict=False) for each in listed(settings.trusted_proxies)]
        self._hinted: set[str] = set()
        self._lock = threading.Lock()
        frames = " ".join(["'self'", *listed(settings.frame_origins)])
        self._headers = [
            (
                "Content-Security-Policy",
                "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
                f"form-action 'self'; frame-ancestors {frames}",
            ),
            ("X-Content-Type-Options", "nosniff"),
            # With `no-referrer`, browsers send `Origin: null` with our own forms, which looks like another site
            # (Fetch standard, "append a request Origin header").
            ("Referrer-Policy", "same-origin"),
        ]

    def __call__(self, environment: Environment, start_response: StartResponse) -> Iterable[bytes]:
        """Process a request (WSGI)."""

        def start(status: str, answered: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, answered + self._headers + self._sharing.headers(environment), *rest)

        try:
            client = environment[CLIENT] = self._client(environment)
            self._hosts.check(client.host)
            if (granted := self._sharing.preflight(environment)) is not None:
                start("204 No Content", granted)
                return []
            self._check_origin(client.host, environment)
        except ApplianceError as error:
            data = json_codec.encode(json_codec.error(error.code, str(error)))
            status = f"{error.status} {HTTPStatus(error.status).phrase}"
            start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
            return [] if environment["REQUEST_METHOD"] == "HEAD" else [data]
        return self._application(environment, start)

    def _client(self, environment: Environment) -> Client:
        address = environment["REMOTE_ADDR"]
        is_secure = environment["wsgi.url_scheme"] == "https"
        host, prefix = environment.get("HTTP_HOST", ""), ""
        if not host and environment.get("SERVER_PROTOCOL") == "HTTP/1.0":  # has no Host
            local = environment[LOCAL_ADDRESS]
            host = f"[{local}]" if ":" in local else local
        if self._proxies and self._is_proxy(address):
            forwarded = listed(environment.get("HTTP_X_FORWARDED_FOR", ""))
            # Each proxy appends the address of its peer. Entries before the last untrusted address may be forged.
            address = next((each for each in reversed(forwarded) if not self._is_proxy(each)), address)
            if protocol := listed(environment.get("HTTP_X_FORWARDED_PROTO", "")):
                is_secure = protocol[-1].lower() == "https"
            if hosts := listed(environment.get("HTTP_X_FORWARDED_HOST", "")):
                host = hosts[-1]
            prefix = self._prefix(environment.get("HTTP_X_FORWARDED_PREFIX", ""))
        return Client(address, is_secure, host, prefix)

    def _prefix(self, forwarded: str) -> str:
        """Return the path forwarded by a trusted proxy, without a trailing slash; empty if it is invalid."""
        prefix = forwarded.strip().rstrip("/")
        if not prefix or (len(prefix) <= _MAX_PREFIX and _PREFIX.fullmatch(prefix)):
            return prefix
        self._log_once("X-Forwarded-Prefix", "X-Forwarded-Prefix %r is ignored: it is not a path such as /door", prefix)
        return ""

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(parsed in network for network in self._proxies)

    def _check_origin(self, host: str, environment: Environment) -> None:
        """Raise CrossSite for a change requested by a page of another origin. Programs send neither header."""
        if environment["REQUEST_METHOD"] in SAFE_METHODS:
            return
        origin = environment.get("HTTP_ORIGIN")
        site = environment.get("HTTP_SEC_FETCH_SITE", "none")
        is_own = site == "same-origin" or (
            site == "none" and (origin is None or self._is_own(origin, host, _OWN_PAGE in environment))
        )
        if is_own or self._sharing.may_change(origin):
            return
        self._hint(str(origin), host)
        raise CrossSite(
            "a page of another site requested a change; to allow it, add its origin to http.cors_origins; if it is the "
            "page of this appliance behind a reverse proxy, set http.public_url to its address, or let the proxy pass "
            "the Host on"
        )

    def _is_own(self, origin: str, host: str, is_marked: bool) -> bool:
        """Return whether an origin is that of the appliance's own page.

        With the header of the own page, the origin must still have an allowed name: behind a proxy that replaces
        `Host`, only the origin contains the name that the browser uses.
        """
        if is_same_host_and_port(origin, host) or (self._public_url and is_same_origin(origin, self._public_url)):
            return True
        return is_marked and self._hosts.is_allowed(host_of(origin))

    def _hint(self, origin: str, host: str) -> None:
        """Log a hint if the refused page may be the own page behind a reverse proxy."""
        if self._hosts.is_allowed(host_of(origin)):
            message = (
                "refused a change: a page at %s requested it, but the Host of the request is %s; if that is the page "
                "of this appliance behind a reverse proxy, set http.public_url to its address, or let the proxy pass "
                "the Host on"
            )
            self._log_once(origin, message, origin, host)

    def _log_once(self, key: str, message: str, *values: str) -> None:
        with self._lock:
            if key in self._hinted or len(self._hinted) >= _MAX_HINTS:
                return
            self._hinted.add(key)
        log.warning(message, *values)


def listed(text: str) -> list[str]:
    """Return the entries of a comma-separated list."""
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def machine_names() -> set[str]:
    """Return the names of this machine on its network.

    These are its host name alone, in `.local` (mDNS; also `NAME-2.local`, which Avahi uses if NAME is taken), and in
    the search domains of its resolver, which routers provide.
    """
    name = socket.gethostname().partition(".")[0].lower()
    names = {
        name,
        socket.gethostname().lower(),
        f"{name}.local",
        *(f"{name}-{number}.local" for number in range(2, 10)),
    }
    with suppress(OSError, UnicodeDecodeError):
        for line in _RESOLVER.read_text().splitlines():
            if found := re.match(r"\s*(?:search|domain)\s+(.*)", line):
                names.update(f"{name}.{domain.strip('.').lower()}" for domain in found[1].split() if domain != ".")
    return names
