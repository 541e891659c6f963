"""The live picture: it moves, stops, comes back, and says honestly what it is."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Eventually
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera

SET_VISIBILITY = """(state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
REMEMBER_LABELS = """() => {
  const label = document.querySelector("#live-label");
  window.labels = [];
  new MutationObserver(() => window.labels.push(label.textContent)).observe(label, { childList: true });
}"""
A_WRONG_CLOCK = """
  const now = Date.now;
  window.ahead = 3_600_000;
  Date.now = () => now() + window.ahead;
"""
FAIL_EVERY_THIRD_DECODING = """
  const decode = window.createImageBitmap.bind(window);
  let count = 0;
  window.createImageBitmap = (...all) => (++count % 3 ? decode(...all) : Promise.reject(new Error("undecodable")));
"""


def frames(page: Page) -> int:
    return int(page.locator("#live").get_attribute("data-frames") or 0)


def see_live(page: Page, appliance: RunningAppliance) -> None:
    """Open the page and wait until it shows live frames."""
    page.goto(appliance.url)
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")


def test_frames_move_on_the_page(page: Page, appliance: RunningAppliance, eventually: Eventually) -> None:
    see_live(page, appliance)
    shown, picture = frames(page), page.locator("#live").screenshot()
    eventually(lambda: frames(page) > shown + 20)
    eventually(lambda: page.locator("#live").screenshot() != picture)
    expect(page.locator("#live-badge")).to_contain_text("fps")
    expect(page.locator("#live-badge")).to_contain_text("old")
    expect(page.locator("#live-label")).to_have_text("Live")


def test_the_page_has_the_name_of_the_camera(page: Page, appliance: RunningAppliance) -> None:
    see_live(page, appliance)
    name = appliance.state()["name"]
    expect(page).to_have_title(name)
    expect(page.locator("#name")).to_have_text(name)


def test_a_frame_that_cannot_be_decoded_does_not_stop_the_picture(
    page: Page, appliance: RunningAppliance, eventually: Eventually
) -> None:
    page.add_init_script(FAIL_EVERY_THIRD_DECODING)
    see_live(page, appliance)
    eventually(lambda: frames(page) > 20)
    assert int(page.locator("#live").get_attribute("data-undecodable") or 0) > 3


def test_key_q_gives_up_the_viewer_place_and_takes_it_again(
    page: Page, appliance: RunningAppliance, eventually: Eventually
) -> None:
    see_live(page, appliance)
    eventually(lambda: appliance.state()["viewers"] == 1)
    page.keyboard.press("q")
    expect(page.locator("#live")).to_have_attribute("data-state", "stopped")
    expect(page.locator("#toggle-live")).to_contain_text("Start")
    eventually(lambda: appliance.state()["viewers"] == 0)
    shown = frames(page)
    page.keyboard.press("q")
    eventually(lambda: frames(page) > shown + 5)
    eventually(lambda: appliance.state()["viewers"] == 1)


def test_a_hidden_tab_gives_up_its_viewer_place(
    page: Page, appliance: RunningAppliance, eventually: Eventually
) -> None:
    see_live(page, appliance)
    page.evaluate(SET_VISIBILITY, "hidden")
    eventually(lambda: appliance.state()["viewers"] == 0)
    shown = frames(page)
    page.evaluate(SET_VISIBILITY, "visible")
    eventually(lambda: frames(page) > shown + 5)
    expect(page.locator("#connection-lost")).to_be_hidden()


def test_a_hidden_live_picture_gives_up_its_viewer_place(
    page: Page, appliance: RunningAppliance, eventually: Eventually
) -> None:
    page.set_viewport_size({"width": 1280, "height": 400})
    see_live(page, appliance)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator("#live-label")).to_have_text("Paused")
    eventually(lambda: appliance.state()["viewers"] == 0)
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator("#live-label")).to_have_text("Live")
    page.keyboard.press("g")
    eventually(lambda: appliance.state()["viewers"] == 0)
    page.keyboard.press("Escape")
    expect(page.locator("#live-label")).to_have_text("Live")


def test_the_age_of_the_picture_is_independent_of_the_browser_clock(page: Page, shared: RunningAppliance) -> None:
    page.add_init_script(A_WRONG_CLOCK)
    see_live(page, shared)
    expect(page.locator("#live-badge")).to_contain_text(re.compile(r"(\d+ ms|\d\.\d s) old"))


def test_a_page_that_slept_reconnects_at_once(page: Page, shared: RunningAppliance, eventually: Eventually) -> None:
    page.add_init_script(A_WRONG_CLOCK)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(shared.url)))
    see_live(page, shared)
    page.evaluate("window.ahead += 600_000")
    eventually(lambda: (asked.count("stream.mjpg"), asked.count("api/events")) == (2, 2))
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")


def test_a_stopped_picture_stays_stopped_when_the_tab_comes_back(page: Page, appliance: RunningAppliance) -> None:
    see_live(page, appliance)
    page.locator("#toggle-live").click()
    page.evaluate(SET_VISIBILITY, "hidden")
    page.evaluate(SET_VISIBILITY, "visible")
    expect(page.locator("#stage")).to_have_attribute("data-state", "stopped")
    assert appliance.state()["viewers"] == 0


def test_the_page_recovers_when_the_appliance_restarts(
    page: Page, appliance: RunningAppliance, eventually: Eventually
) -> None:
    see_live(page, appliance)
    appliance.stop()
    expect(page.locator("#connection-lost")).to_be_visible()
    expect(page.locator("#live-label")).not_to_have_text("Live")
    shown = frames(page)
    appliance.start()
    eventually(lambda: frames(page) > shown + 10)
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
    expect(page.locator("#connection-lost")).to_be_hidden()


def test_a_line_that_goes_dead_is_noticed_and_left(
    page: Page, appliance: RunningAppliance, eventually: Eventually
) -> None:
    see_live(page, appliance)
    page.evaluate(REMEMBER_LABELS)
    with appliance.hung():
        expect(page.locator("#connection-lost")).to_be_visible()
        expect(page.locator("#live")).to_have_attribute("data-state", re.compile("waiting|connecting"))
        shown = frames(page)
        assert "Delayed" in page.evaluate("labels"), "an old picture was called live"
    eventually(lambda: frames(page) > shown + 10)
    expect(page.locator("#connection-lost")).to_be_hidden()


def test_a_refused_viewer_is_told_why_and_waits(
    page: Page, appliance: RunningAppliance, eventually: Eventually
) -> None:
    answers = ["full"]

    def refuse_once(route: Route) -> None:
        if not answers:
            route.continue_()
            return
        answers.pop()
        body = '{"error": {"code": "too_many_viewers", "message": "All viewer places are taken."}}'
        headers = {"Retry-After": "2", "Content-Type": "application/json"}
        route.fulfill(status=503, headers=headers, body=body)

    page.route("**/stream.mjpg", refuse_once)
    page.goto(appliance.url)
    expect(page.locator("#live-message")).to_have_text("All viewer places are taken.")
    eventually(lambda: frames(page) > 5)
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")


def test_an_unplugged_camera_is_told_with_its_reason(
    page: Page, watching: RunningAppliance, simcam: SimulatedCamera, eventually: Eventually
) -> None:
    see_live(page, watching)
    simcam.unplug()
    expect(page.locator("#stage")).to_have_attribute("data-mood", "lost")
    expect(page.locator("#live-label")).to_have_text("No camera")
    eventually(lambda: watching.state()["camera"]["reason"])
    reason = watching.state()["camera"]["reason"]
    expect(page.locator("#live-message")).to_have_text(reason)
    expect(page.locator("[data-state=camera]")).to_contain_text(reason)
    expect(page).to_have_title(f"No camera – {watching.state()['name']}")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", "web/icons/lost.svg")
    simcam.plug()
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
    expect(page.locator("#live-message")).to_be_hidden()


REJECT_THE_STREAM = """
  const ask = window.fetch.bind(window);
  window.fetch = (address, options) =>
    String(address).includes("stream.mjpg") ? Promise.reject(new TypeError("Load failed")) : ask(address, options);
"""
ANSWER_WITHOUT_A_BODY = """
  const ask = window.fetch.bind(window);
  window.fetch = async (address, options) => {
    const response = await ask(address, options);
    if (String(address).includes("stream.mjpg")) Object.defineProperty(response, "body", { value: null });
    return response;
  };
"""


@pytest.mark.parametrize("inability", [REJECT_THE_STREAM, ANSWER_WITHOUT_A_BODY], ids=["rejects", "no body"])
def test_where_no_script_can_read_a_stream_an_image_shows_it(
    page: Page, appliance: RunningAppliance, eventually: Eventually, inability: str
) -> None:
    page.add_init_script(inability)
    page.goto(appliance.url)
    image = page.locator("#live-image")
    expect(image).to_be_visible()
    expect(page.locator("#live")).to_be_hidden()
    expect(page.locator("#live-label")).to_have_text("Live")
    seen = image.screenshot()
    eventually(lambda: image.screenshot() != seen)
    assert appliance.state()["viewers"] == 1
    page.keyboard.press("q")
    expect(page.locator("#live-label")).to_have_text("Stopped")
    eventually(lambda: appliance.state()["viewers"] == 0)
    page.keyboard.press("q")
    expect(page.locator("#live-label")).to_have_text("Live")
    appliance.stop()
    expect(page.locator("#live-label")).not_to_have_text("Live")
    appliance.start()
    expect(page.locator("#live-label")).to_have_text("Live")
    seen = image.screenshot()
    eventually(lambda: image.screenshot() != seen)
    eventually(lambda: appliance.state()["viewers"] == 1)
