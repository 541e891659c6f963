"""JSON out of what routes return, and gzip for texts that are worth it."""

import gzip
from collections.abc import Callable
from typing import Any

from bottle import HTTPResponse, response

from appliance import json_codec
from appliance.http.negotiation import takes_gzip

SMALLEST = 500  # bytes: below, the header and the work cost more than is saved
_LEVEL = 5  # 20 kB of controls become 1.9 kB; level 9 saves 2 % more and takes twice as long
_TEXTS = frozenset({"application/json", "text/plain"})


def encode(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Turn objects into JSON, and compress JSON and plain text for clients that take it.

    It is installed first, so that it also sees what other plugins answer.
    """

    def answer(*args: Any, **kwargs: Any) -> Any:
        result = callback(*args, **kwargs)
        if isinstance(result, dict):
            response.content_type = "application/json"
            result = json_codec.encode(result)
        if isinstance(result, HTTPResponse):
            result.body = _packed(result.body, result)
            return result
        return _packed(result, response)

    return answer


def _packed(body: Any, head: Any) -> Any:
    """Return the body as it is sent, and say in the head how it is encoded."""
    media_type = (head.get_header("Content-Type") or "").partition(";")[0]
    if not isinstance(body, bytes) or len(body) < SMALLEST or media_type not in _TEXTS:
        return body
    head.add_header("Vary", "Accept-Encoding")
    if not takes_gzip():
        return body
    head.set_header("Content-Encoding", "gzip")
    return gzip.compress(body, _LEVEL, mtime=0)
