"""The store of pictures: numbered files in one folder, which are never overwritten.

A file is named `000012_2026-11-22T10-15-30.jpg`: a number that only increases, also after deletions and restarts, then
the local time. Other programs may delete files in the folder, or add files of that form, at any time.

The folder has two hidden folders: the trash and the thumbnails.
"""

import contextlib
import errno
import os
import re
import threading
import time
from bisect import bisect_left, insort
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from appliance import jpeg
from appliance.errors import CorruptFrame, NotFound, StorageFull, StorageUnwritable
from appliance.pictures.picture import Picture
from appliance.pictures.thumbnails import Thumbnails
from appliance.pictures.trash import FULL, Trash
from appliance.system import files
from appliance.system.log import logger

log = logger(__name__)

_NAME = re.compile(
    r"(?!000000)([0-9]{6}|[1-9][0-9]{6,})_([12][0-9]{3}-[0-9]{2}-[0-9]{2})T([0-9]{2}-[0-9]{2}-[0-9]{2})\.jpg"
)
_COUNTER = ".last-number"
_COUNTED = re.compile(r"[0-9]{1,15}\n?")
_SETTLED = 3_000_000_000  # ns after a change until the next one is certain to have another time; 2 s on FAT


class PictureStore:
    """The pictures of one folder. Every method may be called from any thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.RLock()  # of the attributes below; not held while a picture is written
        self._storing = threading.Lock()
        self._names: dict[int, str] = {}
        self._numbers: list[int] = []  # sorted
        self._read_version: int | None = None  # modification time of the folder, in ns, when it was last read
        self._own_version: int | None = None  # the same, after the last change made by this process
        self._listed_at = 0.0  # CLOCK_MONOTONIC
        self._described: dict[int, Picture] = {}
        self._thumbnails = Thumbnails(directory / ".thumbnails")
        self._trash = Trash(directory / ".trash")

    def prepare(self) -> None:
        """Create, clean up and read the folder. A failure is logged; taking a picture then raises it."""
        try:
            files.make_folder(self.directory)
            self._remove_leftovers()
            self._trash.remove_leftovers()
        except OSError as error:
            log.error("pictures cannot be stored: %s: %s", self.directory, error.strerror)
        else:
            log.info("%d pictures in %s", self.total, self.directory.resolve())
            self._thumbnails.keep_only(self._names.values())

    @property
    def total(self) -> int:
        """Number of pictures."""
        with self._lock:
            self._refresh_unless_own()
            return len(self._numbers)

    @property
    def disk_free(self) -> int | None:
        """Free space for pictures, in bytes; None if it cannot be determined."""
        try:
            usage = os.statvfs(self.directory)
        except OSError:
            return None
        return usage.f_bavail * usage.f_frsize

    def store(self, data: bytes, taken_at: datetime) -> Picture:
        """Store the JPEG under the next number. If the disk is full, the trash is emptied first.

        Raises StorageFull or StorageUnwritable; no file is left behind then.
        """
        with self._storing:
            try:
                number, name = self._write(data, taken_at)
            except OSError as error:
                if error.errno not in FULL or not self._trash.empty():
                    raise _storage_error(self.directory, error) from None
                try:
                    number, name = self._write(data, taken_at)
                except OSError as again:
                    raise _storage_error(self.directory, again) from None
        with self._lock:
            self._record(number, name)
            return self._describe(number)

    def page(self, limit: int, before: int | None = None) -> tuple[list[Picture], int | None]:
        """Return up to `limit` pictures, newest first, with numbers below `before`; and the next `before`, if any."""
        with self._lock:
            self._refresh()
            end = len(self._numbers) if before is None else bisect_left(self._numbers, before)
            begin = max(0, end - limit)
            chosen = self._numbers[begin:end][::-1]
            found = []
            for number in chosen:
                try:
                    found.append(self._describe(number))
                except NotFound:
                    continue  # deleted by another program in the meantime
            return found, chosen[-1] if chosen and begin > 0 else None

    def get(self, number: int) -> Picture:
        """Return one picture. Raises NotFound."""
        with self._lock:
            self._refresh()
            return self._describe(number)

    def path(self, number: int) -> Path:
        """Return the file of a picture. Raises NotFound."""
        with self._lock:
            self._refresh_unless_own()
            if number not in self._names:
                raise NotFound(f"there is no picture {number}")
            return self.directory / self._names[number]

    def read(self, number: int) -> bytes:
        """Return the JPEG of a picture. Raises NotFound."""
        path = self.path(number)
        try:
            return path.read_bytes()
        except OSError as error:
            raise NotFound(f"picture {number} cannot be read: {error.strerror}") from None

    def numbers(self) -> list[int]:
        """Return the numbers of all pictures, oldest first."""
        with self._lock:
            self._refresh_unless_own()
            return list(self._numbers)

    def files(self) -> dict[int, Path]:
        """Return the files of all pictures by their numbers, oldest first."""
        with self._lock:
            self._refresh()
            return {number: self.directory / self._names[number] for number in self._numbers}

    def thumbnail(self, number: int) -> bytes:
        """Return a small JPEG of the picture. Raises NotFound."""
        name = self.path(number).name
        try:
            return self._thumbnails.get(name, lambda: self.read(number))
        except CorruptFrame as error:
            raise NotFound(f"picture {number} has no thumbnail: {error}") from None

    def delete(self, number: int) -> Picture:
        """Permanently delete one picture and return its description. Raises NotFound, StorageUnwritable."""
        with self._lock:
            self._refresh_unless_own()
            picture = self._describe(number)
            try:
                (self.directory / picture.name).unlink(missing_ok=True)
            except OSError as error:
                raise _storage_error(self.directory, error) from None
            self._record(number, None)
        self._thumbnails.forget([picture.name])
        return picture

    def discard(self, numbers: Iterable[int]) -> tuple[list[Picture], bool]:
        """Move pictures to the trash; return their descriptions, and whether all of them can be restored.

        Numbers without a picture are ignored. Raises StorageUnwritable; the pictures before the failed one are deleted.
        """
        discarded, is_restorable = [], True
        with self._lock:
            self._refresh()
            try:
                for number in sorted(self._names.keys() & set(numbers)):
                    picture = self._describe(number)
                    is_restorable &= self._trash.put(number, self.directory / picture.name)
                    discarded.append(picture)
            except NotFound:
                pass  # deleted by another program in the meantime
            except OSError as error:
                raise _storage_error(self.directory, error) from None
            finally:
                self._refresh(force=True)
        self._thumbnails.forget(each.name for each in discarded)
        return discarded, is_restorable

    def restore(self, numbers: Iterable[int]) -> list[Picture]:
        """Take pictures out of the trash; those that are not in it are ignored. Raises StorageUnwritable."""
        with self._lock:
            restored = []
            try:
                for number in dict.fromkeys(numbers):
                    if self._trash.take_back(number, self._move_back):
                        restored.append(number)
                if restored:
                    files.sync_folder(self.directory)  # the trash does not survive a restart, so these files must
            except OSError as error:
                raise _storage_error(self.directory, error) from None
            finally:
                self._refresh(force=True)
            return [self._describe(number) for number in restored if number in self._names]

    def purge_trash(self) -> None:
        """Permanently delete the pictures that have been in the trash for a minute; called once a second."""
        self._trash.purge()

    def empty_trash(self) -> None:
        """Permanently delete everything in the trash."""
        self._trash.empty()

    def _write(self, data: bytes, taken_at: datetime) -> tuple[int, str]:
        """Write a picture and return its number and name. Raises OSError."""
        files.make_folder(self.directory)
        number = self._next_number()
        name = f"{number:06}_{taken_at:%Y-%m-%dT%H-%M-%S}.jpg"
        files.write_atomically(self.directory / _COUNTER, f"{number}\n".encode())
        self._put(self.directory / name, data)
        return number, name

    def _move_back(self, path: Path) -> None:
        """Move a picture out of the trash if it is still there. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            _rename_without_replacing(path, self.directory / path.name)
        path.unlink(missing_ok=True)  # where there are hard links, it has two names now

    def _next_number(self) -> int:
        """Return the number after the greatest ever assigned: the counter file covers deleted pictures."""
        try:
            text = (self.directory / _COUNTER).read_text(encoding="ascii")
        except (FileNotFoundError, UnicodeDecodeError):
            text = ""
        counted = int(text) if _COUNTED.fullmatch(text) else 0
        with self._lock:
            self._refresh_unless_own()
            return max(counted, self._trash.greatest, self._numbers[-1] if self._numbers else 0) + 1

    def _put(self, path: Path, data: bytes) -> None:
        """Make the complete file appear under its name, or raise OSError; an existing file is not replaced."""
        temporary = files.write_temporary(path, data)
        try:
            _rename_without_replacing(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        try:
            files.sync_folder(self.directory)
        except OSError:  # the picture is reported as not stored, so it must not exist
            path.unlink(missing_ok=True)
            raise

    def _remove_leftovers(self) -> None:
        """Delete the incomplete files that a power cut left behind. Raises OSError."""
        for path in self.directory.glob(".*.tmp"):
            name = path.name.removeprefix(".").removesuffix(".tmp")
            if name == _COUNTER or _NAME.fullmatch(name):
                path.unlink()

    def _refresh(self, force: bool = False) -> None:
        """Read the folder again if a file was added, renamed or deleted since the last time, or if `force`.

        Two changes within one tick of the file system's clock have the same time, so a recent time proves nothing.
        """
        try:
            changed = self.directory.stat().st_mtime_ns
            if changed == self._read_version and not force:
                return
            self._read_version = changed if time.time_ns() - changed > _SETTLED else None
            self._own_version, self._listed_at = changed, time.monotonic()
            known = set(self._names.values())
            with os.scandir(self.directory) as entries:
                present = [each.name for each in entries if each.is_file(follow_symlinks=False)]
            names = [name for name in present if name in known or _is_picture_name(name)]
        except OSError:
            names, self._read_version = [], None
        self._names = {int(name.partition("_")[0]): name for name in names}
        self._numbers = sorted(self._names)
        self._described = {number: each for number, each in self._described.items() if number in self._names}

    def _refresh_unless_own(self) -> None:
        """Refresh, unless the last change was made by this process: reading ten thousand names takes long.

        Changes by other programs within the same tick of the file system's clock are noticed up to 3 s later.
        """
        try:
            is_known = self.directory.stat().st_mtime_ns == self._own_version
        except OSError:
            is_known = False
        if not is_known or (time.monotonic() - self._listed_at) * 1e9 > _SETTLED:
            self._refresh()

    def _record(self, number: int, name: str | None) -> None:
        """Record a change made by this process: a new picture, or a deleted one if there is no name."""
        if name is None:
            self._names.pop(number, None)
            self._described.pop(number, None)
            position = bisect_left(self._numbers, number)
            if self._numbers[position : position + 1] == [number]:
                del self._numbers[position]
        elif number not in self._names:
            self._names[number] = name
            insort(self._numbers, number)
        try:
            self._own_version = self.directory.stat().st_mtime_ns
        except OSError:
            self._own_version = None

    def _describe(self, number: int) -> Picture:
        if number not in self._described:
            self._described[number] = _described(self.directory, number, self._names)
        return self._described[number]


def _described(directory: Path, number: int, names: dict[int, str]) -> Picture:
    """Return the description of a picture, read from its file. Raises NotFound."""
    try:
        name = names[number]
        with (directory / name).open("rb") as file:
            head = file.read(65536)
            length = os.fstat(file.fileno()).st_size
    except (KeyError, OSError):
        raise NotFound(f"there is no picture {number}") from None
    dimensions: tuple[int, int] | tuple[None, None]
    try:
        dimensions = jpeg.seen_size(head)
    except CorruptFrame:
        dimensions = None, None
    return Picture(number, name, taken_at(name), length, *dimensions)


def taken_at(name: str) -> datetime:
    """Return the local time in the name of a picture."""
    day, _, hour = name.partition("_")[2].removesuffix(".jpg").partition("T")
    return datetime.fromisoformat(f"{day}T{hour.replace('-', ':')}").astimezone()


def _is_picture_name(name: str) -> bool:
    """Return whether this is the name of a picture: a number and a valid time."""
    match = _NAME.fullmatch(name)
    try:
        return bool(match and datetime.fromisoformat(f"{match[2]} {match[3].replace('-', ':')}"))
    except ValueError:
        return False


def _rename_without_replacing(source: Path, target: Path) -> None:
    """Rename a file. Raises FileExistsError if the target exists."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # FAT and exFAT have no hard links
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        os.rename(source, target)


def _storage_error(directory: Path, error: OSError) -> StorageUnwritable:
    if error.errno in FULL:
        return StorageFull(f"the disk of {directory} is full: delete pictures or use another folder")
    return StorageUnwritable(f"the folder {directory} cannot be written: {error.strerror}")
