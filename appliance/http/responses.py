"""What every route has in common: reading the query and the body, and telling errors."""

import contextlib
from collections.abc import Callable, Collection, Iterable
from typing import Any

import bottle
from bottle import HTTPResponse, request

from appliance import json_codec
from appliance.errors import ApplianceError, InvalidRequest, NotFound
from appliance.http.authorization import challenge
from appliance.http.errors import LoginRequired, MethodNotAllowed, TooManyRequests, UnsupportedMediaType
from appliance.parameters import Parameter, Text
from appliance.system.log import logger

log = logger(__name__)

RETRY_AFTER = 5  # s


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
    json_codec.check_size(request.content_length, "the body")
    if request.chunked:
        raise InvalidRequest("send the body with a Content-Length, not in chunks")
    data = request.body.read()
    if not data.strip():
        return {}
    media_type = request.content_type.partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType(f"the body is {media_type or 'of no type'}; send Content-Type: application/json")
    return json_codec.arguments(data, "the body")


def answer_errors(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Turn errors into responses: those we know into their status, anything else into a 500 that tells nothing."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except bottle.HTTPResponse:
            raise
        except ApplianceError as error:
            answer = _error(json_codec.error(error.code, str(error)), error.status)
            if isinstance(error, LoginRequired):
                answer.set_header("WWW-Authenticate", challenge())
            if isinstance(error, TooManyRequests):
                answer.set_header("Retry-After", str(error.retry_after))
            return answer
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return _error(json_codec.INTERNAL_ERROR, 500)

    return answer


def _decoded(text: str) -> str:
    """Return the text of which Bottle has made each byte a character."""
    return text.encode("latin1").decode()


def _error(content: dict[str, Any], status: int) -> HTTPResponse:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    return HTTPResponse(json_codec.encode(content), status, headers)


def http_error(error: bottle.HTTPError) -> bytes:
    """Answer what Bottle itself refuses: unknown paths, wrong methods, requests it cannot read."""
    status = error.status_code
    refusal: ApplianceError = InvalidRequest("the request cannot be understood")
    if status == NotFound.status:
        refusal = NotFound(f"there is nothing at {request.path}")
    elif status == MethodNotAllowed.status:
        refusal = MethodNotAllowed(f"{request.method} does not work on {request.path}")
    content = json_codec.error(refusal.code, str(refusal))
    if status >= 500:
        content = json_codec.INTERNAL_ERROR
        log.error("%s %s failed: %r", request.method, request.path, error.exception)
    error.content_type = "application/json"
    return json_codec.encode(content)
