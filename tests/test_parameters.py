"""What one value is, how it refuses a wrong one, and in which words."""

import math
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import InvalidValue
from appliance.parameters import Choice, Kind, Parameter, Text, Value, nearest, shown

WIDTH = Parameter(name="width", kind="integer", minimum=16, maximum=8192, unit="pixels")
FPS = Parameter(name="fps", kind="number", minimum=0.1, maximum=240)
TLS = Parameter(name="tls", kind="boolean")
HUM = Parameter(name="hum", kind="menu", choices=(Choice(0, "Disabled"), Choice(1, "50 Hz"), Choice(2, "60 Hz")))
LEVEL = Parameter(name="level", kind="menu", choices=(Choice("debug", "debug"), Choice("info", "info")))
PROTOCOL = Parameter(name="protocol", kind="menu", choices=(Choice("5", "5"), Choice("3.1.1", "3.1.1")))
CROSSED = Parameter(name="crossed", kind="menu", choices=(Choice(0, "1"), Choice(1, "0"), Choice(2, "7")))
NAME = Parameter(name="name", kind="text", pattern="[a-z]+", maximum_length=8)
PLAIN = Parameter(name="plain", kind="text")
RESET = Parameter(name="reset", kind="button")
OPEN = Parameter(name="open", kind="number")
PASSWORD = Parameter(name="password", kind="text", secret=True, maximum_length=8)

ALL = (WIDTH, FPS, TLS, HUM, LEVEL, PROTOCOL, CROSSED, NAME, PLAIN, RESET, OPEN, PASSWORD)

ACCEPTED: list[tuple[Parameter, object, Value]] = [
    (WIDTH, 640, 640),
    (WIDTH, 16, 16),
    (WIDTH, 8192, 8192),
    (WIDTH, 640.0, 640),
    (WIDTH, Text("640"), 640),
    (WIDTH, Text(" 640\n"), 640),
    (WIDTH, Text("640.0"), 640),
    (WIDTH, Text("1e3"), 1000),
    (WIDTH, Text("+640"), 640),
    (FPS, 30, 30.0),
    (FPS, 0.1, 0.1),
    (FPS, Text("29.97"), 29.97),
    (FPS, Text("30"), 30.0),
    (TLS, True, True),
    (TLS, False, False),
    (TLS, 1, True),
    (TLS, 0, False),
    (TLS, "on", True),
    (TLS, Text("TRUE"), True),
    (TLS, Text(" off "), False),
    (TLS, Text("0"), False),
    (TLS, Text("yes"), True),
    (TLS, Text("No"), False),
    (HUM, 1, 1),
    (HUM, 1.0, 1),
    (HUM, "50 hz", 1),
    (HUM, Text("60 Hz"), 2),
    (HUM, Text("2"), 2),
    (LEVEL, "info", "info"),
    (LEVEL, Text("DEBUG"), "debug"),
    (PROTOCOL, "3.1.1", "3.1.1"),
    (PROTOCOL, 5, "5"),
    (PROTOCOL, Text("5"), "5"),
    (CROSSED, Text("1"), 1),
    (CROSSED, "0", 0),
    (CROSSED, "7", 2),
    (NAME, "door", "door"),
    (NAME, Text("door"), "door"),
    (PLAIN, "", ""),
    (PLAIN, Text("  kept as it is  "), "  kept as it is  "),
    (PLAIN, Text("true"), "true"),
    (PLAIN, "Tür 🚪", "Tür 🚪"),
    (RESET, None, True),
    (RESET, True, True),
    (RESET, Text(""), True),
    (PASSWORD, "hunter2", "hunter2"),
]

REFUSED: list[tuple[Parameter, object, str]] = [
    (WIDTH, 15, "width: 15 is not a whole number from 16 to 8192"),
    (WIDTH, 8193, "width: 8193 is not a whole number from 16 to 8192"),
    (WIDTH, 640.5, "width: 640.5 is not a whole number from 16 to 8192"),
    (WIDTH, True, "width: true is not a whole number from 16 to 8192"),
    (WIDTH, None, "width: null is not a whole number from 16 to 8192"),
    (WIDTH, "640", 'width: "640" is not a whole number from 16 to 8192'),
    (WIDTH, [640], "width: [640] is not a whole number from 16 to 8192"),
    (WIDTH, {"a": 1}, 'width: {"a": 1} is not a whole number from 16 to 8192'),
    (WIDTH, Text("wide"), 'width: "wide" is not a whole number from 16 to 8192'),
    (WIDTH, Text(""), 'width: "" is not a whole number from 16 to 8192'),
    (WIDTH, Text("0x40"), 'width: "0x40" is not a whole number from 16 to 8192'),
    (WIDTH, Text("640 480"), 'width: "640 480" is not a whole number from 16 to 8192'),
    (WIDTH, math.inf, "width: Infinity is not a whole number from 16 to 8192"),
    (WIDTH, Text("nan"), 'width: "nan" is not a whole number from 16 to 8192'),
    (WIDTH, Text("inf"), 'width: "inf" is not a whole number from 16 to 8192'),
    (WIDTH, Text("1_000"), 'width: "1_000" is not a whole number from 16 to 8192'),
    (WIDTH, Text("١٠٠"), 'width: "١٠٠" is not a whole number from 16 to 8192'),
    (WIDTH, Text("６４"), 'width: "６４" is not a whole number from 16 to 8192'),
    (WIDTH, 10**400, "is not a whole number from 16 to 8192"),
    (WIDTH, Text("9" * 5000), "is not a whole number from 16 to 8192"),
    (FPS, 0, "fps: 0 is not a number from 0.1 to 240"),
    (FPS, math.nan, "fps: NaN is not a number from 0.1 to 240"),
    (FPS, Text("30 fps"), 'fps: "30 fps" is not a number from 0.1 to 240'),
    (FPS, Text("29,97"), 'fps: "29,97" is not a number from 0.1 to 240'),
    (FPS, Text("3_0"), 'fps: "3_0" is not a number from 0.1 to 240'),
    (FPS, Text("2９.5"), 'fps: "2９.5" is not a number from 0.1 to 240'),
    (FPS, Text("infinity"), 'fps: "infinity" is not a number from 0.1 to 240'),
    (OPEN, 10**400, "is not a number"),
    (OPEN, Text("1e999"), "is not a number"),
    (TLS, 2, "tls: 2 is not true or false"),
    (TLS, 1.0, "tls: 1.0 is not true or false"),
    (TLS, None, "tls: null is not true or false"),
    (TLS, Text("perhaps"), 'tls: "perhaps" is not true or false'),
    (TLS, Text(""), 'tls: "" is not true or false'),
    (HUM, 3, "hum: 3 is not one of 0 (Disabled), 1 (50 Hz), 2 (60 Hz)"),
    (HUM, True, "hum: true is not one of 0 (Disabled), 1 (50 Hz), 2 (60 Hz)"),
    (HUM, 1.5, "hum: 1.5 is not one of 0 (Disabled), 1 (50 Hz), 2 (60 Hz)"),
    (HUM, Text("70 Hz"), 'hum: "70 Hz" is not one of 0 (Disabled), 1 (50 Hz), 2 (60 Hz)'),
    (LEVEL, "loud", 'level: "loud" is not one of debug, info'),
    (PROTOCOL, 4, "protocol: 4 is not one of 5, 3.1.1"),
    (PROTOCOL, True, "protocol: true is not one of 5, 3.1.1"),
    (NAME, "Door", 'name: "Door" is not a text of at most 8 characters matching [a-z]+'),
    (NAME, "door\n", r'name: "door\n" is not a text of at most 8 characters matching [a-z]+'),
    (NAME, "", 'name: "" is not a text of at most 8 characters matching [a-z]+'),
    (NAME, "frontdoor", 'name: "frontdoor" is not a text of at most 8 characters matching [a-z]+'),
    (NAME, 5, "name: 5 is not a text of at most 8 characters matching [a-z]+"),
    (PLAIN, "x" * 1025, "…"),
    (PLAIN, "a\0b", r'plain: "a\u0000b" is not a text of at most 1024 characters'),
    (PLAIN, None, "plain: null is not a text of at most 1024 characters"),
    (PLAIN, date(2026, 11, 22), "plain: datetime.date(2026, 11, 22) is not a text"),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(("parameter", "given", "value"), ACCEPTED)
def test_a_right_value_is_taken_in_the_type_it_has_to_have(parameter: Parameter, given: object, value: Value) -> None:
    parsed = parameter.parse(given)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(("parameter", "given", "words"), REFUSED, ids=range(len(REFUSED)))
def test_a_wrong_value_is_refused_with_name_value_and_what_would_do(
    parameter: Parameter, given: object, words: str
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parameter.parse(given)
    assert words in str(refusal.value)
    assert str(refusal.value).startswith(f"{parameter.name}: ")
    assert str(refusal.value).endswith(parameter.accepted())


@pytest.mark.parametrize("given", ["hunter2hunter2", "hunter2\0", ["hunter2"], {"hunter2": 1}, 10**12])
def test_a_secret_is_never_shown(given: object) -> None:
    with pytest.raises(InvalidValue) as refusal:
        PASSWORD.parse(given)
    assert str(refusal.value) == "password: the value given is not a text of at most 8 characters"
    with pytest.raises(InvalidValue) as refusal:
        PASSWORD.parse_list("hunter2")
    assert "hunter2" not in str(refusal.value)


def test_a_secret_has_no_default_in_the_schema() -> None:
    assert "default" not in Parameter(name="password", kind="text", default="hunter2", secret=True).schema()


@given(parameter=st.sampled_from(ALL), value=JSON)
@settings(deadline=None)
def test_any_json_is_accepted_or_refused_and_accepting_is_stable(parameter: Parameter, value: object) -> None:
    with suppress(InvalidValue):
        parsed = parameter.parse(value)
        assert parameter.parse(parsed) == parsed


@given(parameter=st.sampled_from(ALL), text=st.text())
@settings(deadline=None)
def test_any_text_is_accepted_or_refused(parameter: Parameter, text: str) -> None:
    with suppress(InvalidValue):
        parsed = parameter.parse(Text(text))
        assert parameter.parse(parsed) == parsed


@given(st.integers(16, 8192))
def test_a_number_as_text_is_the_number(number: int) -> None:
    assert WIDTH.parse(Text(number)) == WIDTH.parse(number) == number


def test_a_list_is_checked_entry_by_entry() -> None:
    names = Parameter(name="names", kind="text", repeated=True, maximum_length=4)
    assert names.parse_list(["a", "b"]) == ["a", "b"]
    assert names.parse_list([]) == []
    with pytest.raises(InvalidValue, match=r'^names: "abcde" is not a text of at most 4 characters$'):
        names.parse_list(["a", "abcde"])


@pytest.mark.parametrize("given", ["a", None, 5, {"a": 1}, Text("a")])
def test_something_else_is_not_a_list(given: object) -> None:
    names = Parameter(name="names", kind="text", repeated=True)
    with pytest.raises(InvalidValue, match=r"^names: .* is not a list, each entry a text of at most 1024 characters$"):
        names.parse_list(given)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({}, "a whole number"),
        ({"minimum": 1}, "a whole number of at least 1"),
        ({"maximum": 9}, "a whole number of at most 9"),
        ({"minimum": -5, "maximum": 5}, "a whole number from -5 to 5"),
        ({"minimum": 1_000_000}, "a whole number of at least 1000000"),
        ({"maximum": 16_777_215}, "a whole number of at most 16777215"),
        ({"minimum": 0, "maximum": 2_147_483_647}, "a whole number from 0 to 2147483647"),
    ],
)
def test_the_range_is_told_in_plain_digits(limits: dict[str, float], words: str) -> None:
    assert Parameter(name="n", kind="integer", **limits).accepted() == words  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parameter", "schema"),
    [
        (WIDTH, {"type": "integer", "minimum": 16, "maximum": 8192}),
        (FPS, {"type": "number", "minimum": 0.1, "maximum": 240}),
        (OPEN, {"type": "number"}),
        (TLS, {"anyOf": [{"type": "boolean"}, {"enum": [0, 1, "0", "1", "false", "no", "off", "on", "true", "yes"]}]}),
        (RESET, {"type": "boolean"}),
        (HUM, {"enum": [0, 1, 2]}),
        (LEVEL, {"enum": ["debug", "info"]}),
        (NAME, {"type": "string", "maxLength": 8, "pattern": "^(?:[a-z]+)$"}),
        (
            Parameter(name="names", kind="text", repeated=True, help="Which.", maximum_length=4),
            {"type": "array", "items": {"type": "string", "description": "Which.", "maxLength": 4}},
        ),
        (
            Parameter(name="limit", kind="integer", help="At most so many.", default=50),
            {"type": "integer", "description": "At most so many.", "default": 50},
        ),
    ],
)
def test_the_schema_says_what_is_checked(parameter: Parameter, schema: dict[str, Any]) -> None:
    assert parameter.schema() == schema


@pytest.mark.parametrize("kind", ["integer", "number", "boolean", "menu", "text", "button"])
def test_every_kind_says_what_it_accepts(kind: Kind) -> None:
    assert Parameter(name="any", kind=kind, choices=(Choice(1, "one"),)).accepted()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("brightnes", " (did you mean brightness?)"),
        ("contrats", " (did you mean contrast?)"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_offered(name: str, hint: str) -> None:
    assert nearest(name, ["brightness", "contrast"]) == hint


def test_a_shown_value_is_quoted_and_never_long() -> None:
    assert shown("ü") == '"ü"'
    assert shown(None) == "null"
    assert shown("x" * 1000) == '"' + "x" * 58 + "…"
    assert len(shown(list(range(1000)))) == 60
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    assert len(shown(nested)) <= 60
