"""The states of a camera and the transitions between them: one table, drawn in docs/architecture.md."""

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
    # The camera is being opened, and has not failed.
    "starting": {"frame": "online", "failure": "lost", "no_demand": "idle", "privacy_on": "privacy"},
    # Good frames arrive.
    "online": {
        "failure": "lost",
        "stillness": "frozen",
        "reopen": "starting",
        "no_demand": "idle",
        "privacy_on": "privacy",
    },
    # Frames arrive, but they are all identical. One that differs is the event `frame`.
    "frozen": {
        "frame": "online",
        "failure": "lost",
        "reopen": "starting",
        "no_demand": "idle",
        "privacy_on": "privacy",
    },
    # There is no camera; the reason says why. Attempts to open it are not states of their own.
    "lost": {"frame": "online", "failure": "lost", "no_demand": "idle", "privacy_on": "privacy"},
    # The camera is closed because it is not needed.
    "idle": {"demand": "starting", "privacy_on": "privacy"},
    # The camera is closed because privacy was switched on.
    "privacy": {"privacy_off": "starting"},
}


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the camera. Replaced as a whole, never changed.

    `reason` is a text for people, present in every state but `online` and `starting`. `granted` is the format of the
    open device; `is_stand_in` is true for a picture shown in place of a camera.
    """

    state: State
    reason: str | None
    since: datetime
    device: str | None = None
    description: str | None = None
    granted: Format | None = None
    is_stand_in: bool = False


class Lifecycle:
    """Holds the status and allows only the transitions of the table. The camera thread owns it.

    `entered` counts how often each state was entered. `on_change` is called after each change and must return at once.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.status = Status("starting", None, datetime.now(UTC))
        self.entered: Counter[str] = Counter()
        self._on_change = on_change

    @property
    def state(self) -> State:
        """The current state."""
        return self.status.state

    def transition(self, event: Event, reason: str | None = None) -> None:
        """Enter the state to which the event leads. Raises ValueError if the table has no such transition."""
        former = self.status
        state = TRANSITIONS[former.state].get(event)
        if state is None:
            raise ValueError(f"there is no transition {event} from the state {former.state}")
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
        """Record the device that was opened; it is reported with the next change."""
        self.status = replace(
            self.status, device=device, description=description, granted=granted, is_stand_in=is_stand_in
        )
