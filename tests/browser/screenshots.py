"""Photograph the page: `python -m tests.browser.screenshots FOLDER`, on the simulated camera; `make screenshots`."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera

SIZES = {"phone": (390, 844), "laptop": (1280, 800), "desktop": (2560, 1440)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
QUALITY = 70

Scene = Callable[[Page], object]


def _select(page: Page) -> None:
    page.locator("#album-open").click()
    page.locator("#album .grid img").first.wait_for()
    page.locator("#album-select").click()
    for number in (1, 2, 4):
        page.locator("#album .grid button").nth(number).click()


def _view(page: Page) -> None:
    page.locator("#gallery button").nth(2).click()
    page.wait_for_function("() => document.querySelector('#viewer-image').complete")


SCENES: dict[str, Scene] = {
    "page": lambda page: page.mouse.move(0, 0),
    "album": _select,
    "viewer": _view,
    "keys": lambda page: page.locator("#show-keys").click(force=True),
}
KEPT = [("page", size, scheme) for size in SIZES for scheme in SCHEMES] + [
    ("album", "laptop", "light"),
    ("album", "phone", "dark"),
    ("viewer", "phone", "dark"),
]


def open_page(browser: Browser, url: str, size: str, scheme: Literal["light", "dark"]) -> Page:
    """Open the page as a screen of that size shows it, and wait until it is complete."""
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=size == "phone", locale="en-GB"
    )
    page.goto(url)
    page.wait_for_selector("#stage[data-mood=live]")
    page.wait_for_selector("[data-control=brightness]")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#gallery img')].slice(0, 3).every((one) => one.naturalWidth)"
    )
    page.wait_for_timeout(8000 if size != "phone" else 1500)  # for the lines of the last minute
    return page


def take(folder: Path, wanted: list[tuple[str, str, Literal["light", "dark"]]], quality: int = QUALITY) -> None:
    """Write `scene-size-scheme.jpg` for each that is wanted."""
    with (
        tempfile.TemporaryDirectory() as directory,
        SimulatedCamera(Path(directory) / "camera") as camera,
        RunningAppliance(Path(directory), "auto", camera.environment, {"camera.name": "front-door"}) as appliance,
        sync_playwright() as playwright,
    ):
        appliance.until_live()
        for number in range(30):
            day, minute = 17 + number // 6, number * 7 % 60
            data = appliance.ask("GET", "/snapshot.jpg").body
            path = appliance.pictures / f"{number + 1:06}_2026-11-{day}T{9 + number % 9:02}-{minute:02}-12.jpg"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for scene, size, scheme in wanted:
            page = open_page(browser, appliance.url, size, scheme)
            SCENES[scene](page)
            page.wait_for_timeout(500)
            page.screenshot(path=folder / f"{scene}-{size}-{scheme}.jpg", type="jpeg", quality=quality)
            page.close()
        browser.close()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    take(target, KEPT)
