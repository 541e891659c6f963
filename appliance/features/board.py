"""The health of the board: its temperature and, on a Raspberry Pi, its power supply. Unknown values are None."""

from pathlib import Path

from appliance.facts import BOOLEAN, NUMBER, Entity, Fact, Metric, nullable, whole
from appliance.features.feature import Feature

SYSTEM = Path("/sys")


def temperature(system: Path = SYSTEM) -> float | None:
    """Return the processor's temperature in degrees Celsius."""
    try:
        return int((system / "class/thermal/thermal_zone0/temp").read_text()) / 1000
    except (OSError, ValueError):
        return None


def under_voltage(system: Path = SYSTEM) -> bool | None:
    """Return whether the voltage of a Raspberry Pi is currently too low: the alarm of the kernel driver `rpi_volt`."""
    for name in sorted(system.glob("class/hwmon/*/name")):
        try:
            if name.read_text().strip() == "rpi_volt":
                return name.with_name("in0_lcrit_alarm").read_text().strip() == "1"
        except (OSError, ValueError):
            continue
    return None


class Board(Feature):
    """The temperature and the power supply of the board."""

    name = "board"
    facts = (
        Fact(
            "temperature",
            nullable(NUMBER),
            "Temperature of the processor in degrees Celsius.",
            lambda _: temperature(),
            label="Temperature",
            unit="°C",
            metric=Metric("temperature_celsius", "Temperature of the processor."),
            entities=(
                Entity("Temperature", unit="°C", device_class="temperature", precision=1, state_class="measurement"),
            ),
        ),
        Fact(
            "under_voltage",
            nullable(BOOLEAN),
            "Whether the power supply is too weak.",
            lambda _: under_voltage(),
            label="Supply voltage",
            unit="too low or good",
            urgent=whole,
            metric=Metric("under_voltage", "Whether the power supply is too weak."),
            entities=(Entity("Under-voltage", "binary_sensor", device_class="problem"),),
        ),
    )
