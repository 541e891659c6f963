"""A camera that is mounted on its side."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsers.browser import Browser
from tests.browsers.page import see_live
from tests.running import RunningAppliance, eventually


@pytest.fixture
def turned(tmp_path: Path) -> Iterator[RunningAppliance]:
    """An appliance whose picture is turned by 90 degrees; colour bars stand side by side in its camera."""
    with RunningAppliance(tmp_path, settings={"camera.rotate": 90}) as appliance:
        appliance.until_live().ask("PATCH", "/api/controls", {"test_pattern": "Colour bars"})
        yield appliance


def test_the_pixels_are_turned_not_only_the_size(browser: Browser, turned: RunningAppliance) -> None:
    """The bars lie one above the other."""
    see_live(browser, turned.url)
    assert browser.evaluate(
        "() => [document.querySelector('#live').width, document.querySelector('#live').height]"
    ) == [
        720,
        1280,
    ]

    def lie() -> bool:
        image = browser.pixels("#live").astype(int)
        height, width = image.shape[:2]
        left, right = (width // 2 + side * height * 9 // 40 for side in (-1, 1))  # inside 9:16, in the middle
        row, column = image[height // 2, [left, right]], image[[height // 20, height * 19 // 20], right]
        return bool(abs(row[0] - row[1]).max() < 40 and abs(column[0] - column[1]).max() > 100)

    eventually(lie, "bars that lie")
