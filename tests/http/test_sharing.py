"""CORS: what pages of other origins may read where `http.cors_origins` has a `*`, and that they change nothing."""

import socket
from collections.abc import Iterator
from email.message import Message

import pytest

from appliance.http import sharing
from appliance.settings import HttpSettings
from tests.http.conftest import PASSWORD, VIEWER_TOKEN, bearer, quick_hash
from tests.running import RunningAppliance, eventually

MAINSAIL = {"Origin": "http://mainsail.local"}
MARK = {"X-Camera-Appliance": "page"}
FRIEND = {"Origin": "https://friend.example.org"}


@pytest.fixture(scope="module")
def sharing_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An open appliance that every page may read, and one origin may control."""
    settings = {"http.cors_origins": "*, https://Friend.Example.org:443"}
    with RunningAppliance(tmp_path_factory.mktemp("sharing"), settings=settings) as appliance:
        yield appliance.until_live()


@pytest.fixture(scope="module")
def protected_sharing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance with a password and a token to view, that every page may read."""
    environment = {
        "CAMERA_APPLIANCE_HTTP_PASSWORD": quick_hash(PASSWORD),
        "CAMERA_APPLIANCE_HTTP_VIEWER_TOKEN": VIEWER_TOKEN,
    }
    directory = tmp_path_factory.mktemp("protected-sharing")
    with RunningAppliance(directory, "test-pattern", environment, {"http.cors_origins": "*"}) as appliance:
        assert eventually(lambda: appliance.ask("GET", "/healthz").status == 200, "a live camera")
        yield appliance


def shared_with(headers: Message) -> str | None:
    """Return who may read that answer; it is never shared with credentials."""
    assert "Access-Control-Allow-Credentials" not in headers
    return headers["Access-Control-Allow-Origin"]


def preflight(appliance: RunningAppliance, path: str, method: str, headers: str, **more: str) -> Message | None:
    """Return the headers of a preflight that was granted as far as a browser cares; None for one that was not."""
    asked = {**MAINSAIL, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers, **more}
    answer = appliance.ask("OPTIONS", path, headers=asked)
    if answer.status != 204 or shared_with(answer.headers) is None:
        return None
    methods = answer.headers["Access-Control-Allow-Methods"].split(", ")
    granted = {each.lower() for each in answer.headers["Access-Control-Allow-Headers"].split(", ")}
    wanted = {each.strip() for each in headers.lower().split(",") if each.strip()}
    return answer.headers if method in methods and wanted <= granted else None


@pytest.mark.parametrize("origin", ["http://mainsail.local", "https://any.example", "http://192.0.2.7:81", "null"])
@pytest.mark.parametrize("path", ["/api/state", "/snapshot.jpg", "/api/pictures", "/state", "/healthz", "/"])
def test_every_page_may_read_what_may_be_viewed(sharing_all: RunningAppliance, path: str, origin: str) -> None:
    for method in ("GET", "HEAD"):
        answer = sharing_all.ask(method, path, headers={"Origin": origin})
        assert shared_with(answer.headers) == "*"
        assert "Origin" in str(answer.headers.get_all("Vary"))


def test_the_stream_and_the_events_may_be_read_by_every_page(sharing_all: RunningAppliance) -> None:
    for path in (b"/stream.mjpg", b"/?action=stream", b"/api/events"):
        with sharing_all.connect() as connection:
            request = b"GET %b HTTP/1.1\r\nHost: cam.local\r\nOrigin: http://mainsail.local\r\n\r\n" % path
            connection.sendall(request)
            head = until_end_of_head(connection)
        assert b"200 OK" in head
        assert b"Access-Control-Allow-Origin: *" in head


def until_end_of_head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(4096)
        assert received, head
        head += received
    return head.partition(b"\r\n\r\n")[0]


def test_errors_may_be_read_by_every_page(sharing_all: RunningAppliance, protected_sharing: RunningAppliance) -> None:
    for path, status in (("/nothing", 404), ("/api/pictures/999999", 404), ("/snapshot.jpg?max_age=x", 400)):
        answer = sharing_all.ask("GET", path, headers=MAINSAIL)
        assert (answer.status, shared_with(answer.headers)) == (status, "*"), path
    answer = protected_sharing.ask("GET", "/api/state", headers=MAINSAIL)
    assert (answer.status, shared_with(answer.headers)) == (401, "*")


@pytest.mark.parametrize("more", [{}, MARK, {"Sec-Fetch-Site": "cross-site"}], ids=str)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/pictures"), ("PUT", "/api/privacy"), ("PATCH", "/api/controls"), ("POST", "/login")],
)
def test_no_page_may_change_anything(
    sharing_all: RunningAppliance, method: str, path: str, more: dict[str, str]
) -> None:
    """With the header of our own page it is a public name that is refused: no browser sends it without a preflight."""
    answer = sharing_all.ask(method, path, {}, headers={"Origin": "http://evil.example", **more})
    assert (answer.status, shared_with(answer.headers)) == (403, None)


def test_a_preflight_grants_reading_and_never_a_change(sharing_all: RunningAppliance) -> None:
    for headers in ("", "authorization", "Authorization, Cache-Control", "range", "if-none-match", "last-event-id"):
        assert preflight(sharing_all, "/api/state", "GET", headers), headers
    assert not preflight(sharing_all, "/api/state", "GET", "x-camera-appliance")
    assert not preflight(sharing_all, "/api/state", "GET", "content-type")
    for method in ("POST", "PUT", "PATCH", "DELETE", "get", "*", ""):
        for headers in ("", "content-type", "x-camera-appliance"):
            assert not preflight(sharing_all, "/api/controls", method, headers), (method, headers)


def test_the_header_of_our_own_page_is_granted_to_no_other_origin(
    sharing_all: RunningAppliance, running_behind_proxy: RunningAppliance, shared: RunningAppliance
) -> None:
    for appliance in (sharing_all, running_behind_proxy, shared):
        for method in ("GET", "POST", "PUT"):
            for origin in ("http://mainsail.local", "https://friend.example.org", "null"):
                more = {"Origin": origin}
                assert not preflight(appliance, "/api/privacy", method, "x-camera-appliance", **more)


def test_a_listed_origin_keeps_its_right_to_change(sharing_all: RunningAppliance) -> None:
    assert preflight(sharing_all, "/api/controls", "PATCH", "content-type", **FRIEND)
    answer = sharing_all.ask("POST", "/api/pictures", {}, headers=FRIEND)
    assert (answer.status, shared_with(answer.headers)) == (201, "https://friend.example.org")


def test_a_private_network_is_granted_with_the_origin(sharing_all: RunningAppliance, shared: RunningAppliance) -> None:
    asked = {"Access-Control-Request-Private-Network": "true"}
    granted = preflight(sharing_all, "/stream.mjpg", "GET", "", **asked)
    assert granted
    assert granted["Access-Control-Allow-Private-Network"] == "true"
    answer = shared.ask(
        "OPTIONS", "/stream.mjpg", headers={**MAINSAIL, **asked, "Access-Control-Request-Method": "GET"}
    )
    assert "Access-Control-Allow-Private-Network" not in answer.headers


def test_a_session_is_not_shared_and_a_token_is(protected_sharing: RunningAppliance) -> None:
    entered = protected_sharing.ask("POST", "/login", {"user": "admin", "password": PASSWORD})
    session = {"Cookie": entered.headers["Set-Cookie"].partition(";")[0]}
    assert protected_sharing.ask("GET", "/api/state", headers=session).status == 200
    assert shared_with(protected_sharing.ask("GET", "/api/state", headers={**MAINSAIL, **session}).headers) is None
    for path, headers in ((f"/api/state?token={VIEWER_TOKEN}", {}), ("/api/state", bearer(VIEWER_TOKEN))):
        answer = protected_sharing.ask("GET", path, headers={**MAINSAIL, **headers})
        assert (answer.status, shared_with(answer.headers)) == (200, "*")


def test_a_route_that_needs_control_is_never_shared_with_all() -> None:
    everybody = sharing.Sharing(HttpSettings(cors_origins="*"))
    environment = {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": "http://mainsail.local"}
    assert ("Access-Control-Allow-Origin", "*") in everybody.headers(environment)
    for right, is_shared in (("view", True), (None, True), ("control", False)):
        names = [name for name, _ in everybody.headers({**environment, sharing.RIGHT: right})]
        assert ("Access-Control-Allow-Origin" in names) is is_shared


def test_the_log_says_once_at_the_start_who_can_see(
    sharing_all: RunningAppliance, protected_sharing: RunningAppliance, shared: RunningAppliance
) -> None:
    words = "every web page that a user of your network opens can see the camera"
    assert sharing_all.log.count(words + ";") == 1
    assert protected_sharing.log.count(words + " if it has a token;") == 1
    assert words not in shared.log
