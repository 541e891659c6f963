"""What goes wrong behind the page: it says so, and comes back by itself."""

from tests.browsers.browser import Browser
from tests.browsers.page import frames, is_shown, mood, see_live, until_frames_flow, until_mood, until_shown
from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera


def test_an_unplugged_camera_is_named_as_lost_and_comes_back(
    browser: Browser, appliance: RunningAppliance, shared_simcam: SimulatedCamera
) -> None:
    see_live(browser, appliance.url)
    shared_simcam.unplug()
    until_mood(browser, "lost")
    assert browser.text("#live-label") == "No camera"
    reason = eventually(lambda: appliance.state()["camera"]["reason"], "a reason")
    browser.until_text("#live-message", reason)
    shared_simcam.plug()
    until_frames_flow(browser)
    assert not is_shown(browser, "#live-message")
    assert appliance.state()["viewers"] == 1


def test_the_page_comes_back_after_a_restart(browser: Browser, appliance: RunningAppliance) -> None:
    see_live(browser, appliance.url)
    appliance.stop()
    until_shown(browser, "#connection-lost")
    eventually(lambda: mood(browser) != "live", "a picture that is not called live")
    appliance.start()
    until_frames_flow(browser)
    eventually(lambda: not is_shown(browser, "#connection-lost"), "the end of the warning")
    assert appliance.state()["viewers"] == 1


def test_a_line_that_goes_dead_is_noticed_and_left(browser: Browser, appliance: RunningAppliance) -> None:
    see_live(browser, appliance.url)
    with appliance.hung():
        until_shown(browser, "#connection-lost")
        browser.until("() => ['waiting', 'connecting'].includes(document.querySelector('#live').dataset.state)")
        assert mood(browser) != "live"
        shown = frames(browser)
    eventually(lambda: frames(browser) > shown + 10, "new frames")
    eventually(lambda: not is_shown(browser, "#connection-lost"), "the end of the warning")
    eventually(lambda: appliance.state()["viewers"] == 1, "one viewer")


def test_reloading_the_page_leaves_no_viewer_behind(browser: Browser, appliance: RunningAppliance) -> None:
    for _ in range(3):
        see_live(browser, appliance.url)
    eventually(lambda: appliance.state()["viewers"] == 1, "one viewer")
    browser.leave()
    eventually(lambda: appliance.state()["viewers"] == 0, "no viewer")


def test_a_stopped_picture_gives_up_its_place(browser: Browser, appliance: RunningAppliance) -> None:
    see_live(browser, appliance.url)
    for _ in range(3):
        browser.press("q")
        eventually(lambda: appliance.state()["viewers"] == 0, "no viewer")
        browser.press("q")
        until_frames_flow(browser)
        assert appliance.state()["viewers"] == 1
