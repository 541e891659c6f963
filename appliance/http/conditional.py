"""Conditional and partial requests: entity tags, dates and ranges (RFC 9110, 8.8, 13 and 14)."""

import re
from email.utils import formatdate, parsedate_to_datetime

from bottle import HTTPResponse, request

from appliance import json_codec
from appliance.http.headers import header

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]*)\s*-\s*([0-9]*)\s*", re.IGNORECASE)
_DIGITS = 18  # of a position; more would be beyond the end of any file


def has_newest(tag: str, modified: float | None = None) -> bool:
    """Return whether the client already has the version with the entity tag `tag`.

    `modified` is the time of the version, in s since the epoch; it is used only if the request has no entity tag.
    """
    if known := header("If-None-Match").strip():
        return known == "*" or tag in _TAG.findall(known)
    since = _time(header("If-Modified-Since"))
    return modified is not None and since is not None and int(modified) <= since


def whole_or_part(data: bytes, tag: str, modified: float, headers: dict[str, str]) -> HTTPResponse:
    """Return the response with `data`, with the requested range of it, or 304 if the client already has it.

    Multiple ranges and malformed ranges are ignored, as RFC 9110 allows.
    """
    headers = headers | {"ETag": tag, "Last-Modified": formatdate(modified, usegmt=True), "Accept-Ranges": "bytes"}
    if has_newest(tag, modified):
        headers.pop("Content-Type", None)
        return HTTPResponse(status=304, headers=headers)
    requested = _RANGE.fullmatch(header("Range")) if request.method == "GET" and _range_applies(tag, modified) else None
    span = _span(requested[1], requested[2], len(data)) if requested else (0, len(data))
    if span is None:
        return HTTPResponse(data, 200, headers)
    first, end = span
    if first >= end:
        return _unsatisfiable(len(data))
    if requested:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(data)}"
    return HTTPResponse(data[first:end], 206 if requested else 200, headers)


def _span(first: str, last: str, size: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of a range; an empty span if it cannot be satisfied, None if it is invalid.

    `bytes=-N` means the last N bytes.
    """
    if not first and not last:
        return None
    start, stop = (int(each[:_DIGITS]) if each else 0 for each in (first, last))
    if not first:
        return max(0, size - stop), size
    if last and stop < start:
        return None
    return start, min(stop + 1, size) if last else size


def _range_applies(tag: str, modified: float) -> bool:
    """Return whether the condition of `If-Range` holds. A weak tag never matches."""
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
    content = json_codec.error("invalid_request", f"the range is outside the {size} bytes of the file")
    headers = {"Content-Type": "application/json", "Content-Range": f"bytes */{size}", "Cache-Control": "no-store"}
    return HTTPResponse(json_codec.encode(content), 416, headers)
