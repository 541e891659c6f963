"""Events: what happens, declared once, with the data that goes with it.

From a declaration follow the event of the stream for browsers (Server-Sent Events), the one on MQTT, the field `EVENT=`
of the journal, and the documents. A part emits through `Events`, which refuses what is not declared.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]
Listener = Callable[["Event", dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of event.

    `data` are the JSON schemas of its members by name. `stream` is the name under which browsers get it, with the
    members of `constant` added; empty where they do not get it. `bus` tells whether it is published on MQTT. `journal`
    is its `EVENT=` there.
    """

    name: str
    help: str
    data: Mapping[str, Schema] = field(default_factory=dict)
    stream: str = ""
    constant: Mapping[str, Any] = field(default_factory=dict)
    bus: bool = True

    @property
    def journal(self) -> str:
        """The word in the field `EVENT=` of a log entry about it."""
        return self.name.replace("_", "-")

    def for_stream(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the data as browsers get it."""
        return {**self.constant, **data}


class Events:
    """Passes what is emitted on to every listener, on whatever thread emits it. Listeners must only take note."""

    def __init__(self, declared: Iterable[Event]) -> None:
        self.declared = {event.name: event for event in declared}
        self._listeners: tuple[Listener, ...] = ()

    def listen(self, listener: Listener) -> None:
        """Call the listener with each event and its data from now on."""
        self._listeners = (*self._listeners, listener)

    def emit(self, event: Event, **data: Any) -> None:
        """Pass an event on. Raises ValueError for one that is not declared, or whose data is not as declared."""
        if self.declared.get(event.name) is not event:
            raise ValueError(f"the event {event.name} is not declared")
        if event.data and data.keys() != event.data.keys():
            raise ValueError(f"the event {event.name} has {', '.join(event.data)}, not {', '.join(data)}")
        for listener in self._listeners:
            listener(event, data)
