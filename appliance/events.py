"""Events: what can happen, each declared once with the data that goes with it.

From a declaration follow the event for browsers (Server-Sent Events), the event on MQTT and its discovery in home
automation, the field `EVENT=` of the journal, and the documents. A part emits through `Events`, which refuses an event
that is not declared.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]
"""A JSON Schema."""


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of event.

    `data` has the schema of each member of its data; a `report` is data of another declaration, such as the state.
    Browsers get it as the event `stream`, with the members of `constant` added; not at all where that is empty. `bus`
    tells whether it is published on MQTT.
    """

    name: str
    help: str
    data: Mapping[str, Schema] = field(default_factory=dict)
    report: str = ""
    stream: str = ""
    constant: Mapping[str, Any] = field(default_factory=dict)
    bus: bool = True

    def logged(self, **fields: object) -> dict[str, object]:
        """Return the fields of a log entry about this event, for `extra=`."""
        return {"EVENT": self.name.replace("_", "-"), **fields}


Listener = Callable[[Event, dict[str, Any]], None]


class Events:
    """Passes each event that is emitted to every listener, on the thread that emits it.

    Listeners must only take note.
    """

    def __init__(self, declared: Iterable[Event]) -> None:
        self._declared = {event.name: event for event in declared}
        self._listeners: tuple[Listener, ...] = ()

    @property
    def published(self) -> list[str]:
        """The names of the events that are published on MQTT."""
        return [event.name for event in self._declared.values() if event.bus]

    def listen(self, listener: Listener) -> None:
        """Call the listener with each event and its data from now on."""
        self._listeners = (*self._listeners, listener)

    def emit(self, event: Event, data: dict[str, Any]) -> None:
        """Pass an event on. Raises ValueError for one that is not declared, or whose data differs from what is."""
        if self._declared.get(event.name) != event:
            raise ValueError(f"the event {event.name} is not declared")
        if not event.report and data.keys() != event.data.keys():
            raise ValueError(f"the event {event.name} has the data {list(event.data)}, not {list(data)}")
        for listener in self._listeners:
            listener(event, data)
