"""What the board says of itself reaches the page: a Raspberry Pi's /sys, as far as the appliance reads it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.running import RunningAppliance

MOUNTED = [
    "unshare", "--mount", "--propagation", "private",
    "sh", "-c", 'mount --bind "$0" /sys/class && exec "$@"',
]  # fmt: skip


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """The /sys/class of a Raspberry Pi with too little power; numbers and names as its kernel gives them."""
    folder = tmp_path / "class"
    for name, content in {
        "thermal/thermal_zone0/temp": "81234\n",
        "hwmon/hwmon0/name": "cpu_thermal\n",
        "hwmon/hwmon1/name": "rpi_volt\n",
        "hwmon/hwmon1/in0_lcrit_alarm": "1\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="ascii")
    return folder


@pytest.fixture
def on_a_pi(tmp_path: Path, board: Path) -> Iterator[RunningAppliance]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount another /sys/class")
    with RunningAppliance(tmp_path / "appliance", before=[*MOUNTED, str(board)]) as appliance:
        yield appliance.until_live()


def test_the_page_shows_the_temperature_and_a_weak_power_supply(
    page: Page, on_a_pi: RunningAppliance, board: Path
) -> None:
    page.goto(on_a_pi.url)
    temperature = page.locator("#state-line [data-state=temperature]")
    supply = page.locator("#state-line [data-state=under_voltage]")
    expect(temperature).to_have_text("81 °C")
    expect(supply).to_have_text("Too low")
    warned = supply.evaluate("element => getComputedStyle(element).color")
    (board / "thermal/thermal_zone0/temp").write_text("48765\n", encoding="ascii")
    (board / "hwmon/hwmon1/in0_lcrit_alarm").write_text("0\n", encoding="ascii")
    expect(temperature).to_have_text("49 °C")
    expect(supply).to_have_text("Good")
    assert supply.evaluate("element => getComputedStyle(element).color") != warned


def test_a_board_without_readings_leaves_no_empty_lines_on_the_page(
    page: Page, on_a_pi: RunningAppliance, board: Path
) -> None:
    (board / "thermal/thermal_zone0/temp").unlink()
    (board / "hwmon/hwmon1/name").unlink()
    page.goto(on_a_pi.url)
    for name in ("temperature", "under_voltage"):
        expect(page.locator(f"#state-line [data-state={name}]")).to_be_hidden()
