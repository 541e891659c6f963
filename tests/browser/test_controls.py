"""The controls on the page: they show what the device reports and set what the user means."""

import pytest
from playwright.sync_api import APIResponse, Page, Request, Route, expect

from tests.browser.conftest import Eventually
from tests.browser.gestures import slide
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera


def open_panel(page: Page, appliance: RunningAppliance) -> None:
    page.goto(appliance.url)
    expect(page.locator("[data-control=brightness]")).to_be_visible()


def test_every_control_of_the_camera_is_on_the_page(page: Page, watching: RunningAppliance) -> None:
    open_panel(page, watching)
    controls = watching.ask("GET", "api/controls").json["controls"]
    names = page.locator("[data-control]").evaluate_all("all => all.map((one) => one.dataset.control)")
    assert sorted(names) == sorted(control["name"] for control in controls)
    for control in controls:
        usable = not (control["inactive"] or control["read_only"])
        first = page.locator(f"#control-{control['name']}")
        expect(first).to_be_enabled(enabled=usable)
        assert first.evaluate("one => one.labels.length") == 1


def test_moving_a_slider_changes_the_device(
    page: Page, watching: RunningAppliance, simcam: SimulatedCamera, eventually: Eventually
) -> None:
    open_panel(page, watching)
    slide(page, "brightness", 1.0)
    eventually(lambda: simcam.controls["brightness"] == 64)
    expect(page.locator("[data-control=brightness] input[type=number]")).to_have_value("64")


def test_a_moving_slider_sends_ten_changes_a_second_and_the_last(
    page: Page, watching: RunningAppliance, simcam: SimulatedCamera, eventually: Eventually
) -> None:
    open_panel(page, watching)
    sent: list[Request] = []
    page.on("requestfinished", lambda request: sent.append(request) if request.method == "PATCH" else None)
    for part in (0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.0):
        slide(page, "brightness", part)
    eventually(lambda: simcam.controls["brightness"] == -64)
    expect(page.locator("[data-control=brightness] input[type=number]")).to_have_value("-64")
    moments = [request.timing["startTime"] for request in sent]
    assert len(moments) > 2, "it is sent while it is moved"
    assert (moments[-1] - moments[0]) / (len(moments) - 1) > 95, "more than ten changes a second"


def test_a_fractional_control_has_a_slider_and_an_exact_field(
    page: Page, running: RunningAppliance, eventually: Eventually
) -> None:
    open_panel(page, running)
    field = page.locator("[data-control=gamma]")
    slider, number = field.locator("input[type=range]"), field.locator("input[type=number]")
    for each in (slider, number):
        assert [each.get_attribute(name) for name in ("min", "max", "step")] == ["0.2", "3", "0.1"]
    expect(number).to_have_value("1")
    number.fill("1.3")
    number.press("Enter")
    eventually(lambda: running.ask("GET", "api/controls").json["values"]["gamma"] == 1.3)
    expect(slider).to_have_value("1.3")
    slider.focus()
    page.keyboard.press("ArrowRight")
    eventually(lambda: running.ask("GET", "api/controls").json["values"]["gamma"] == 1.4)
    expect(number).to_have_value("1.4")
    field.locator("[data-action=reset]").click()
    eventually(lambda: running.ask("GET", "api/controls").json["values"]["gamma"] == 1)
    expect(number).to_have_value("1")


@pytest.mark.parametrize(
    ("limits", "step"),
    [
        ({"minimum": -1, "maximum": 1}, "0.01"),
        ({"minimum": 0, "maximum": 32}, "0.1"),
        ({"minimum": 0.001, "maximum": 0.009}, "0.00001"),
        ({"minimum": 0, "maximum": 1, "step": 0.25}, "0.25"),
        ({"minimum": 0, "maximum": 0}, "1"),
    ],
)
def test_a_fractional_control_without_a_step_gets_a_fine_one(
    page: Page, shared: RunningAppliance, limits: dict[str, float], step: str
) -> None:
    """A camera of single precision reports 0.3 as 0.30000001192092896."""
    changed = {"step": None, "value": 0.30000001192092896, "default": 0.0, **limits}
    module = """async (changed) => {
      const { FIELDS } = await import("/web/panel/fields.js");
      const root = document.querySelector("#control-number").content.cloneNode(true).firstElementChild;
      const field = FIELDS.number(root, { set() {}, release() {} });
      field.show({ name: "gain", label: "Gain", kind: "number", unit: null, choices: null, ...changed });
      return [...root.querySelectorAll("input")].map((input) => [input.step, input.type, input.value]);
    }"""
    page.goto(shared.url)
    inputs = page.evaluate(module, changed)
    assert [float(each[0]) for each in inputs] == [float(step)] * 2
    assert [value for _, kind, value in inputs if kind == "number"] == ["0.3"]


def test_a_mark_on_the_slider_shows_the_default(page: Page, watching: RunningAppliance) -> None:
    open_panel(page, watching)
    for name, place in (("brightness", 0.5), ("contrast", 0.5), ("gain", 0.0), ("gamma", 28 / 428)):
        field = page.locator(f"[data-control={name}]")
        slider, mark = field.locator("input[type=range]").bounding_box(), field.locator(".default-mark").bounding_box()
        assert slider is not None
        assert mark is not None, "it can be seen"
        at = (mark["x"] + mark["width"] / 2 - slider["x"]) / slider["width"]
        assert abs(at - place) < 0.06, f"{name}: the thumb keeps its half width from the ends"


def test_a_value_that_another_client_set_shows_on_the_page(page: Page, watching: RunningAppliance) -> None:
    open_panel(page, watching)
    watching.ask("PATCH", "api/controls", {"brightness": 17})
    expect(page.locator("[data-control=brightness] input[type=range]")).to_have_value("17")
    expect(page.locator("[data-control=brightness] input[type=number]")).to_have_value("17")


def test_a_late_answer_does_not_bring_back_an_old_value(
    page: Page, watching: RunningAppliance, eventually: Eventually
) -> None:
    open_panel(page, watching)
    late: list[tuple[Route, APIResponse]] = []
    page.route("**/api/controls", lambda route: late.append((route, route.fetch())))
    brightness = page.locator("[data-control=brightness] input[type=number]")
    brightness.fill("20")
    page.keyboard.press("Enter")
    eventually(lambda: late)
    watching.ask("PATCH", "api/controls", {"brightness": -30, "contrast": 7})
    expect(page.locator("[data-control=contrast] input[type=number]")).to_have_value("7")
    route, answer = late[0]
    route.fulfill(response=answer)
    expect(brightness).to_have_value("-30")
    expect(page.locator("[data-control=contrast] input[type=number]")).to_have_value("7")


def test_typing_is_not_disturbed_by_another_client(
    page: Page, watching: RunningAppliance, simcam: SimulatedCamera, eventually: Eventually
) -> None:
    open_panel(page, watching)
    number = page.locator("[data-control=brightness] input[type=number]")
    number.fill("2")
    watching.ask("PATCH", "api/controls", {"brightness": 40, "contrast": 11})
    expect(page.locator("[data-control=contrast] input[type=number]")).to_have_value("11")
    expect(number).to_have_value("2")
    number.press("1")
    number.press("Enter")
    eventually(lambda: simcam.controls["brightness"] == 21)
    number.fill("3")
    number.press("Escape")
    expect(number).to_have_value("21")


def test_a_number_out_of_range_is_refused_beside_the_field(page: Page, watching: RunningAppliance) -> None:
    open_panel(page, watching)
    number = page.locator("[data-control=brightness] input[type=number]")
    number.fill("999")
    number.press("Enter")
    error = page.locator("[data-control=brightness] .control-error")
    expect(error).to_contain_text("999")
    expect(error).to_contain_text("64")
    expect(number).to_have_value("0")
    number.fill("5")
    number.press("Enter")
    expect(error).to_be_hidden()
    expect(number).to_have_value("5")


def test_a_control_governed_by_an_automatic_mode_is_freed_with_its_switch(
    page: Page, watching: RunningAppliance, simcam: SimulatedCamera, eventually: Eventually
) -> None:
    open_panel(page, watching)
    temperature = page.locator("#control-white_balance_temperature")
    expect(temperature).to_be_disabled()
    expect(temperature).to_have_attribute("aria-description", "Not used while White Balance, Automatic is on")
    page.locator("#control-white_balance_automatic").uncheck()
    expect(temperature).to_be_enabled()
    eventually(lambda: simcam.controls["white_balance_automatic"] == 0)


def test_a_menu_and_its_reset_reach_the_device(
    page: Page, watching: RunningAppliance, simcam: SimulatedCamera, eventually: Eventually
) -> None:
    open_panel(page, watching)
    menu = page.locator("#control-power_line_frequency")
    expect(menu).to_contain_text("50 Hz (default)")
    menu.select_option("60 Hz")
    eventually(lambda: simcam.controls["power_line_frequency"] == 2)
    page.locator("[data-control=power_line_frequency] [data-action=reset]").click()
    eventually(lambda: simcam.controls["power_line_frequency"] == 1)
    expect(menu).to_have_value("1")
    expect(menu).to_be_focused()


def test_reset_all_restores_every_default(
    page: Page, watching: RunningAppliance, simcam: SimulatedCamera, eventually: Eventually
) -> None:
    defaults = simcam.controls
    open_panel(page, watching)
    expect(page.locator("#reset-all")).to_be_disabled()
    watching.ask("PATCH", "api/controls", {"brightness": 9, "contrast": 3, "auto_exposure": 1})
    page.locator("#reset-all").click()
    eventually(lambda: simcam.controls == defaults)
    expect(page.locator("#reset-all")).to_be_disabled()


def test_a_resolution_chosen_on_the_page_is_granted(
    page: Page, watching: RunningAppliance, eventually: Eventually
) -> None:
    open_panel(page, watching)
    page.locator("#format-size").select_option("640x480")
    eventually(lambda: (watching.state()["format"]["granted"] or {}).get("width") == 640)
    expect(page.locator("#format-granted")).to_contain_text("Granted: 640x480")
    expect(page.locator("#live")).to_have_attribute("width", "640")


def test_a_resolution_without_pictures_is_refused_beside_its_field(
    page: Page, watching: RunningAppliance, simcam: SimulatedCamera
) -> None:
    open_panel(page, watching)
    simcam.no_frames_at(640)
    page.locator("#format-size").select_option("640x480")
    expect(page.locator("#format-error")).to_contain_text("640x480")
    expect(page.locator("#format-size")).to_have_value("1280x720")
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")


def test_the_page_says_when_the_camera_grants_something_else(page: Page, watching: RunningAppliance) -> None:
    open_panel(page, watching)
    watching.ask("PATCH", "api/format", {"width": 1280, "height": 720, "fps": 30, "pixel_format": "YUYV"})
    expect(page.locator("#format-granted")).to_contain_text("Requested: 1280x720 at 30 fps, YUYV")
    expect(page.locator("#format-pixel-format")).to_have_value("YUYV")


def test_controls_are_found_by_their_words(page: Page, shared: RunningAppliance) -> None:
    open_panel(page, shared)
    page.keyboard.press("/")
    page.keyboard.type("white tem")
    visible = page.locator("[data-control]:visible")
    expect(visible).to_have_count(1)
    expect(visible).to_have_attribute("data-control", "white_balance_temperature")
    expect(page.locator("#controls legend:visible")).to_have_count(1)
    search = page.locator("#control-search")
    search.fill("no such thing")
    expect(visible).to_have_count(0)
    expect(page.locator("[data-role=nothing]")).to_be_visible()
    search.fill("")
    expect(page.locator("[data-control=brightness]")).to_be_visible()
