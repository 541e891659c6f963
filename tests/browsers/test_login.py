"""Logging in and out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsers.browser import Browser
from tests.browsers.page import see_live, until_frames_flow, until_shown
from tests.http.conftest import PASSWORD, quick_hash
from tests.running import RunningAppliance, eventually


@pytest.fixture
def protected(tmp_path: Path) -> Iterator[RunningAppliance]:
    """An appliance that asks for a password before it shows anything."""
    environment = {"CAMERA_APPLIANCE_HTTP_PASSWORD": quick_hash(PASSWORD)}
    with RunningAppliance(tmp_path, environment=environment) as appliance:
        eventually(lambda: appliance.ask("GET", "/healthz").status == 200, "a live camera")
        yield appliance


def log_in(browser: Browser, password: str) -> None:
    """Fill in the form and send it."""
    browser.fill("[name=password]", password)
    browser.click("form [type=submit]")


def test_one_logs_in_sees_and_controls_and_logs_out(browser: Browser, protected: RunningAppliance) -> None:
    browser.open(protected.url)
    until_shown(browser, "[name=password]")
    log_in(browser, "wrong")
    browser.until_text("[role=alert]", "password is wrong")
    assert protected.ask("GET", "/api/state").status == 401
    log_in(browser, PASSWORD)
    browser.until_text("#access", "admin")
    until_frames_flow(browser)
    assert [cookie["httpOnly"] for cookie in browser.cookies] == [True]
    browser.click("#take-picture")
    browser.until_text("#toasts", "Picture 1")
    browser.click("#access button")
    until_shown(browser, "[name=password]")
    assert browser.cookies == []
    browser.open(protected.url)
    until_shown(browser, "[name=password]")


def test_a_restart_asks_who_watches_to_log_in_once_more(browser: Browser, protected: RunningAppliance) -> None:
    browser.open(protected.url)
    until_shown(browser, "[name=password]")
    log_in(browser, PASSWORD)
    browser.until_text("#access", "admin")
    until_frames_flow(browser)
    protected.stop()
    protected.start()
    until_shown(browser, "[name=password]")
    log_in(browser, PASSWORD)
    browser.until_text("#access", "admin")
    see_live(browser, protected.url)
