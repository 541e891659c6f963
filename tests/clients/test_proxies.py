"""Reverse proxies with the documented configuration: page, stream, changes and log-in go through."""

import base64
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from statistics import quantiles
from urllib.parse import urlencode, urljoin

import pytest

from tests.clients.conftest import LONG
from tests.clients.place import PASSWORD, RATE, TOKEN, Place, place
from tests.clients.proxies import Proxy, Writer, apache, caddy, haproxy, nginx, parts, running
from tests.clients.table import shows
from tests.running import eventually
from tests.streaming import Part

PROXIES: dict[str, Writer] = {"nginx": nginx, "Caddy": caddy, "Apache": apache, "HAProxy": haproxy}
BLOCKS = {"nginx": "nginx", "Caddy": "caddy", "Apache": "apache", "HAProxy": "haproxy"}
AGE = 1.0  # s, of a frame that nobody holds back

for each in PROXIES:
    shows(each, stream="plays", unplug="goes on", restart="works again", password="works", token="works")


def settings(behind: Place) -> dict[str, str]:
    """Return the documented lines of `.env`, by setting; here the proxy has the address of the loopback."""
    lines = behind.block("proxied").replace("192.168.1.5", "127.0.0.1").splitlines()
    return dict(line.partition("=")[::2] for line in lines)


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, open_place: Place) -> Iterator[Place]:
    """An open appliance that has the documented lines for a proxy."""
    with place(tmp_path_factory.mktemp("behind"), environment=settings(open_place)) as opened:
        yield opened


@pytest.fixture(scope="module")
def closed_behind(tmp_path_factory: pytest.TempPathFactory, open_place: Place) -> Iterator[Place]:
    """A closed appliance that has the documented lines for a proxy."""
    with place(tmp_path_factory.mktemp("closed-behind"), closed=True, environment=settings(open_place)) as closed:
        yield closed


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, behind: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The proxy before the open appliance."""
    block = behind.block(BLOCKS[request.param])
    with running(PROXIES[request.param], block, tmp_path_factory.mktemp("proxy") / "open") as proxy:
        yield proxy


@pytest.fixture(scope="module", params=PROXIES)
def guarded(
    request: pytest.FixtureRequest, closed_behind: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    """The proxy before the closed appliance."""
    block = closed_behind.block(BLOCKS[request.param])
    with running(PROXIES[request.param], block, tmp_path_factory.mktemp("proxy") / "closed") as proxy:
        yield proxy


def age(part: Part) -> float:
    return time.time() - part.timestamp


def test_the_page_and_all_that_it_loads_come_through(proxy: Proxy) -> None:
    page = proxy.ask("GET", "/")
    assert page.status == 200
    assert b"<title>" in page.body
    for path in ("/web/style.css", "/api/state", "/snapshot.jpg", "/healthz"):
        assert proxy.ask("GET", path).status == 200, path


def test_frames_come_as_soon_as_they_are_made(proxy: Proxy) -> None:
    with proxy.open("GET", "/stream.mjpg") as response:
        stream = parts(response)
        next(stream)
        ends_at, ages = time.monotonic() + LONG, []
        while time.monotonic() < ends_at:
            ages.append(age(next(stream)))
    assert len(ages) > 0.6 * RATE * LONG
    assert quantiles(ages, n=20)[-1] < AGE  # 19 of 20: a busy machine holds up single frames, a proxy all of them


def test_a_viewer_sees_the_placeholder_and_then_the_camera_again(proxy: Proxy, behind: Place) -> None:
    with proxy.open("GET", "/stream.mjpg") as response:
        stream = parts(response)
        assert next(stream).is_live
        with behind.unplugged():
            assert any(not part.is_live and age(part) < AGE for part in stream)
        assert any(part.is_live and age(part) < AGE for part in stream)


def test_it_works_again_after_a_restart(proxy: Proxy, behind: Place) -> None:
    with proxy.open("GET", "/stream.mjpg") as response:
        stream = parts(response)
        next(stream)
        behind.restart()
        with suppress(OSError, HTTPException):
            deque(stream, maxlen=0)  # to its end

    def plays() -> bool:
        with proxy.open("GET", "/stream.mjpg") as response:
            return response.status == 200 and next(parts(response)).is_live

    eventually(plays, "a live stream")


def test_our_own_page_changes_things_and_no_other(proxy: Proxy) -> None:
    def change(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return proxy.ask("PUT", "/api/privacy", '{"on": false}', {"Content-Type": "application/json", **named}).status

    assert change(Origin=proxy.origin) == 200
    assert change(Origin=proxy.origin, Sec_Fetch_Site="same-origin") == 200
    assert change(Origin="http://elsewhere.example") == 403
    assert change(Origin="http://elsewhere.example", Sec_Fetch_Site="cross-site") == 403


def test_events_come_at_once(proxy: Proxy) -> None:
    with proxy.open("GET", "/api/events") as response:
        assert response.status == 200
        assert response.readline()


def test_a_stranger_is_sent_to_the_log_in_and_stays_below_the_proxy(guarded: Proxy) -> None:
    page = guarded.ask("GET", "/", headers={"Accept": "text/html"})
    assert page.status in (302, 303)
    assert urljoin(f"{guarded.origin}/", page.headers["Location"]) == f"{guarded.origin}/login"


def test_a_person_logs_in_on_the_page_and_changes_things(guarded: Proxy) -> None:
    form = urlencode({"user": "admin", "password": f"{PASSWORD}-and-set"})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": guarded.origin}
    answer = guarded.ask("POST", "/login", form, headers)
    assert answer.status == 303, answer.body
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    change = {"Content-Type": "application/json", "Origin": guarded.origin, "Cookie": cookie}
    assert guarded.ask("PUT", "/api/privacy", '{"on": false}', change).status == 200
    assert guarded.ask("PUT", "/api/privacy", '{"on": false}', change | {"Origin": "http://x.example"}).status == 403


@pytest.mark.parametrize("way", ["password", "token"])
def test_programs_are_let_in(guarded: Proxy, way: str) -> None:
    basic = base64.b64encode(f"viewer:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"} if way == "password" else {}
    path = "/stream.mjpg" if way == "password" else f"/stream.mjpg?token={TOKEN}"
    with guarded.open("GET", path, headers=headers) as response:
        assert next(parts(response)).is_live


def test_a_name_that_is_not_allowed_gets_nothing(proxy: Proxy) -> None:
    stranger = Proxy(proxy.port, f"rebound.example.com:{proxy.port}")
    answer = stranger.ask("GET", "/api/state")
    assert answer.status == 421 or not answer.body  # Caddy itself serves no other name
