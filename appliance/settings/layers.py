"""The layers of settings, from the weakest to the strongest."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

from appliance.parameters import Parameter, Text, nearest
from appliance.settings import redaction
from appliance.settings.declaration import PREFIX, credential_name, environment_name, flag
from appliance.settings.sections import Sections
from appliance.system import systemd

_Layer = tuple[str, dict[str, Any], str | None]


def layers(
    sections: Sections,
    file: Path | None,
    flags: Mapping[str, str],
    environment: Mapping[str, str],
    dotenv: Path | None,
) -> Iterator[_Layer]:
    """Yield (origin, values by setting, problem) from the weakest layer to the strongest."""
    if state := environment.get("STATE_DIRECTORY", "").split(":")[0]:
        yield (
            "STATE_DIRECTORY",
            {"storage.directory": Text(state), "pictures.directory": Text(f"{state}/pictures")},
            None,
        )
    if file is not None:
        yield from _file_layer(sections, file)
    known = sections.parameters()
    for name in known:
        credential = credential_name(name)
        if secret := systemd.credential(credential, environment):
            yield f"credential {credential}", {name: Text(secret)}, None
    if dotenv is not None and os.path.isfile(dotenv):
        yield from _dotenv_layer(known, dotenv)
    yield from _named(known, "environment", environment)
    for name, value in flags.items():
        better = f"give it as {environment_name(name)}, as the credential {credential_name(name)}, or in a file"
        seen = redaction.seen_in_flag(flag(name), known[name], value, better)
        yield flag(name), {name: Text(value)}, seen


def _file_layer(sections: Sections, file: Path) -> Iterator[_Layer]:
    """Yield the settings of a TOML file, one layer for each, and the problems of its structure."""
    try:
        with file.open("rb") as stream:
            document, is_exposed = tomllib.load(stream), redaction.is_exposed(stream)
    except OSError as error:
        yield str(file), {}, f"{file}: cannot be read: {error.strerror}"
        return
    except (ValueError, RecursionError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        yield str(file), {}, f"{file}: not valid TOML: {error}"
        return
    known = sections.parameters()
    names = [name for name, _, _ in sections]
    for section, values in document.items():
        if section not in names:
            yield str(file), {}, f"{file}: there is no section [{section}]{nearest(section, names)}"
        elif not isinstance(values, dict):
            yield str(file), {}, f"{file}: {section} has to be a section: [{section}]"
        else:
            for key, value in values.items():
                name = f"{section}.{key}"
                if name in known:
                    seen = redaction.seen_in_file(file, known[name], value) if is_exposed else None
                    yield str(file), {name: value}, seen
                else:
                    yield str(file), {}, f"{file}: there is no setting {name}{nearest(name, known)}"


def _dotenv_layer(known: Mapping[str, Parameter], dotenv: Path) -> Iterator[_Layer]:
    """Yield the settings of a `.env` file, and its lines that contain the prefix but cannot be parsed."""
    try:
        with dotenv.open(encoding="utf-8") as stream:
            bindings, is_exposed = list(parse_stream(stream)), redaction.is_exposed(stream)
    except (OSError, UnicodeDecodeError) as error:
        yield str(dotenv), {}, f"{dotenv}: cannot be read: {error}"
        return
    for binding in bindings:
        if binding.error and PREFIX in binding.original.string:
            line = f"{dotenv}: line {binding.original.line} cannot be understood; it should read NAME=value"
            yield str(dotenv), {}, line
    variables = {binding.key: binding.value or "" for binding in bindings if binding.key}
    for origin, values, problem in _named(known, str(dotenv), variables):
        for name, value in values.items() if is_exposed else ():
            problem = redaction.seen_in_file(dotenv, known[name], value)
        yield origin, values, problem


def _named(known: Mapping[str, Parameter], origin: str, variables: Mapping[str, str]) -> Iterator[_Layer]:
    """Yield the settings among environment variables; variables without the prefix are ignored."""
    names = {environment_name(name): name for name in known}
    for variable, value in variables.items():
        if variable in names:
            yield f"{origin}: {variable}", {names[variable]: Text(value)}, None
        elif variable.startswith(PREFIX):
            yield origin, {}, f"{origin}: there is no setting {variable}{nearest(variable, names, PREFIX)}"
