"""The privacy switch: what it shows is so."""

from tests.browsers.browser import Browser
from tests.browsers.page import is_shown, see_live, until_frames_flow, until_mood
from tests.running import RunningAppliance, eventually

SHOWN = "() => document.querySelector('#privacy-switch').checked"
BUSY = "() => document.querySelector('#privacy-switch').closest('[aria-busy=true]') !== null"


def until_agreed(browser: Browser, appliance: RunningAppliance) -> bool:
    """Wait until switch, banner and appliance say the same; return that."""

    def agreed() -> bool:
        privacy = appliance.state()["privacy"]
        return {browser.evaluate(SHOWN), is_shown(browser, "#privacy-on")} == {privacy} and not browser.evaluate(BUSY)

    eventually(agreed, "an agreement on privacy")
    return bool(browser.evaluate(SHOWN))


def test_the_switch_closes_the_camera_and_opens_it_again(browser: Browser, appliance: RunningAppliance) -> None:
    see_live(browser, appliance.url)
    browser.click("#privacy-switch")
    until_mood(browser, "private")
    assert until_agreed(browser, appliance)
    assert browser.text("#live-label") == "Privacy"
    before = appliance.ask("GET", "api/pictures").json["pictures"]
    browser.press("r")
    browser.until_text("#toasts", "privacy is on")
    assert appliance.ask("GET", "api/pictures").json["pictures"] == before
    browser.click("#privacy-switch")
    until_frames_flow(browser)
    assert not until_agreed(browser, appliance)


def test_privacy_is_not_shown_as_on_before_the_appliance_says_so(browser: Browser, appliance: RunningAppliance) -> None:
    see_live(browser, appliance.url)
    with appliance.hung():
        browser.click("#privacy-switch")
        for _ in range(20):
            assert not is_shown(browser, "#privacy-on")
            assert not browser.evaluate(SHOWN) or browser.evaluate(BUSY), "shown as done"
            browser.evaluate("() => new Promise((done) => setTimeout(done, 100))")
    until_agreed(browser, appliance)


def test_privacy_that_could_not_be_switched_is_not_shown_as_on(browser: Browser, appliance: RunningAppliance) -> None:
    see_live(browser, appliance.url)
    appliance.kill()
    browser.click("#privacy-switch")
    browser.until("() => document.querySelector('[data-toast=error]')")
    assert not browser.evaluate(SHOWN)
    assert not is_shown(browser, "#privacy-on")
    appliance.start()
    until_frames_flow(browser)
    assert not until_agreed(browser, appliance)
