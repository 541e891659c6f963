"""Authorization of routes: each requires a right, and expensive ones are rate-limited by address.

Also the login page, and the session cookie that it sets.
"""

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bottle import FormsDict, HTTPResponse, Route, request, response

from appliance import json_codec
from appliance.commands import Right
from appliance.errors import Busy, InvalidRequest, NotFound
from appliance.http.access import SESSION_LIFETIME, Access, Credentials, Identity
from appliance.http.errors import LoginRequired, TooManyRequests
from appliance.http.headers import cookie, header
from appliance.http.limits import Buckets
from appliance.http.security_middleware import CLIENT, Client
from appliance.http.sharing import RIGHT

_COSTS, _COSTS_PER_SECOND = 200, 20  # fast scrolling in a gallery requests this many thumbnails
_FORM_LIMIT = 4096  # bytes
_MESSAGE = "<!-- message -->"
_USER = 'value="admin"'


class Authorization:
    """A Bottle plugin that wraps every route. A route without a declared right requires the right to control."""

    name, api = "authorization", 2

    def __init__(self, access: Access, camera: str, page: Path) -> None:
        self._access = access
        self._cookie = (
            f"camera-appliance-{camera}"  # cookies ignore the port, so two cameras on a machine need two names
        )
        self._page = page
        self._costs = Buckets("expensive requests", _COSTS, _COSTS_PER_SECOND)

    def apply(self, callback: Callable[..., Any], route: Route) -> Callable[..., Any]:
        """Return the callback wrapped in the checks."""
        right: Right | None = route.config.get("right", "control")
        cost: int = route.config.get("cost", 0)

        def guarded(*args: Any, **kwargs: Any) -> Any:
            request.environ[RIGHT] = right
            if right is not None:
                try:
                    self.identity().require(right)
                except LoginRequired:
                    self._redirect_to_login()
                    raise
            if cost:
                self._costs.take(client().address, cost)
            return callback(*args, **kwargs)

        return guarded

    def identity(self) -> Identity:
        """Return the identity of the current request. Raises LoginRequired, TooManyRequests, Busy."""
        return self._access.identify(
            Credentials(
                address=client().address,
                authorization=header("Authorization"),
                session=cookie(self._cookie),
                token=request.query.get("token"),
            )
        )

    def describe(self) -> dict[str, Any]:
        """Return the user and the rights of the current request, and the users that can log in."""
        response.set_header("Cache-Control", "no-store")
        identity = self.identity()
        return {"user": identity.user, "rights": sorted(identity.rights), "users": self._access.users}

    def login_page(self) -> Any:
        """Return the login page. Raises NotFound if no password is set."""
        if not self._access.users:
            raise NotFound("logging in is not possible: http.password is not set")
        return self._login_page(200, "")

    def log_in(self) -> Any:
        """Start a session from a form or from JSON."""
        is_form = request.content_type.partition(";")[0].strip().lower() != "application/json"
        fields = _form() if is_form else _json()
        user, password = fields.get("user", ""), fields.get("password", "")
        try:
            session = self._access.log_in(user, password, client().address)
        except (LoginRequired, TooManyRequests, Busy) as error:
            if not is_form:
                raise
            return self._login_page(401 if isinstance(error, LoginRequired) else 429, f"{error}.".capitalize(), user)
        result = _redirect("./") if is_form else HTTPResponse(json_codec.encode({"user": user}), 200, _JSON)
        self._set_cookie(result, session, SESSION_LIFETIME)
        return result

    def log_out(self) -> Any:
        """End the session."""
        if session := cookie(self._cookie):
            self._access.log_out(session)
        result = _redirect("./login" if self._access.users else "./")
        self._set_cookie(result, "", 0)
        return result

    def _redirect_to_login(self) -> None:
        """Redirect a navigation of a browser to the login page; any other request gets the error.

        A POST counts as a navigation if it accepts HTML: without scripts, the page uses forms.
        """
        is_navigation = request.method in ("GET", "POST") and "text/html" in header("Accept")
        if is_navigation and self._access.users:
            depth = request.path.count("/") - 1  # relative, because a reverse proxy may add a prefix
            raise _redirect("../" * depth + "login" if depth else "./login")

    def _login_page(self, status: int, message: str, user: str = "") -> HTTPResponse:
        text = self._page.read_text(encoding="utf-8")
        if message:
            text = text.replace(_MESSAGE, f'<p role="alert">{html.escape(message)}</p>')
        user = user or self._access.users[0]
        text = text.replace(_USER, f'value="{html.escape(user)}"')
        return HTTPResponse(text, status, {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"})

    def _set_cookie(self, result: HTTPResponse, session: str, lifetime: int) -> None:
        result.set_cookie(
            self._cookie,
            session,
            max_age=lifetime,
            path=f"{client().prefix}/",
            httponly=True,
            samesite="strict",
            secure=client().is_secure,
        )


_JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}


def client() -> Client:
    """Return the client of the current request."""
    found: Client = request.environ[CLIENT]
    return found


def challenge() -> str:
    """Return the `WWW-Authenticate` of a 401.

    For `Basic`, a browser would open its own dialog on a request of a script; the page has a login page instead.
    """
    is_browser = header("User-Agent").startswith("Mozilla/") and header("Accept-Language")
    return "Bearer" if is_browser else 'Basic realm="camera", charset="UTF-8"'


def _redirect(where: str) -> HTTPResponse:
    return HTTPResponse("", 303, {"Location": where, "Cache-Control": "no-store"})


def _form() -> dict[str, str]:
    if request.chunked or request.content_length > _FORM_LIMIT:
        raise InvalidRequest(f"a login form needs a Content-Length and is limited to {_FORM_LIMIT} bytes")
    forms: FormsDict = request.forms
    return {name: forms.getunicode(name, "") for name in ("user", "password")}


def _json() -> dict[str, str]:
    if request.chunked or request.content_length > _FORM_LIMIT:
        raise InvalidRequest(f"a login needs a Content-Length and is limited to {_FORM_LIMIT} bytes")
    fields = json_codec.arguments(request.body.read(), "the body")
    if not all(isinstance(fields.get(name), str) for name in ("user", "password")):
        raise InvalidRequest("a login needs user and password, both strings")
    return {name: fields[name] for name in ("user", "password")}
