"""Facts: the values of the state, each declared once beside the part that provides it.

The declarations determine the command `get_state` and its schema in OpenAPI and AsyncAPI, `/metrics`, the state on MQTT
and its entities in home automation, the list of facts on the page, the page's types, and the documents.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Schema = dict[str, Any]
"""A JSON Schema."""

INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
TEXT: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}


def nullable(schema: Schema) -> Schema:
    """Return the schema of a value that is null if it is unknown."""
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return {**schema, "type": [*types, *([] if "null" in types else ["null"])]}
    return {"oneOf": [schema, {"type": "null"}]}


def choice(*values: str) -> Schema:
    """Return the schema of one of these words."""
    return {"enum": list(values)}


def members(**properties: Schema) -> Schema:
    """Return the schema of an object that has all of these members."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def reference(name: str) -> Schema:
    """Return the schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def whole(value: Any) -> Any:
    """Return the value itself: every change of the fact is urgent."""
    return value


@dataclass(frozen=True, slots=True)
class Metric:
    """The metric of a fact: `name` without the common prefix, and `value`, which converts it to a number or None."""

    name: str
    help: str
    kind: Literal["gauge", "counter"] = "gauge"
    value: Callable[[Any], float | None] = lambda value: None if value is None else float(value)


@dataclass(frozen=True, slots=True)
class Entity:
    """The entity of a fact in home automation.

    `key` identifies it among the entities of the camera and must never change; if empty, it is the path of the fact.
    `value` is a Jinja expression in which `value` is the fact. `topic` is the topic on which it is published. If not
    `enabled`, a person has to enable it.
    """

    name: str
    platform: Literal["sensor", "binary_sensor", "update"] = "sensor"
    key: str = ""
    value: str = ""
    topic: str = "state"
    device_class: str = ""
    state_class: str = ""
    unit: str = ""
    icon: str = ""
    precision: int | None = None
    options: tuple[str, ...] = ()
    has_attributes: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of the state. `path` is its place in the JSON, such as `frames.dropped`.

    `read` gets it from the part that owns it; `absent` is its value if that part does not exist. If the result of
    `urgent` for the value changes, the state is published on MQTT at once, otherwise within half a minute. The page
    lists a fact that has a `label`. Its text depends on `unit`: one of numbers (`s`, `fps`, `°C`, `bytes`,
    `bytes free`, or any other, which follows the number), or the words for true and false of a boolean, such as
    `too low or good`.
    """

    path: str
    schema: Schema
    help: str
    read: Callable[[Any], Any]
    label: str = ""
    unit: str = ""
    urgent: Callable[[Any], Any] | None = None
    metric: Metric | None = None
    entities: tuple[Entity, ...] = ()
    absent: Any = None


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that appears only in the metrics. `read` returns it, or a mapping by label if `label` is set."""

    name: str
    help: str
    read: Callable[[Any], Any]
    label: str = ""


@dataclass(slots=True)
class Facts:
    """The facts of all parts. Every method may be called from any thread once all facts are added."""

    _parts: list[tuple[Any, tuple[Fact, ...]]] = field(default_factory=list)
    _counters: list[tuple[Any, Counter]] = field(default_factory=list)

    def add(self, owner: Any, facts: Iterable[Fact], counters: Iterable[Counter] = ()) -> None:
        """Add the facts of a part; `owner` is None if the part does not exist."""
        self._parts.append((owner, tuple(facts)))
        self._counters += [(owner, counter) for counter in counters]

    def __iter__(self) -> Iterator[Fact]:
        """Yield all declarations."""
        for _, facts in self._parts:
            yield from facts

    def state(self) -> dict[str, Any]:
        """Read all facts; return them as the JSON of the state."""
        state: dict[str, Any] = {}
        for owner, facts in self._parts:
            for fact in facts:
                put(state, fact.path, fact.absent if owner is None else fact.read(owner))
        return state

    def counters(self) -> Iterator[tuple[Counter, Any]]:
        """Yield the declaration and the value of each counter."""
        for owner, counter in self._counters:
            if owner is not None:
                yield counter, counter.read(owner)


def put(state: dict[str, Any], path: str, value: Any) -> None:
    """Put a value into nested objects at a path such as `frames.dropped`."""
    *outer, name = path.split(".")
    for each in outer:
        state = state.setdefault(each, {})
    state[name] = value


def at(state: dict[str, Any], path: str) -> Any:
    """Return the value at a path. Raises KeyError."""
    value: Any = state
    for each in path.split("."):
        value = value[each]
    return value


def schema(facts: Iterable[Fact]) -> Schema:
    """Return the JSON Schema of the state: every member is required."""
    tree: dict[str, Any] = {}
    for fact in facts:
        put(tree, fact.path, fact)
    return _schema_of(tree)


def _schema_of(tree: dict[str, Any]) -> Schema:
    return members(
        **{
            name: _schema_of(each) if isinstance(each, dict) else {**each.schema, "description": each.help}
            for name, each in tree.items()
        }
    )
