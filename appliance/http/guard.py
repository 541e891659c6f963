"""What stands before every route: is this host ours, does the request come from our own page, who sends it.

It answers for the whole of HTTP, before anything is routed, so that no route can forget it.

- A name in `Host` that is not ours means that a page of strangers had its own name resolved to our address (DNS
  rebinding); the browser then takes us for a part of that page.
- A change that another site's page asks for (cross-site request forgery) shows in `Origin` and `Sec-Fetch-Site`,
  which no script can set.
- Behind a reverse proxy all requests come from its address; only of a trusted one is believed what it forwards.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from appliance import payload
from appliance.errors import ApplianceError
from appliance.settings import HttpSettings

CLIENT = "appliance.client"
"""Key of the WSGI environment: the `Client` that sends the request."""
LOCAL_ADDRESS = "appliance.local_address"
"""Key of the WSGI environment: the address of ours to which the client is connected."""

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE"
_RESOLVER = Path("/etc/resolv.conf")

Environment = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environment, StartResponse], Iterable[bytes]]


class UnknownHost(ApplianceError):
    """The request is for a name that is not ours."""

    code = "unknown_host"


class CrossSite(ApplianceError):
    """Another site's page asks for a change."""

    code = "cross_site"


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end: its address, whether its connection is encrypted, and the host it asked for."""

    address: str
    is_secure: bool
    host: str


class Guard:
    """Wraps the application. `names` are those of this machine."""

    def __init__(self, application: Application, settings: HttpSettings, names: Iterable[str]) -> None:
        self._application = application
        self._origins = frozenset(listed(settings.cors_origins))
        self._proxies = [ipaddress.ip_network(each, strict=False) for each in listed(settings.trusted_proxies)]
        allowed = [host.lower().strip("[]") for host in listed(settings.allowed_hosts)]
        self._below = tuple(host[1:] for host in allowed if host.startswith("*."))
        public = without_port(urlsplit(settings.public_url).netloc)
        self._names = {
            "localhost",
            settings.host.lower(),
            public or "localhost",
            *allowed,
            *(name.lower() for name in names),
        }
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
        """Answer as WSGI wants it."""
        headers = self._headers
        if self._origins:
            origin = environment.get("HTTP_ORIGIN")
            shared = [("Access-Control-Allow-Origin", origin)] if origin in self._origins else []
            headers = [*headers, ("Vary", "Origin"), *shared]

        def start(status: str, answered: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, answered + headers, *rest)

        try:
            client = environment[CLIENT] = self._client(environment)
            self._check_host(client.host, environment)
            if self._is_preflight(environment):
                start("204 No Content", _PREFLIGHT)
                return []
            self._check_origin(client.host, environment)
        except ApplianceError as error:
            data = payload.encode(payload.error(error.code, str(error)))
            status = "421 Misdirected Request" if isinstance(error, UnknownHost) else "403 Forbidden"
            start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
            return [] if environment["REQUEST_METHOD"] == "HEAD" else [data]
        return self._application(environment, start)

    def _client(self, environment: Environment) -> Client:
        address = environment["REMOTE_ADDR"]
        is_secure = environment["wsgi.url_scheme"] == "https"
        host = environment.get("HTTP_HOST") or environment[LOCAL_ADDRESS]
        if self._proxies and self._is_proxy(address):
            forwarded = listed(environment.get("HTTP_X_FORWARDED_FOR", ""))
            # Each proxy appends whom it saw; what stands before the first that is not ours, anybody can have written.
            address = next((each for each in reversed(forwarded) if not self._is_proxy(each)), address)
            if protocol := listed(environment.get("HTTP_X_FORWARDED_PROTO", "")):
                is_secure = protocol[-1].lower() == "https"
            if hosts := listed(environment.get("HTTP_X_FORWARDED_HOST", "")):
                host = hosts[-1]
        return Client(address, is_secure, host)

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(parsed in network for network in self._proxies)

    def _check_host(self, host: str, environment: Environment) -> None:
        name = without_port(host)
        if name in self._names or name == environment[LOCAL_ADDRESS] or name.endswith(self._below or "\0"):
            return
        with suppress(ValueError):
            address = ipaddress.ip_address(name)
            if address.is_loopback or address == ipaddress.ip_address(environment[LOCAL_ADDRESS].partition("%")[0]):
                return
        raise UnknownHost(
            f"this appliance is not called {name[:100]!r}; if it is to be, add that name to http.allowed_hosts"
        )

    def _is_preflight(self, environment: Environment) -> bool:
        return (
            environment["REQUEST_METHOD"] == "OPTIONS"
            and environment.get("HTTP_ORIGIN") in self._origins
            and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environment
        )

    def _check_origin(self, host: str, environment: Environment) -> None:
        """Raise CrossSite for a change that a page of another origin asks for. Programs send neither header."""
        if environment["REQUEST_METHOD"] in SAFE_METHODS:
            return
        origin = environment.get("HTTP_ORIGIN")
        if origin in self._origins:
            return
        site = environment.get("HTTP_SEC_FETCH_SITE", "none")
        # A proxy may speak TLS where we do not, so the scheme is not compared. A form whose page sends no referrer has
        # "null" for its origin (https://fetch.spec.whatwg.org/#append-a-request-origin-header).
        is_own = (
            origin is None
            or _host_and_port(origin) == _host_and_port("http://" + host)
            or (origin == "null" and site == "same-origin")
        )
        if is_own and site in ("same-origin", "none"):
            return
        raise CrossSite(
            "a page of another site asks for a change; if it may, add its origin to http.cors_origins, and if it is "
            "our own behind a reverse proxy, let the proxy pass the Host on"
        )


_PREFLIGHT = [
    ("Access-Control-Allow-Methods", _METHODS),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
    ("Access-Control-Max-Age", "600"),
]


def listed(text: str) -> list[str]:
    """Return the entries of a list that is separated by commas."""
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def without_port(host: str) -> str:
    """Return the name or address in a `Host`, in lower case, without brackets and without the final dot."""
    host = host.strip().lower()
    name = host.partition("]")[0].strip("[") if host.startswith("[") else host.partition(":")[0]
    return name.removesuffix(".")


def machine_names() -> set[str]:
    """Return the names by which this machine is called on its network.

    Those are its host name alone, in `.local` (mDNS; also as `NAME-2.local`, which Avahi takes when there is another
    NAME), and in the domains that its resolver searches, which is what routers hand out.
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


def _host_and_port(origin: str) -> str:
    """Return `host:port` of an origin, without the port where it is the usual one."""
    scheme, _, rest = origin.lower().partition("://")
    return re.sub(r":(80|443)$", "", rest.removesuffix(".")) if scheme in ("http", "https") else origin
