"""Commands: declared once, and thereby available over HTTP, over MQTT and in the documentation.

A command is a method marked with `@command`. Its arguments are `Parameter`s; its result is any JSON value.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from appliance.errors import InvalidRequest, InvalidValue, UnknownName
from appliance.facts import Schema, reference
from appliance.parameters import Parameter, shown, unknown

F = TypeVar("F", bound=Callable[..., Any])
Right = Literal["view", "control"]
"""The right of a client: to view everything, or to control the camera as well."""
PRESSES = frozenset({"press", "on", "true", "1"})
"""Payloads of home automation for a pressed button or a switch that was turned on, in upper or lower case."""
_AROUND = " \t\r\n\0\ufeff\"'"  # spaces, and characters that shells, C and editors add around a word


@dataclass(frozen=True, slots=True)
class Declaration:
    """The declaration of a command.

    `path` is its HTTP path, with `<name>` for an argument that is a whole number; `status` is the HTTP status of
    success. A `free` command accepts arguments of any name, as a mapping, which the method checks itself. `press` is
    the label of its button in home automation; without it there is no button. `right` is required to run it. `result`
    is the JSON Schema of the result, or the name of a shared schema; empty if there is no result.
    """

    name: str
    help: str
    method: str
    path: str
    parameters: tuple[Parameter, ...] = ()
    free: bool = False
    status: int = 200
    result: str | Schema = ""
    press: str = ""
    right: Right = "control"

    @property
    def result_schema(self) -> Schema:
        """The JSON Schema of the result."""
        if isinstance(self.result, dict):
            return self.result
        return reference(self.result) if self.result else {"type": "null"}

    @property
    def takes_any_payload(self) -> bool:
        """Whether it has no arguments, so that the payload does not matter."""
        return not self.parameters and not self.free

    @property
    def is_button(self) -> bool:
        """Whether home automation shows it as a button, and it requires no argument."""
        return bool(self.press) and not self.free and not any(each.required for each in self.parameters)

    def is_run_by(self, payload: str) -> bool:
        """Return whether a payload that is not a JSON object runs the command, without arguments.

        A button with optional arguments is run only by a payload that a button sends: a truncated `{"names": ...`, or
        the name of a control, must not reset all controls.
        """
        return self.takes_any_payload or (self.is_button and payload.strip(_AROUND).casefold() in PRESSES)


@dataclass(frozen=True, slots=True)
class Command:
    """A declared command and the method that runs it."""

    declaration: Declaration
    run: Callable[..., Any]

    def __call__(self, arguments: Mapping[str, object]) -> Any:
        """Check all arguments, then run. Raises what `checked` and the method raise."""
        if self.declaration.free:
            return self.run(dict(arguments))
        return self.run(**checked(self.declaration.parameters, arguments))


def command(
    method: str,
    path: str,
    *parameters: Parameter,
    right: Right = "control",
    free: bool = False,
    status: int = 200,
    result: str | Schema = "",
    press: str = "",
) -> Callable[[F], F]:
    """Mark a method as a command; the method's name and the first line of its docstring become its name and help.

    Without `right` it requires the right to control.
    """

    def mark(function: F) -> F:
        help = (function.__doc__ or "").strip().splitlines()[0]
        function.__command__ = Declaration(  # type: ignore[attr-defined]
            function.__name__, help, method, path, parameters, free, status, result, press, right
        )
        return function

    return mark


def checked(parameters: tuple[Parameter, ...], arguments: Mapping[str, object]) -> dict[str, Any]:
    """Return the checked arguments by name; arguments that were not given are omitted.

    Raises UnknownName, or InvalidValue with every problem in the message.
    """
    known = {parameter.name: parameter for parameter in parameters}
    if others := [name for name in arguments if name not in known]:
        accepted = f"; accepted: {', '.join(known)}" if known else "; none is accepted"
        raise UnknownName(unknown("argument", others, known) + accepted)
    problems: list[str] = []
    values: dict[str, Any] = {}
    for name, parameter in known.items():
        try:
            if name in arguments:
                parse = parameter.parse_list if parameter.repeated else parameter.parse
                values[name] = parse(arguments[name])
            elif parameter.required:
                problems.append(f"{name}: is missing; {parameter.accepted()}")
        except InvalidValue as error:
            problems.append(str(error))
    if problems:
        raise InvalidValue("; ".join(problems))
    return values


def declarations(*kinds: type) -> list[Declaration]:
    """Return the declarations of the commands of these classes, in order."""
    return [method.__command__ for kind in kinds for method in vars(kind).values() if hasattr(method, "__command__")]


class Commands(Mapping[str, Command]):
    """The commands of several objects, by name. Raises ValueError if two have the same name."""

    def __init__(self, *owners: object) -> None:
        self._commands: dict[str, Command] = {}
        for owner in owners:
            for declaration in declarations(type(owner)):
                if declaration.name in self._commands:
                    raise ValueError(f"two commands have the name {declaration.name}")
                self._commands[declaration.name] = Command(declaration, getattr(owner, declaration.name))

    def invoke(self, name: str, arguments: object) -> Any:
        """Run the command of that name. `arguments` are untrusted and may be of any type.

        Raises UnknownName, InvalidRequest, InvalidValue, and what the command raises.
        """
        if name not in self._commands:
            raise UnknownName(unknown("command", [name], self._commands))
        if not isinstance(arguments, Mapping):
            raise InvalidRequest(f"{shown(arguments)} is not a JSON object: arguments are given by name, in {{}}")
        return self._commands[name](arguments)

    def __getitem__(self, name: str) -> Command:
        return self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)
