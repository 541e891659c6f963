"""Which test shows which cell of the table in docs/clients.md."""

from collections.abc import Callable
from typing import Any, TypeVar

CASES = ("stream", "unplug", "restart", "password", "token")

SHOWN: dict[str, dict[str, str]] = {}
"""What the tests show, by client and case, in the words of the table. Complete once all test modules are imported."""

Test = TypeVar("Test", bound=Callable[..., Any])


def shows(client: str, **words: str) -> Callable[[Test], Test]:
    """Mark a test that proves these cells of the client's row: `@shows("motion", restart="reconnects")`."""
    assert words.keys() <= set(CASES), words
    cells = SHOWN.setdefault(client, {})
    assert not words.keys() & cells.keys(), f"{client}: shown twice"
    cells |= words
    return lambda test: test
