"""The privacy switch on the page: it closes the camera, and shows what is, not what was wished."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera


def test_the_switch_closes_the_camera_and_opens_it_again(
    page: Page,
    watching: RunningAppliance,
    simcam: SimulatedCamera,
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    page.goto(watching.url)
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
    switch = page.locator("#privacy-switch")
    expect(switch).not_to_be_checked()
    switch.click()
    eventually(lambda: simcam.statistics.handles == 0)
    expect(page.locator("#stage")).to_have_attribute("data-mood", "private")
    expect(page.locator("#live-label")).to_have_text("Privacy")
    expect(page).to_have_title(f"Privacy – {watching.state()['name']}")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", "web/icons/private.svg")
    page.set_viewport_size({"width": 390, "height": 500})
    page.locator("[data-state=version]").scroll_into_view_if_needed()
    expect(switch).to_be_in_viewport()
    expect(page.locator("#privacy-on")).to_be_in_viewport()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate("scrollTo(0, 0)")
    page.keyboard.press("r")
    expect(page.locator("#toasts")).to_contain_text("privacy is on")
    assert watching.stored() == []
    switch.click()
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
    assert watching.state()["privacy"] is False


def test_a_switch_by_another_client_shows_on_the_page(page: Page, appliance: RunningAppliance) -> None:
    page.goto(appliance.url)
    appliance.ask("PUT", "/api/privacy", {"on": True})
    expect(page.locator("#privacy-switch")).to_be_checked()
    appliance.ask("PUT", "/api/privacy", {"on": False})
    expect(page.locator("#privacy-switch")).not_to_be_checked()


def test_a_request_without_an_answer_is_not_shown_as_done(
    page: Page, appliance: RunningAppliance, eventually: Callable[[Callable[[], object]], None]
) -> None:
    page.goto(appliance.url)
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
    switch = page.locator("#privacy-switch")
    with appliance.hung():
        page.locator("#privacy").click()
        expect(switch).to_have_attribute("aria-busy", "true")
        expect(switch).not_to_be_checked()
        page.locator("#privacy").click()
        expect(switch).not_to_be_checked()
    expect(switch).to_be_checked()
    expect(switch).to_have_attribute("aria-busy", "false")
    assert appliance.state()["privacy"] is True


def test_a_request_that_fails_leaves_the_switch_and_says_so(page: Page, appliance: RunningAppliance) -> None:
    page.route("**/api/privacy", lambda route: route.abort())
    page.goto(appliance.url)
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
    page.locator("#privacy").click()
    expect(page.locator("#toasts")).to_contain_text("Privacy is still off")
    expect(page.locator("#privacy-switch")).not_to_be_checked()
    assert appliance.state()["privacy"] is False
