"""The states of a camera, and what leads from one to another: one table, drawn in docs/architecture.md."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, get_args

from appliance.frames import Format
from appliance.system.log import logger

log = logger(__name__)

State = Literal["starting", "online", "lost", "frozen", "idle", "privacy"]
Event = Literal["frame", "failure", "stillness", "reopen", "no_demand", "demand", "privacy_on", "privacy_off"]

STATES: tuple[State, ...] = get_args(State)

PRIVACY_REASON = "privacy is on"
PRIVACY_REFUSAL = "privacy is on: switch it off first"
IDLE_REASON = "no frames are needed"

TRANSITIONS: dict[State, dict[Event, State]] = {
    # The camera is being opened, with nothing known against it.
    "starting": {"frame": "online", "failure": "lost", "no_demand": "idle", "privacy_on": "privacy"},
    # Good frames come.
    "online": {
        "failure": "lost",
        "stillness": "frozen",
        "reopen": "starting",
        "no_demand": "idle",
        "privacy_on": "privacy",
    },
    # Frames come, but they are all the same. A changed one is a frame again.
    "frozen": {
        "frame": "online",
        "failure": "lost",
        "reopen": "starting",
        "no_demand": "idle",
        "privacy_on": "privacy",
    },
    # The camera is waited for; the reason says why. Attempts to open it are no states of their own.
    "lost": {"frame": "online", "failure": "lost", "no_demand": "idle", "privacy_on": "privacy"},
    # The camera is closed because nobody needs it.
    "idle": {"demand": "starting", "privacy_on": "privacy"},
    # The camera is closed because somebody wants it so.
    "privacy": {"privacy_off": "starting"},
}


@dataclass(frozen=True, slots=True)
class Status:
    """How the camera is. Replaced as a whole, never changed.

    `reason` is for people, there in every state but `online` and `starting`. `granted` is what the open device does;
    `is_stand_in` tells that it is no camera, but shown in place of one.
    """

    state: State
    reason: str | None
    since: datetime
    device: str | None = None
    description: str | None = None
    granted: Format | None = None
    is_stand_in: bool = False


class Lifecycle:
    """Holds the status, and lets only what the table allows lead to another. The camera thread owns it.

    `entered` counts how often each state was entered. `on_change` is called after each change and must return at once.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.status = Status("starting", None, datetime.now(UTC))
        self.entered: Counter[str] = Counter()
        self._on_change = on_change

    @property
    def state(self) -> State:
        """The state now."""
        return self.status.state

    def happen(self, event: Event, reason: str | None = None) -> None:
        """Go where the event leads. Raises ValueError if it cannot happen here."""
        former = self.status
        state = TRANSITIONS[former.state].get(event)
        if state is None:
            raise ValueError(f"{event} cannot happen to a camera that is {former.state}")
        granted = former.granted if state in ("online", "frozen") else None
        if (state, reason) == (former.state, former.reason):
            self.status = replace(former, granted=granted)
            return
        since = former.since if state == former.state else datetime.now(UTC)
        self.status = replace(former, state=state, reason=reason, since=since, granted=granted)
        if state != former.state:
            self.entered[state] += 1
        self._on_change()

    def opened(self, device: str, description: str, granted: Format, is_stand_in: bool = False) -> None:
        """Take note of what was opened; it is told with the next change."""
        self.status = replace(
            self.status, device=device, description=description, granted=granted, is_stand_in=is_stand_in
        )
