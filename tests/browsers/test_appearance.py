"""Photographs of the page in `build/browsers`, for eyes; what can be measured is measured."""

from pathlib import Path

import pytest

from tests.browser.test_pictures import fill
from tests.browsers.browser import Browser
from tests.browsers.page import see_live, until_shown
from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera

FOLDER = Path(__file__).parent.parent.parent / "build" / "browsers"
SIZES = ((1280, 800), (390, 844))
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
  .filter((one) => !one.closest("svg, #gallery, .sr-only"))
  .map((one) => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_nothing_is_wider_than_the_window(browser: Browser, watching: RunningAppliance, size: tuple[int, int]) -> None:
    fill(watching, 14, days=3)
    browser.resize(*size)
    see_live(browser, watching.url)
    browser.until("() => document.querySelector('#gallery img')?.naturalWidth")

    def look(scene: str) -> None:
        browser.photograph(FOLDER / f"{browser.name}-{size[0]}x{size[1]}-{scene}.png")
        assert browser.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert browser.evaluate(TOO_WIDE) == []

    look("page")
    browser.evaluate("() => document.querySelector('#controls').scrollIntoView()")
    look("controls")
    browser.evaluate("() => scrollTo(0, document.body.scrollHeight)")
    look("state")
    browser.evaluate("() => scrollTo(0, 0)")
    browser.press("g")
    until_shown(browser, "#album .day")
    browser.until("() => document.querySelector('#album img')?.naturalWidth")
    look("album")
    browser.click("#album li:nth-child(2) button")
    until_shown(browser, "#viewer")
    browser.until("() => document.querySelector('#viewer-image').naturalWidth")
    look("viewer")


def middle(browser: Browser, selector: str) -> tuple[float, float]:
    """Return the middle of an element: x and y in CSS pixels."""
    box = browser.box(selector)
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_everything_over_a_picture_is_in_its_middle(
    browser: Browser, watching: RunningAppliance, simcam: SimulatedCamera, size: tuple[int, int]
) -> None:
    fill(watching, 2)
    browser.resize(*size)
    see_live(browser, watching.url)
    simcam.unplug()
    until_shown(browser, "#live-message")
    assert middle(browser, "#live-message")[0] == pytest.approx(middle(browser, "#stage")[0], abs=1)
    browser.click("#gallery [data-picture-id='2'] button")
    until_shown(browser, "#viewer-next")
    _, y = middle(browser, ".viewer-picture")
    for button, side in (("#viewer-previous", 34), ("#viewer-next", size[0] - 34)):
        eventually(lambda: middle(browser, button) == pytest.approx((side, y), abs=20), f"the place of {button}")  # noqa: B023
