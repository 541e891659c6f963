"""Pictures: taken, looked at, selected, downloaded, deleted and brought back."""

import io
import zipfile

from tests.browser.test_pictures import fill
from tests.browsers.browser import Browser
from tests.browsers.page import is_shown, see_live, until_shown
from tests.running import RunningAppliance, eventually

COUNT = "(all) => document.querySelectorAll(all).length"
WIDTH = "(one) => document.querySelector(one)?.naturalWidth"


def until_count(browser: Browser, selector: str, count: int) -> None:
    """Wait until so many elements are there."""
    eventually(lambda: browser.evaluate(COUNT, selector) == count, f"{count} of {selector}")


def test_the_button_and_the_key_r_take_pictures(browser: Browser, running: RunningAppliance) -> None:
    see_live(browser, running.url)
    browser.click("#take-picture")
    until_count(browser, "#gallery [data-picture-id]", 1)
    browser.press("r")
    until_count(browser, "#gallery [data-picture-id]", 2)
    browser.until_text("#toasts", "Picture 2")
    assert len(running.stored()) == 2
    assert browser.until(WIDTH, "#gallery [data-picture-id='2'] img") > 100


def test_a_picture_is_looked_at_deleted_and_brought_back(browser: Browser, running: RunningAppliance) -> None:
    fill(running, 3)
    see_live(browser, running.url)
    browser.click("#gallery [data-picture-id='3'] button")
    until_shown(browser, "#viewer")
    assert browser.until(WIDTH, "#viewer-image") == 1280
    browser.press("ArrowRight")
    browser.until("() => document.querySelector('#viewer').dataset.pictureId === '2'")
    browser.press("Delete")
    eventually(lambda: len(running.stored()) == 2, "two pictures")
    browser.until("() => document.querySelector('#viewer').dataset.pictureId === '1'")
    browser.press("Escape")
    eventually(lambda: not is_shown(browser, "#viewer"), "the end of the viewer")
    browser.until_text("#toasts .toast-act", "Undo")
    browser.click("#toasts .toast-act")
    eventually(lambda: len(running.stored()) == 3, "three pictures")
    until_count(browser, "#gallery [data-picture-id]", 3)


def test_a_selection_is_downloaded_as_one_archive(browser: Browser, running: RunningAppliance) -> None:
    fill(running, 12, days=2)
    see_live(browser, running.url)
    browser.click("#album-open")
    browser.until("() => document.querySelectorAll('#album .day').length === 2")
    browser.click("#album-select")
    for number in (12, 10, 3):
        browser.click(f"#album [data-picture-id='{number}'] button")
    browser.until_text("#album-chosen", "3 selected")
    address = browser.evaluate("() => document.querySelector('#album-download').href")
    size = browser.evaluate(
        "(address) => fetch(address).then((answer) => answer.arrayBuffer()).then((data) => data.byteLength)", address
    )
    archive = running.ask("GET", address.removeprefix(running.url)).body
    assert size == len(archive)
    names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    assert sorted(int(name.rpartition("/")[2][:6]) for name in names) == [3, 10, 12]
    browser.click("#album-delete")
    eventually(lambda: len(running.stored()) == 9, "nine pictures")
    browser.click("#toasts .toast-act")
    eventually(lambda: len(running.stored()) == 12, "twelve pictures")
