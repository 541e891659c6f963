"""What a feature is: a capability of the appliance in one module, which the daemon starts, watches and stops.

A feature declares its settings, facts, events and commands; everything else follows from these declarations: the
command line, HTTP, MQTT, home automation, metrics, the page's facts and the documents.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from appliance.events import Event
from appliance.facts import Counter, Fact
from appliance.frames import FrameSlot


@dataclass(frozen=True, slots=True)
class Context:
    """What a feature gets of the appliance.

    `settings` is its own section, None where it has none; `emit` passes one of its events on; `directory` is where it
    may keep files of its own.
    """

    settings: Any
    frames: FrameSlot
    emit: Callable[[Event, dict[str, Any]], None]
    directory: Path


class Feature:
    """A capability of the appliance. A subclass overrides what it needs; methods marked as commands become commands.

    `name` is that of its section in the settings, and of its thread if it has one.
    """

    name: ClassVar[str]
    settings: ClassVar[type | None] = None
    facts: ClassVar[tuple[Fact, ...]] = ()
    counters: ClassVar[tuple[Counter, ...]] = ()
    events: ClassVar[tuple[Event, ...]] = ()

    def __init__(self, context: Context) -> None:
        self.context = context

    def start(self) -> None:
        """Begin to work; the camera may not be open yet."""

    def stop(self) -> None:
        """End within a second."""

    def tick(self) -> None:
        """Do what is due; called once a second on the main thread, and must not wait for anything."""

    def on_privacy(self, on: bool) -> None:
        """Take note that privacy is on or off; called on the camera's thread, and must return at once."""

    @property
    def alive_at(self) -> float | None:
        """When its thread last showed life (CLOCK_MONOTONIC, s); None where it has none to watch."""
        return None
