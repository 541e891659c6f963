"""Plain values: what a payload means where the topic says which control or command it is for."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.commands import PRESSES, Declaration
from appliance.declared import COMMANDS
from appliance.errors import InvalidValue
from appliance.mqtt.plain import PlainValue
from appliance.parameters import Choice, Parameter, Value

BRIGHTNESS = Parameter(name="brightness", kind="integer", minimum=-64, maximum=64, step=1)
WHITE = Parameter(name="white", kind="integer", minimum=2800, maximum=6500, step=10)
PAN = Parameter(name="pan", kind="integer", minimum=-36000, maximum=36000, step=3600)
ODD = Parameter(name="odd", kind="integer", minimum=1, maximum=10, step=4)  # 1, 5, 9: the maximum is no step
EXPOSURE = Parameter(name="exposure", kind="integer", minimum=1, maximum=5000, step=1)
NO_STEP = Parameter(name="no_step", kind="integer", minimum=0, maximum=10)
ZERO_STEP = Parameter(name="zero_step", kind="integer", minimum=0, maximum=10, step=0)
GAMMA = Parameter(name="gamma", kind="number", minimum=0.1, maximum=2.0, step=0.1)
RATIO = Parameter(name="ratio", kind="number", minimum=0, maximum=1)
OPEN = Parameter(name="open", kind="integer")
FLIP = Parameter(name="flip", kind="boolean")
MAINS = Parameter(name="mains", kind="menu", choices=(Choice(0, "Disabled"), Choice(1, "50 Hz"), Choice(2, "60 Hz")))
QUOTED = Parameter(
    name="quoted", kind="menu", choices=(Choice(0, '"a"'), Choice(1, "a"), Choice(2, "2.0"), Choice(3, "x"))
)
TITLE = Parameter(name="title", kind="text")
PRESS = Parameter(name="press", kind="button")

TRUE = ("ON", "on", "On", "true", "True", "TRUE", "1", "1.0", "1,0", "yes", '"ON"', "'on'")
FALSE = ("OFF", "off", "false", "False", "0", "0.0", "-0", "no", '"false"', " off\n", "off\0")
FIFTY = ("1", "1.0", '"1"', "50 Hz", "50 hz", '"50 Hz"', "'50 Hz'", r'"50\u0020Hz"', " 50 Hz\n", "+1")
PLAIN: list[tuple[Parameter, str, Value]] = [
    (BRIGHTNESS, "53", 53),
    (BRIGHTNESS, "-53", -53),
    (BRIGHTNESS, "+5", 5),
    (BRIGHTNESS, "053", 53),
    (BRIGHTNESS, "-0", 0),
    (BRIGHTNESS, "53.0", 53),
    (BRIGHTNESS, "53.", 53),
    (BRIGHTNESS, ".8", 1),
    (BRIGHTNESS, "12.8", 13),
    (BRIGHTNESS, "12.4999999999999999999999999999999999", 12),
    (BRIGHTNESS, "12.5", 13),
    (BRIGHTNESS, "-12.5", -12),
    (BRIGHTNESS, "0.5", 1),
    (BRIGHTNESS, "-0.5", 0),
    (BRIGHTNESS, "63.99", 64),
    (BRIGHTNESS, "64.00000000000001", 64),
    (BRIGHTNESS, "-64.00000000000001", -64),
    (BRIGHTNESS, "1e1", 10),
    (BRIGHTNESS, "6E+1", 60),
    (BRIGHTNESS, "-6.4e1", -64),
    (BRIGHTNESS, "1E-8", 0),
    (BRIGHTNESS, "12,8", 13),
    (BRIGHTNESS, "-62,72", -63),
    (BRIGHTNESS, "0,125", 0),
    (BRIGHTNESS, "12,80", 13),
    (BRIGHTNESS, " 53\n", 53),
    (BRIGHTNESS, "\r\n\t53\u00a0", 53),
    (BRIGHTNESS, "\ufeff53", 53),
    (BRIGHTNESS, "53\0", 53),
    (BRIGHTNESS, '"53"', 53),
    (BRIGHTNESS, "'53'", 53),
    (BRIGHTNESS, '" 53 "\n', 53),
    (BRIGHTNESS, '"12,8"', 13),
    (WHITE, "4604.9", 4600),
    (WHITE, "4605", 4610),
    (WHITE, "2804", 2800),
    (WHITE, "6496", 6500),
    (PAN, "-35000", -36000),
    (PAN, "-34200", -32400),
    (ODD, "3", 5),
    (ODD, "10", 9),
    (ODD, "2.9", 1),
    (NO_STEP, "4.6", 5),
    (ZERO_STEP, "4.6", 5),
    (GAMMA, "0.3", 0.3),
    (GAMMA, "0.34", 0.3),
    (GAMMA, "0.35", 0.4),
    (GAMMA, "2", 2.0),
    (RATIO, "0.123456", 0.123456),
    (OPEN, "1e3", 1000),
    (OPEN, "-7.5", -7),
    *((FLIP, text, True) for text in TRUE),
    *((FLIP, text, False) for text in FALSE),
    *((MAINS, text, 1) for text in FIFTY),
    (QUOTED, '"a"', 0),
    (QUOTED, "a", 1),
    (QUOTED, "2.0", 2),
    (QUOTED, "3.0", 3),
    (TITLE, ' "kept" ', ' "kept" '),
    (PRESS, "PRESS", True),
    (PRESS, "", True),
]  # fmt: skip

NO_NUMBERS = [
    "", " ", "\0", '""', "abc", "true", "ON", "1_0", "1__0", "_1", "١٢", "５３", "5３", "nan", "NaN", "inf",
    "-inf", "Infinity", "1e999", "-1e999", "1e9999", "1e99999999", "0x10", "0b1", "1e", "e1", "--5", "+-5",
    "+ 5", "5-", "6 0", "12.8.1", "12,8,1", "1,000", "-1,000", "1.000,5", "1,000.5", ".", ",", "+", "53%",
    "53 K", "5/3", "1+1", "[53]", '{"value": 53}', "null", "None", "undefined", '"53', "'53\"", '""53""',
    "\u221253", "½", "9" * 5000, "0." + "3" * 5000, "\ud800", '"\\ud800"',
]  # fmt: skip
OUTSIDE = ["65", "-65", "64.5", "64.4", "64.01", "-64.01", "100", "1e2", "999999999999999999999999", '"65"', "65,0"]
REFUSED: list[tuple[Parameter, str]] = [
    *((BRIGHTNESS, text) for text in NO_NUMBERS + OUTSIDE),
    *((GAMMA, text) for text in ["0", "0.09", "2.05", "3", "nan", "1_0"]),
    *((WHITE, text) for text in ["2799", "6501", "0"]),
    *((FLIP, text) for text in ["", "2", "-1", "0.5", "1_0", "maybe", "nan", "１", "on off", "[true]", "null"]),
    *((MAINS, text) for text in ["", "3", "-1", "1.5", "1_0", "50", "50Hz", "１", "true", "[1]", "nan", '"'])
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "text", "value"), PLAIN)
def test_a_plain_value_is_read_as_it_is_meant(parameter: Parameter, text: str, value: Value) -> None:
    read = parameter.parse(PlainValue(text))
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(("parameter", "text"), REFUSED, ids=range(len(REFUSED)))
def test_a_value_without_plain_meaning_is_refused_in_words(parameter: Parameter, text: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parameter.parse(PlainValue(text))
    assert str(refusal.value).startswith(f"{parameter.name}: ")
    assert str(refusal.value).endswith(f" is not {parameter.accepted()}")
    assert len(str(refusal.value)) < 200


@given(
    st.integers(-1000, 1000),
    st.integers(0, 2000),
    st.integers(1, 700),
    st.decimals(-2000, 2000, allow_nan=False, places=3),
)
def test_a_number_becomes_the_nearest_step_or_is_refused(low: int, span: int, step: int, number: object) -> None:
    """The same as trying all steps: the nearest one, of two the greater one, and never outside of the range."""
    parameter = replace(BRIGHTNESS, minimum=low, maximum=low + span, step=step)
    exact = Fraction(str(number))
    if not low <= exact <= low + span:
        with pytest.raises(InvalidValue):
            parameter.parse(PlainValue(f"{number}"))
        return
    steps = range(low, low + span + 1, step)
    assert parameter.parse(PlainValue(f"{number}")) == min(steps, key=lambda each: (abs(each - exact), -each))


@given(st.text(max_size=70) | st.from_regex(r"[\"'+\-0-9.,eE_ \n\0]{0,70}", fullmatch=True))
def test_any_text_is_a_value_of_the_range_or_refused(text: str) -> None:
    for parameter in (BRIGHTNESS, ODD, GAMMA, FLIP, MAINS, OPEN):
        try:
            value = parameter.parse(PlainValue(text))
        except InvalidValue:
            continue
        assert parameter.parse(value) == value


# ---------------------------------------------------------------------- payloads of commands

ANY_PAYLOAD = {"get_state", "get_controls", "get_format", "restart_camera", "take_picture"}
BUTTONS = {"reset_controls"}
WORDS = ["PRESS", "press", "ON", "on", "True", "true", "1", ' "PRESS"\n', "ON\0"]
GARBAGE = [
    "OFF",
    "0",
    "false",
    "no",
    "brightness",
    '"brightness"',
    "[]",
    '["brightness"]',
    "null",
    "reset",
    "{",
    "\ufffd",
    "11",
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.name)
def test_each_command_says_which_payloads_run_it(command: Declaration) -> None:
    """A new command has to be put into one of these sets: what it deletes or resets must not be deleted by garbage."""
    assert command.takes_any_payload == (command.name in ANY_PAYLOAD)
    assert (command.is_button and not command.takes_any_payload) == (command.name in BUTTONS)
    for payload in WORDS:
        assert command.is_run_by(payload) == (command.name in ANY_PAYLOAD | BUTTONS)
    for payload in GARBAGE:
        assert command.is_run_by(payload) == (command.name in ANY_PAYLOAD)


def test_the_words_of_a_button_are_all_tried() -> None:
    assert {word.strip(' "\n\0').casefold() for word in WORDS} == PRESSES
