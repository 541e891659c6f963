"""What screen readers and keyboards meet: axe-core finds nothing, on every part of the page, in both schemes."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.test_pictures import fill
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html, any }) => [html, any[0]?.message]) }));
}"""


def _select(page: Page) -> None:
    page.keyboard.press("g")
    page.locator("#album-select").click()
    page.locator("#album .grid button").first.click()


def _view(page: Page) -> None:
    page.locator("#gallery button").first.click()
    expect(page.locator("#viewer")).to_be_visible()


def _undo(page: Page) -> None:
    _view(page)
    page.keyboard.press("Delete")
    expect(page.locator("#viewer .toast-act")).to_be_visible()
    page.wait_for_function("() => document.getAnimations().length === 0")


def _privacy(page: Page) -> None:
    page.locator("#privacy-switch").click()
    expect(page.locator("#stage")).to_have_attribute("data-mood", "private")


def _refused(page: Page) -> None:
    page.locator("[data-control=brightness] input[type=number]").fill("999")
    page.keyboard.press("Enter")
    expect(page.locator("[data-control=brightness] .control-error")).to_be_visible()


def _cut_off(page: Page) -> None:
    page.route("**/api/events", lambda route: route.abort())
    page.route("**/api/pictures", lambda route: route.abort())
    page.reload()
    page.locator("#take-picture").click()
    expect(page.locator("[data-toast=error]")).to_be_visible()
    expect(page.locator("#connection-lost")).to_be_visible()


SCENES: dict[str, Callable[[Page], None]] = {
    "page": lambda page: None,
    "album": _select,
    "viewer": _undo,
    "keys": lambda page: page.keyboard.press("?"),
    "privacy": _privacy,
    "refused": _refused,
    "cut off": _cut_off,
}


def violations(page: Page) -> list[object]:
    """Return what axe-core finds on the page as it is now."""
    assert AXE.exists(), "make install-web"
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[object] = page.evaluate(RUN)
    return found


@pytest.fixture(scope="module")
def with_pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    with RunningAppliance(tmp_path_factory.mktemp("accessible")) as appliance:
        fill(appliance.until_live(), 8, days=2)
        yield appliance


@pytest.mark.parametrize(
    ("scene", "scheme", "width"),
    [
        ("page", "light", 1280),
        ("page", "dark", 390),
        ("album", "light", 390),
        ("album", "dark", 1280),
        ("viewer", "light", 1280),
        ("keys", "dark", 1280),
        ("privacy", "light", 390),
        ("privacy", "dark", 1280),
        ("refused", "dark", 390),
        ("cut off", "light", 390),
        ("cut off", "dark", 1280),
    ],
)
def test_axe_finds_nothing(
    browser: Browser, with_pictures: RunningAppliance, scene: str, scheme: Literal["light", "dark"], width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
    try:
        page.goto(with_pictures.url)
        expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
        expect(page.locator("[data-control=brightness]")).to_be_visible()
        expect(page.locator("#gallery [data-picture-id]").first).to_be_visible()
        SCENES[scene](page)
        found = violations(page)
        assert found == [], json.dumps(found, indent=1)
    finally:
        page.close()
        with_pictures.ask("PUT", "/api/privacy", {"on": False})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_when_the_camera_refuses_a_format_and_is_lost(
    browser: Browser, watching: RunningAppliance, simcam: SimulatedCamera, scheme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
    try:
        page.goto(watching.url)
        expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
        simcam.no_frames_at(640)
        page.locator("#format-size").select_option("640x480")
        expect(page.locator("#format-error")).to_be_visible()
        refused = violations(page)
        assert refused == [], json.dumps(refused, indent=1)
        simcam.unplug()
        expect(page.locator("#stage")).to_have_attribute("data-mood", "lost")
        lost = violations(page)
        assert lost == [], json.dumps(lost, indent=1)
    finally:
        page.close()


def test_axe_finds_nothing_without_scripts(page: Page, with_pictures: RunningAppliance) -> None:
    """axe-core is a script itself: so the page is shown as it is without them, in a browser that has them."""

    def without_scripts(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub("<script.*?</script>|</?noscript>", "", answer.text()))

    page.route(with_pictures.url, without_scripts)
    page.goto(with_pictures.url, wait_until="commit")
    expect(page.get_by_role("button", name="Take picture")).to_have_count(1)
    expect(page.locator("img[src='stream.mjpg']")).to_be_visible()
    found = violations(page)
    assert found == [], json.dumps(found, indent=1)
