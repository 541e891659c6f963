"""Cross-origin resource sharing (CORS): access by pages of other origins.

Pages of an origin in `http.cors_origins` may do everything that their requests have the right to do. `*` in that list
allows pages of every origin to read what requires the right to view at most. Credentials of the browser (cookies, a
saved password) are never shared: no response has `Access-Control-Allow-Credentials`.
"""

from typing import Any

from appliance.settings import HttpSettings

RIGHT = "appliance.right"
"""Key of the WSGI environment: the right that the route requires, set by the authorization."""

EVERY_ORIGIN = "*"
_READING = ("GET", "HEAD")
_METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE"
_READING_HEADERS = "Authorization, Cache-Control, If-None-Match, Last-Event-ID, Pragma, Range"

Headers = list[tuple[str, str]]


def warning(settings: HttpSettings) -> str | None:
    """Return the warning to log at the start if every origin is allowed, otherwise None."""
    if EVERY_ORIGIN not in (origin.strip() for origin in settings.cors_origins.split(",")):
        return None
    secrets = (settings.password, settings.viewer_password, settings.token, settings.viewer_token)
    condition = " if it has a token" if any(secrets) and not settings.viewer_open else ""
    return (
        f'http.cors_origins is "*": every web page that a user of your network opens can see the camera{condition}; '
        "to allow only some, list their origins instead"
    )


def normal_origin(origin: str) -> str:
    """Return an origin as browsers send it: in lower case, without the default port of its scheme."""
    origin = origin.strip().lower()
    return origin.removesuffix(":443" if origin.startswith("https:") else ":80")


class Sharing:
    """Implements `http.cors_origins`."""

    def __init__(self, settings: HttpSettings) -> None:
        origins = {normal_origin(origin) for origin in settings.cors_origins.split(",") if origin.strip()}
        self._allows_every_origin = EVERY_ORIGIN in origins
        self._listed = origins - {EVERY_ORIGIN}

    def may_change(self, origin: str | None) -> bool:
        """Return whether pages of an origin may make changes."""
        return origin in self._listed

    def headers(self, environment: dict[str, Any]) -> Headers:
        """Return the CORS headers of a response."""
        if not (self._listed or self._allows_every_origin):
            return []
        headers = [("Vary", "Origin")]
        if allowed := self._allowed(environment):
            # Without credentials, `*` stands for every header (https://fetch.spec.whatwg.org/#http-responses).
            headers += [("Access-Control-Allow-Origin", allowed), ("Access-Control-Expose-Headers", "*")]
        return headers

    def preflight(self, environment: dict[str, Any]) -> Headers | None:
        """Return the headers of a granted preflight response; None for any other request.

        The header of the own page, `X-Camera-Appliance`, is never granted: `SecurityMiddleware` relies on that.
        """
        method = environment.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
        if environment["REQUEST_METHOD"] != "OPTIONS" or method is None:
            return None
        origin = environment.get("HTTP_ORIGIN")
        if origin in self._listed:
            granted = [
                ("Access-Control-Allow-Methods", _METHODS),
                ("Access-Control-Allow-Headers", f"{_READING_HEADERS}, Content-Type"),
            ]
        elif self._allows_every_origin and origin is not None and method in _READING:
            granted = [
                ("Access-Control-Allow-Origin", EVERY_ORIGIN),
                ("Access-Control-Allow-Methods", ", ".join(_READING)),
                ("Access-Control-Allow-Headers", _READING_HEADERS),
            ]
        else:
            return None
        # https://wicg.github.io/private-network-access/#cors-preflight
        if environment.get("HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK") == "true":
            granted.append(("Access-Control-Allow-Private-Network", "true"))
        return [*granted, ("Access-Control-Max-Age", "600")]

    def _allowed(self, environment: dict[str, Any]) -> str | None:
        origin = environment.get("HTTP_ORIGIN")
        if origin in self._listed:
            return str(origin)
        if not self._allows_every_origin or origin is None or environment["REQUEST_METHOD"] not in _READING:
            return None
        # A cookie is a credential, and browsers do not accept `*` with credentials.
        if "HTTP_COOKIE" in environment or environment.get(RIGHT, "view") not in (None, "view"):
            return None
        return EVERY_ORIGIN
