"""Which pictures go when they are too many or too old: the oldest first, never the one just taken."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from appliance.errors import NotFound, StorageFull, StorageUnwritable
from appliance.pictures.picture import Picture
from appliance.pictures.store import PictureStore, taken_at
from appliance.settings import PicturesSettings
from appliance.system.log import logger

log = logger(__name__)

INTERVAL = 60.0  # s between looks for pictures that are too old
AT_ONCE = 100  # pictures that one `apply` deletes, so that nobody waits long for a slow disk


class Retention:
    """Keeps the pictures within the settings `max_age`, `max_bytes` and `min_free`. Called from any thread.

    Older means: with a smaller number. A Pi has no clock at boot, so the time in a name may be wrong.
    """

    def __init__(
        self, settings: PicturesSettings, pictures: PictureStore, on_deleted: Callable[[Picture], None]
    ) -> None:
        """`on_deleted` is called for each picture that was deleted, and must return at once."""
        self._settings = settings
        self._pictures = pictures
        self._on_deleted = on_deleted
        self._lock = threading.Lock()
        self._sizes: dict[int, int] = {}
        self._due_at = 0.0  # CLOCK_MONOTONIC, like the next
        self._started_at = time.monotonic()
        self._before: int | None = None  # the greatest number that an earlier process gave

    def tick(self) -> None:
        """Apply the settings every minute, and at once where there is more to do; called once a second."""
        if time.monotonic() >= self._due_at:
            self._due_at = time.monotonic() + (0 if self.apply() else INTERVAL)

    def make_room(self, size: int) -> None:
        """Delete what has to go so that `min_free` bytes are left after a picture of `size` bytes is stored.

        Raises StorageFull, before it deletes anything, where deleting would not help.
        """
        if self._missing(size) <= 0:
            return
        self._pictures.empty_trash()
        with self._lock:
            doomed = self._oldest(self._look()[:-1], self._missing(size))
            if doomed is not None:
                self._delete(doomed, "to keep pictures.min_free")
            if self._missing(size) > 0:
                raise StorageFull(
                    f"the disk of {self._pictures.directory} is too full: pictures.min_free keeps "
                    f"{self._settings.min_free} bytes free, and {self._pictures.disk_free} are left; "
                    "delete something else or use another folder"
                )

    def apply(self) -> bool:
        """Delete what is too old or too much, and return whether there is more to do. Never raises.

        Where `min_free` cannot be reached by deleting, nothing is deleted for it.
        """
        wanted = self._settings
        if not (wanted.max_age or wanted.max_bytes or wanted.min_free):
            return False
        with self._lock:
            is_done = self._delete(self._too_old(self._look()), "older than pictures.max_age", AT_ONCE)
            numbers = self._look()
            excess = sum(self._sizes.values()) - wanted.max_bytes if wanted.max_bytes else 0
            much = self._oldest(numbers[:-1], excess)
            much = numbers[:-1] if much is None else much
            is_done &= self._delete(much, "more than pictures.max_bytes", AT_ONCE)
            few = self._oldest(self._look()[:-1], self._missing(0)) or []
            is_done &= self._delete(few, "to keep pictures.min_free", AT_ONCE)
        return not is_done

    def _look(self) -> list[int]:
        """Return all numbers, oldest first, and know the size of each; only new ones are looked at."""
        numbers = self._pictures.numbers()
        if self._before is None:
            self._before = numbers[-1] if numbers else 0
        for gone in self._sizes.keys() - set(numbers):
            del self._sizes[gone]
        for number in numbers:
            if number not in self._sizes:
                with contextlib.suppress(NotFound, OSError):
                    self._sizes[number] = self._pictures.path(number).stat().st_size
        return numbers

    def _missing(self, size: int) -> int:
        """Return how many bytes are too few on the disk, once a picture of that size is stored."""
        free = self._pictures.disk_free
        if not self._settings.min_free or free is None:
            return 0
        return self._settings.min_free + size - free

    def _oldest(self, numbers: Iterable[int], excess: int) -> list[int] | None:
        """Return the oldest pictures that have so many bytes together; None where all have not."""
        doomed = []
        for number in numbers:
            if excess <= 0:
                break
            doomed.append(number)
            excess -= self._sizes.get(number, 0)
        return doomed if excess <= 0 else None

    def _too_old(self, numbers: Iterable[int]) -> list[int]:
        """Return the pictures that were taken too long ago.

        A picture is at least as old as those after it, and one that this process took no older than the process. So a
        time that cannot be, from before the clock was set, neither deletes a picture nor keeps it.
        """
        if not self._settings.max_age:
            return []
        doomed: list[int] = []
        undecided: list[int] = []
        now, limit = datetime.now(UTC), timedelta(days=self._settings.max_age)
        for number in numbers:
            undecided.append(number)
            try:
                age = now - taken_at(self._pictures.path(number).name)
            except NotFound:
                continue
            if number > (self._before or 0):
                age = min(age, timedelta(seconds=time.monotonic() - self._started_at))
            if age > limit:
                doomed += undecided
                undecided = []
            elif age >= timedelta(0):
                break
        return doomed

    def _delete(self, numbers: list[int], why: str, at_once: int | None = None) -> bool:
        """Delete pictures, `at_once` at most; return whether that is all that can be done. Never raises."""
        deleted = []
        try:
            for number in numbers[:at_once]:
                with contextlib.suppress(NotFound):
                    deleted.append(self._pictures.delete(number))
                    self._on_deleted(deleted[-1])
        except StorageUnwritable as error:
            log.error("old pictures cannot be deleted: %s", error)
            return True
        finally:
            if deleted:
                log.info("%d pictures deleted, %s: up to number %d", len(deleted), why, deleted[-1].number)
        return at_once is None or len(numbers) <= at_once
