"""Logging in and out, with scripts and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_accessibility import violations
from tests.http.conftest import PASSWORD, quick_hash
from tests.running import RunningAppliance, eventually


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance that asks for a password before it shows anything."""
    environment = {"CAMERA_APPLIANCE_HTTP_PASSWORD": quick_hash(PASSWORD)}
    with RunningAppliance(tmp_path_factory.mktemp("protected"), environment=environment) as appliance:
        assert eventually(lambda: appliance.ask("GET", "/healthz").status == 200, "a live camera")
        yield appliance


def test_one_logs_in_sees_and_controls_and_logs_out(browser: Browser, protected: RunningAppliance) -> None:
    page = browser.new_page()
    page.goto(protected.url)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("password is wrong")
    expect(page.get_by_label("User")).to_have_value("admin")
    expect(page.get_by_label("Password")).to_be_focused()
    assert violations(page) == []

    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#access")).to_contain_text("admin")
    page.locator("#take-picture").click()
    page.wait_for_function("() => document.body.innerText.includes('Picture 1')")
    assert protected.stored()

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto(protected.url)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.close()


def test_without_scripts_the_form_logs_in_as_well(browser: Browser, protected: RunningAppliance) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(protected.url)
    page.locator("[name=password]").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("password is wrong")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(protected.url)
    expect(page.locator("noscript img, img[src='stream.mjpg']").first).to_be_attached()
    context.close()


def test_where_everybody_may_view_the_first_change_asks_to_log_in(page: Page, tmp_path: Path) -> None:
    environment = {"CAMERA_APPLIANCE_HTTP_PASSWORD": quick_hash(PASSWORD), "CAMERA_APPLIANCE_HTTP_VIEWER_OPEN": "true"}
    with RunningAppliance(tmp_path, environment=environment) as appliance:
        page.goto(appliance.url)
        expect(page.locator("#access a")).to_have_text("Log in")
        page.locator("#take-picture").click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#access")).to_contain_text("admin")
        page.goto("about:blank")
