"""What every route has in common: reading the query and the body, and telling errors."""

import contextlib
from collections.abc import Callable, Collection, Iterable
from typing import Any

import bottle
from bottle import HTTPResponse, request

from appliance import payload
from appliance.errors import (
    ApplianceError,
    Busy,
    CameraUnavailable,
    InvalidRequest,
    NotFound,
    PrivacyOn,
    StorageUnwritable,
    TooLarge,
    TooManyViewers,
)
from appliance.http.access import LoginRequired, NotPermitted
from appliance.http.gate import challenge
from appliance.http.limits import TooManyRequests
from appliance.log import logger
from appliance.parameters import Parameter, Text

log = logger(__name__)

RETRY_AFTER = 5  # s


class _MediaTypeError(ApplianceError):
    code = "unsupported_media_type"


_STATUS: tuple[tuple[type[ApplianceError], int], ...] = (
    (LoginRequired, 401),
    (NotPermitted, 403),
    (NotFound, 404),
    (TooManyRequests, 429),
    (TooLarge, 413),
    (InvalidRequest, 400),
    (PrivacyOn, 409),
    (CameraUnavailable, 503),
    (TooManyViewers, 503),
    (Busy, 503),
    (StorageUnwritable, 507),
)


def query(names: Collection[str] | None = None) -> dict[str, Text]:
    """Return what the address asks for, of these names alone where any are given, and never the token.

    Raises InvalidRequest.
    """
    wished: dict[str, Text] = {}
    for name, value in request.query.items():
        if name != "token" and (names is None or name in names):
            try:
                wished[_decoded(name)] = Text(_decoded(value))
            except UnicodeDecodeError:
                raise InvalidRequest("the query of the address is not text in UTF-8") from None
    return wished


def understood(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Return the parameters in the address that can be understood, by name.

    For the stream and snapshots: nobody is refused a picture because of a parameter.
    """
    values: dict[str, Any] = {}
    for parameter in parameters:
        with contextlib.suppress(InvalidRequest):
            for name, text in query([parameter.name]).items():
                values[name] = parameter.parse(text)
    return values


def body() -> dict[str, object]:
    """Return the JSON object in the body of the request; nothing at all counts as an empty one."""
    payload.check_size(request.content_length, "the body")
    if request.chunked:
        raise InvalidRequest("send the body with a Content-Length, not in chunks")
    data = request.body.read()
    if not data.strip():
        return {}
    media_type = request.content_type.partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise _MediaTypeError(f"the body is {media_type or 'of no type'}; send Content-Type: application/json")
    return payload.arguments(data, "the body")


def answer_errors(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Turn errors into responses: those we know into their status, anything else into a 500 that tells nothing."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except bottle.HTTPResponse:
            raise
        except ApplianceError as error:
            answer = _error(payload.error(error.code, str(error)), status_of(error))
            if isinstance(error, LoginRequired):
                answer.set_header("WWW-Authenticate", challenge())
            if isinstance(error, TooManyRequests):
                answer.set_header("Retry-After", str(error.retry_after))
            return answer
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return _error(payload.INTERNAL_ERROR, 500)

    return answer


def _decoded(text: str) -> str:
    """Return the text of which Bottle has made each byte a character."""
    return text.encode("latin1").decode()


def status_of(error: ApplianceError) -> int:
    """Return the status of HTTP for an error."""
    if isinstance(error, _MediaTypeError):
        return 415
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def _error(content: dict[str, Any], status: int) -> HTTPResponse:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    return HTTPResponse(payload.encode(content), status, headers)


def http_error(error: bottle.HTTPError) -> bytes:
    """Answer what Bottle itself refuses: unknown paths, wrong methods, requests it cannot read."""
    status = error.status_code
    code, message = {
        404: ("not_found", f"there is nothing at {request.path}"),
        405: ("method_not_allowed", f"{request.method} does not work on {request.path}"),
    }.get(status, ("invalid_request", "the request cannot be understood"))
    content = payload.error(code, message)
    if status >= 500:
        content = payload.INTERNAL_ERROR
        log.error("%s %s failed: %r", request.method, request.path, error.exception)
    error.content_type = "application/json"
    return payload.encode(content)
