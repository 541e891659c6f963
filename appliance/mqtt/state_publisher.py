"""Publishes the state of the appliance: everything at each connect, then the changes."""

import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

from appliance import jpeg, json_codec
from appliance.commands import Commands
from appliance.errors import CorruptFrame, NotFound
from appliance.events import Event
from appliance.facts import Facts, at
from appliance.mqtt import topics as paths
from appliance.mqtt.sender import Sender, is_settled
from appliance.mqtt.topics import Topics
from appliance.service import Appliance
from appliance.service.camera import CONTROLS, USABLE
from appliance.service.pictures import PICTURE_SCHEMA
from appliance.service.status import STATE
from appliance.system.log import logger

log = logger(__name__)

STATE_INTERVAL = 30.0  # s between states without changes
_EVENTS = 50  # in the queue
_AFTER_REFUSAL = {
    "set_controls": paths.CONTROLS,
    "reset_controls": paths.CONTROLS,
    "set_privacy": paths.PRIVACY,
    "set_format": paths.STATE,
}

_NO_PICTURE = dict.fromkeys([*PICTURE_SCHEMA["properties"], "published"])


class StatePublisher:
    """Publishes values that differ from the last published ones.

    `on_event` may be called on any thread, all other methods only on the worker of the bridge.
    """

    def __init__(
        self,
        topics: Topics,
        sender: Sender,
        appliance: Appliance,
        commands: Commands,
        facts: Facts,
        max_picture_bytes: int,
    ) -> None:
        self._topics = topics
        self._sender = sender
        self._appliance = appliance
        self._commands = commands
        self._facts = facts
        self._max_picture_bytes = max_picture_bytes
        self._latest: dict[str, dict[str, Any]] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=_EVENTS)
        self._pictures_changed = False
        self._sent_picture: Any = None
        self._published: dict[str, object] = {}
        self._state_at = 0.0

    def on_event(self, event: Event, data: dict[str, Any]) -> None:
        """Record an event; of states and controls, only the newest is kept."""
        if event.name in (STATE.name, CONTROLS.name):
            self._latest[event.name] = data
        elif event.stream in ("picture", "pictures"):
            self._pictures_changed = True
        if event.bus:
            time_now = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._events.append({"event_type": event.name, "time": time_now, **data})

    def publish_all(self) -> None:
        """Publish all retained topics, and discard unpublished events."""
        self._published.clear()
        self._events.clear()
        self._sent_picture = None
        self._latest["state"] = self._appliance.status.get_state()
        if controls := self._appliance.camera.known_controls():
            self._latest["controls"] = controls
        self._pictures_changed = True
        self.publish_changes()

    def publish_changes(self) -> None:
        """Publish all values that changed, and the state at least every `STATE_INTERVAL` s."""
        if state := self._latest.get("state"):
            self._publish_state(state)
        if controls := self._latest.get("controls"):
            self._publish_if_changed(paths.CONTROLS, controls["values"])
            self._publish_if_changed(paths.CONTROLS_AVAILABILITY, availabilities(controls))
        # Pictures are large, so at most one is queued.
        if self._pictures_changed and is_settled(self._sent_picture):
            self._pictures_changed = False
            self._publish_newest_picture()
        while self._events:
            event = self._events.popleft()
            self._sender.publish(self._topics.of(paths.EVENT), json_codec.encode(event), retain=False)

    def republish(self, command: str) -> None:
        """Mark the value of a refused command for publication, because clients may already show the requested one."""
        self._published.pop(_AFTER_REFUSAL.get(command, ""), None)

    def fit(self, path: str, data: bytes) -> tuple[bytes, tuple[int, int] | None]:
        """Return the picture for a topic, and its size in pixels if it had to be reduced. Raises CorruptFrame."""
        room = self._sender.room(self._topics.of(path))
        limit = self._max_picture_bytes if room is None else min(room, self._max_picture_bytes)
        if len(data) <= limit:
            return data, None
        smaller, width, height = jpeg.reduced(data, limit)
        return smaller, (width, height)

    def _publish_state(self, state: dict[str, Any]) -> None:
        key = {fact.path: fact.urgent(at(state, fact.path)) for fact in self._facts if fact.urgent}
        is_due = key != self._published.get(paths.STATE) or time.monotonic() - self._state_at >= STATE_INTERVAL
        if is_due and self._sender.publish(self._topics.of(paths.STATE), json_codec.encode(state)):
            self._published[paths.STATE], self._state_at = key, time.monotonic()
        self._publish_if_changed(paths.CAMERA, b"online" if state["camera"]["state"] in USABLE else b"offline")
        self._publish_if_changed(paths.PRIVACY, b"ON" if state["privacy"] else b"OFF")

    def _publish_if_changed(self, path: str, content: bytes | dict[str, Any]) -> None:
        """Publish content on a topic if it differs from the last published one."""
        if content != self._published.get(path):
            data = content if isinstance(content, bytes) else json_codec.encode(content)
            if self._sender.publish(self._topics.of(path), data):
                self._published[path] = content

    def _publish_newest_picture(self) -> None:
        """Publish the picture with the highest number; without pictures, clear the topic."""
        newest = self._commands.invoke("list_pictures", {"limit": 1})["pictures"]
        if newest and newest[0]["id"] == self._published.get(paths.PICTURE):
            return
        if not newest:
            self._published[paths.PICTURE] = None
            self._sender.publish(self._topics.of(paths.PICTURE), b"")
            self._publish_if_changed(paths.PICTURE_INFO, _NO_PICTURE)
            return
        picture = newest[0]
        try:
            data, size = self.fit(paths.PICTURE, self._appliance.pictures.picture_jpeg(picture["id"]))
        except NotFound:
            self._pictures_changed = True  # just deleted
            return
        except CorruptFrame as error:
            log.warning("picture %d not published: %s", picture["id"], error)
            return
        width, height = size or (picture["width"], picture["height"])
        if size:
            log.info("picture %d reduced for publication: %d bytes, %dx%d", picture["id"], len(data), width, height)
        self._sent_picture = self._sender.publish(self._topics.of(paths.PICTURE), data)
        if self._sent_picture is None:
            self._pictures_changed = True  # the queue of paho is full
        else:
            self._published[paths.PICTURE] = picture["id"]
            published = {"bytes": len(data), "width": width, "height": height, "reduced": size is not None}
            self._publish_if_changed(paths.PICTURE_INFO, {**picture, "published": published})


def availabilities(controls: dict[str, Any]) -> dict[str, str]:
    """Return `online` or `offline` for each control, by name."""
    return {each["name"]: "offline" if each["inactive"] else "online" for each in controls["controls"]}
