"""Addresses in answers, for a client that reaches the appliance below a path of a reverse proxy."""

from typing import Any

_ADDRESSES = ("url", "thumbnail")
"""Members of a result that hold the path of something of ours, such as `/api/pictures/12.jpg`."""


def below(prefix: str, result: Any) -> Any:
    """Return the result of a command with the prefix before its addresses: `/door` and `/api/x` give `/door/api/x`."""
    if not prefix:
        return result
    if isinstance(result, list):
        return [below(prefix, each) for each in result]
    if isinstance(result, dict):
        return {
            name: _address(prefix, value) if name in _ADDRESSES else below(prefix, value)
            for name, value in result.items()
        }
    return result


def _address(prefix: str, value: Any) -> Any:
    return prefix + value if isinstance(value, str) and value.startswith("/") else value
