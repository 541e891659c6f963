"""Each control of a V4L2 device names the switch that governs it, whatever the kernel calls the two."""

import pytest

from appliance.camera.switches import with_switches
from appliance.controls import Control
from appliance.parameters import Parameter


def governors(switches: list[str], others: list[str]) -> dict[str, str | None]:
    """Return the names of the governing switches by control."""
    controls = [
        *(Control(Parameter(name=name, kind="integer"), name) for name in others),
        *(Control(Parameter(name=name, kind="boolean"), name, is_switch=True) for name in switches),
    ]
    return {each.name: each.governed_by for each in with_switches(controls)}


@pytest.mark.parametrize(
    ("switch", "governed"),
    [
        ("auto_exposure", "exposure_time_absolute"),
        ("auto_exposure", "iris_absolute"),
        ("auto_exposure", "exposure"),
        ("exposure_auto", "exposure_absolute"),
        ("white_balance_automatic", "white_balance_temperature"),
        ("white_balance_automatic", "red_balance"),
        ("white_balance_automatic", "blue_balance"),
        ("white_balance_temperature_auto", "white_balance_temperature"),
        ("white_balance_component_auto", "red_balance"),
        ("focus_automatic_continuous", "focus_absolute"),
        ("focus_auto", "focus_absolute"),
        ("gain_automatic", "gain"),
        ("hue_automatic", "hue"),
        ("hue_auto", "hue"),
        ("iso_sensitivity_auto", "iso_sensitivity"),
        ("brightness_automatic", "brightness"),
    ],
)
def test_the_switch_of_a_control_is_found_among_all_others(switch: str, governed: str) -> None:
    others = ["exposure_auto_priority", "exposure_dynamic_framerate", "scene_mode_auto", "sharpness_auto"]
    assert governors([*others, switch], [governed, "zoom_absolute"]) == {
        governed: switch,
        "zoom_absolute": None,
        switch: None,
        **dict.fromkeys(others),
    }


def test_of_two_switches_the_one_with_more_words_in_common_governs() -> None:
    names = governors(["noise_filter_auto", "image_noise_filter_auto"], ["image_noise_filter_level"])
    assert names["image_noise_filter_level"] == "image_noise_filter_auto"


@pytest.mark.parametrize("name", ["gain", "exposure_time_absolute", "focus_absolute", "exposure_auto_priority"])
@pytest.mark.parametrize("switches", [[], ["exposure_auto_priority"], ["white_balance_automatic"]])
def test_a_control_without_a_switch_names_none(name: str, switches: list[str]) -> None:
    assert governors(switches, [name])[name] is None
