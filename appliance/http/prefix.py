"""Addresses in responses, for clients behind a reverse proxy that adds a path prefix."""

from typing import Any

_ADDRESSES = ("url", "thumbnail")
"""Members of a result that contain a path, such as `/api/pictures/12.jpg`."""


def with_prefix(prefix: str, result: Any) -> Any:
    """Return a result with the prefix added to its addresses: `/door` and `/api/x` become `/door/api/x`."""
    if not prefix:
        return result
    if isinstance(result, list):
        return [with_prefix(prefix, each) for each in result]
    if isinstance(result, dict):
        return {
            name: _address(prefix, value) if name in _ADDRESSES else with_prefix(prefix, value)
            for name, value in result.items()
        }
    return result


def _address(prefix: str, value: Any) -> Any:
    return prefix + value if isinstance(value, str) and value.startswith("/") else value
