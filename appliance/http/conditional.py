"""Conditional and partial requests: entity tags, dates and ranges (RFC 9110, 8.8, 13 and 14)."""

import re
from email.utils import formatdate, parsedate_to_datetime

from bottle import HTTPResponse, request

from appliance import payload
from appliance.http.headers import header

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]*)\s*-\s*([0-9]*)\s*", re.IGNORECASE)
_DIGITS = 18  # of a position; more lie beyond the end of any file


def has_newest(tag: str, modified: float | None = None) -> bool:
    """Return whether the client has the version with that entity tag already.

    `modified` is when the version was made, in s since the epoch; it counts only for a client that names no tag.
    """
    if known := header("If-None-Match").strip():
        return known == "*" or tag in _TAG.findall(known)
    since = _time(header("If-Modified-Since"))
    return modified is not None and since is not None and int(modified) <= since


def whole_or_part(data: bytes, tag: str, modified: float, headers: dict[str, str]) -> HTTPResponse:
    """Return the response with `data`, with the part of it that the request asks for, or that the client has it.

    Several ranges at once, and a range that cannot be understood, are answered with the whole, as RFC 9110 allows.
    """
    headers = headers | {"ETag": tag, "Last-Modified": formatdate(modified, usegmt=True), "Accept-Ranges": "bytes"}
    if has_newest(tag, modified):
        headers.pop("Content-Type", None)
        return HTTPResponse(status=304, headers=headers)
    wished = _RANGE.fullmatch(header("Range")) if request.method == "GET" and _range_holds(tag, modified) else None
    span = _span(wished[1], wished[2], len(data)) if wished else (0, len(data))
    if span is None:
        return HTTPResponse(data, 200, headers)
    first, end = span
    if first >= end:
        return _unsatisfiable(len(data))
    if wished:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(data)}"
    return HTTPResponse(data[first:end], 206 if wished else 200, headers)


def _span(first: str, last: str, size: int) -> tuple[int, int] | None:
    """Return the first position and the one behind the last; an empty span where nothing is there, None for no range.

    `bytes=-N` are the last N bytes.
    """
    if not first and not last:
        return None
    start, stop = (int(each[:_DIGITS]) if each else 0 for each in (first, last))
    if not first:
        return max(0, size - stop), size
    if last and stop < start:
        return None
    return start, min(stop + 1, size) if last else size


def _range_holds(tag: str, modified: float) -> bool:
    """Return whether the parts which the client has belong to this version. A weak tag never proves it."""
    condition = header("If-Range").strip()
    if not condition:
        return True
    if condition.startswith(('"', "W/")):
        return condition == tag
    return _time(condition) == int(modified)


def _time(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text.partition(";")[0]).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _unsatisfiable(size: int) -> HTTPResponse:
    content = payload.error("invalid_request", f"the range lies outside of the {size} bytes there are")
    headers = {"Content-Type": "application/json", "Content-Range": f"bytes */{size}", "Cache-Control": "no-store"}
    return HTTPResponse(payload.encode(content), 416, headers)
