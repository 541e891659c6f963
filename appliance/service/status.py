"""The state of the camera and the appliance."""

import time
from datetime import UTC, datetime
from typing import Any

from appliance import __version__
from appliance.commands import command
from appliance.events import Event, Events
from appliance.facts import NUMBER, TEXT, TIME, Entity, Fact, Facts, Metric

STATE = Event("state", "The state, at each change and every second.", report="State", stream="state", bus=False)


def _version_for_update() -> str:
    """Return the value of an update entity. The appliance does not check for newer versions, so it is up to date."""
    return '{"installed_version": value, "latest_version": value} | tojson'


FACTS = (
    Fact("name", TEXT, "The name of the camera.", lambda status: status.name),
    Fact(
        "uptime",
        NUMBER,
        "Seconds since the appliance started.",
        lambda status: round(time.monotonic() - status.started_at, 1),
        label="Running for",
        unit="s",
        metric=Metric("uptime_seconds", "Seconds since the appliance started."),
    ),
    Fact(
        "version",
        TEXT,
        "The version of the appliance.",
        lambda _: __version__,
        label="Version",
        entities=(Entity("Version", "update", key="update", value=_version_for_update()),),
    ),
    Fact(
        "time",
        TIME,
        "The clock of the appliance.",
        lambda _: datetime.now(UTC).isoformat(timespec="milliseconds"),
    ),
)


class StatusService:
    """Reads the state. Every method may be called from any thread."""

    events = (STATE,)

    def __init__(self, name: str, facts: Facts, events: Events) -> None:
        self.name = name
        self.started_at = time.monotonic()
        self._facts = facts
        self._events = events

    @command("GET", "/api/state", right="view", result="State")
    def get_state(self) -> dict[str, Any]:
        """Return the state of the camera and the appliance; every key is always present."""
        return self._facts.state()

    def emit(self) -> None:
        """Emit the state; called once a second and after a change."""
        self._events.emit(STATE, self.get_state())
