"""JSON encoding and decoding for HTTP and MQTT: limited in size, strict, and without unexpected exceptions."""

import json
from typing import Any

from appliance.errors import InvalidRequest, TooLarge

LIMIT = 65536  # bytes of arguments; the longest command needs a few hundred
_DIGITS = 4000  # of a whole number; Python reads no more than 4300


def check_size(size: int, what: str) -> None:
    """Raise TooLarge if `what` (such as `the body`) is larger than the limit."""
    if size > LIMIT:
        raise TooLarge(f"{what} has {size} bytes; {LIMIT} are accepted")


def arguments(data: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object in `data`; empty data counts as an empty object. Raises InvalidRequest."""
    if not data.strip():
        return {}
    try:
        content = json.loads(data, parse_constant=_refuse_constant, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{what} is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvalidRequest(f"{what} has to be a JSON object: arguments are given by name, in {{}}")
    return content


def encode(content: object) -> bytes:
    """Return JSON in UTF-8; lone surrogates, which UTF-8 cannot represent, are escaped."""
    return json.dumps(content, ensure_ascii=False).encode(errors="backslashreplace")


def error(code: str, message: str) -> dict[str, Any]:
    """Return an error as HTTP and MQTT report it."""
    return {"error": {"code": code, "message": message}}


INTERNAL_ERROR = error("internal_error", "something went wrong inside the appliance; its log says what")


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"a number of {len(digits)} digits is too long")
    return int(digits)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
