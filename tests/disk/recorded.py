"""The folder below which a program's changes are recorded, and where its disk can be made to fail."""

import errno as numbers
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.simcam.library import library

SOURCE = Path(__file__).with_name("disk.c")


@dataclass(frozen=True)
class Change:
    """One change that the kernel made. Paths are relative to the root of the disk."""

    operation: str
    path: str
    other: str
    """The new name of a rename or link, or the inode."""
    offset: int
    data: bytes


class RecordedDisk:
    """A folder that is a disk for a program started with `environment`."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "disk"
        self.root.mkdir(parents=True)
        self._record = directory / "record"
        self._record.touch()
        self._faults = directory / "faults"

    @property
    def environment(self) -> dict[str, str]:
        """What the program has to be started with."""
        return {
            "LD_PRELOAD": str(library(SOURCE)),
            "DISK_ROOT": str(self.root),
            "DISK_RECORD": str(self._record),
            "DISK_FAULTS": str(self._faults),
        }

    @contextmanager
    def failing(self, operation: str, error: str, part: str = "") -> Iterator[None]:
        """Let operations (`link,rename`; `any` is all) on paths with that part fail with, for example, `ENOSPC`."""
        fresh = self._faults.with_suffix(".new")
        number = getattr(numbers, error)
        fresh.write_text("".join(f"{each} {number} {part}\n" for each in operation.split(",")))
        fresh.rename(self._faults)
        try:
            yield
        finally:
            self._faults.unlink()

    def changes(self) -> list[Change]:
        """Return everything that changed so far, in order."""
        record, position, changes = self._record.read_bytes(), 0, []
        while (end := record.find(b"\n", position)) >= 0:
            operation, path, other, offset, size = record[position:end].decode().split("\t")
            position = end + 1 + int(size)
            data = record[end + 1 : position]
            changes.append(Change(operation, self._inside(path), self._inside(other), int(offset), data))
        return changes

    def content(self) -> dict[str, bytes | None]:
        """Return what is there now: files by their paths, None for a folder."""
        found = sorted(self.root.rglob("*"))
        return {str(path.relative_to(self.root)): None if path.is_dir() else path.read_bytes() for path in found}

    def _inside(self, path: str) -> str:
        return path.removeprefix(f"{self.root}").removeprefix("/")
