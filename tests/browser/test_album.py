"""All pictures, by day: seen, selected, downloaded, deleted, brought back."""

import zipfile

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Eventually
from tests.browser.gestures import pinch, swipe
from tests.browser.test_pictures import fill
from tests.running import RunningAppliance

NUMBERS = "all => all.map((one) => Number(one.dataset.pictureId))"
REMEMBER_FLIGHTS = """
  window.flights = 0;
  const isFlight = (node) => node.className === "flight";
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) window.flights += [...addedNodes].filter(isFlight).length;
  }).observe(document, { childList: true, subtree: true });
"""


def open_album(page: Page, appliance: RunningAppliance) -> None:
    page.goto(appliance.url)
    expect(page.locator("#gallery [data-picture-id]").first).to_be_visible()
    page.locator("#album-open").click()
    expect(page.locator("#album .day").first).to_be_visible()


def test_pictures_are_listed_by_day_and_loaded_as_they_come_near(
    page: Page, appliance: RunningAppliance, eventually: Eventually
) -> None:
    fill(appliance, 240, days=4)
    open_album(page, appliance)
    items, days = page.locator("#album li"), page.locator("#album .day h3")
    assert items.count() < 240
    expect(page.locator("#album-count")).to_have_text("240")
    expect(days.first).to_contain_text("22")

    def reaches_the_end() -> bool:
        items.last.scroll_into_view_if_needed()
        return items.count() == 240

    eventually(reaches_the_end)
    expect(days).to_have_count(4)
    expect(page.locator("#album .day [data-role=count]")).to_have_text(["60", "60", "60", "60"])
    expect(page.locator("#album-more")).to_be_hidden()
    assert items.evaluate_all(NUMBERS) == list(range(240, 0, -1))
    items.last.scroll_into_view_if_needed()
    eventually(lambda: items.last.locator("img").evaluate("image => image.complete && image.naturalWidth > 100"))
    eventually(lambda: items.first.locator("img").get_attribute("src") is None)  # let go when it is far away


def test_selected_pictures_are_downloaded_in_one_archive(page: Page, appliance: RunningAppliance) -> None:
    fill(appliance, 12)
    open_album(page, appliance)
    buttons = page.locator("#album .grid button")
    page.locator("#album-select").click()
    buttons.nth(2).click()
    buttons.nth(6).click(modifiers=["Shift"])
    buttons.nth(4).click()
    buttons.nth(11).click()
    expect(page.locator("#album-chosen")).to_have_text("5 selected")
    with page.expect_download() as download:
        page.locator("#album-download").click()
    assert download.value.suggested_filename == "camera_5_pictures.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert [int(name[:6]) for name in archive.namelist()] == [1, 6, 7, 9, 10]


def test_many_pictures_are_deleted_and_brought_back(page: Page, appliance: RunningAppliance) -> None:
    fill(appliance, 90, days=3)
    open_album(page, appliance)
    page.locator("#album-select").click()
    expect(page.locator("#album-delete")).to_be_disabled()
    page.locator("#album .day").nth(1).locator("[data-action=day]").click()
    expect(page.locator("#album-chosen")).to_have_text("30 selected")
    page.locator("#album-delete").click()
    expect(page.locator("#album-count")).to_have_text("60")
    expect(page.locator("#album-select")).to_have_text("Select")
    assert len(appliance.stored()) == 60
    page.locator("#album .toast-act").click()
    expect(page.locator("#album-count")).to_have_text("90")
    assert len(appliance.stored()) == 90
    page.locator("#album-select").click()
    page.locator("#album-all").click()
    expect(page.locator("#album-chosen")).to_have_text("90 selected")
    page.keyboard.press("Escape")
    expect(page.locator("#album")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#album")).to_be_hidden()


def test_what_others_delete_and_restore_is_followed(page: Page, appliance: RunningAppliance) -> None:
    fill(appliance, 5)
    open_album(page, appliance)
    items = page.locator("#album li")
    expect(items).to_have_count(5)
    appliance.ask("POST", "api/pictures/delete", {"ids": [2, 4]})
    expect(items).to_have_count(3)
    appliance.ask("POST", "api/pictures/2/restore", {})
    expect(items).to_have_count(4)
    appliance.ask("POST", "api/pictures/restore", {"ids": [4]})
    expect(items).to_have_count(5)
    assert items.evaluate_all(NUMBERS) == [5, 4, 3, 2, 1]


def test_the_album_works_with_the_keyboard_alone(page: Page, appliance: RunningAppliance) -> None:
    fill(appliance, 30)
    page.goto(appliance.url)
    expect(page.locator("#gallery [data-picture-id]").first).to_be_visible()
    page.keyboard.press("g")
    buttons, viewer = page.locator("#album .grid button"), page.locator("#viewer")
    expect(buttons.first).to_be_visible()
    page.locator("#album-close").focus()
    page.keyboard.press("Tab")
    expect(buttons.first).to_be_focused()
    for key in ("ArrowRight", "ArrowDown", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    expect(buttons.nth(2)).to_be_focused()
    page.keyboard.press("Enter")
    expect(viewer).to_have_attribute("data-picture-id", "28")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(buttons.nth(3)).to_be_focused()


def test_fingers_turn_the_pictures_over(browser: Browser, appliance: RunningAppliance) -> None:
    fill(appliance, 3)
    phone = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    try:
        phone.goto(appliance.url)
        phone.locator("#gallery [data-picture-id='2'] button").click()
        viewer, middle = phone.locator("#viewer"), (195.0, 400.0)
        expect(viewer).to_have_attribute("data-picture-id", "2")
        swipe(phone, middle, -150, 10)
        expect(viewer).to_have_attribute("data-picture-id", "1")
        swipe(phone, middle, 150, 10)
        expect(viewer).to_have_attribute("data-picture-id", "2")
        swipe(phone, middle, 20, 0)  # too short
        expect(viewer).to_have_attribute("data-picture-id", "2")
        pinch(phone, middle, 60, 180)
        scale = "one => one.getBoundingClientRect().width / one.offsetWidth"
        assert phone.locator("#viewer-image").evaluate(scale) == pytest.approx(3, abs=0.1)
        swipe(phone, middle, -100, 0)  # moves what is seen
        expect(viewer).to_have_attribute("data-picture-id", "2")
        pinch(phone, middle, 180, 40)
        swipe(phone, middle, 5, 250)
        expect(viewer).to_be_hidden()
    finally:
        phone.close()


def test_a_picture_flies_to_its_place_unless_motion_is_unwanted(
    page: Page, appliance: RunningAppliance, eventually: Eventually
) -> None:
    page.add_init_script(REMEMBER_FLIGHTS)
    page.goto(appliance.url)
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
    page.keyboard.press("r")
    expect(page.locator("#gallery [data-picture-id='1']")).to_be_visible()
    eventually(lambda: page.evaluate("flights") == 1)
    expect(page.locator(".flight")).to_have_count(0)
    page.emulate_media(reduced_motion="reduce")
    page.keyboard.press("r")
    expect(page.locator("#gallery [data-picture-id='2']")).to_be_visible()
    expect(page.locator("[data-toast=success]").last).to_contain_text("Picture 2 is taken")
    assert page.evaluate("flights") == 1
