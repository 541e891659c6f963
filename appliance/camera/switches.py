"""Which automatic mode governs which control of a V4L2 device.

The kernel reports that a control is inactive, but not which other control has to change first. The pairs below are
those of the V4L2 documentation ("User Controls", "Camera Controls"), under the names of old and current kernels.
"""

from dataclasses import replace

from appliance.controls import Control

_PAIRS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("auto_exposure", "exposure_auto"),
        ("exposure_time_absolute", "exposure_absolute", "exposure", "iris_absolute", "iris_relative"),
    ),
    (
        (
            "white_balance_automatic",
            "white_balance_temperature_auto",
            "white_balance_component_auto",
            "white_balance_auto_preset",
        ),
        ("white_balance_temperature", "red_balance", "blue_balance"),
    ),
    (("focus_automatic_continuous", "focus_auto"), ("focus_absolute", "focus_relative")),
    (("gain_automatic", "autogain"), ("gain",)),
    (("hue_automatic", "hue_auto"), ("hue",)),
)
_GOVERNORS = {name: switches for switches, governed in _PAIRS for name in governed}
_INDEPENDENT = frozenset({"exposure_auto_priority", "exposure_dynamic_framerate"})
"""They neither govern a control nor are governed: they allow automatic exposure to lower the frame rate."""
_COMMON_WORDS = frozenset({"auto", "automatic", "manual", "mode", "absolute", "relative", "continuous", "time"})


def with_switches(controls: list[Control]) -> list[Control]:
    """Return the controls with the switch that governs each: a standard one, or that of the most similar name."""
    switches = [each.name for each in controls if each.is_switch and each.name not in _INDEPENDENT]
    return [replace(each, governed_by=_governor(each, switches)) for each in controls]


def _governor(control: Control, switches: list[str]) -> str | None:
    if control.is_switch or control.name in _INDEPENDENT:
        return None
    if control.name in _GOVERNORS:
        return next((name for name in _GOVERNORS[control.name] if name in switches), None)
    words = _words(control.name)
    best = max(switches, key=lambda name: len(words & _words(name)), default="")
    return best if words & _words(best) else None


def _words(name: str) -> set[str]:
    return set(name.split("_")) - _COMMON_WORDS
