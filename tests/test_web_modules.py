"""The types of the page follow from JSON Schemas."""

import pytest

from appliance import web_modules
from appliance.declared import EVENTS, FACTS
from appliance.events import Event
from appliance.facts import BOOLEAN, INTEGER, NUMBER, TEXT, Fact, Schema, choice, members, nullable, reference
from appliance.http.openapi import schemas

NUMBERS: Schema = {"type": "array", "items": INTEGER}


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        (INTEGER, "number"),
        (nullable(TEXT), "string | null"),
        (choice("on", "off"), '"on" | "off"'),
        (NUMBERS, "number[]"),
        ({"type": "array", "items": nullable(NUMBER)}, "Array<number | null>"),
        ({"type": ["array", "null"], "items": reference("Picture")}, "Picture[] | null"),
        (nullable(reference("Format")), "Format | null"),
        (members(width=INTEGER, name=nullable(TEXT)), "{width: number, name: string | null}"),
        ({"type": "object", "properties": {"fps": NUMBER}}, "{fps: number}"),
        ({"type": "object", "properties": {"fps": NUMBER}, "required": []}, "{fps?: number}"),
        ({"type": "object", "additionalProperties": BOOLEAN}, "Record<string, boolean>"),
        ({"type": ["integer", "number", "string"]}, "number | string"),
        ({"type": "object"}, "Record<string, unknown>"),
        ({}, "unknown"),
    ],
)
def test_a_schema_becomes_a_type(schema: Schema, written: str) -> None:
    assert f" * @property {{{written}}} it" in web_modules.types({"Thing": members(it=schema)}, [])


def test_every_fact_and_schema_has_a_type() -> None:
    text = web_modules.types(schemas(FACTS), EVENTS)
    for name in schemas(FACTS):
        assert f" * @typedef {{object}} {name}\n" in text
    for fact in FACTS:
        assert f"}} {fact.path} {fact.help}" in text or "." in fact.path
    for stream in {event.stream for event in EVENTS if event.stream}:
        assert f"}} {stream}\n" in text


def test_events_of_one_stream_are_told_apart_by_their_constants() -> None:
    kinds = [
        Event(f"door_{word}", "", {"at": INTEGER}, stream="door", constant={"action": word}) for word in ("a", "b")
    ]
    written = '@property {{action: "a", at: number} | {action: "b", at: number}} door'
    assert written in web_modules.types({}, kinds)


def test_a_help_text_cannot_end_the_comment() -> None:
    fact = Fact("door", BOOLEAN, "Whether */ is open.", lambda _: True, label="Door")
    text = web_modules.types({"State": members(door={**BOOLEAN, "description": fact.help})}, [])
    assert text.count("*/") == 1
