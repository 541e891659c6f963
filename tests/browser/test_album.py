"""All pictures, by day: seen, selected, downloaded, deleted, brought back."""

import zipfile

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Eventually
from tests.browser.gestures import pinch, swipe
from tests.browser.test_pictures import fill
from tests.running import RunningAppliance

NUMBERS = "all => all.map((one) => Number(one.dataset.pictureId))"
NEAR_THE_TOP = "() => Number(document.elementFromPoint(600, 110).closest('li')?.dataset.pictureId)"
TOP = "one => one.getBoundingClientRect().top"
LEFT = "one => one.getBoundingClientRect().left"
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
    """Every picture comes by in its order, and never has the page items for more than what is near."""
    fill(appliance, 700, days=7)
    open_album(page, appliance)
    items, days, images = page.locator("#album li"), page.locator("#album .day h3"), page.locator("#album img[src]")
    expect(page.locator("#album-count")).to_have_text("700")
    expect(days.first).to_contain_text("22")
    came: dict[int, None] = {}
    most = 0

    def reaches_the_end() -> bool:
        numbers = items.evaluate_all(NUMBERS)
        nonlocal most
        most = max(most, len(numbers))
        came.update(dict.fromkeys(numbers[1:]))  # the first one is also there when it is far away: Tab reaches it
        page.locator("#album").evaluate("one => one.scrollTop += 700")
        return 1 in came

    eventually(reaches_the_end)
    assert list(came) == list(range(699, 0, -1))
    assert most < 200
    expect(days).to_have_count(7)
    expect(page.locator("#album .day [data-role=count]")).to_have_text(["100"] * 7)
    expect(page.locator("#album-more")).to_be_hidden()
    eventually(lambda: items.last.locator("img").evaluate("image => image.complete && image.naturalWidth > 100"))
    assert images.count() < 200
    expect(items.last).to_have_attribute("aria-posinset", "100")
    expect(items.last).to_have_attribute("aria-setsize", "100")


def test_the_visible_pictures_stay_in_place_when_others_come_and_go(page: Page, appliance: RunningAppliance) -> None:
    fill(appliance, 300, days=2)
    open_album(page, appliance)
    expect(page.locator("#album-more")).to_be_hidden()
    page.locator("#album").evaluate("one => one.scrollTop = 1650")
    page.wait_for_function(NEAR_THE_TOP)
    number = page.evaluate(NEAR_THE_TOP)
    assert number < 240
    seen = page.locator(f"#album [data-picture-id='{number}']")
    top = seen.evaluate(TOP)
    row = seen.evaluate("one => one.offsetHeight + 10")  # it may change its column, and so its row
    count, others = page.locator("#album-count"), list(range(240, 299))
    appliance.ask("POST", "api/pictures/delete", {"ids": others})
    expect(count).to_have_text("241")
    assert seen.evaluate(TOP) == pytest.approx(top, abs=row)
    appliance.ask("POST", "api/pictures/restore", {"ids": others})
    expect(count).to_have_text("300")
    assert seen.evaluate(TOP) == pytest.approx(top, abs=row)
    page.set_viewport_size({"width": 390, "height": 844})  # as a phone is turned
    expect(seen).to_be_in_viewport()


def test_a_range_is_selected_over_what_was_scrolled_by(page: Page, appliance: RunningAppliance) -> None:
    fill(appliance, 400, days=3)
    open_album(page, appliance)
    page.locator("#album-select").click()
    first = page.locator("#album [data-picture-id='399'] button")
    first.click()
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(first).to_be_focused()
    page.keyboard.press("End")
    last = page.locator("#album [data-picture-id='1'] button")
    expect(last).to_be_focused()
    expect(page.locator("#album [data-picture-id='399']")).to_have_count(0)
    last.click(modifiers=["Shift"])
    expect(page.locator("#album-chosen")).to_have_text("399 selected")
    page.keyboard.press("Home")
    expect(page.locator("#album [data-picture-id='400'] button")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#album [data-picture-id='398'] button")).to_have_attribute("aria-pressed", "true")


def test_arrow_keys_go_through_all_days_and_what_has_the_focus_is_seen(page: Page, appliance: RunningAppliance) -> None:
    fill(appliance, 120, days=8)
    open_album(page, appliance)
    page.locator("#album-select").click()
    focus = page.locator("#album li button:focus")
    page.locator("#album [data-picture-id='119'] button").focus()
    column = focus.evaluate(LEFT)
    days = set()
    for key in ["ArrowDown"] * 15 + ["ArrowUp"] * 15:
        page.keyboard.press(key)
        box, bar = focus.bounding_box(), page.locator(".album-bar").bounding_box()
        assert box is not None
        assert bar is not None
        assert bar["y"] + bar["height"] <= box["y"], "hidden under the bar"
        assert box["y"] + box["height"] < 800
        assert focus.evaluate(LEFT) <= column
        days.add(focus.evaluate("one => one.closest('.day').dataset.day"))
    assert len(days) == 8
    # It stays what Tab reaches, however far one scrolls.
    number = focus.evaluate("one => one.closest('li').dataset.pictureId")
    page.locator("#album").evaluate("one => one.scrollTop = one.scrollHeight")
    expect(page.locator("#album [data-picture-id='1']")).to_be_in_viewport()
    expect(page.locator(f"#album [data-picture-id='{number}'] button")).to_be_focused()
    page.locator("#album-select").focus()
    assert page.locator("#album li [tabindex='0']").evaluate("one => one.closest('li').dataset.pictureId") == number


def test_the_picture_seen_last_has_the_focus_when_the_viewer_closes(page: Page, appliance: RunningAppliance) -> None:
    fill(appliance, 300)
    open_album(page, appliance)
    expect(page.locator("#album-more")).to_be_hidden()
    page.locator("#album [data-picture-id='300'] button").click()
    page.evaluate("for (let count = 0; count < 250; count++) document.querySelector('#viewer-next').click()")
    expect(page.locator("#viewer")).to_have_attribute("data-picture-id", "50")
    page.keyboard.press("Escape")
    item = page.locator("#album [data-picture-id='50'] button")
    expect(item).to_be_focused()
    expect(item).to_be_in_viewport()


def test_a_picture_deleted_under_the_focus_leaves_it_to_the_next(page: Page, appliance: RunningAppliance) -> None:
    fill(appliance, 3)
    open_album(page, appliance)
    page.locator("#album [data-picture-id='2'] button").focus()
    appliance.ask("POST", "api/pictures/delete", {"ids": [2]})
    expect(page.locator("#album [data-picture-id='1'] button")).to_be_focused()
    appliance.ask("POST", "api/pictures/delete", {"ids": [1, 3]})
    expect(page.locator("#album-empty")).to_be_visible()
    expect(page.locator("#album-select")).to_be_focused()


def test_days_have_one_place_each_whatever_the_clock_said(page: Page, appliance: RunningAppliance) -> None:
    """A Pi without a network starts in the past: the numbers of its pictures do not follow the days."""
    fill(appliance, 9, days=3)
    wrong = next(path for path in appliance.pictures.iterdir() if path.name.startswith("000008"))
    wrong.rename(wrong.with_name("000008_2026-11-20T09-00-00.jpg"))
    open_album(page, appliance)
    expect(page.locator("#album .day")).to_have_count(3)
    assert page.locator("#album li").evaluate_all(NUMBERS) == [9, 7, 6, 5, 4, 8, 3, 2, 1]


def test_older_pictures_that_do_not_come_are_asked_for_by_hand(page: Page, appliance: RunningAppliance) -> None:
    fill(appliance, 200)
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=500, content_type="application/json", body='{"error": {"message": "The disk is gone."}}')

    page.route("**/api/pictures?*before=*", refuse)
    open_album(page, appliance)
    expect(page.locator("#album [data-toast=error]")).to_have_text("The disk is gone.")
    for _ in range(5):
        page.locator("#album").evaluate("one => one.scrollTop += 100")
    assert len(asked) == 1
    page.unroute("**/api/pictures?*before=*")
    page.locator("#album-more").click()
    expect(page.locator("#album-more")).to_be_hidden()
    expect(page.locator("#album .day [data-role=count]")).to_have_text("200")


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


def test_pictures_deleted_and_restored_by_others_are_followed(page: Page, appliance: RunningAppliance) -> None:
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
    expect(page.locator("[data-toast=success]").last).to_contain_text("Picture 2 was taken")
    assert page.evaluate("flights") == 1
