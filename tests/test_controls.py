"""A request for control values is checked as a whole before anything is set."""

from contextlib import suppress
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.controls import Control, check, ordered, refuse_unknown, report
from appliance.errors import InvalidValue, UnknownName
from appliance.parameters import Choice, Parameter, Text


def _integer(name: str, inactive: bool = False, read_only: bool = False, governed_by: str | None = None) -> Control:
    parameter = Parameter(name=name, kind="integer", minimum=0, maximum=100, step=1, default=50, unit="%")
    return Control(
        parameter, label=name.title(), value=50, inactive=inactive, read_only=read_only, governed_by=governed_by
    )


BRIGHTNESS, CONTRAST, GAIN = _integer("brightness"), _integer("contrast"), _integer("gain", inactive=True)
ZOOM = _integer("zoom", read_only=True)
EXPOSURE = Control(
    Parameter(name="auto_exposure", kind="menu", choices=(Choice(1, "Manual Mode"), Choice(3, "Aperture Priority"))),
    label="Auto Exposure",
    group="camera",
    value=3,
    is_switch=True,
)
EXPOSURE_TIME = _integer("exposure_time_absolute", inactive=True, governed_by="auto_exposure")
BALANCE = Control(
    Parameter(name="white_balance_automatic", kind="boolean"), "White Balance", value=True, is_switch=True
)
TEMPERATURE = _integer("white_balance_temperature", inactive=True, governed_by="white_balance_automatic")
RESET = Control(Parameter(name="pan_reset", kind="button"), "Pan, Reset")

CAMERA = [BRIGHTNESS, EXPOSURE_TIME, TEMPERATURE, CONTRAST, GAIN, ZOOM, EXPOSURE, BALANCE, RESET]


def test_right_values_are_returned_in_their_types() -> None:
    wishes: dict[str, object] = {"brightness": 60.0, "contrast": Text("40"), "auto_exposure": "Manual Mode"}
    assert check(CAMERA, wishes) == {"auto_exposure": 1, "brightness": 60, "contrast": 40}


def test_nothing_is_nothing() -> None:
    assert check(CAMERA, {}) == {}
    assert check([], {}) == {}


def test_one_wrong_value_refuses_all_and_every_problem_is_named() -> None:
    with pytest.raises(InvalidValue) as refusal:
        check(CAMERA, {"brightness": 60, "contrast": 101, "zoom": 1, "gain": 5, "auto_exposure": 2})
    assert str(refusal.value) == (
        "contrast: 101 is not a whole number from 0 to 100; "
        "zoom: read-only, it cannot be set; "
        "auto_exposure: 2 is not one of 1 (Manual Mode), 3 (Aperture Priority)"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("brightnes", 'there is no control "brightnes" (did you mean brightness?)'),
        ("flux", 'there is no control "flux"'),
        ("", 'there is no control ""'),
        ("Brightness", 'there is no control "Brightness" (did you mean brightness?)'),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(name: str, message: str) -> None:
    with pytest.raises(UnknownName) as refusal:
        check(CAMERA, {"brightness": 60, name: 1})
    assert str(refusal.value) == message


def test_all_unknown_names_are_named() -> None:
    with pytest.raises(UnknownName, match='there is no control "a"; there is no control "b"'):
        refuse_unknown(CAMERA, ["a", "contrast", "b"])
    refuse_unknown(CAMERA, ["contrast"])


def test_an_unknown_name_weighs_more_than_a_wrong_value() -> None:
    with pytest.raises(UnknownName):
        check(CAMERA, {"brightness": -1, "flux": 1})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("exposure_time_absolute", "change auto_exposure first"),
        ("white_balance_temperature", "change white_balance_automatic first"),
        ("gain", "switch that mode off first"),
    ],
)
def test_a_governed_control_is_refused_with_the_switch_that_would_free_it(name: str, hint: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        check(CAMERA, {"brightness": 1, name: 10})
    assert str(refusal.value) == f"{name}: an automatic mode governs it now; {hint}"


def test_a_governed_control_may_be_set_together_with_its_switch() -> None:
    values = check(CAMERA, {"exposure_time_absolute": 10, "brightness": 1, "auto_exposure": 1})
    assert list(values) == ["auto_exposure", "exposure_time_absolute", "brightness"]


@pytest.mark.parametrize(
    "names", list(permutations(["brightness", "auto_exposure", "white_balance_automatic", "contrast"]))
)
def test_switches_come_first_and_everything_else_keeps_its_order(names: tuple[str, ...]) -> None:
    switches = {"auto_exposure", "white_balance_automatic"}
    expected = [name for name in names if name in switches] + [name for name in names if name not in switches]
    assert list(ordered(CAMERA, dict.fromkeys(names, 1))) == expected


@given(st.dictionaries(st.sampled_from([each.name for each in CAMERA]), st.integers(-10, 110)))
def test_a_request_is_taken_whole_or_refused(wishes: dict[str, object]) -> None:
    with suppress(InvalidValue):
        assert check(CAMERA, wishes).keys() == wishes.keys()


def test_the_report_has_the_value_of_everything_but_buttons() -> None:
    told = report([BRIGHTNESS, RESET, replace(EXPOSURE, inactive=True)])
    assert told["values"] == {"brightness": 50, "auto_exposure": 3}
    assert [each["name"] for each in told["controls"]] == ["brightness", "pan_reset", "auto_exposure"]


def test_a_control_is_described_in_full() -> None:
    assert BRIGHTNESS.as_json() == {
        "name": "brightness",
        "label": "Brightness",
        "kind": "integer",
        "group": "user",
        "value": 50,
        "default": 50,
        "minimum": 0,
        "maximum": 100,
        "step": 1,
        "choices": None,
        "unit": "%",
        "inactive": False,
        "governed_by": None,
        "read_only": False,
    }
    assert EXPOSURE.as_json()["choices"] == [
        {"value": 1, "label": "Manual Mode"},
        {"value": 3, "label": "Aperture Priority"},
    ]
