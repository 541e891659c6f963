"""A feature: a capability of the appliance in one module, which the daemon starts, watches and stops.

A feature declares its settings, facts, events and commands. Everything else follows from these declarations: the
command line, HTTP, MQTT, home automation, metrics, the page's list of facts and the documents.
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
    """The parts of the appliance that a feature may use.

    `settings` is its own section, None if it has none; `emit` emits one of its events with the data; its files belong
    into `directory`, which may not exist yet.
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
        """Start. Called before the camera thread and the servers start, so that no frame is missed."""

    def stop(self) -> None:
        """Stop within a second. Called after the camera thread and the servers have stopped."""

    def tick(self) -> None:
        """Do periodic work. Called once a second on the main thread; it must not block."""

    def on_privacy(self, on: bool) -> None:
        """React to a change of privacy. Called on the camera thread, also at a start; it must return at once."""

    @property
    def alive_at(self) -> float | None:
        """When its thread last made progress (CLOCK_MONOTONIC, s); None without a thread, and while that one waits.

        The watchdog restarts the process if that was too long ago. A feature that follows frames returns the
        `working_since` of its follower.
        """
        return None
