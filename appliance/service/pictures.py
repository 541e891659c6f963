"""The commands and facts of the stored pictures, for HTTP and MQTT alike."""

import re
import reprlib
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.commands import command
from appliance.errors import NotFound, StorageUnwritable
from appliance.events import Event, Events
from appliance.facts import INTEGER, Entity, Fact, Metric, nullable, reference, schema, whole
from appliance.frames import Frame, wall_clock
from appliance.parameters import Parameter
from appliance.pictures.picture import FIELDS, Picture
from appliance.pictures.retention import Retention
from appliance.pictures.store import PictureStore
from appliance.pictures.trash import KEPT
from appliance.settings import PicturesSettings
from appliance.system.log import logger

log = logger(__name__)

PICTURE_SCHEMA = schema(FIELDS)


def _of_picture(action: str, help: str) -> Event:
    data = {"picture": reference("Picture"), "total": INTEGER}
    return Event(f"picture_{action}", help, data, stream="picture", constant={"action": action})


def _of_pictures(action: str, help: str) -> Event:
    data = {"ids": {"type": "array", "items": INTEGER}, "total": INTEGER}
    return Event(f"pictures_{action}", help, data, stream="pictures", constant={"action": action})


PICTURE_TAKEN = _of_picture("taken", "A picture was taken.")
PICTURE_DELETED = _of_picture("deleted", "A picture was deleted.")
PICTURE_RESTORED = _of_picture("restored", "A deleted picture was restored.")
PICTURES_DELETED = _of_pictures("deleted", "Pictures were deleted together.")
PICTURES_RESTORED = _of_pictures("restored", "Deleted pictures were restored together.")

FACTS = (
    Fact(
        "pictures",
        INTEGER,
        "Number of stored pictures.",
        lambda pictures: pictures.total,
        label="Pictures",
        urgent=whole,
        metric=Metric("pictures", "Stored pictures."),
        entities=(Entity("Pictures", icon="mdi:image-multiple", state_class="measurement"),),
    ),
    Fact(
        "disk_free",
        nullable(INTEGER),
        "Free disk space for pictures, in bytes.",
        lambda pictures: pictures.disk_free,
        label="Disk",
        unit="bytes free",
        metric=Metric("disk_free_bytes", "Free disk space for pictures, in bytes."),
        entities=(Entity("Disk left", unit="B", device_class="data_size", precision=0, state_class="measurement"),),
    ),
)

_SPAN = re.compile(r"([0-9]+)(?:-([0-9]+))?")
_ID = Parameter(name="id", kind="integer", help="Number of the picture.", required=True, minimum=1)
_IDS = Parameter(name="ids", kind="integer", help="Numbers of the pictures.", required=True, repeated=True, minimum=1)


class PictureService:
    """Takes, lists, deletes and restores pictures. Every method may be called from any thread except the camera thread.

    `frame_after` returns the first good frame that was captured after a time (CLOCK_MONOTONIC, s).
    """

    events = (PICTURE_TAKEN, PICTURE_DELETED, PICTURE_RESTORED, PICTURES_DELETED, PICTURES_RESTORED)

    def __init__(
        self, settings: PicturesSettings, pictures: PictureStore, frame_after: Callable[[float], Frame], events: Events
    ) -> None:
        self._pictures = pictures
        self._frame_after = frame_after
        self._events = events
        self._retention = Retention(settings, pictures, lambda each: self._emit(PICTURE_DELETED, each))

    def tick(self) -> None:
        """Empty the trash and apply the retention; called once a second."""
        self._pictures.purge_trash()
        self._retention.tick()

    # ------------------------------------------------------------------ commands

    @command("POST", "/api/pictures", right="control", status=201, result="Picture", press="Take picture")
    def take_picture(self) -> dict[str, Any]:
        """Store the next frame as a numbered picture."""
        frame = self._frame_after(time.monotonic())
        taken_at = datetime.fromtimestamp(wall_clock(frame.captured_at)).astimezone()
        try:
            self._retention.make_room(len(frame.jpeg))
            picture = self._pictures.store(frame.jpeg, taken_at)
        except StorageUnwritable as error:
            log.error("no picture taken: %s", error)
            raise
        fields = PICTURE_TAKEN.logged(PICTURE=picture.number)
        log.info("picture %d taken: %s", picture.number, picture.name, extra=fields)
        self._emit(PICTURE_TAKEN, picture)
        self._retention.apply()
        return picture.as_json()

    @command(
        "GET",
        "/api/pictures",
        Parameter(name="limit", kind="integer", help="Maximum number of pictures.", default=50, minimum=1, maximum=500),
        Parameter(name="before", kind="integer", help="Only pictures with a smaller number.", minimum=1),
        right="view",
        result="PicturePage",
    )
    def list_pictures(self, limit: int = 50, before: int | None = None) -> dict[str, Any]:
        """List the pictures, newest first, in pages; pass `next` as `before` to get the following page."""
        page, following = self._pictures.page(limit, before)
        return {
            "pictures": [picture.as_json() for picture in page],
            "total": self._pictures.total,
            "next": following,
        }

    @command("GET", "/api/pictures/<id>", _ID, right="view", result="Picture")
    def get_picture(self, id: int) -> dict[str, Any]:
        """Return one picture."""
        return self._pictures.get(id).as_json()

    @command("DELETE", "/api/pictures/<id>", _ID, right="control", result="DeletedPicture")
    def delete_picture(self, id: int) -> dict[str, Any]:
        """Delete one picture. It can be restored for a minute. Its number is never reused."""
        discarded, is_restorable = self._pictures.discard([id])
        if not discarded:
            raise NotFound(f"there is no picture {id}")
        (picture,) = discarded
        fields = PICTURE_DELETED.logged(PICTURE=picture.number)
        log.info("picture %d deleted: %s", picture.number, picture.name, extra=fields)
        self._emit(PICTURE_DELETED, picture)
        return {"deleted": picture.as_json(), "restorable": KEPT if is_restorable else 0.0}

    @command("POST", "/api/pictures/<id>/restore", _ID, right="control", result="Picture")
    def restore_picture(self, id: int) -> dict[str, Any]:
        """Restore a picture that was deleted within the last minute."""
        restored = self._pictures.restore([id])
        if not restored:
            raise NotFound(f"picture {id} cannot be restored: that is possible for {KEPT:g} s after it was deleted")
        (picture,) = restored
        log.info("picture %d restored: %s", picture.number, picture.name)
        self._emit(PICTURE_RESTORED, picture)
        return picture.as_json()

    @command("POST", "/api/pictures/delete", _IDS, right="control", result="DeletedPictures")
    def delete_pictures(self, ids: list[int]) -> dict[str, Any]:
        """Delete several pictures; numbers that do not exist are ignored. They can be restored for a minute."""
        discarded, is_restorable = self._pictures.discard(ids)
        numbers = self._emit_many(PICTURES_DELETED, discarded)
        return {"deleted": numbers, "restorable": KEPT if is_restorable else 0.0}

    @command("POST", "/api/pictures/restore", _IDS, right="control", result="RestoredPictures")
    def restore_pictures(self, ids: list[int]) -> dict[str, Any]:
        """Restore pictures that were deleted within the last minute; other numbers are ignored."""
        return {"restored": self._emit_many(PICTURES_RESTORED, self._pictures.restore(ids))}

    # ------------------------------------------------------------------ for the adapters

    def picture_file(self, id: int) -> Path:
        """Return the file of a picture. Raises NotFound."""
        return self._pictures.path(id)

    def picture_jpeg(self, id: int) -> bytes:
        """Return the bytes of a picture. Raises NotFound."""
        return self._pictures.read(id)

    def thumbnail(self, id: int) -> bytes:
        """Return a small JPEG of a picture. Raises NotFound."""
        return self._pictures.thumbnail(id)

    def picture_files(self, selection: str = "") -> list[Path]:
        """Return the files of a selection such as `7,9,12-40`, oldest first; an empty selection means all pictures.

        Numbers that do not exist are ignored. Raises NotFound if none of the selection exists.
        """
        spans = sorted((int(first), int(last or first)) for first, last in _SPAN.findall(selection))
        present, chosen, after = self._pictures.files(), [], 0
        numbers = list(present)
        for first, last in spans or [(1, max(numbers, default=0))]:
            chosen += numbers[bisect_left(numbers, max(first, after)) : bisect_right(numbers, last)]
            after = max(after, last + 1)  # spans may overlap
        if spans and not chosen:
            raise NotFound("there are no such pictures")
        return [present[number] for number in chosen]

    def _emit(self, event: Event, picture: Picture) -> None:
        self._events.emit(event, {"picture": picture.as_json(), "total": self._pictures.total})

    def _emit_many(self, event: Event, pictures: list[Picture]) -> list[int]:
        """Emit one event for all pictures, or none if there are no pictures, and return the numbers."""
        numbers = [picture.number for picture in pictures]
        if numbers:
            action = event.constant["action"]
            log.info("%d pictures %s: %s", len(numbers), action, reprlib.repr(numbers), extra=event.logged())
            self._events.emit(event, {"ids": numbers, "total": self._pictures.total})
        return numbers
