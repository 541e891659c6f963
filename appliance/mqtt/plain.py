"""Plain values: a value that is the whole payload of a topic, accepted in any unambiguous form.

JSON distinguishes numbers and strings; plain payloads differ by program. openHAB maps the percentages of a dimmer to
fractions such as `-62.72` and sends `7E+1` or, with a format and a German locale, `12,80` (PercentageValue.java,
openhab-addons #6831 and #14118); Home Assistant sends `53.0`; shells add a newline or quotes, and C programs a NUL.
"""

import json
import math
import re
import string
from fractions import Fraction

from appliance.errors import InvalidValue
from appliance.parameters import Parameter, Text, Value

_IGNORED = string.whitespace + "\0\ufeff\u00a0"  # includes the byte order mark and the no-break space
_MAX_LENGTH = 64  # characters of a number; Java's DECIMAL128 has 34 digits
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)  # `1,000` may be one thousand or one
_TOLERANCE = Fraction(1, 10**6)  # of a step: `64.00000000000001` is a rounding error of 64


class PlainValue(Text):
    """A value that is the whole payload.

    A number is rounded to the nearest step of the control, counted from its minimum; halfway between two steps, it is
    rounded up. A number out of range is refused, not clamped.
    """

    __slots__ = ()

    def read(self, parameter: Parameter) -> Value:
        """Return the checked value for a parameter. Raises InvalidValue."""
        text = self.strip(_IGNORED)
        match parameter.kind:
            case "integer" | "number":
                return _rounded(parameter, text)
            case "boolean" | "menu":
                return _chosen(parameter, text)
        return parameter.parse_text(self)


def _rounded(parameter: Parameter, text: str) -> Value:
    number = _number(_unquoted(text))
    if number is None:
        raise parameter.refusal(text)
    minimum, maximum, step = (_exact(each) for each in (parameter.minimum, parameter.maximum, parameter.step))
    if step is None or step <= 0:
        step = Fraction(1) if parameter.kind == "integer" else None
    slack = step * _TOLERANCE if step else Fraction(0)
    is_low, is_high = minimum is not None and number < minimum - slack, maximum is not None and number > maximum + slack
    if is_low or is_high:
        raise parameter.refusal(_as_json(number, text))
    if step:
        origin = minimum or Fraction(0)
        steps = math.floor((number - origin) / step + Fraction(1, 2))
        if maximum is not None:
            steps = min(steps, math.floor((maximum - origin) / step))
        number = origin + steps * step
    return parameter.parse(_as_json(number, text))


def _chosen(parameter: Parameter, text: str) -> Value:
    """Return the value for the text as it is, without quotes, or as a whole number, whichever is valid first."""
    unquoted = _unquoted(text)
    number = _number(unquoted)
    readings = [text, unquoted, *([str(number)] if number is not None and number.denominator == 1 else [])]
    for reading in readings:
        try:
            return parameter.parse_text(reading)
        except InvalidValue:
            continue
    raise parameter.refusal(text)


def _unquoted(text: str) -> str:
    """Return the text without surrounding quotes, of JSON or of a shell."""
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "\"'":
        return text
    if text[0] == '"':
        try:
            return str(json.loads(text)).strip(_IGNORED)
        except ValueError:
            pass
    return text[1:-1].strip(_IGNORED)


def _number(text: str) -> Fraction | None:
    """Return the text as a number, or None if it is not a number or is ambiguous."""
    if len(text) > _MAX_LENGTH or not _NUMBER.fullmatch(text) or _AMBIGUOUS.fullmatch(text):
        return None
    return Fraction(text.replace(",", "."))


def _exact(limit: float | None) -> Fraction | None:
    return None if limit is None else Fraction(str(limit))


def _as_json(number: Fraction, text: str) -> int | float | str:
    """Return the number as an int or a float, or the text if it is too large for a float."""
    try:
        return int(number) if number.denominator == 1 else float(number)
    except OverflowError:
        return text
