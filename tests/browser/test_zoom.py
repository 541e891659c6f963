"""Looking closer at the live picture, with mouse, fingers and keys."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.gestures import pinch
from tests.running import RunningAppliance

SCALE = "one => one.getBoundingClientRect().width / one.offsetWidth"
LEFT = "one => one.getBoundingClientRect().left"


def see_live(page: Page, appliance: RunningAppliance) -> None:
    page.goto(appliance.url)
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")


def middle(page: Page) -> tuple[float, float]:
    box = page.locator("#stage").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A page on a screen for fingers."""
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.set_default_timeout(20_000)
    yield page
    page.close()


def test_the_wheel_zooms_and_the_mouse_moves_what_is_seen(page: Page, shared: RunningAppliance) -> None:
    see_live(page, shared)
    canvas, badge = page.locator("#live"), page.locator("#zoom-reset")
    expect(badge).to_be_hidden()
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -400)
    expect(badge).to_have_text(re.compile(r"^2\.7"))
    assert canvas.evaluate(SCALE) == pytest.approx(2.718, abs=0.01)
    left = canvas.evaluate(LEFT)
    page.mouse.down()
    page.mouse.move(x + 50, y, steps=5)
    page.mouse.up()
    assert canvas.evaluate(LEFT) == pytest.approx(left + 50, abs=1)
    for _ in range(4):  # no further than its edge
        page.mouse.move(x - 200, y)
        page.mouse.down()
        page.mouse.move(x + 200, y, steps=5)
        page.mouse.up()
    assert canvas.evaluate(LEFT) == pytest.approx(page.locator("#stage").evaluate(LEFT), abs=1)
    badge.click()
    expect(badge).to_be_hidden()
    assert canvas.evaluate(SCALE) == 1
    page.mouse.dblclick(x, y)
    expect(badge).to_have_text(re.compile(r"^2\.5"))
    page.mouse.move(x, y)
    page.mouse.wheel(0, 2000)
    expect(badge).to_be_hidden()


def test_the_wheel_scrolls_the_page_where_it_cannot_zoom(page: Page, shared: RunningAppliance) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    see_live(page, shared)
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, 60)
    page.wait_for_function("() => scrollY > 0")
    page.mouse.wheel(0, -20)
    expect(page.locator("#zoom-reset")).to_be_hidden()


def test_keys_zoom_and_move(page: Page, shared: RunningAppliance) -> None:
    see_live(page, shared)
    canvas = page.locator("#live")
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert canvas.evaluate(SCALE) == pytest.approx(2.25)
    left = canvas.evaluate(LEFT)
    page.keyboard.press("ArrowRight")
    assert canvas.evaluate(LEFT) == pytest.approx(left - 80)
    page.keyboard.press("-")
    assert canvas.evaluate(SCALE) == pytest.approx(1.5)
    page.keyboard.press("0")
    assert canvas.evaluate(SCALE) == 1


def test_two_fingers_zoom_and_one_scrolls(phone: Page, shared: RunningAppliance) -> None:
    see_live(phone, shared)
    pinch(phone, middle(phone), 60, 180)
    expect(phone.locator("#zoom-reset")).to_have_text(re.compile(r"^3\.0"))
    assert phone.evaluate("visualViewport.scale") == 1, "the page was zoomed, not the picture"
    pinch(phone, middle(phone), 180, 40)
    expect(phone.locator("#zoom-reset")).to_be_hidden()
