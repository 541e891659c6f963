"""What goes wrong behind the page: it says so, and comes back by itself."""

from tests.browsers.browser import Browser
from tests.browsers.page import frames, is_shown, mood, see_live, until_frames_flow, until_mood, until_shown
from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera


def test_an_unplugged_camera_is_named_as_lost_and_comes_back(
    browser: Browser, watching: RunningAppliance, simcam: SimulatedCamera
) -> None:
    see_live(browser, watching.url)
    simcam.unplug()
    until_mood(browser, "lost")
    assert browser.text("#live-label") == "No camera"
    reason = eventually(lambda: watching.state()["camera"]["reason"], "a reason")
    browser.until_text("#live-message", reason)
    simcam.plug()
    until_frames_flow(browser)
    assert not is_shown(browser, "#live-message")
    assert watching.state()["viewers"] == 1


def test_the_page_comes_back_after_a_restart(browser: Browser, running: RunningAppliance) -> None:
    see_live(browser, running.url)
    running.stop()
    until_shown(browser, "#connection-lost")
    eventually(lambda: mood(browser) != "live", "a picture that is not called live")
    running.start()
    until_frames_flow(browser)
    eventually(lambda: not is_shown(browser, "#connection-lost"), "the end of the warning")
    assert running.state()["viewers"] == 1


def test_a_line_that_goes_dead_is_noticed_and_left(browser: Browser, running: RunningAppliance) -> None:
    see_live(browser, running.url)
    with running.hung():
        until_shown(browser, "#connection-lost")
        browser.until("() => ['waiting', 'connecting'].includes(document.querySelector('#live').dataset.state)")
        assert mood(browser) != "live"
        shown = frames(browser)
    eventually(lambda: frames(browser) > shown + 10, "new frames")
    eventually(lambda: not is_shown(browser, "#connection-lost"), "the end of the warning")
    eventually(lambda: running.state()["viewers"] == 1, "one viewer")


def test_reloading_the_page_leaves_no_viewer_behind(browser: Browser, running: RunningAppliance) -> None:
    for _ in range(3):
        see_live(browser, running.url)
    eventually(lambda: running.state()["viewers"] == 1, "one viewer")
    browser.leave()
    eventually(lambda: running.state()["viewers"] == 0, "no viewer")


def test_a_stopped_picture_gives_up_its_place(browser: Browser, running: RunningAppliance) -> None:
    see_live(browser, running.url)
    for _ in range(3):
        browser.press("q")
        eventually(lambda: running.state()["viewers"] == 0, "no viewer")
        browser.press("q")
        until_frames_flow(browser)
        assert running.state()["viewers"] == 1
