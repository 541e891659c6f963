"""Parameters: values that can be set, with their limits, their checks and their error messages.

Settings, arguments of commands and controls of the camera are all described by `Parameter`, so that they share their
checks, their messages, and their rendering as JSON Schema and documentation.
"""

import json
import math
import re
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

from appliance.errors import InvalidValue

Value = bool | int | float | str
Kind = Literal["integer", "number", "boolean", "menu", "text", "button"]

_TRUE = frozenset({"true", "on", "yes", "1"})
_FALSE = frozenset({"false", "off", "no", "0"})
# Python's int() and float() would also accept `1_0` and digits of any script.
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
# A password with unencoded special characters is masked as well; digits up to a slash are a port.
# All lengths are limited, so that no text takes long.
_USER_INFO = re.compile(
    r"([a-z][a-z0-9+.-]{0,20}://[^/?#:\s]{0,256}:)(?!\d{1,5}(?:[/?#\s]|$))([^/?#\s]{0,1024}|\S{0,1024})@", re.IGNORECASE
)
# In a query, and in paths such as /user=admin_password=secret_channel=1.sdp, which many cheap cameras use.
_SECRET_ARGUMENT = re.compile(
    r"([?&;/_][a-z0-9.-]{0,40}?(?:pas|pw|psw|token|secret|key|auth|credential|signature)[a-z0-9.-]{0,40}=)"
    r"([^&\s\"'<>]*)",
    re.IGNORECASE,
)
_SHOWN = 60  # characters of a refused value that are repeated in the message
_SEARCHED = 2048  # characters of it that are searched for passwords: no later one can begin within those shown
_LISTED = 10  # unknown names that are listed individually


def nearest(name: str, names: Iterable[str], prefix: str = "") -> str:
    """Return a hint such as ` (did you mean camera.width?)`, or an empty string if no name is similar.

    A `prefix` that all names share is not compared.
    """
    close = get_close_matches(name.removeprefix(prefix), [each.removeprefix(prefix) for each in names], n=1)
    return f" (did you mean {prefix}{close[0]}?)" if close else ""


def unknown(kind: str, names: Sequence[str], known: Iterable[str]) -> str:
    """Return a message that there is no such `kind` of thing, for each of the names, with the most similar name.

    Only the first names are listed: finding a similar name takes half a millisecond each.
    """
    known = list(known)
    listed = [f"there is no {kind} {shown(name)}{nearest(name, known)}" for name in names[:_LISTED]]
    return "; ".join([*listed, f"and {len(names) - _LISTED} more"] if len(names) > _LISTED else listed)


def shown(value: object) -> str:
    """Return the value as it is repeated in a message: quoted, without passwords, and truncated."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = reprlib.repr(value)
    text = without_password(text[:_SEARCHED])
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def without_password(text: str) -> str:
    """Return a text with the passwords in its URLs masked.

    `rtsp://user:secret@host/?token=secret` becomes `rtsp://user:***@host/?token=***`.
    """
    return _SECRET_ARGUMENT.sub(r"\1***", _USER_INFO.sub(r"\1***@", text))


def passwords(text: str) -> list[str]:
    """Return the passwords that `without_password` masks."""
    hidden = [match[2] for match in _USER_INFO.finditer(text)]
    return hidden + [match[2] for match in _SECRET_ARGUMENT.finditer(text)]


class Text(str):
    """A value given as plain text (environment variable, flag, query, topic), converted to the parameter's kind."""

    __slots__ = ()

    def read(self, parameter: "Parameter") -> Value:
        """Convert the text to the checked value of a parameter. Raises InvalidValue."""
        return parameter.parse_text(self)


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a menu: the value that is stored or sent to the device, and its name for people."""

    value: int | str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value that can be set: its name, kind, help and limits.

    `minimum`, `maximum` and `step` are in `unit`. For a text, `maximum_length` (characters) and `pattern` (which must
    match the whole text) apply instead. A `repeated` parameter is a list. A `secret` value is never shown. A
    `separated` text is a comma-separated list; `pattern` applies to each entry.
    """

    name: str
    kind: Kind
    help: str = ""
    default: Value | None = None
    required: bool = False
    repeated: bool = False
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[Choice, ...] = ()
    unit: str | None = None
    pattern: str | None = None
    maximum_length: int = 1024
    separated: bool = False
    secret: bool = False

    def accepted(self) -> str:
        """Return a description of the accepted values, such as `a whole number from 0 to 255`."""
        match self.kind:
            case "boolean":
                return "true or false"
            case "menu":
                return "one of " + ", ".join(_choice_words(choice) for choice in self.choices)
            case "button":
                return "nothing: it is pressed, not set"
            case "text" if self.separated:
                return f"a list, separated by commas, each entry matching {self.pattern}"
            case "text":
                words = f"a text of at most {self.maximum_length} characters"
                return f"{words} matching {self.pattern}" if self.pattern else words
        noun = "a whole number" if self.kind == "integer" else "a number"
        return f"{noun}{_range_words(self.minimum, self.maximum)}"

    def parse(self, value: object) -> Value:
        """Check a value given in JSON or TOML, or as `Text`, and return it. Raises InvalidValue."""
        if isinstance(value, Text):
            return value.read(self)
        match self.kind:
            case "boolean":
                return self._boolean(value)
            case "menu":
                return self._menu(value)
            case "text":
                return self._text(value)
            case "button":
                return True
        return self._number(value)

    def parse_list(self, values: object) -> list[Value]:
        """Check the values of a list and return them. Raises InvalidValue."""
        if not isinstance(values, list):
            raise InvalidValue(f"{self.name}: {self._shown(values)} is not a list, each entry {self.accepted()}")
        return [self.parse(value) for value in values]

    def parse_text(self, text: str) -> Value:
        """Check a value given as plain text and return it. Raises InvalidValue."""
        text = str(text).strip() if self.kind != "text" else str(text)
        match self.kind:
            case "boolean" if text.casefold() in _TRUE | _FALSE:
                return text.casefold() in _TRUE
            case "integer" | "number" if _NUMBER.fullmatch(text):
                try:
                    return self._number(float(text) if set(text) & set(".eE") else int(text))
                except ValueError:  # more digits than Python reads
                    raise self.refusal(text) from None
        return self.parse(text)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        if self.repeated:
            return {"type": "array", "items": replace(self, repeated=False).schema()}
        schema: dict[str, Any] = {}
        if self.kind == "menu":
            schema["enum"] = [choice.value for choice in self.choices]
        elif self.kind == "boolean":
            schema["anyOf"] = [{"type": "boolean"}, {"enum": [0, 1, *sorted(_TRUE | _FALSE)]}]
        else:
            schema["type"] = {"text": "string", "button": "boolean"}.get(self.kind, self.kind)
        if self.help:
            schema["description"] = self.help
        if self.default is not None and not self.secret:
            schema["default"] = self.default
        if self.kind in ("integer", "number"):
            schema |= {
                key: value for key, value in (("minimum", self.minimum), ("maximum", self.maximum)) if value is not None
            }
        if self.kind == "text":
            schema["maxLength"] = self.maximum_length
            if self.pattern and not self.separated:
                schema["pattern"] = f"^(?:{self.pattern})$"
        return schema

    def refusal(self, value: object) -> InvalidValue:
        """Return the error that names this parameter, the value and the accepted values."""
        return InvalidValue(f"{self.name}: {self._shown(value)} is not {self.accepted()}")

    def _shown(self, value: object) -> str:
        return "the value given" if self.secret else shown(value)

    def _boolean(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, int) and value in (0, 1):
            return bool(value)
        if isinstance(value, str) and value.casefold() in _TRUE | _FALSE:
            return value.casefold() in _TRUE
        raise self.refusal(value)

    def _menu(self, value: object) -> Value:
        """Find the entry by its value, written as a number or as a text, or by its label."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self.refusal(value)
        entries: dict[str, Value] = {}
        if isinstance(value, str):
            entries |= {choice.label.casefold(): choice.value for choice in self.choices}
        entries |= {str(choice.value).casefold(): choice.value for choice in self.choices}
        try:
            return entries[str(value).strip().casefold()]
        except KeyError:
            raise self.refusal(value) from None

    def _text(self, value: object) -> str:
        if self.separated:
            return self._separated(value)
        if not isinstance(value, str) or len(value) > self.maximum_length or "\0" in value:
            raise self.refusal(value)
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise self.refusal(value)
        return value

    def _separated(self, value: object) -> str:
        """Return the entries separated by single commas; a list of texts is accepted as well."""
        entries = value.split(",") if isinstance(value, str) else value
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise self.refusal(value)
        entries = [entry.strip() for entry in entries if entry.strip()]
        for entry in entries:
            if not re.fullmatch(self.pattern or ".*", entry):
                raise self.refusal(entry)
        if len(text := ",".join(entries)) > self.maximum_length:
            raise self.refusal(value)
        return text

    def _number(self, value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refusal(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise self.refusal(value)
        if (self.minimum is not None and value < self.minimum) or (self.maximum is not None and value > self.maximum):
            raise self.refusal(value)
        if self.kind == "integer":
            if value != int(value):
                raise self.refusal(value)
            return int(value)
        try:
            return float(value)
        except OverflowError:  # JSON allows whole numbers that exceed the range of a float
            raise self.refusal(value) from None


def _choice_words(choice: Choice) -> str:
    if str(choice.value) == choice.label:
        return choice.label
    return f"{choice.value} ({choice.label})"


def _range_words(minimum: float | None, maximum: float | None) -> str:
    if minimum is not None and maximum is not None:
        return f" from {_plain(minimum)} to {_plain(maximum)}"
    if minimum is not None:
        return f" of at least {_plain(minimum)}"
    if maximum is not None:
        return f" of at most {_plain(maximum)}"
    return ""


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"
