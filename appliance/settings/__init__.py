"""The settings: their declarations (`sections`), their sources (`layers`) and their consistency (`cross_checks`).

Later layers override earlier ones: defaults, systemd's state directory, the file, systemd's credentials, `.env`, the
environment, flags.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from appliance.errors import ConfigurationError, InvalidValue
from appliance.settings.cross_checks import contradictions, is_loopback
from appliance.settings.declaration import credential_name, environment_name, flag, parameters_of, setting
from appliance.settings.effective import Effective
from appliance.settings.layers import layers
from appliance.settings.sections import (
    CameraSettings,
    HttpSettings,
    LogSettings,
    MqttSettings,
    PicturesSettings,
    Sections,
    Settings,
    StorageSettings,
)

__all__ = [
    "CORE",
    "CameraSettings",
    "Effective",
    "HttpSettings",
    "LogSettings",
    "MqttSettings",
    "PicturesSettings",
    "Sections",
    "Settings",
    "StorageSettings",
    "credential_name",
    "environment_name",
    "flag",
    "is_loopback",
    "load",
    "parameters_of",
    "setting",
]

CORE = Sections()
"""The sections without those of features."""


def load(
    file: Path | None = None,
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    dotenv: Path | None = Path(".env"),
    sections: Sections = CORE,
) -> tuple[Settings, dict[str, Effective]]:
    """Merge all layers; return the settings, and the effective value of each with its origin.

    `flags` maps names of settings to texts. Raises ConfigurationError with every problem found.
    """
    environment = os.environ if environment is None else environment
    known = sections.parameters()
    effective = {
        name: Effective(parameter, parameter.default if parameter.default is not None else "", "default")
        for name, parameter in known.items()
    }
    problems: list[str] = []
    for origin, given, problem in layers(sections, file, flags or {}, environment, dotenv):
        if problem:
            problems.append(problem)
        for name, value in given.items():
            try:
                effective[name] = Effective(known[name], known[name].parse(value), origin)
            except InvalidValue as error:
                problems.append(f"{origin}: {error}")
    if not problems:
        problems += contradictions(effective)
    if problems:
        raise ConfigurationError(problems)
    return sections.build({name: entry.value for name, entry in effective.items()}), effective
