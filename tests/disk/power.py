"""What a power cut may leave, as far as POSIX promises anything, and no better.

- What was written to a file is there for sure once fsync of the file has returned. Before, the old content may be
  there, the new one, or half of it.
- A name that was made, changed or removed is so for sure once fsync of its folder has returned. Before, any of the
  changes may have reached the disk and any other not, in any order; each alone is atomic, as a journal makes it.

A `kill -9` is the mildest case of it: everything that was done is there.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from tests.disk.recorded import Change

Content = tuple[tuple[str, bytes | None], ...]
"""Files by their paths, sorted; None for a folder."""
_Fate = Literal["kept", "lost", "torn"]
_MOST_PENDING = 8  # changes of names at once, of which every subset is tried


@dataclass(eq=False)
class _File:
    cached: bytes = b""
    safe: bytes = b""

    def after(self, fate: _Fate) -> bytes:
        if fate == "kept" or self.cached == self.safe:
            return self.cached
        return self.safe if fate == "lost" else self.cached[: len(self.cached) // 2]


@dataclass(eq=False)
class _Folder:
    names: "dict[str, _File | _Folder]" = field(default_factory=dict)
    safe: "dict[str, _File | _Folder]" = field(default_factory=dict)
    pending: "list[tuple[tuple[str, _File | _Folder | None], ...]]" = field(default_factory=list)
    """Changes of names that are not on the disk for sure: what each name becomes, None for nothing."""

    def change(self, *names: "tuple[str, _File | _Folder | None]") -> None:
        """Give names to something, or take them away, all at once."""
        _apply(self.names, names)
        self.pending.append(names)

    def sync(self) -> None:
        """Have every name on the disk."""
        self.safe = dict(self.names)
        self.pending.clear()


class PowerCuts:
    """Plays the changes of a disk back, and yields what a cut after each of them could leave."""

    def __init__(self, changes: list[Change]) -> None:
        self._changes = changes
        self._root = _Folder()
        self._files: dict[str, _File] = {}  # by inode

    def contents(self) -> Iterator[tuple[int, Content]]:
        """Yield (number of changes done, one possible content), each content once for each number."""
        yield 0, ()
        for done, change in enumerate(self._changes, 1):
            self._do(change)
            for content in sorted(self._possible(), key=repr):
                yield done, content

    def cached(self) -> dict[str, bytes | None]:
        """Return the content that a running system sees after all changes."""
        for change in self._changes:
            self._do(change)
        return dict(_content(self._root, {}, "kept"))

    def _do(self, change: Change) -> None:
        path = PurePosixPath(change.path)
        match change.operation:
            case "mkdir":
                self._folder(path.parent).change((path.name, _Folder()))
            case "create":
                self._files[change.other] = _File()
                self._folder(path.parent).change((path.name, self._files[change.other]))
            case "truncate":
                file = self._files[change.other]
                file.cached = file.cached[: change.offset]
            case "write":
                file = self._files[change.other]
                before = file.cached.ljust(change.offset, b"\0")
                file.cached = before[: change.offset] + change.data + before[change.offset + len(change.data) :]
            case "fsync":
                file = self._files[change.other]
                file.safe = file.cached
            case "fsync-folder":
                self._folder(path).sync()
            case "link":
                self._folder(PurePosixPath(change.other).parent).change(
                    (PurePosixPath(change.other).name, self._at(path))
                )
            case "rename":
                self._rename(path, PurePosixPath(change.other))
            case "unlink" | "rmdir":
                self._folder(path.parent).change((path.name, None))
            case unknown:
                raise AssertionError(f"what does {unknown} leave?")

    def _rename(self, path: PurePosixPath, new: PurePosixPath) -> None:
        moved = self._at(path)
        if path.parent == new.parent:
            self._folder(path.parent).change((path.name, None), (new.name, moved))
        else:
            self._folder(new.parent).change((new.name, moved))
            self._folder(path.parent).change((path.name, None))

    def _folder(self, path: PurePosixPath) -> _Folder:
        found: _File | _Folder = self._root
        for part in path.parts:
            assert isinstance(found, _Folder)
            found = found.names[part]
        assert isinstance(found, _Folder)
        return found

    def _at(self, path: PurePosixPath) -> _File | _Folder:
        return self._folder(path.parent).names[path.name]

    def _possible(self) -> set[Content]:
        folders = list(_folders(self._root))
        pending = [(folder, change) for folder in folders for change in folder.pending]
        assert len(pending) <= _MOST_PENDING, "too many names wait to be synced to try every subset"
        contents = set()
        for arrived in itertools.product((False, True), repeat=len(pending)):
            names = {id(folder): dict(folder.safe) for folder in folders}
            for (folder, change), has_arrived in zip(pending, arrived, strict=True):
                if has_arrived:
                    _apply(names[id(folder)], change)
            for fate in ("kept", "lost", "torn"):
                contents.add(_content(self._root, names, fate))
        return contents


def put(content: Content, directory: Path) -> None:
    """Make the folder hold that."""
    for path, data in content:
        if data is None:
            (directory / path).mkdir()
        else:
            (directory / path).write_bytes(data)


def _folders(folder: _Folder) -> Iterator[_Folder]:
    """Yield the folder and all below it that a running system sees."""
    yield folder
    for each in folder.names.values():
        if isinstance(each, _Folder):
            yield from _folders(each)


def _content(folder: _Folder, names: "dict[int, dict[str, _File | _Folder]]", fate: _Fate, above: str = "") -> Content:
    """Return what is in the folder if it has those names, or the ones that are seen where none are given."""
    found: list[tuple[str, bytes | None]] = []
    for name, each in sorted(names.get(id(folder), folder.names).items()):
        if isinstance(each, _Folder):
            found.append((above + name, None))
            found.extend(_content(each, names, fate, f"{above}{name}/"))
        else:
            found.append((above + name, each.after(fate)))
    return tuple(found)


def _apply(names: "dict[str, _File | _Folder]", change: "tuple[tuple[str, _File | _Folder | None], ...]") -> None:
    for name, target in change:
        if target is None:
            names.pop(name, None)
        else:
            names[name] = target
