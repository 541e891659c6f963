"""The store of taken pictures: numbered files in one folder, none ever overwritten.

A file is called `000012_2026-11-22T10-15-30.jpg`: a number that only grows, also after deletions and restarts, then
the local time. Other programs may delete files of the folder, or add some of that form, at any time.

Two hidden folders are in it: the trash, and the thumbnails.
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
_SETTLED = 3_000_000_000  # ns after a change until the next one surely has another time; on FAT that takes 2 s


class PictureStore:
    """The pictures of one folder. Every method may be called from any thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.RLock()  # what is known of the folder; not held while a disk is written
        self._storing = threading.Lock()
        self._names: dict[int, str] = {}
        self._numbers: list[int] = []  # sorted
        self._seen: int | None = None  # modification time of the folder, in ns, when it was read last
        self._noted: int | None = None  # the same, after a change of our own
        self._listed_at = 0.0  # CLOCK_MONOTONIC
        self._described: dict[int, Picture] = {}
        self._thumbnails = Thumbnails(directory / ".thumbnails")
        self._trash = Trash(directory / ".trash")

    def prepare(self) -> None:
        """Make, tidy and read the folder; log where that is impossible: taking a picture will raise it again."""
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
        """How many pictures there are."""
        with self._lock:
            self._glance()
            return len(self._numbers)

    @property
    def disk_free(self) -> int | None:
        """Bytes that are left for pictures; None where that cannot be known."""
        try:
            usage = os.statvfs(self.directory)
        except OSError:
            return None
        return usage.f_bavail * usage.f_frsize

    def store(self, data: bytes, taken_at: datetime) -> Picture:
        """Store the JPEG under the next number. A full disk costs the trash first.

        Raises StorageFull or StorageUnwritable, leaving nothing behind.
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
            self._note(number, name)
            return self._describe(number)

    def page(self, limit: int, before: int | None = None) -> tuple[list[Picture], int | None]:
        """Return up to `limit` pictures, newest first, with numbers below `before`; and the next `before`, if any."""
        with self._lock:
            self._look()
            end = len(self._numbers) if before is None else bisect_left(self._numbers, before)
            begin = max(0, end - limit)
            chosen = self._numbers[begin:end][::-1]
            found = []
            for number in chosen:
                try:
                    found.append(self._describe(number))
                except NotFound:
                    continue  # deleted by somebody else this moment
            return found, chosen[-1] if chosen and begin > 0 else None

    def get(self, number: int) -> Picture:
        """Return one picture. Raises NotFound."""
        with self._lock:
            self._look()
            return self._describe(number)

    def path(self, number: int) -> Path:
        """Return the file of a picture. Raises NotFound."""
        with self._lock:
            self._glance()
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
            self._glance()
            return list(self._numbers)

    def files(self) -> dict[int, Path]:
        """Return the files of all pictures by their numbers, oldest first."""
        with self._lock:
            self._look()
            return {number: self.directory / self._names[number] for number in self._numbers}

    def thumbnail(self, number: int) -> bytes:
        """Return a small JPEG of the picture. Raises NotFound."""
        name = self.path(number).name
        try:
            return self._thumbnails.get(name, lambda: self.read(number))
        except CorruptFrame as error:
            raise NotFound(f"picture {number} has no thumbnail: {error}") from None

    def delete(self, number: int) -> Picture:
        """Delete one picture for good and return what it was. Raises NotFound, StorageUnwritable."""
        with self._lock:
            self._glance()
            picture = self._describe(number)
            try:
                (self.directory / picture.name).unlink(missing_ok=True)
            except OSError as error:
                raise _storage_error(self.directory, error) from None
            self._note(number, None)
        self._thumbnails.forget([picture.name])
        return picture

    def discard(self, numbers: Iterable[int]) -> tuple[list[Picture], bool]:
        """Put pictures into the trash; return what they were, and whether all of them can be restored.

        Those that are not there are passed over. Raises StorageUnwritable; those before the one that failed are gone.
        """
        discarded, is_restorable = [], True
        with self._lock:
            self._look()
            try:
                for number in sorted(self._names.keys() & set(numbers)):
                    picture = self._describe(number)
                    is_restorable &= self._trash.put(number, self.directory / picture.name)
                    discarded.append(picture)
            except NotFound:
                pass  # somebody else deleted it this moment
            except OSError as error:
                raise _storage_error(self.directory, error) from None
            finally:
                self._look(anew=True)
        self._thumbnails.forget(each.name for each in discarded)
        return discarded, is_restorable

    def restore(self, numbers: Iterable[int]) -> list[Picture]:
        """Take pictures out of the trash; those that are not in it are passed over. Raises StorageUnwritable."""
        with self._lock:
            restored = []
            try:
                for number in dict.fromkeys(numbers):
                    if self._trash.take_back(number, self._bring_back):
                        restored.append(number)
                if restored:
                    files.sync_folder(self.directory)  # the trash does not survive a restart, so these have to
            except OSError as error:
                raise _storage_error(self.directory, error) from None
            finally:
                self._look(anew=True)
            return [self._describe(number) for number in restored if number in self._names]

    def purge_trash(self) -> None:
        """Delete for good what has been in the trash for a minute; called once a second."""
        self._trash.purge()

    def empty_trash(self) -> None:
        """Delete for good everything that is in the trash."""
        self._trash.empty()

    def _write(self, data: bytes, taken_at: datetime) -> tuple[int, str]:
        """Write a picture and return its number and name. Raises OSError."""
        files.make_folder(self.directory)
        number = self._next_number()
        name = f"{number:06}_{taken_at:%Y-%m-%dT%H-%M-%S}.jpg"
        files.write_atomically(self.directory / _COUNTER, f"{number}\n".encode())
        self._put(self.directory / name, data)
        return number, name

    def _bring_back(self, path: Path) -> None:
        """Move a picture out of the trash, unless it is not there any more. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            _rename_without_replacing(path, self.directory / path.name)
        path.unlink(missing_ok=True)  # where there are hard links, it has two names now

    def _next_number(self) -> int:
        """Return the number after the greatest that was ever given: the counter file remembers deleted ones."""
        try:
            text = (self.directory / _COUNTER).read_text(encoding="ascii")
        except (FileNotFoundError, UnicodeDecodeError):
            text = ""
        counted = int(text) if _COUNTED.fullmatch(text) else 0
        with self._lock:
            self._glance()
            return max(counted, self._trash.greatest, self._numbers[-1] if self._numbers else 0) + 1

    def _put(self, path: Path, data: bytes) -> None:
        """Let the whole file appear under its name, or raise OSError; a file that is there stays."""
        temporary = files.write_temporary(path, data)
        try:
            _rename_without_replacing(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        try:
            files.sync_folder(self.directory)
        except OSError:  # Nobody is told that it is stored, so it must not be there.
            path.unlink(missing_ok=True)
            raise

    def _remove_leftovers(self) -> None:
        """Delete what a power cut left half-written. Raises OSError."""
        for path in self.directory.glob(".*.tmp"):
            name = path.name.removeprefix(".").removesuffix(".tmp")
            if name == _COUNTER or _NAME.fullmatch(name):
                path.unlink()

    def _look(self, anew: bool = False) -> None:
        """Read the folder again if anything in it was added, renamed or deleted since, or `anew`.

        Two changes in one tick of the file system's clock look like one, so a time that is not long ago says nothing.
        """
        try:
            changed = self.directory.stat().st_mtime_ns
            if changed == self._seen and not anew:
                return
            self._seen = changed if time.time_ns() - changed > _SETTLED else None
            self._noted, self._listed_at = changed, time.monotonic()
            known = set(self._names.values())
            with os.scandir(self.directory) as entries:
                present = [each.name for each in entries if each.is_file(follow_symlinks=False)]
            names = [name for name in present if name in known or _is_ours(name)]
        except OSError:
            names, self._seen = [], None
        self._names = {int(name.partition("_")[0]): name for name in names}
        self._numbers = sorted(self._names)
        self._described = {number: each for number, each in self._described.items() if number in self._names}

    def _glance(self) -> None:
        """Look, but do not read the folder again for each of our own changes: ten thousand names take long.

        What others did in the same tick of the file system's clock is noticed up to 3 s later.
        """
        try:
            is_known = self.directory.stat().st_mtime_ns == self._noted
        except OSError:
            is_known = False
        if not is_known or (time.monotonic() - self._listed_at) * 1e9 > _SETTLED:
            self._look()

    def _note(self, number: int, name: str | None) -> None:
        """Know of a change of our own: a picture that has appeared, or gone if there is no name."""
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
            self._noted = self.directory.stat().st_mtime_ns
        except OSError:
            self._noted = None

    def _describe(self, number: int) -> Picture:
        if number not in self._described:
            self._described[number] = _described(self.directory, number, self._names)
        return self._described[number]


def _described(directory: Path, number: int, names: dict[int, str]) -> Picture:
    """Return what the file says of itself. Raises NotFound."""
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


def _is_ours(name: str) -> bool:
    """Return whether this is the name of a picture: a number and a time that can be."""
    match = _NAME.fullmatch(name)
    try:
        return bool(match and datetime.fromisoformat(f"{match[2]} {match[3].replace('-', ':')}"))
    except ValueError:
        return False


def _rename_without_replacing(source: Path, target: Path) -> None:
    """Rename, and raise FileExistsError rather than replace."""
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
