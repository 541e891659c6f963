"""Behind real reverse proxies, as programs see it: those that pass `Host` on, those that replace it, and sub-paths."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.http.conftest import PASSWORD, VIEWER_TOKEN, quick_hash
from tests.proxies import Proxy, example
from tests.running import PATIENCE, Answer, RunningAppliance, eventually

MARK = {"X-Camera-Appliance": "page"}
BLOCKS = {
    "nginx by default": ("nginx", "location / { proxy_pass http://127.0.0.1:8000; }"),
    "nginx with an upstream": ("nginx", "location / { proxy_pass http://camera_backend; }"),
    "nginx with $host": ("nginx", "location / { proxy_pass http://camera_backend; proxy_set_header Host $host; }"),
    "nginx with $http_host": (
        "nginx",
        "location / { proxy_pass http://camera_backend; proxy_set_header Host $http_host; }",
    ),
    "Apache by default": ("apache2", 'ProxyPass "/" "http://127.0.0.1:8000/"'),
    "Apache with ProxyPreserveHost": ("apache2", 'ProxyPreserveHost On\nProxyPass "/" "http://127.0.0.1:8000/"'),
}
BELOW = {
    "nginx by default": ("nginx", "location /door/ { proxy_pass http://camera_backend/; }"),
    "nginx as documented": ("nginx", example("nginx")),
    "Apache by default": ("apache2", 'ProxyPass "/door/" "http://127.0.0.1:8000/"'),
    "Apache as documented": ("apache2", example("apache")),
}
PASSING = {"nginx with $http_host", "Apache with ProxyPreserveHost"}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance with a password that trusts the proxy; its public address is another one."""
    environment = {
        "CAMERA_APPLIANCE_HTTP_PASSWORD": quick_hash(PASSWORD),
        "CAMERA_APPLIANCE_HTTP_VIEWER_TOKEN": VIEWER_TOKEN,
    }
    settings = {"http.trusted_proxies": "127.0.0.1", "http.public_url": "http://camera.example.org:8080/door/"}
    directory = tmp_path_factory.mktemp("behind")
    with RunningAppliance(directory, "test-pattern", environment, settings) as appliance:
        assert eventually(lambda: appliance.ask("GET", "/healthz").status == 200, "a live camera")
        yield appliance


@pytest.fixture(scope="module")
def open_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An open appliance that knows of no proxy."""
    with RunningAppliance(tmp_path_factory.mktemp("open-behind")) as appliance:
        yield appliance.until_live()


class Visitor:
    """A client that calls a proxy by a name, as browsers do over plain HTTP: no `Sec-Fetch-Site`."""

    def __init__(self, proxy: Proxy, name: str, origin: str | None = None) -> None:
        self._port = proxy.port
        self._host = f"{name}:{proxy.port}"
        self._origin = origin or f"http://{self._host}"
        self.cookie = ""

    def ask(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """Send a request with the headers that every browser adds."""
        sent = {"Host": self._host, **({"Cookie": self.cookie} if self.cookie else {}), **(headers or {})}
        if method not in ("GET", "HEAD"):
            sent = {"Origin": self._origin, "Content-Type": "application/json", **sent}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()


@pytest.mark.parametrize("name", ["cam.lan", "mainsail.local", "cam", "192.0.2.7"])
@pytest.mark.parametrize("kind", list(BLOCKS))
def test_our_own_page_changes_things_behind_every_proxy(
    open_behind: RunningAppliance, tmp_path: Path, kind: str, name: str
) -> None:
    program, block = BLOCKS[kind]
    with Proxy(program, tmp_path, block, open_behind.port) as proxy:
        visitor = Visitor(proxy, name)
        assert b"<title>Camera</title>" in visitor.ask("GET", "/").body
        assert visitor.ask("GET", "/snapshot.jpg").body.startswith(b"\xff\xd8")
        changed = visitor.ask("POST", "/api/controls/reset", {"names": []}, MARK)
        assert changed.status == 200, changed.body
        taken = visitor.ask("POST", "/api/pictures", {}, MARK)
        assert visitor.ask("GET", taken.json["url"]).body.startswith(b"\xff\xd8")
        # Without the header of the page it depends on the proxy, and the answer says what would help.
        plain = visitor.ask("POST", "/api/controls/reset", {"names": []})
        assert plain.status == (200 if kind in PASSING else 403)
        if plain.status == 403:
            assert "http.public_url" in plain.error[1]


@pytest.mark.parametrize("kind", list(BLOCKS))
def test_no_other_site_changes_anything_behind_any_proxy(
    open_behind: RunningAppliance, tmp_path: Path, kind: str
) -> None:
    program, block = BLOCKS[kind]
    with Proxy(program, tmp_path, block, open_behind.port) as proxy:
        for origin in ("http://evil.example", "http://evil.lan", "http://cam.lan:81", "null"):
            for headers in ({}, {"Sec-Fetch-Site": "cross-site", **MARK}, {"Sec-Fetch-Site": "same-site"}):
                visitor = Visitor(proxy, "cam.lan", origin)
                assert visitor.ask("POST", "/api/pictures", {}, headers).status == 403, (origin, headers)
            asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-camera-appliance"}
            answer = visitor.ask("OPTIONS", "/api/pictures", headers={"Origin": origin, **asked})
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
        # A name that was rebound to a proxy that replaces the Host: it shows in the Origin.
        rebound = Visitor(proxy, "rebind.evil.example")
        assert rebound.ask("POST", "/api/pictures", {}, MARK).status in (403, 421)


def test_the_public_address_needs_no_header_of_the_page(behind: RunningAppliance, tmp_path: Path) -> None:
    """Forms without scripts send no header of ours."""
    program, block = BLOCKS["nginx by default"]
    with Proxy(program, tmp_path, block, behind.port) as proxy:
        for origin, status in (
            ("http://camera.example.org:8080", 303),
            ("http://CAMERA.example.org:8080", 303),
            ("http://camera.example.org", 403),
            ("https://camera.example.org:8080", 403),
            ("http://other.example.org:8080", 403),
        ):
            visitor = Visitor(proxy, "camera.example.org", origin)
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            assert visitor.ask("POST", "/logout", headers=form).status == status, origin


@pytest.mark.parametrize("kind", list(BELOW))
def test_below_a_path_one_logs_in_and_takes_and_gets_a_picture(
    behind: RunningAppliance, tmp_path: Path, kind: str
) -> None:
    program, block = BELOW[kind]
    prefix = "/door" if "documented" in kind else ""
    with Proxy(program, tmp_path, block, behind.port) as proxy:
        visitor = Visitor(proxy, "cam.lan")
        sent = visitor.ask("GET", "/door/", headers={"Accept": "text/html"})
        assert sent.status == 303
        assert urljoin(f"{proxy.url}door/", sent.headers["Location"]) == f"{proxy.url}door/login"
        entered = visitor.ask("POST", "/door/login", {"user": "admin", "password": PASSWORD}, MARK)
        assert entered.status == 200, entered.body
        cookie = entered.headers["Set-Cookie"]
        assert f"Path={prefix}/" in cookie.split("; ")
        visitor.cookie = cookie.partition(";")[0]
        taken = visitor.ask("POST", "/door/api/pictures", {}, MARK).json
        assert taken["url"] == f"{prefix}/api/pictures/{taken['id']}.jpg"
        listed = visitor.ask("GET", "/door/api/pictures").json["pictures"][0]
        assert listed["thumbnail"] == f"{prefix}/api/pictures/{taken['id']}/thumbnail.jpg"
        for address in (taken["url"], listed["thumbnail"]):
            assert visitor.ask("GET", address if prefix else f"/door{address}").body.startswith(b"\xff\xd8")
        described = visitor.ask("GET", "/door/api/openapi.json").json
        assert described["servers"] == [{"url": prefix or "/"}]
        manifest = visitor.ask("GET", "/door/manifest.webmanifest").json
        for address in (manifest["start_url"], manifest["scope"], *(icon["src"] for icon in manifest["icons"])):
            assert urljoin(f"{proxy.url}door/manifest.webmanifest", address).startswith(f"{proxy.url}door/")
        left = visitor.ask("POST", "/door/logout", headers=MARK)
        assert urljoin(f"{proxy.url}door/logout", left.headers["Location"]) == f"{proxy.url}door/login"
        assert visitor.ask("GET", "/door/api/state").status == 401


@pytest.mark.parametrize(
    ("forwarded", "prefix"),
    [
        ("/door", "/door"),
        ("/door/", "/door"),
        ("/a/b-c/d.e~1", "/a/b-c/d.e~1"),
        ("/", ""),
        ("", ""),
        ("door", ""),
        ("//evil.example", ""),
        ("/door//x", ""),
        ("/../x", ""),
        ("/.", ""),
        ("/a;Domain=evil.example", ""),
        ("/a, /b", ""),
        ("/a b", ""),
        ('/a"b', ""),
        ("/a?b", ""),
        ("/a#b", ""),
        ("/a\\b", ""),
        ("/é", ""),
        ("http://evil.example/", ""),
        ("/" + "x" * 300, ""),
    ],
)
def test_only_a_plain_path_of_a_trusted_proxy_is_a_prefix(
    behind: RunningAppliance, forwarded: str, prefix: str
) -> None:
    headers = {"X-Forwarded-Prefix": forwarded, "X-Forwarded-For": "10.7.7.7"}
    answer = behind.ask("GET", f"/api/openapi.json?token={VIEWER_TOKEN}", headers=headers)
    assert answer.json["servers"] == [{"url": prefix or "/"}]
    entered = behind.ask("POST", "/login", {"user": "admin", "password": PASSWORD}, headers)
    attributes = entered.headers["Set-Cookie"].split("; ")
    assert [each for each in attributes if each.startswith(("Path", "Domain"))] == [f"Path={prefix}/"]


def test_a_prefix_is_believed_only_from_a_trusted_proxy(open_behind: RunningAppliance) -> None:
    answer = open_behind.ask("GET", "/api/openapi.json", headers={"X-Forwarded-Prefix": "/door"})
    assert answer.json["servers"] == [{"url": "/"}]
