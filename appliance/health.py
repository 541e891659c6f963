"""How the board feels: temperature and, on a Raspberry Pi, its power supply. Everything is None where it is unknown."""

from pathlib import Path

SYSTEM = Path("/sys")


def temperature(system: Path = SYSTEM) -> float | None:
    """Return the processor's temperature in degrees Celsius."""
    try:
        return int((system / "class/thermal/thermal_zone0/temp").read_text()) / 1000
    except (OSError, ValueError):
        return None


def under_voltage(system: Path = SYSTEM) -> bool | None:
    """Tell whether a Raspberry Pi gets too little voltage now: the alarm of the kernel's `rpi_volt`."""
    for name in sorted(system.glob("class/hwmon/*/name")):
        try:
            if name.read_text().strip() == "rpi_volt":
                return name.with_name("in0_lcrit_alarm").read_text().strip() == "1"
        except (OSError, ValueError):
            continue
    return None
