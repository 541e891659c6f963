"""Paths, headers and bodies that are made to mislead."""

import json
from pathlib import Path

import pytest

from tests.running import PATIENCE, RunningAppliance


def send(appliance: RunningAppliance, request: bytes) -> bytes:
    """Send bytes as they are, and return all that comes until the connection is closed."""
    with appliance.connect() as connection:
        connection.settimeout(PATIENCE)
        connection.sendall(request)
        answer = b""
        try:
            while data := connection.recv(65536):
                answer += data
        except ConnectionError:
            pass
    return answer


def get(appliance: RunningAppliance, target: bytes, *lines: bytes) -> bytes:
    head = b"\r\n".join([b"GET " + target + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *lines])
    return send(appliance, head + b"\r\n\r\n")


OUTSIDE = [
    "../setup.py",
    "../../../../../../etc/passwd",
    "..%2fsetup.py",
    "%2e%2e/setup.py",
    "%2e%2e%2fsetup.py",
    "..%252fsetup.py",
    "..%5csetup.py",
    "..\\setup.py",
    "./../setup.py",
    "styles/../../setup.py",
    "styles/..%2f..%2fsetup.py",
    "//etc/passwd",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "style.css%00.png",
    "style.css%00/../../setup.py",
    "%00",
    "..;/setup.py",
    ".",
    "..",
    "",
    "%c0%ae%c0%ae/setup.py",
    "%ef%bc%8e%ef%bc%8e/setup.py",
    "a" * 5000,
    "a/" * 2000,
]


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: path[:30])
def test_no_path_leads_out_of_the_page_folder_or_to_a_picture_by_name(shared: RunningAppliance, path: str) -> None:
    for prefix in (b"/web/", b"/api/pictures/", b"/"):
        target = prefix + path.encode()
        if target in (b"/", b"/web/style.css"):
            continue
        answer = get(shared, target)
        status = int(answer[9:12])
        assert status in (400, 404, 421) or target == b"/.", (target, answer[:200])
        assert b"root:" not in answer
        assert b"setuptools" not in answer
        assert b"Traceback" not in answer


def test_the_page_itself_is_where_it_should_be(shared: RunningAppliance) -> None:
    assert get(shared, b"/web/style.css").startswith(b"HTTP/1.1 200 ")
    assert get(shared, b"/web/./style.css").startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 404 "))


def test_a_link_that_leads_out_of_the_pictures_is_no_picture(running: RunningAppliance, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("root: of all evil")
    (running.pictures / "000007_2026-01-01T00-00-00.jpg").symlink_to(secret)
    for path in ("/api/pictures/7.jpg", "/api/pictures/7/thumbnail.jpg"):
        assert b"evil" not in running.ask("GET", path).body


@pytest.mark.parametrize(
    "target",
    [
        b"/%0d%0aSet-Cookie:%20a=b",
        b"/api/nothing%0d%0aX-Injected:%201",
        b"/api/pictures/1.jpg?download=%0d%0aX-Injected:%201",
        b"/?action=%0d%0aX-Injected:%201",
        b"/web/%0aX-Injected:%201",
        b"/login?next=%0d%0aX-Injected:%201",
    ],
)
def test_nothing_in_an_address_becomes_a_header(shared: RunningAppliance, target: bytes) -> None:
    head = get(shared, target).partition(b"\r\n\r\n")[0].lower()
    assert b"x-injected" not in head
    assert b"set-cookie" not in head


def test_an_origin_becomes_no_header_of_ours(shared: RunningAppliance) -> None:
    head = get(shared, b"/", b"Origin: http://evil.example\tX-Injected: 1").partition(b"\r\n\r\n")[0]
    assert b"evil" not in head


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
        (b"GET / HTTP/x\r\n\r\n", 400),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + 40_000 * b"x" + b"\r\n\r\n", 413),
        (b"GET /" + 40_000 * b"x" + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (bytes(range(1, 10)) + b"\r\n\r\n", 400),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_request_that_is_none_is_refused_in_json(shared: RunningAppliance, request_: bytes, status: int) -> None:
    answer = send(shared, request_)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head[9:12]) == status, answer[:200]
    assert b"application/json" in head
    assert json.loads(body)["error"]["code"]


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 4\r\nContent-Length: 60\r\n",
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Content-Length:\r\n 4\r\n",
        b"Content-Length : 4\r\n",
        b"Content-Length: 4, 4\r\n",
        b"Content-Length: +4\r\n",
    ],
)
def test_a_body_of_unclear_length_never_becomes_a_second_request(shared: RunningAppliance, framing: bytes) -> None:
    """What one side takes for a body and the other for a request is how requests are smuggled past a proxy."""
    before = shared.state()["pictures"]
    inner = b"POST /api/pictures HTTP/1.1\r\nHost: localhost\r\n\r\n"
    outer = b"POST /api/controls/reset HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + framing
    answer = send(shared, outer + b"\r\n" + inner)
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    assert shared.state()["pictures"] == before


@pytest.mark.parametrize(
    "raw",
    [
        b'{"names": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"names": [' + b"1," * 30_000 + b"1]}",
        b'{"names": [' + b'"\\ud800",' * 5_000 + b'"x"]}',
        b'{"names": ["' + b"A" * 65_000 + b'"]}',
        b'{"names": [' + b"9" * 60_000 + b"]}",
        b'{"names": [1e999999]}',
        b'{"names": [-Infinity]}',
        b"{" + b",".join(b'"x%d": 1' % number for number in range(5_000)) + b"}",
        b'{"names": [], "names": "x"}',
        b'{"names": ["\x00"]}',
        b"null",
        b"{}{}",
    ],
    ids=lambda raw: str(raw)[:30],
)
def test_a_bomb_of_json_is_refused_in_few_words(shared: RunningAppliance, raw: bytes) -> None:
    answer = shared.ask("POST", "/api/controls/reset", headers={"Content-Type": "application/json"}, raw=raw)
    assert answer.status in (400, 413)
    assert len(answer.body) < 2000
    assert "Traceback" not in answer.body.decode()
    assert shared.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize(
    "cookie", ["foo(bar)=1", "a/b=c", "a@b=c", "{x}=1", "a,b=c", '="', "x", "a=\xff", ";;", "=" * 999]
)
def test_no_cookie_of_another_program_on_this_machine_disturbs(shared: RunningAppliance, cookie: str) -> None:
    """Cookies know no port: a browser sends us those of every other server on the same host."""
    answer = get(shared, b"/api/access", b"Cookie: " + cookie.encode("latin1"))
    assert answer.startswith(b"HTTP/1.1 200 "), answer


@pytest.mark.parametrize("value", [b"\xff", b"\xc3", b"Basic \xff", b"Bearer \xff\xfe", b'W/"\xe4"', b"gzip;q=\xff"])
@pytest.mark.parametrize("target", [b"/", b"/api/state", b"/web/style.css", b"/snapshot.jpg", b"/nothing", b"/login"])
def test_bytes_of_any_kind_in_a_header_are_no_error_of_ours(
    shared: RunningAppliance, target: bytes, value: bytes
) -> None:
    names = ("Authorization", "Accept", "Accept-Encoding", "Accept-Language", "If-None-Match", "If-Modified-Since")
    others = ("User-Agent", "Cookie", "Range", "Origin", "Referer", "Sec-Fetch-Site", "X-Forwarded-For")
    for name in (*names, *others, "X-Forwarded-Host", "Content-Type", "X-Anything"):
        answer = get(shared, target, name.encode() + b": " + value)
        assert int(answer[9:12]) < 500, (name, answer)


def test_no_trick_left_a_traceback_in_the_log(shared: RunningAppliance) -> None:
    """The last one, for all of the above."""
    assert "Traceback" not in shared.log
