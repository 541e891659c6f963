"""The controls: what one does on the page reaches the camera."""

from tests.browsers.browser import Browser
from tests.browsers.page import see_live
from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera


def until_set(camera: SimulatedCamera, name: str, value: int) -> None:
    """Wait until the camera itself has the value."""
    eventually(lambda: camera.controls[name] == value, f"{name} = {value} in the camera")


def test_a_slider_moves_the_value_of_the_camera(
    browser: Browser, appliance: RunningAppliance, shared_simcam: SimulatedCamera
) -> None:
    see_live(browser, appliance.url)
    for part, value in ((1.0, 64), (0.0, -64)):
        browser.slide("[data-control=brightness] input[type=range]", part)
        until_set(shared_simcam, "brightness", value)
        number = "[data-control=brightness] input[type=number]"
        eventually(lambda: browser.value(number) == str(value), "the value beside the slider")  # noqa: B023


def test_a_number_a_switch_and_a_menu_reach_the_camera_and_are_reset(
    browser: Browser, appliance: RunningAppliance, shared_simcam: SimulatedCamera
) -> None:
    see_live(browser, appliance.url)
    browser.fill("[data-control=contrast] input[type=number]", "7")
    browser.press("Enter")
    until_set(shared_simcam, "contrast", 7)
    browser.click("#control-white_balance_automatic")
    until_set(shared_simcam, "white_balance_automatic", 0)
    browser.choose("#control-power_line_frequency", "2")
    until_set(shared_simcam, "power_line_frequency", 2)
    browser.click("[data-control=power_line_frequency] [data-action=reset]")
    until_set(shared_simcam, "power_line_frequency", 1)
    # The page then moves the focus, which may scroll; a click before that would miss.
    browser.until("() => document.querySelector('[data-control=power_line_frequency] [data-action=reset]').disabled")
    browser.until("() => document.activeElement?.closest('[data-control=power_line_frequency]')")
    browser.click("#reset-all")
    until_set(shared_simcam, "contrast", 32)
    until_set(shared_simcam, "white_balance_automatic", 1)
    browser.until("() => document.querySelector('#reset-all').disabled")


def test_a_number_out_of_range_is_refused_beside_the_field(browser: Browser, appliance: RunningAppliance) -> None:
    see_live(browser, appliance.url)
    number = "[data-control=brightness] input[type=number]"
    browser.fill(number, "999")
    browser.press("Enter")
    browser.until_text("[data-control=brightness] .control-error", "999")
    eventually(lambda: browser.value(number) == "0", "the value of before")


def test_a_resolution_chosen_on_the_page_is_shown(browser: Browser, appliance: RunningAppliance) -> None:
    see_live(browser, appliance.url)
    browser.choose("#format-size", "640x480")
    browser.until("() => document.querySelector('#live').width === 640")
    browser.until_text("#format-granted", "640x480")
