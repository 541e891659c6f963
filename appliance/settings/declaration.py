"""The declaration of a setting as a field of a dataclass, and the names that follow from it."""

from dataclasses import field, fields
from typing import Any, get_type_hints

from appliance.parameters import Choice, Kind, Parameter, Value

PREFIX = "CAMERA_APPLIANCE_"

_KINDS: dict[type, Kind] = {bool: "boolean", int: "integer", float: "number", str: "text"}


def setting(default: Value, help: str, *, choices: tuple[str, ...] = (), **limits: Any) -> Any:
    """Declare one setting: its default, its help, and its limits, named as in `Parameter`."""
    metadata = {"help": help, "choices": choices, "limits": limits}
    return field(default=default, metadata=metadata)


def parameters_of(name: str, section: type) -> tuple[Parameter, ...]:
    """Return the settings that a section declares, named `name.setting`."""
    hints = get_type_hints(section)
    return tuple(_parameter(name, entry, hints[entry.name]) for entry in fields(section))


def environment_name(name: str) -> str:
    """Return the environment variable of a setting: `http.port` is `CAMERA_APPLIANCE_HTTP_PORT`."""
    return PREFIX + name.replace(".", "_").upper()


def credential_name(name: str) -> str:
    """Return the credential of systemd that holds a setting: `mqtt.password` is `mqtt-password`."""
    return name.replace(".", "-").replace("_", "-")


def flag(name: str) -> str:
    """Return the flag of a setting: `http.max_viewers` is `--http-max-viewers`."""
    return "--" + name.replace(".", "-").replace("_", "-")


def _parameter(section: str, entry: Any, hint: type) -> Parameter:
    metadata = entry.metadata
    choices = tuple(Choice(choice, choice) for choice in metadata["choices"])
    return Parameter(
        name=f"{section}.{entry.name}",
        kind="menu" if choices else _KINDS[hint],
        help=metadata["help"],
        default=entry.default,
        choices=choices,
        **metadata["limits"],
    )
