"""The health of the board, read from a tree like the kernel's."""

from pathlib import Path

import pytest

from appliance.features import board


def write(path: Path, content: bytes | None) -> None:
    if content is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("content", "degrees"),
    [
        (b"51234\n", 51.234),
        (b"0\n", 0.0),
        (b"-4000\n", -4.0),
        (b"", None),
        (b"hot\n", None),
        (b"\xff\xfe", None),
        (None, None),
    ],
)
def test_the_temperature_is_in_degrees_or_unknown(tmp_path: Path, content: bytes | None, degrees: float | None) -> None:
    write(tmp_path / "class/thermal/thermal_zone0/temp", content)
    assert board.temperature(tmp_path) == degrees


@pytest.mark.parametrize(
    ("monitors", "under"),
    [
        ([], None),
        ([(b"cpu_thermal\n", None)], None),
        ([(b"rpi_volt\n", b"0\n")], False),
        ([(b"rpi_volt\n", b"1\n")], True),
        ([(b"cpu_thermal\n", b"1\n"), (b"rpi_volt\n", b"0\n")], False),
        ([(b"rpi_volt\n", None)], None),
        ([(None, None), (b"rpi_volt\n", b"1\n"), (None, b"0\n")], True),
        ([(b"\xff\xfe", None), (b"rpi_volt\n", b"1\n"), (b"\xff", b"\xff")], True),
        ([(b"rpi_volt\n", b"\xff")], None),
    ],
)
def test_under_voltage_is_what_the_kernel_s_alarm_says(
    tmp_path: Path, monitors: list[tuple[bytes | None, bytes | None]], under: bool | None
) -> None:
    for number, (name, alarm) in enumerate(monitors):
        folder = tmp_path / f"devices/monitor{number}"
        folder.mkdir(parents=True)
        (tmp_path / "class/hwmon").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"class/hwmon/hwmon{number}").symlink_to(folder)
        write(folder / "name", name)
        write(folder / "in0_lcrit_alarm", alarm)
    assert board.under_voltage(tmp_path) is under


def test_this_machine_can_be_asked() -> None:
    degrees = board.temperature()
    assert degrees is None or -50 < degrees < 150
    assert board.under_voltage() in (None, True, False)
