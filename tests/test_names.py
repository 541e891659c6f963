"""Names of tests are promises that fit into a line."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LONGEST_NAME = 70  # characters


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_names_of_tests_are_short_and_unique(path: Path) -> None:
    functions = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)]
    names = [function.name for function in functions if function.name.startswith("test_")]
    assert [name for name in names if len(name) > LONGEST_NAME] == []
    assert sorted(names) == sorted(set(names))
