"""The verbs of the appliance, as HTTP and MQTT both offer them.

Listeners hear of every change as (`state` | `controls` | `picture` | `pictures` | `camera`, JSON); `pictures` are many
at once, `camera` is a step of its lifecycle. They are called on whatever thread made the change and must only take
note.
"""

import re
import reprlib
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance import __version__, health
from appliance.capture import Capture
from appliance.commands import command
from appliance.controls import report
from appliance.errors import CameraUnavailable, NotFound, StorageUnwritable
from appliance.frames import Format, Frame, FrameSlot
from appliance.log import logger
from appliance.parameters import Parameter, without_password
from appliance.pictures import Picture, Pictures
from appliance.retention import Retention
from appliance.settings import Settings, parameters
from appliance.snapshots import Snapshots
from appliance.trash import KEPT

log = logger(__name__)

Listener = Callable[[str, dict[str, Any]], None]

_SETTINGS = parameters()
_SPAN = re.compile(r"([0-9]+)(?:-([0-9]+))?")


def _like_setting(name: str, help: str) -> Parameter:
    """Return the argument that has the same limits as a setting of the camera."""
    parameter = _SETTINGS[f"camera.{name}"]
    return Parameter(
        name=name,
        kind=parameter.kind,
        help=help,
        minimum=parameter.minimum,
        maximum=parameter.maximum,
        unit=parameter.unit,
        pattern=parameter.pattern,
    )


_ID = Parameter(name="id", kind="integer", help="Number of the picture.", required=True, minimum=1)
_IDS = Parameter(name="ids", kind="integer", help="Numbers of the pictures.", required=True, repeated=True, minimum=1)


@dataclass(slots=True)
class Watched:
    """What the adapters report about themselves, for the state; they are built after the appliance."""

    viewers: Callable[[], int] = lambda: 0
    dropped: Callable[[], int] = lambda: 0
    mqtt: Callable[[], dict[str, Any]] = lambda: {"state": "off", "reason": None}


class Appliance:
    """One camera with its pictures. Every method may be called from any thread, except the camera's own."""

    def __init__(self, settings: Settings, capture: Capture, slot: FrameSlot, pictures: Pictures) -> None:
        self.name = settings.camera.name
        self.watched = Watched()
        self._capture = capture
        self._snapshots = Snapshots(settings.camera, capture, slot)
        self._pictures = pictures
        self._retention = Retention(settings.pictures, pictures, lambda each: self._tell_of_picture("deleted", each))
        self.max_viewers = settings.http.max_viewers
        self._started_at = time.monotonic()
        self._listeners: list[Listener] = []
        self._former = capture.status.state
        capture.on_change = self._camera_changed
        capture.on_controls = lambda: self._tell("controls", self.known_controls() or {})

    def listen(self, listener: Listener) -> None:
        """Call the listener at every change from now on."""
        self._listeners.append(listener)

    def tick(self) -> None:
        """Tell the listeners how things are, empty the trash, let old pictures go; called once a second."""
        self._pictures.purge_trash()
        self._retention.tick()
        self._tell("state", self.get_state())

    # ------------------------------------------------------------------ commands

    @command("GET", "/api/state", right="view", result="State")
    def get_state(self) -> dict[str, Any]:
        """Everything about the camera and the appliance that changes; every key is always there."""
        capture, status = self._capture, self._capture.status
        fps, age = capture.fps, capture.frame_age
        return {
            "name": self.name,
            "version": __version__,
            "uptime": round(time.monotonic() - self._started_at, 1),
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "camera": {
                "state": status.state,
                "reason": status.reason,
                "since": status.since.isoformat(timespec="seconds"),
                "source": without_password(capture.source),
                "device": status.device,
                "description": status.description,
            },
            "privacy": capture.privacy,
            "format": {
                "requested": capture.wanted.as_json(),
                "granted": status.granted.as_json() if status.granted else None,
            },
            "fps": None if fps is None else round(fps, 1),
            "frame_age": None if age is None else round(age, 3),
            "frames": {"captured": capture.captured, "dropped": self.watched.dropped(), "corrupt": capture.corrupt},
            "viewers": self.watched.viewers(),
            "max_viewers": self.max_viewers,
            "pictures": self._pictures.total,
            "disk_free": self._pictures.disk_free,
            "mqtt": self.watched.mqtt(),
            "temperature": health.temperature(),
            "under_voltage": health.under_voltage(),
        }

    @command("GET", "/api/controls", right="view", result="Controls")
    def get_controls(self) -> dict[str, Any]:
        """Every control that the camera has, with its limits and the value it has now."""
        return report(self._capture.controls())

    @command("PATCH", "/api/controls", right="control", free=True, result="Controls")
    def set_controls(self, values: dict[str, object]) -> dict[str, Any]:
        """Set one or many controls by name; if one value is wrong, none is set."""
        controls = self._capture.set_controls(values)
        if values:
            now = {each.name: each.value for each in controls if each.name in values}
            log.info("controls set: %s", ", ".join(f"{name}={value}" for name, value in now.items()))
        return report(controls)

    @command(
        "POST",
        "/api/controls/reset",
        Parameter(name="names", kind="text", repeated=True, help="The controls to reset. Without it, all."),
        right="control",
        result="Controls",
        press="Reset controls",
    )
    def reset_controls(self, names: list[str] | None = None) -> dict[str, Any]:
        """Set controls to their defaults and forget what was set."""
        controls = self._capture.reset_controls(names)
        log.info("controls reset: %s", ", ".join(names) if names is not None else "all")
        return report(controls)

    @command("GET", "/api/format", right="view", result="FormatReport")
    def get_format(self) -> dict[str, Any]:
        """The format asked for, the one the camera granted, and those it offers."""
        return self._format_report()

    @command(
        "PATCH",
        "/api/format",
        _like_setting("width", "Width of the frames."),
        _like_setting("height", "Height of the frames."),
        _like_setting("fps", "Frames per second."),
        _like_setting("pixel_format", "Four characters such as `MJPG`, or `auto`."),
        right="control",
        result="FormatReport",
    )
    def set_format(self, **changes: Any) -> dict[str, Any]:
        """Change size, rate or pixel format while running; what the camera grants may differ."""
        wanted = Format(**(self._capture.wanted.as_json() | changes))
        if wanted != self._capture.wanted:
            self._capture.set_format(wanted)
            log.info("format asked for: %s; granted: %s", wanted, self._capture.status.granted)
        return self._format_report()

    @command("POST", "/api/camera/restart", right="control", result="State", press="Restart camera")
    def restart_camera(self) -> dict[str, Any]:
        """Close the camera and open it again."""
        self._capture.restart()
        log.info("camera restarted")
        return self.get_state()

    @command(
        "PUT",
        "/api/privacy",
        Parameter(name="on", kind="boolean", help="Whether the camera has to stay closed.", required=True),
        right="control",
        result="Privacy",
    )
    def set_privacy(self, on: bool) -> dict[str, Any]:
        """Close the camera, or open it again. It stays so over a restart; viewers see that privacy is on."""
        self._capture.set_privacy(on)
        self._tell("state", self.get_state())
        return {"privacy": self._capture.privacy}

    @command("POST", "/api/pictures", right="control", status=201, result="Picture", press="Take picture")
    def take_picture(self) -> dict[str, Any]:
        """Store the next frame as a numbered picture."""
        frame = self._snapshots.take(time.monotonic())
        taken_at = datetime.fromtimestamp(wall_clock(frame.captured_at)).astimezone()
        try:
            self._retention.make_room(len(frame.jpeg))
            picture = self._pictures.store(frame.jpeg, taken_at)
        except StorageUnwritable as error:
            log.error("no picture taken: %s", error)
            raise
        fields = {"EVENT": "picture-taken", "PICTURE": picture.number}
        log.info("picture %d taken: %s", picture.number, picture.name, extra=fields)
        self._tell_of_picture("taken", picture)
        self._retention.apply()
        return picture.as_json()

    @command(
        "GET",
        "/api/pictures",
        Parameter(name="limit", kind="integer", help="At most so many.", default=50, minimum=1, maximum=500),
        Parameter(name="before", kind="integer", help="Only pictures with a smaller number.", minimum=1),
        right="view",
        result="PicturePage",
    )
    def list_pictures(self, limit: int = 50, before: int | None = None) -> dict[str, Any]:
        """The pictures, newest first, in pages: give `next` as `before` to get the following page."""
        page, following = self._pictures.page(limit, before)
        return {
            "pictures": [picture.as_json() for picture in page],
            "total": self._pictures.total,
            "next": following,
        }

    @command("GET", "/api/pictures/<id>", _ID, right="view", result="Picture")
    def get_picture(self, id: int) -> dict[str, Any]:
        """What is known of one picture."""
        return self._pictures.get(id).as_json()

    @command("DELETE", "/api/pictures/<id>", _ID, right="control", result="DeletedPicture")
    def delete_picture(self, id: int) -> dict[str, Any]:
        """Delete one picture. For a minute it can be restored. Its number is never given again."""
        discarded, is_restorable = self._pictures.discard([id])
        if not discarded:
            raise NotFound(f"there is no picture {id}")
        (picture,) = discarded
        fields = {"EVENT": "picture-deleted", "PICTURE": picture.number}
        log.info("picture %d deleted: %s", picture.number, picture.name, extra=fields)
        self._tell_of_picture("deleted", picture)
        return {"deleted": picture.as_json(), "restorable": KEPT if is_restorable else 0.0}

    @command("POST", "/api/pictures/<id>/restore", _ID, right="control", result="Picture")
    def restore_picture(self, id: int) -> dict[str, Any]:
        """Bring back a picture that was deleted in the last minute."""
        restored = self._pictures.restore([id])
        if not restored:
            raise NotFound(f"picture {id} cannot be restored: that is possible for {KEPT:g} s after it was deleted")
        (picture,) = restored
        log.info("picture %d restored: %s", picture.number, picture.name)
        self._tell_of_picture("restored", picture)
        return picture.as_json()

    @command("POST", "/api/pictures/delete", _IDS, right="control", result="DeletedPictures")
    def delete_pictures(self, ids: list[int]) -> dict[str, Any]:
        """Delete many pictures; those that are not there are passed over. For a minute they can be restored."""
        discarded, is_restorable = self._pictures.discard(ids)
        numbers = self._told_of_many("deleted", discarded)
        return {"deleted": numbers, "restorable": KEPT if is_restorable else 0.0}

    @command("POST", "/api/pictures/restore", _IDS, right="control", result="RestoredPictures")
    def restore_pictures(self, ids: list[int]) -> dict[str, Any]:
        """Bring back pictures that were deleted in the last minute; the others are passed over."""
        return {"restored": self._told_of_many("restored", self._pictures.restore(ids))}

    # ------------------------------------------------------------------ for the adapters

    def snapshot(self, max_age: float = 0.0) -> Frame:
        """Return a frame captured after this call, or one that is no older than `max_age` s.

        Raises PrivacyOn, and CameraUnavailable with the reason when there is none within 3 s, or 8 s of a cold camera.
        """
        return self._snapshots.take(time.monotonic() - max_age)

    @property
    def is_turned(self) -> bool:
        """Whether frames have to be turned or mirrored, as their EXIF says, to be seen upright."""
        return self._snapshots.orientation != 1

    def upright(self, frame: Frame) -> bytes:
        """Return the JPEG of a frame with its pixels turned, for programs that do not look at the orientation."""
        return self._snapshots.upright(frame)

    def placeholder(self, error: CameraUnavailable) -> bytes:
        """Return a JPEG that says why there is no frame."""
        return self._snapshots.placeholder(error)

    def known_controls(self) -> dict[str, Any] | None:
        """Return the controls as they were read last, without asking the camera; None before the first time."""
        controls = self._capture.known_controls
        return None if controls is None else report(controls)

    def known_formats(self) -> list[dict[str, Any]]:
        """Return what the camera that was opened last offers, without asking it; empty where it cannot tell."""
        return [each.as_json() for each in self._capture.known_formats]

    def is_fresh(self) -> bool:
        """Tell whether frames come as they should: the last one not older than 2 s, or three frames if that is more.

        A camera that is closed on purpose is as it should be.
        """
        status, age = self._capture.status, self._capture.frame_age
        if status.state in ("idle", "privacy"):
            return True
        if status.state != "online" or status.granted is None or age is None:
            return False
        return age < max(2.0, 3 / status.granted.fps if status.granted.fps else 0)

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
        """Return the files of a selection such as `7,9,12-40`, oldest first; of an empty one, all pictures.

        Numbers that there are none of are passed over. Raises NotFound if nothing of a selection is left.
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

    def _format_report(self) -> dict[str, Any]:
        formats = self._capture.call(lambda camera: camera.formats())
        granted = self._capture.status.granted
        return {
            "requested": self._capture.wanted.as_json(),
            "granted": granted.as_json() if granted else None,
            "available": [each.as_json() for each in formats],
        }

    def _camera_changed(self) -> None:
        """Tell of the camera's new status; on its thread, so that no step is missed or told twice."""
        status, former = self._capture.status, self._former
        self._former = status.state
        if status.state != former:
            self._tell("camera", {"state": status.state, "former": former, "reason": status.reason})
        self._tell("state", self.get_state())

    def _tell(self, event: str, data: dict[str, Any]) -> None:
        for listener in self._listeners:
            listener(event, data)

    def _told_of_many(self, action: str, pictures: list[Picture]) -> list[int]:
        """Tell the listeners, with one event however many there are, and return the numbers."""
        numbers = [picture.number for picture in pictures]
        if numbers:
            log.info("%d pictures %s: %s", len(numbers), action, reprlib.repr(numbers))
            self._tell("pictures", {"action": action, "ids": numbers, "total": self._pictures.total})
        return numbers

    def _tell_of_picture(self, action: str, picture: Picture) -> None:
        self._tell("picture", {"action": action, "picture": picture.as_json(), "total": self._pictures.total})


def wall_clock(monotonic: float) -> float:
    """Return the time since the epoch, in s, of a time on CLOCK_MONOTONIC."""
    return time.time() - (time.monotonic() - monotonic)
