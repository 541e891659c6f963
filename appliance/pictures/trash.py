"""The trash: deleted pictures, kept for a minute so that a deletion by mistake can be undone.

It is a hidden folder of the pictures, on the same disk, so that moving a picture copies nothing. Its content belongs to
the process that put it there: the next process empties it when it starts.
"""

import contextlib
import errno
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.system.files import PICTURES

KEPT = 60.0  # s that a deleted picture can be restored
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_AT_ONCE = 200  # files removed by one call, so that a slow disk blocks nothing for long


@dataclass(frozen=True, slots=True)
class _Deleted:
    name: str
    at: float  # CLOCK_MONOTONIC


class Trash:
    """Deleted pictures by their numbers. Every method may be called from any thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._deleted: dict[int, _Deleted] = {}  # oldest first

    @property
    def greatest(self) -> int:
        """The greatest number in the trash; 0 if it is empty."""
        with self._lock:
            return max(self._deleted, default=0)

    def put(self, number: int, path: Path) -> bool:
        """Move a picture to the trash and return whether it can be restored; on a full disk it is deleted permanently.

        Raises OSError; the picture then stays where it is. One that does not exist counts as permanently deleted.
        """
        with self._lock:
            try:
                self.directory.mkdir(exist_ok=True)
                path.rename(self.directory / path.name)
            except FileNotFoundError:
                return False
            except OSError as error:
                if error.errno not in FULL:
                    raise
                path.unlink(missing_ok=True)
                return False
            self._deleted[number] = _Deleted(path.name, time.monotonic())
            return True

    def take_back(self, number: int, move: Callable[[Path], None]) -> bool:
        """Take a picture out of the trash by calling `move` with its file; return whether it was in the trash.

        Raises what `move` raises; the picture then stays in the trash.
        """
        with self._lock:
            if number not in self._deleted:
                return False
            move(self.directory / self._deleted[number].name)
            del self._deleted[number]
            return True

    def purge(self, kept: float = KEPT) -> bool:
        """Permanently delete up to 200 pictures that have been in the trash for `kept` s; return whether any were."""
        with self._lock:
            until = time.monotonic() - kept
            due = [number for number, each in self._deleted.items() if each.at <= until][:_AT_ONCE]
            for number in due:
                with contextlib.suppress(OSError):
                    (self.directory / self._deleted.pop(number).name).unlink()
            return bool(due)

    def empty(self) -> bool:
        """Permanently delete everything in the trash; return whether there was anything."""
        is_emptied = False
        while self.purge(0):
            is_emptied = True
        return is_emptied

    def remove_leftovers(self) -> None:
        """Delete the pictures that an earlier process left in the trash. Raises OSError."""
        with self._lock:
            for path in self.directory.glob(PICTURES):
                path.unlink(missing_ok=True)
