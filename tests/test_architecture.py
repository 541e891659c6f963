"""The house: imports point strictly down the ladder, every library has one room, everything is small and explained."""

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.ladder import LADDER
from appliance.ladder import LIBRARIES as HOMES

PACKAGE = Path(__file__).parent.parent / "appliance"
MODULES = sorted(PACKAGE.rglob("*.py"))
FLASH = sorted((PACKAGE.parent / "deploy" / "flash").rglob("*.py"))

RUNGS = {room: rung for rung, rooms in enumerate(LADDER) for room in rooms}
FREE = "__init__"  # the package itself: everybody may know the version

ADAPTERS = ("http", "mqtt", "metrics")
UNSEEN_BY_ADAPTERS = {"camera", "capture", "pictures", "features", *ADAPTERS}

LONGEST_MODULE, LONGEST_FUNCTION = 300, 45  # lines of code: neither blank, nor comment, nor docstring

Function = ast.FunctionDef | ast.AsyncFunctionDef


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))


def room(path: Path) -> str:
    """Return the rung's name that a module belongs to: a package is one room."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, full name of what is imported), also for imports inside of functions."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)}:{node.lineno}: a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def rooms_used(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, room) of everything of our own that the module imports."""
    for line, name in imports(path):
        first, _, rest = name.partition(".")
        if first == PACKAGE.name:
            used = rest.partition(".")[0]
            yield line, used if used in RUNGS else FREE


def code_lines(path: Path) -> set[int]:
    """Return the numbers of the lines that hold code."""
    text = path.read_text(encoding="utf-8")
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def public(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, ast.ClassDef | Function]]:
    """Yield (name, node) of every public class, function and method."""
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{prefix}{child.name}.")


def test_every_room_is_on_the_ladder() -> None:
    assert {room(path) for path in MODULES} - {FREE} == set(RUNGS)


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_point_strictly_down_the_ladder(path: Path) -> None:
    own = room(path)
    for line, used in rooms_used(path):
        allowed = used in (FREE, own) or RUNGS[used] < RUNGS[own]
        assert allowed, f"{named(path)}:{line}: {own} must not know {used}"


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) in ADAPTERS], ids=named)
def test_an_adapter_knows_neither_the_camera_nor_another_adapter(path: Path) -> None:
    for line, used in rooms_used(path):
        assert used == room(path) or used not in UNSEEN_BY_ADAPTERS, f"{named(path)}:{line}: {used}"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_every_library_has_one_home(path: Path) -> None:
    for line, name in imports(path):
        library = name.partition(".")[0]
        assert room(path) in HOMES.get(library, {room(path)}), (
            f"{named(path)}:{line}: {library} lives in {HOMES[library]}"
        )


def test_every_home_is_lived_in() -> None:
    lived_in: dict[str, set[str]] = {library: set() for library in HOMES}
    for path in MODULES:
        for _, name in imports(path):
            if (library := name.partition(".")[0]) in HOMES:
                lived_in[library].add(room(path))
    assert lived_in == HOMES


@pytest.mark.parametrize("path", [*MODULES, *FLASH], ids=named)
def test_everything_public_is_explained(path: Path) -> None:
    module = tree(path)
    assert ast.get_docstring(module), f"{named(path)} has no docstring"
    unexplained = [name for name, node in public(module) if not ast.get_docstring(node)]
    assert not unexplained, f"{named(path)}: no docstring at {', '.join(unexplained)}"


@pytest.mark.parametrize("path", [*MODULES, *FLASH], ids=named)
def test_modules_and_functions_are_small(path: Path) -> None:
    lines = code_lines(path)
    assert len(lines) <= LONGEST_MODULE
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            length = len(lines & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)))
            assert length <= LONGEST_FUNCTION, f"{named(path)}:{node.lineno}: {node.name} has {length} lines"
