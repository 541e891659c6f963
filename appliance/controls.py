"""Controls of the camera: parameters of the device, with their current values."""

from dataclasses import dataclass, field
from typing import Any

from appliance.errors import InvalidValue, UnknownName
from appliance.parameters import Parameter, Value, unknown


@dataclass(frozen=True, slots=True)
class Control:
    """One control, named as in V4L2 (`white_balance_automatic`), as the device last reported it.

    An `inactive` control is currently governed by an automatic mode and can be set only together with that mode.
    `governed_by` is the name of the control that switches this mode, whether the mode is on or off; None if there is
    none.
    """

    parameter: Parameter
    label: str
    group: str = "user"
    value: Value | None = None
    inactive: bool = False
    read_only: bool = False
    is_switch: bool = field(default=False)
    """Whether it makes other controls inactive, so that it is set before them."""
    governed_by: str | None = None

    @property
    def name(self) -> str:
        """The name of the control."""
        return self.parameter.name

    def as_json(self) -> dict[str, Any]:
        """Return the control as commands report it."""
        parameter = self.parameter
        return {
            "name": parameter.name,
            "label": self.label,
            "kind": parameter.kind,
            "group": self.group,
            "value": self.value,
            "default": parameter.default,
            "minimum": parameter.minimum,
            "maximum": parameter.maximum,
            "step": parameter.step,
            "choices": [{"value": choice.value, "label": choice.label} for choice in parameter.choices] or None,
            "unit": parameter.unit,
            "inactive": self.inactive,
            "governed_by": self.governed_by,
            "read_only": self.read_only,
        }


def report(controls: list[Control]) -> dict[str, Any]:
    """Return the controls as commands and events report them: the values, and the full descriptions."""
    return {
        "values": {control.name: control.value for control in controls if control.parameter.kind != "button"},
        "controls": [control.as_json() for control in controls],
    }


def check(controls: list[Control], changes: dict[str, object]) -> dict[str, Value]:
    """Return the checked values, automatic switches first.

    Raises UnknownName if a name is unknown, otherwise InvalidValue with every problem in the message.
    """
    refuse_unknown(controls, list(changes))
    by_name = {control.name: control for control in controls}
    values: dict[str, Value] = {}
    problems: list[str] = []
    for name, value in changes.items():
        try:
            values[name] = _checked(by_name[name], value)
            _refuse_inactive(by_name[name], controls, changes)
        except InvalidValue as error:
            problems.append(str(error))
    if problems:
        raise InvalidValue("; ".join(problems))
    return ordered(controls, values)


def refuse_unknown(controls: list[Control], names: list[str]) -> None:
    """Raise UnknownName if the camera does not have all of these controls."""
    known = [control.name for control in controls]
    if others := [name for name in names if name not in known]:
        raise UnknownName(unknown("control", others, known))


def ordered(controls: list[Control], values: dict[str, Value]) -> dict[str, Value]:
    """Return the values in the order in which they can be set: automatic switches before dependent controls."""
    switches = {control.name for control in controls if control.is_switch}
    return dict(sorted(values.items(), key=lambda item: item[0] not in switches))


def _checked(control: Control, value: object) -> Value:
    if control.read_only:
        raise InvalidValue(f"{control.name}: read-only, it cannot be set")
    return control.parameter.parse(value)


def _refuse_inactive(control: Control, controls: list[Control], changes: dict[str, object]) -> None:
    """Refuse an inactive control, unless the same request sets a switch that may make it active."""
    if not control.inactive or any(other.is_switch and other.name in changes for other in controls):
        return
    hint = f"change {control.governed_by} first" if control.governed_by else "switch that mode off first"
    raise InvalidValue(f"{control.name}: an automatic mode governs it now; {hint}")
