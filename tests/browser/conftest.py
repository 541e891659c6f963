"""A browser, a page that may have no errors, and an appliance to look at."""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect, sync_playwright

from tests import processes
from tests.running import RunningAppliance

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PARTS_OF_THE_PAGE = {"document", "stylesheet", "script", "font", "manifest"}
POLL = 30  # ms

expect.set_options(timeout=20_000)  # ms; a busy machine is slow, not wrong

Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new page; an error in its console, or a part of it that does not load, fails the test."""
    errors: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        # Chromium reports every answer with an error status like that, also those that a test provokes.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            errors.append(message.text)

    def on_response(response: Response) -> None:
        if response.status >= 400 and response.request.resource_type in PARTS_OF_THE_PAGE:
            errors.append(f"{response.status} {response.url}")

    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(20_000)
    page.on("console", on_console)
    page.on("response", on_response)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


@pytest.fixture
def eventually(page: Page) -> Eventually:
    """Wait until a condition outside of the page holds; the browser goes on meanwhile."""

    def wait(condition: Callable[[], object], seconds: float = 20.0) -> None:
        processes.eventually(condition, seconds=seconds, pause=lambda: page.wait_for_timeout(POLL))

    return wait


@pytest.fixture
def appliance(running: RunningAppliance) -> RunningAppliance:
    """An appliance that shows the test pattern."""
    return running
