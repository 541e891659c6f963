"""Common to all routes: reading the query and the body, and error responses."""

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
    """Return the query parameters except the token; with `names`, only those. Raises InvalidRequest."""
    requested: dict[str, Text] = {}
    for name, value in request.query.items():
        if name != "token" and (names is None or name in names):
            try:
                requested[_decoded(name)] = Text(_decoded(value))
            except UnicodeDecodeError:
                raise InvalidRequest("the query is not valid UTF-8") from None
    return requested


def lenient_query(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Return the valid query parameters by name, and ignore invalid ones.

    Used by the stream and snapshots, which return a picture whatever the parameters are.
    """
    values: dict[str, Any] = {}
    for parameter in parameters:
        with contextlib.suppress(InvalidRequest):
            for name, text in query([parameter.name]).items():
                values[name] = parameter.parse(text)
    return values


def body() -> dict[str, object]:
    """Return the JSON object in the body of the request. An empty body counts as an empty object."""
    json_codec.check_size(request.content_length, "the body")
    if request.chunked:
        raise InvalidRequest("send the body with a Content-Length, not in chunks")
    data = request.body.read()
    if not data.strip():
        return {}
    media_type = request.content_type.partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType(
            f"the media type of the body is {media_type or 'missing'}; send Content-Type: application/json"
        )
    return json_codec.arguments(data, "the body")


def handle_errors(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Turn errors into responses: an ApplianceError into its status, any other into a 500 without details."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except bottle.HTTPResponse:
            raise
        except ApplianceError as error:
            result = _error(json_codec.error(error.code, str(error)), error.status)
            if isinstance(error, LoginRequired):
                result.set_header("WWW-Authenticate", challenge())
            if isinstance(error, TooManyRequests):
                result.set_header("Retry-After", str(error.retry_after))
            return result
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return _error(json_codec.INTERNAL_ERROR, 500)

    return wrapper


def _decoded(text: str) -> str:
    """Decode a text that Bottle decoded as Latin-1."""
    return text.encode("latin1").decode()


def _error(content: dict[str, Any], status: int) -> HTTPResponse:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    return HTTPResponse(json_codec.encode(content), status, headers)


def http_error(error: bottle.HTTPError) -> bytes:
    """Return the response to an error of Bottle itself: unknown path, wrong method, malformed request."""
    status = error.status_code
    refusal: ApplianceError = InvalidRequest("the request is malformed")
    if status == NotFound.status:
        refusal = NotFound(f"there is nothing at {request.path}")
    elif status == MethodNotAllowed.status:
        refusal = MethodNotAllowed(f"{request.path} does not support {request.method}")
    content = json_codec.error(refusal.code, str(refusal))
    if status >= 500:
        content = json_codec.INTERNAL_ERROR
        log.error("%s %s failed: %r", request.method, request.path, error.exception)
    error.content_type = "application/json"
    return json_codec.encode(content)
