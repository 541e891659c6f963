"""The nginx site of Mainsail and of Fluidd before the appliance: `/webcam/`, as their settings have it by default.

The directives are those of the site files in both manual installations, as of 2026-11; Fluidd leaves buffering on.
Neither passes the Host on: the appliance is called by the name of the upstream.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from statistics import quantiles

import pytest

from appliance import jpeg
from tests.clients.conftest import LONG
from tests.clients.place import RATE, TOKEN, Place
from tests.clients.proxies import Proxy, nginx, parts, running
from tests.clients.table import shows
from tests.running import eventually

SITE = """
server {{
    listen 80;
    location /webcam/ {{
        {directives}
        proxy_pass http://mjpgstreamer1/;
    }}
}}
"""
DIRECTIVES = {
    "Mainsail": "postpone_output 0; proxy_buffering off; proxy_ignore_headers X-Accel-Buffering; "
    "access_log off; error_log off;",
    "Fluidd": "",
}
STREAM, SNAPSHOT = "/webcam/?action=stream", "/webcam/?action=snapshot"

for each in DIRECTIVES:
    shows(each, stream="plays", unplug="goes on", restart="works again", password="—", token="works")


def site(behind: Place, which: str) -> str:
    """Return the configuration: the documented upstream, and the site as it is installed."""
    return behind.block("mainsail") + SITE.format(directives=DIRECTIVES[which])


@pytest.fixture(scope="module", params=DIRECTIVES)
def printer(
    request: pytest.FixtureRequest, open_place: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    """The printer's nginx; browsers call it `mainsailos.local`."""
    folder = tmp_path_factory.mktemp("printer") / "nginx"
    with running(nginx, site(open_place, request.param), folder, "mainsailos.local") as proxy:
        yield proxy


def test_frames_come_as_soon_as_they_are_made(printer: Proxy) -> None:
    with printer.open("GET", STREAM) as response:
        stream = parts(response)
        next(stream)
        ends_at, ages = time.monotonic() + LONG, []
        while time.monotonic() < ends_at:
            ages.append(time.time() - next(stream).timestamp)
    assert len(ages) > 0.6 * RATE * LONG
    assert quantiles(ages, n=20)[-1] < 1  # 19 of 20: a busy machine holds up single frames, a proxy all of them


def test_a_snapshot_is_one_picture(printer: Proxy) -> None:
    # Both interfaces append the time, so that no browser shows an old one.
    for path in (SNAPSHOT, f"{SNAPSHOT}&cacheBust={time.time():.0f}"):
        answer = printer.ask("GET", path)
        assert answer.status == 200, answer.body
        jpeg.verify(answer.body)


def test_an_unplugged_camera_is_a_placeholder_and_then_live_again(printer: Proxy, open_place: Place) -> None:
    with printer.open("GET", STREAM) as response:
        stream = parts(response)
        with open_place.unplugged():
            assert any(not part.is_live for part in stream)
        assert any(part.is_live for part in stream)


def test_it_works_again_after_a_restart(printer: Proxy, open_place: Place) -> None:
    with printer.open("GET", STREAM) as response:
        stream = parts(response)
        next(stream)
        open_place.restart()
        with suppress(OSError, HTTPException):
            deque(stream, maxlen=0)  # to its end

    def plays() -> bool:
        with printer.open("GET", STREAM) as response:
            return response.status == 200 and next(parts(response)).is_live

    eventually(plays, "a live stream")


@pytest.mark.parametrize("which", DIRECTIVES)
def test_a_token_in_the_address_shows_the_stream(which: str, closed_place: Place, tmp_path: Path) -> None:
    with running(nginx, site(closed_place, which), tmp_path / "nginx", "mainsailos.local") as printer:
        assert printer.ask("GET", SNAPSHOT).status == 401
        with printer.open("GET", f"{STREAM}&token={TOKEN}") as response:
            assert next(parts(response)).is_live
