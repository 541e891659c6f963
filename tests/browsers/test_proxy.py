"""The page below a sub-path of a real reverse proxy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsers.browser import Browser
from tests.browsers.nginx import Nginx
from tests.browsers.page import see_live, until_frames_flow, until_mood, until_shown
from tests.browsers.test_login import log_in
from tests.http.conftest import PASSWORD, quick_hash
from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera

PROXIES = {"passes Host": "proxy_set_header Host $http_host;", "replaces Host": ""}


@pytest.fixture(params=list(PROXIES.values()), ids=list(PROXIES))
def lines(request: pytest.FixtureRequest) -> str:
    """What the proxy sends besides."""
    return str(request.param)


@pytest.fixture
def protected(tmp_path: Path, simcam: SimulatedCamera) -> Iterator[RunningAppliance]:
    """An appliance with a camera, and with a password."""
    environment = {"CAMERA_APPLIANCE_HTTP_PASSWORD": quick_hash(PASSWORD)} | simcam.environment
    with RunningAppliance(tmp_path, "auto", environment) as appliance:
        eventually(lambda: appliance.ask("GET", "/healthz").status == 200, "a live camera")
        yield appliance


def test_stream_controls_pictures_and_log_in_work_below_a_sub_path(
    browser: Browser, protected: RunningAppliance, simcam: SimulatedCamera, lines: str, tmp_path: Path
) -> None:
    with Nginx(tmp_path / "nginx", protected, "/door/", lines) as nginx:
        browser.open(nginx.url)
        until_shown(browser, "[name=password]")
        log_in(browser, "wrong")
        browser.until_text("[role=alert]", "password is wrong")
        log_in(browser, PASSWORD)
        browser.until_text("#access", "admin")
        assert browser.url == nginx.url
        see_live(browser, nginx.url)
        browser.slide("[data-control=brightness] input[type=range]", 1.0)
        eventually(lambda: simcam.controls["brightness"] == 64, "the value in the camera")
        browser.click("#take-picture")
        browser.until("() => document.querySelector('#gallery [data-picture-id] img')?.naturalWidth > 100")
        browser.click("#privacy-switch")
        until_mood(browser, "private")
        browser.until("() => document.querySelector('#privacy-switch').ariaBusy !== 'true'")
        browser.click("#privacy-switch")
        until_frames_flow(browser)
        browser.click("#access button")
        until_shown(browser, "[name=password]")
        assert browser.url.startswith(nginx.url)
        browser.leave()
