"""Every promise in docs/security.md is held by a test that exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", DOCUMENT)
SECTIONS = re.split(r"^### ", DOCUMENT.partition("## Promises")[2].partition("\n## ")[0], flags=re.MULTILINE)[
    1:
]


def named_in(path: str) -> set[str]:
    """Return the names of the tests in a module."""
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_exists() -> None:
    assert len(NAMED) > 40
    assert [f"{path}::{name}" for path, name in NAMED if name not in named_in(path)] == []


def test_no_promise_is_without_a_test() -> None:
    assert len(SECTIONS) == 6
    for section in SECTIONS:
        rows = [line for line in section.splitlines() if line.startswith("|")][2:]
        assert rows
        assert [row for row in rows if "::test_" not in row] == []
