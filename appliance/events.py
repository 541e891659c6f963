"""Events, each declared once with its data.

A declaration determines the event for browsers (Server-Sent Events), the event on MQTT and its discovery in home
automation, the field `EVENT=` of the journal, and the documents. Events are emitted through `Events`, which refuses
undeclared ones.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]
"""A JSON Schema."""


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of event.

    `data` has the schema of each member of its data; `report` names the schema of data declared elsewhere, such as the
    state. Browsers receive it as the event `stream`, with the members of `constant` added, unless `stream` is empty.
    `bus` is true if it is published on MQTT.
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
    """Calls every listener with each event that is emitted, on the emitting thread.

    Listeners must return at once.
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
        """Emit an event. Raises ValueError if it is not declared, or if its data differs from the declaration."""
        if self._declared.get(event.name) != event:
            raise ValueError(f"the event {event.name} is not declared")
        if not event.report and data.keys() != event.data.keys():
            raise ValueError(f"the event {event.name} has the data {list(event.data)}, not {list(data)}")
        for listener in self._listeners:
            listener(event, data)
