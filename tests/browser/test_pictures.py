"""Taking, seeing and deleting pictures on the page."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Eventually
from tests.running import RunningAppliance


def fill(appliance: RunningAppliance, count: int, days: int = 1) -> None:
    """Put numbered pictures into the folder, as many on each day; the newest is of the 22nd."""
    data = appliance.ask("GET", "/snapshot.jpg").body
    appliance.pictures.mkdir(exist_ok=True)
    for number in range(1, count + 1):
        day = 22 - days + 1 + (number - 1) * days // count
        name = f"{number:06}_2026-11-{day:02}T{number // 3600 % 24:02}-{number // 60 % 60:02}-{number % 60:02}.jpg"
        (appliance.pictures / name).write_bytes(data)


def open_page(page: Page, appliance: RunningAppliance) -> None:
    page.goto(appliance.url)
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")


def test_key_r_takes_a_picture_that_is_in_the_gallery_and_on_the_disk(page: Page, appliance: RunningAppliance) -> None:
    open_page(page, appliance)
    expect(page.locator("#gallery-empty")).to_be_visible()
    page.keyboard.press("r")
    item = page.locator("#gallery [data-picture-id]")
    expect(item).to_have_count(1)
    expect(page.locator("[data-toast=success]")).to_be_visible()
    expect(page.locator("#gallery-empty")).to_be_hidden()
    assert len(appliance.stored()) == 1
    picture = appliance.ask("GET", "api/pictures").json["pictures"][0]
    assert appliance.stored() == [picture["name"]]
    thumbnail = item.locator("img")
    assert thumbnail.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100


def test_pictures_of_other_clients_come_and_go(page: Page, appliance: RunningAppliance) -> None:
    open_page(page, appliance)
    expect(page.locator("#gallery-empty")).to_be_visible()
    first = appliance.ask("POST", "api/pictures", {}).json["id"]
    second = appliance.ask("POST", "api/pictures", {}).json["id"]
    items = page.locator("#gallery [data-picture-id]")
    expect(items).to_have_count(2)
    assert items.evaluate_all("all => all.map((one) => Number(one.dataset.pictureId))") == [second, first]
    appliance.ask("DELETE", f"api/pictures/{first}")
    expect(items).to_have_count(1)
    expect(page.locator("#gallery-count")).to_have_text("1")


def test_a_deleted_picture_can_be_brought_back(page: Page, appliance: RunningAppliance) -> None:
    open_page(page, appliance)
    taken = [appliance.ask("POST", "api/pictures", {}).json["id"] for _ in range(2)]
    page.locator(f"#gallery [data-picture-id='{taken[1]}'] button").click()
    expect(page.locator("#viewer")).to_be_visible()
    page.keyboard.press("Delete")
    expect(page.locator("#viewer")).to_have_attribute("data-picture-id", str(taken[0]))
    expect(page.locator("#gallery [data-picture-id]")).to_have_count(1)
    assert len(appliance.stored()) == 1
    page.locator("#viewer .toast-act").click()
    expect(page.locator("#gallery [data-picture-id]")).to_have_count(2)
    expect(page.locator("#viewer [data-toast=success]")).to_contain_text("was restored")
    assert len(appliance.stored()) == 2
    expect(page.locator("#viewer-previous")).to_be_enabled()


def test_arrow_keys_walk_through_all_pictures(page: Page, appliance: RunningAppliance) -> None:
    fill(appliance, 62)
    open_page(page, appliance)
    items, viewer = page.locator("#gallery [data-picture-id]"), page.locator("#viewer")
    expect(items).to_have_count(24)
    items.nth(23).locator("button").click()
    for number in range(39, 0, -1):
        expect(viewer).to_have_attribute("data-picture-id", str(number))
        page.keyboard.press("ArrowRight")
    expect(page.locator("#viewer-next")).to_be_disabled()
    page.keyboard.press("ArrowLeft")
    expect(viewer).to_have_attribute("data-picture-id", "2")
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    expect(viewer).to_have_attribute("data-picture-id", "42")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(page.locator("#gallery [data-picture-id='42'] button")).to_be_focused()


def test_a_downloaded_picture_is_the_file_on_the_disk(page: Page, appliance: RunningAppliance) -> None:
    open_page(page, appliance)
    page.keyboard.press("r")
    page.locator("#gallery button").click()
    with page.expect_download() as download:
        page.locator("#viewer-download").click()
    stored = appliance.pictures / download.value.suggested_filename
    assert Path(download.value.path()).read_bytes() == stored.read_bytes()


def test_a_picture_that_cannot_be_taken_says_why(
    page: Page, appliance: RunningAppliance, eventually: Eventually
) -> None:
    open_page(page, appliance)
    body = '{"error": {"code": "storage_full", "message": "The disk is full."}}'
    page.route(
        "**/api/pictures",
        lambda route: route.fulfill(status=507, content_type="application/json", body=body),
    )
    page.locator("#take-picture").click()
    expect(page.locator("[data-toast=error]")).to_have_text("The disk is full.")
    assert appliance.stored() == []
