"""openHAB at the boundary of its MQTT binding: what a channel of a `.things` file sends, and how it reads a state.

openHAB itself cannot be installed here. Imitated is openhab-addons, bundles/org.openhab.binding.mqtt.generic, as it was
in 2024: PercentageValue at commit 9b771faa, NumberValue at 25b014b2, OnOffValue at 31677357, TextValue at 82148dde,
OpenCloseValue at 098a6df8, ImageValue at 0d5e3839, ChannelState and ChannelConfig; and DecimalType of openhab-core at
02c62431. Java's MathContext.DECIMAL128 has 34 digits and rounds half to even, and BigDecimal writes numbers as Python's
Decimal does: both follow the General Decimal Arithmetic Specification.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

DECIMAL128 = Context(prec=34, rounding=ROUND_HALF_EVEN)
HUNDRED = Decimal(100)

_COMMON = {"stateTopic", "commandTopic", "transformationPattern", "formatBeforePublish", "qos", "retained"}
SETTINGS = {  # of each type of channel
    "image": {"stateTopic"},
    "contact": {"stateTopic", "transformationPattern", "on", "off"},
    "switch": _COMMON | {"on", "off"},
    "dimmer": _COMMON | {"on", "off", "min", "max", "step"},
    "number": _COMMON | {"min", "max", "step", "unit"},
    "string": _COMMON | {"allowedStates"},
    "trigger": {"stateTopic", "transformationPattern"},
}
_THING = re.compile(r'Thing (\S+) "[^"]*" \((\S+)\) \[(.*?)\]\s*\{\s*Channels:(.*)\}\s*', re.DOTALL)
_CHANNEL = re.compile(r'\s*Type (\w+)\s*:\s*(\w+)\s+"([^"]*)"\s*\[(.*?)\]\s*', re.DOTALL)
_SETTING = re.compile(r'\s*(\w+)=(?:"([^"]*)"|(-?\d+(?:\.\d+)?))\s*(?:,|$)')


@dataclass(frozen=True)
class Channel:
    """One channel: its type, name, and settings as they are written."""

    kind: str
    name: str
    settings: dict[str, str]

    @property
    def command_topic(self) -> str:
        """Where its commands go; empty for a channel that can only be read."""
        return self.settings.get("commandTopic", "")

    @property
    def state_topic(self) -> str:
        """Where its state comes from; may be empty."""
        return self.settings.get("stateTopic", "")

    def publishes(self, command: str, state: Decimal | str | None = None) -> str:
        """Return what the binding publishes for a command (`ON`, `INCREASE`, `37.5`), in that state."""
        match self.kind:
            case "dimmer":
                percent = self._percent(command, Decimal(state or 0))
                value = DECIMAL128.divide(percent * self._span, HUNDRED) + self._limit("min", 0)
                return _formatted(value.normalize())
            case "number":
                step = {"INCREASE": 1, "UP": 1, "DECREASE": -1, "DOWN": -1}.get(command)
                number = Decimal(command) if step is None else Decimal(state or 0) + step * self._limit("step", 1)
                return _formatted(number)
            case "switch":
                return self.settings.get("on", "ON") if command == "ON" else self.settings.get("off", "OFF")
            case "string":
                allowed = self.settings.get("allowedStates", "").split(",")
                assert command in allowed or allowed == [""]
                return command
        raise AssertionError(f"a channel of the type {self.kind} publishes nothing")

    def understands(self, payload: bytes) -> str | Decimal:
        """Return the state that a message on the state topic makes; a ValueError is what openHAB logs a warning for."""
        if self.kind == "image":
            if not (payload.startswith(b"\xff\xd8") and payload.endswith(b"\xff\xd9")):
                raise ValueError("no JPEG")
            return "image/jpeg"
        text = payload.decode()
        if pattern := self.settings.get("transformationPattern"):
            text = _transformed(pattern, text)
        match self.kind:
            case "dimmer":
                percent = DECIMAL128.divide((_decimal(text) - self._limit("min", 0)) * HUNDRED, self._span)
                if not 0 <= percent <= HUNDRED:
                    raise ValueError(f"{percent} is no PercentType")
                return percent
            case "number":
                return _decimal(text)
            case "switch":
                return self._one_of(text, "ON", "OFF")
            case "contact":
                return self._one_of(text, "OPEN", "CLOSED")
        if "allowedStates" in self.settings and text not in self.settings["allowedStates"].split(","):
            raise ValueError(f"{text} is no allowed state")
        return text

    @property
    def _span(self) -> Decimal:
        return self._limit("max", 100) - self._limit("min", 0)

    def _limit(self, name: str, default: int) -> Decimal:
        return Decimal(self.settings.get(name, default))

    def _percent(self, command: str, state: Decimal) -> Decimal:
        """Return what a command makes of a dimmer that is at `state` percent."""
        step = DECIMAL128.divide(self._limit("step", 1) * HUNDRED, self._span)
        match command:
            case "ON":
                return HUNDRED
            case "OFF":
                return Decimal(0)
            case "INCREASE" | "UP":
                return min(state + step, HUNDRED)
            case "DECREASE" | "DOWN":
                return max(state - step, Decimal(0))
        return Decimal(command)

    def _one_of(self, text: str, on: str, off: str) -> str:
        states = {on: on, off: off} | {self.settings.get("on", on): on, self.settings.get("off", off): off}
        if text not in states:
            raise ValueError(f"{text} is neither {on} nor {off}")
        return states[text]


def parse(text: str) -> tuple[dict[str, str], list[Channel]]:
    """Return the settings of the only Thing of a `.things` file, and its channels; fail if anything else is in it."""
    thing = _THING.fullmatch(text)
    assert thing, text
    channels, rest = [], thing[4]
    while match := _CHANNEL.match(rest):
        channels.append(Channel(match[1], match[2], dict(_settings(match[4]))))
        rest = rest[match.end() :]
    assert not rest.strip(), rest
    for channel in channels:
        assert set(channel.settings) <= SETTINGS[channel.kind], channel
    return dict(_settings(thing[3])), channels


def _settings(text: str) -> Iterator[tuple[str, str]]:
    text = text.strip()
    while match := _SETTING.match(text):
        yield match[1], match[2] if match[2] is not None else match[3]
        text = text[match.end() :]
    assert not text.strip(), text


def _transformed(pattern: str, text: str) -> str:
    """Return what the transformation `JSONPATH:$.name` makes of a JSON object, as Java writes it."""
    path = re.fullmatch(r"JSONPATH:\$\.(\w+)", pattern)
    assert path, pattern
    value = json.loads(text)[path[1]]
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _formatted(value: Decimal) -> str:
    """Return DecimalType.format("%s"): a whole number as a BigInteger, anything else as a BigDecimal."""
    return str(int(value)) if value == value.to_integral_value() else str(value)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is no DecimalType") from None
