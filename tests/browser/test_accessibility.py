"""What screen readers and keyboards meet: axe-core finds nothing, on every part of the page, in both schemes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_pictures import fill
from tests.running import RunningAppliance

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


SCENES: dict[str, Callable[[Page], None]] = {
    "page": lambda page: None,
    "album": _select,
    "viewer": _undo,
    "keys": lambda page: page.keyboard.press("?"),
}


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
    ],
)
def test_axe_finds_nothing(
    browser: Browser, with_pictures: RunningAppliance, scene: str, scheme: Literal["light", "dark"], width: int
) -> None:
    assert AXE.exists(), "make install-web"
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
    try:
        page.goto(with_pictures.url)
        expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
        expect(page.locator("[data-control=brightness]")).to_be_visible()
        expect(page.locator("#gallery [data-picture-id]").first).to_be_visible()
        SCENES[scene](page)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert page.evaluate(RUN) == [], json.dumps(page.evaluate(RUN), indent=1)
    finally:
        page.close()
