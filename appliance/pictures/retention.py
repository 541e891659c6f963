"""Deletion of pictures that are too old or take too much space: the oldest first, never the newest."""

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

INTERVAL = 60.0  # s between two runs
AT_ONCE = 100  # pictures that one `apply` deletes, so that a slow disk blocks nothing for long


class Retention:
    """Enforces the settings `max_age`, `max_bytes` and `min_free`. Every method may be called from any thread.

    A picture is older if its number is smaller. A Pi has no clock at boot, so the time in a name may be wrong.
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
        self._before: int | None = None  # the greatest number that an earlier process assigned

    def tick(self) -> None:
        """Apply the settings every minute, and again at once if there is more to delete; called once a second."""
        if time.monotonic() >= self._due_at:
            self._due_at = time.monotonic() + (0 if self.apply() else INTERVAL)

    def make_room(self, size: int) -> None:
        """Delete the oldest pictures until `min_free` bytes remain free after a picture of `size` bytes is stored.

        Raises StorageFull, before it deletes anything, if deleting would not help.
        """
        if self._missing(size) <= 0:
            return
        self._pictures.empty_trash()
        with self._lock:
            excess = self._oldest(self._update_sizes()[:-1], self._missing(size))
            if excess is not None:
                self._delete(excess, "to keep pictures.min_free")
            if self._missing(size) > 0:
                raise StorageFull(
                    f"the disk of {self._pictures.directory} is too full: pictures.min_free keeps "
                    f"{self._settings.min_free} bytes free, and {self._pictures.disk_free} are left; "
                    "delete something else or use another folder"
                )

    def apply(self) -> bool:
        """Delete pictures according to the settings, and return whether there is more to delete. Never raises.

        If `min_free` cannot be reached by deleting, nothing is deleted for it.
        """
        settings = self._settings
        if not (settings.max_age or settings.max_bytes or settings.min_free):
            return False
        with self._lock:
            is_done = self._delete(self._too_old(self._update_sizes()), "older than pictures.max_age", AT_ONCE)
            numbers = self._update_sizes()
            excess = sum(self._sizes.values()) - settings.max_bytes if settings.max_bytes else 0
            excessive = self._oldest(numbers[:-1], excess)
            excessive = numbers[:-1] if excessive is None else excessive
            is_done &= self._delete(excessive, "more than pictures.max_bytes", AT_ONCE)
            needed = self._oldest(self._update_sizes()[:-1], self._missing(0)) or []
            is_done &= self._delete(needed, "to keep pictures.min_free", AT_ONCE)
        return not is_done

    def _update_sizes(self) -> list[int]:
        """Return all numbers, oldest first, and update the sizes; only the files of new numbers are read."""
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
        """Return how many bytes will be missing to `min_free` once a picture of that size is stored."""
        free = self._pictures.disk_free
        if not self._settings.min_free or free is None:
            return 0
        return self._settings.min_free + size - free

    def _oldest(self, numbers: Iterable[int], excess: int) -> list[int] | None:
        """Return the oldest pictures whose sizes add up to `excess` bytes; None if all together are smaller."""
        oldest = []
        for number in numbers:
            if excess <= 0:
                break
            oldest.append(number)
            excess -= self._sizes.get(number, 0)
        return oldest if excess <= 0 else None

    def _too_old(self, numbers: Iterable[int]) -> list[int]:
        """Return the pictures that are older than `max_age`.

        A picture is at least as old as those with greater numbers, and no older than this process if this process took
        it. So an impossible time, from before the clock was set, neither deletes a picture nor keeps it.
        """
        if not self._settings.max_age:
            return []
        too_old: list[int] = []
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
                too_old += undecided
                undecided = []
            elif age >= timedelta(0):
                break
        return too_old

    def _delete(self, numbers: list[int], why: str, at_once: int | None = None) -> bool:
        """Delete pictures, `at_once` at most; return whether there is nothing more to delete. Never raises."""
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
