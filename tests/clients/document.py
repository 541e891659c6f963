"""docs/clients.md as data: its sections, its blocks, and the table of clients and cases."""

import re
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).parents[2] / "docs" / "clients.md"
ADDRESS = "camera.local:8000"
"""The address of the appliance in every block."""
NOT_TRIED = "not tried"

_FENCE = re.compile(r"^```(\w+)(?: test=([\w-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^##+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block. `name` is empty where no test runs it."""

    language: str
    name: str
    text: str


@dataclass(frozen=True)
class Section:
    """A heading with everything up to the next one."""

    title: str
    text: str

    @property
    def blocks(self) -> list[Block]:
        """The fenced blocks, in order."""
        return [Block(*found.groups(default="")) for found in _FENCE.finditer(self.text)]


def sections() -> list[Section]:
    """Return all sections but the introduction, in order."""
    pieces = _HEADING.split(PATH.read_text(encoding="utf-8"))
    return [Section(title, text) for title, text in zip(pieces[1::2], pieces[2::2], strict=True)]


def block(name: str) -> str:
    """Return the text of the block that has this name."""
    return _named(name).text


def language(name: str) -> str:
    """Return the language of the block that has this name."""
    return _named(name).language


def _named(name: str) -> Block:
    (found,) = [each for section in sections() for each in section.blocks if each.name == name]
    return found


def table() -> dict[str, dict[str, str]]:
    """Return the words of the table by client and case; links lose their targets."""
    (section,) = [each for each in sections() if each.title == "All at a glance"]
    rows = [line.strip("| \n") for line in section.text.splitlines() if line.startswith("|")]
    cells = [[_plain(cell) for cell in re.split(r"\s*\|\s*", row)] for row in rows]
    (head, _, *body) = cells
    names = [name.removesuffix(" 60 s") for name in head[1:]]
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in body}


def _plain(cell: str) -> str:
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", cell)
