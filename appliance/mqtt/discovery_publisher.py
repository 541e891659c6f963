"""Publishes the discovery message for Home Assistant, and removes components that no longer exist."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance import json_codec
from appliance.commands import Commands
from appliance.events import Events
from appliance.facts import Facts
from appliance.mqtt import discovery
from appliance.mqtt.discovery import Components
from appliance.mqtt.sender import Sender
from appliance.mqtt.topics import TOPICS, Topics
from appliance.service import Appliance
from appliance.settings import MqttSettings
from appliance.system.files import write_atomically
from appliance.system.log import logger

log = logger(__name__)

# s between two announcements. While Home Assistant processes one, it silently drops new components of the next: its
# loop over the components ends at the first that is still being processed (core/components/mqtt/discovery.py, "queuing
# update", 2025.4.4 and 2026.11.0). Loading a platform can take some seconds.
_SETTLING = 5.0
_REPEAT_AFTER = 60.0  # s until the last announcement is repeated, in case processing took longer


@dataclass(frozen=True, slots=True)
class Announced:
    """The last announcement, saved on disk: its topics, its components, and the device whose controls they include."""

    topic: str
    root: str
    device: str | None
    components: Components


class DiscoveryPublisher:
    """Publishes the discovery message when it changes, and saves what was published.

    Home Assistant keeps a component that is omitted, so a removed one is published empty first. There are some seconds
    between two announcements, and before the first for the camera to open, so that one is usually enough. The last is
    repeated after a while, which has no effect if it was processed. `page` returns the URL of the page.
    """

    def __init__(
        self,
        settings: MqttSettings,
        topics: Topics,
        sender: Sender,
        appliance: Appliance,
        commands: Commands,
        facts: Facts,
        events: Events,
        directory: Path,
        page: Callable[[], str],
    ) -> None:
        self._topics = topics
        self._sender = sender
        self._appliance = appliance
        self._page = page
        self._topic = discovery.config_topic(settings.discovery_prefix, topics) if settings.discovery else ""
        self._file = directory / f"{topics.name}.discovery.json"
        declarations = [command.declaration for command in commands.values()]
        self._fixed = discovery.appliance_components(
            topics, declarations, facts, events.published, settings.live_interval > 0
        )
        self._previous = _read(self._file)
        self._published: bytes | None = None
        self._due_at = 0.0  # not before (CLOCK_MONOTONIC, s)
        self._repeat_at = math.inf
        self._camera_deadline = 0.0  # wait for the camera until then (CLOCK_MONOTONIC, s)

    def publish_all(self) -> None:
        """Announce the device even if unchanged; remove what was announced with other settings."""
        self._published = None
        self._camera_deadline = time.monotonic() + _SETTLING
        previous = self._previous
        if previous and (previous.topic, previous.root) != (self._topic, self._topics.root):
            self._remove_previous(previous)
        self.publish_changes()

    def publish_changes(self) -> None:
        """Announce the device if it changed and the last announcement is old enough. Must be called repeatedly."""
        now = time.monotonic()
        if (
            not self._topic
            or now < self._due_at
            or (now < self._camera_deadline and self._appliance.camera.known_controls() is None)
        ):
            return
        state = self._appliance.status.get_state()
        device, camera_components = self._camera_components(state)
        components = self._fixed | camera_components
        removed = self._removed(components)
        content = json_codec.encode(discovery.document(self._topics, state, self._page(), components | removed))
        is_changed = content != self._published
        if not (is_changed or now >= self._repeat_at) or not self._sender.publish(self._topic, content):
            return
        self._published, self._due_at = content, now + _SETTLING
        self._repeat_at = now + _REPEAT_AFTER if is_changed else math.inf
        if removed:
            log.info("removed from Home Assistant: %s", ", ".join(removed))
        present = {key: each for key, each in components.items() if key not in removed}
        self._save(Announced(self._topic, self._topics.root, device, present))

    def _camera_components(self, state: dict[str, Any]) -> tuple[str | None, Components]:
        """Return the current device and its components.

        Without a camera, or with the test pattern as a stand-in, the components of the previous camera are kept, so
        that names and areas assigned in Home Assistant are not lost.
        """
        controls, device = self._appliance.camera.known_controls(), state["camera"]["device"]
        previous = self._previous
        if controls is None or (self._appliance.camera.shows_stand_in and previous and previous.device != device):
            saved = previous.components if previous else {}
            prefixes = (discovery.CONTROL, discovery.RESOLUTION)
            own = {key: each for key, each in saved.items() if key.startswith(prefixes)}
            return previous.device if previous else None, own
        resolution = discovery.resolution_component(self._topics, state, self._appliance.camera.known_formats())
        return device, discovery.control_components(self._topics, controls) | resolution

    def _removed(self, components: Components) -> Components:
        """Return an empty component for each announced one that no longer exists, which removes it."""
        if not self._previous or self._previous.topic != self._topic:
            return {}
        return {
            key: {"p": each["p"]}
            for key, each in self._previous.components.items()
            if key not in components or components[key]["p"] != each["p"]
        }

    def _remove_previous(self, previous: Announced) -> None:
        """Clear the topics that were published with other settings."""
        if previous.topic and previous.topic != self._topic:
            self._sender.publish(previous.topic, b"")
        if previous.root != self._topics.root:
            for topic in TOPICS:
                if topic.retained:
                    self._sender.publish(f"{previous.root}/{topic.path}", b"")
            log.info("topics below %s are no longer used", previous.root)
        self._previous = None
        self._save(Announced(self._topic, self._topics.root, None, {}))

    def _save(self, announced: Announced) -> None:
        if announced == self._previous:
            return
        self._previous = announced
        content = {name: getattr(announced, name) for name in Announced.__slots__}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, json.dumps(content, indent=1).encode() + b"\n")
        except OSError as error:
            log.warning(
                "%s cannot be written, so removed components may remain in Home Assistant: %s",
                self._file,
                error.strerror,
            )


def saved_topic(directory: Path, name: str) -> str | None:
    """Return the topic of the last announcement of a device, or None."""
    announced = _read(directory / f"{name}.discovery.json")
    return announced.topic if announced else None


def _read(file: Path) -> Announced | None:
    """Return the saved announcement, or None if there is no valid one."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        announced = Announced(**content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        log.warning("%s cannot be read: %s", file, error)
        return None
    if not isinstance(announced.components, dict) or not isinstance(announced.topic, str):
        return None
    if not all(isinstance(each, dict) and "p" in each for each in announced.components.values()):
        return None
    return announced
