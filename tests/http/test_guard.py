"""Other sites' pages in a user's browser, names that are not ours, and what proxies forward."""

import socket
from pathlib import Path

import pytest

from appliance.http import hosts, security_middleware
from appliance.http.errors import UnknownHost
from appliance.settings import HttpSettings
from tests.running import Answer, RunningAppliance

OWN = "http://127.0.0.1:{port}"
MARK = {"X-Camera-Appliance": "page"}


def with_port(appliance: RunningAppliance, headers: dict[str, str]) -> dict[str, str]:
    return {name: value.format(port=appliance.port) for name, value in headers.items()}


def change(appliance: RunningAppliance, headers: dict[str, str], raw: bytes = b"{}") -> Answer:
    """Send a change that changes nothing: resetting no control."""
    body = b'{"names": []}' if raw == b"{}" else raw
    headers = {"Content-Type": "application/json", **with_port(appliance, headers)}
    return appliance.ask("POST", "/api/controls/reset", headers=headers, raw=body)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OWN},
        {"Origin": OWN, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Host": "localhost:{port}", "Origin": "http://localhost:{port}"},
        {"Host": "localhost", "Origin": "https://localhost"},  # a proxy speaks TLS for us
        {"Host": "LOCALHOST.:{port}", "Origin": "http://localhost.:{port}"},
        {"Host": "[::1]:8000", "Origin": "http://[::1]:8000"},
        {"Host": "localhost:443", "Origin": "https://localhost"},
        # Proxies that replace the Host: browsers say so over HTTPS and on the loopback.
        {"Host": "camera_backend", "Origin": "https://camera.example.org", "Sec-Fetch-Site": "same-origin"},
        {"Host": "127.0.0.1:8000", "Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-origin"},
        # Otherwise the header proves it, which no script of another origin can send.
        {"Host": "127.0.0.1:8000", "Origin": "http://cam.lan", **MARK},
        {"Host": "mjpgstreamer1", "Origin": "http://mainsail.local", **MARK},
        {"Host": "cam.lan", "Origin": "http://cam.lan:8080", **MARK},
        {"Host": "cam.lan", "Origin": "http://cam.lan:8080", "Sec-Fetch-Site": "none", **MARK},
        {"Host": "camera_backend", "Origin": "http://192.0.2.7:8080", **MARK},
        {"Host": "camera_backend", "Origin": "http://[2001:db8::7]:8080", **MARK},
    ],
    ids=str,
)
def test_a_change_from_our_own_page_or_from_a_program_is_taken(
    shared: RunningAppliance, headers: dict[str, str]
) -> None:
    assert change(shared, headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://localhost:{port}"},  # the same machine, by another name: another origin
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "none"},
        {"Origin": ""},
        {"Origin": "file://"},
        {"Origin": OWN + ".evil.example"},
        {"Origin": OWN, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "anything"},
        {"Host": "cam.lan", "Origin": "http://cam.lan:8080"},
        {"Host": "cam.lan", "Origin": "http://cam.lan:443"},
        {"Host": "cam.lan:80", "Origin": "https://cam.lan"},
        {"Host": "cam.lan:8000", "Origin": "http://other.lan:8000"},
        {"Host": "[::1]:8000", "Origin": "http://[::2]:8000"},
        {"Origin": "http://127.0.0.1:{port}x"},
        {"Origin": "http://user@127.0.0.1:{port}"},
        {"Origin": "ftp://127.0.0.1:{port}"},
        # Behind a proxy that replaces the Host, a name that was rebound shows in the Origin alone.
        {"Host": "127.0.0.1:8000", "Origin": "http://rebind.evil.example", **MARK},
        {"Origin": "null", **MARK},
        {"Origin": "", **MARK},
        {"Origin": "http://", **MARK},
        {"Origin": "http://.", **MARK},
        {"Origin": OWN, "Sec-Fetch-Site": "cross-site", **MARK},
        {"Origin": "http://cam.lan", "Sec-Fetch-Site": "same-site", **MARK},
    ],
    ids=str,
)
def test_a_change_that_another_sites_page_asks_for_is_refused(
    shared: RunningAppliance, headers: dict[str, str]
) -> None:
    answer = change(shared, headers)
    assert (answer.status, answer.error[0]) == (403, "cross_site")


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/pictures"), ("POST", "/login"), ("POST", "/logout")])
def test_no_form_of_another_site_does_anything(shared: RunningAppliance, method: str, path: str) -> None:
    before = shared.state()["pictures"]
    for content in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        headers = {"Origin": "http://evil.example", "Content-Type": content}
        assert shared.ask(method, path, headers=headers, raw=b"user=admin").status == 403
    assert shared.state()["pictures"] == before


def test_a_body_that_a_form_could_send_changes_nothing(shared: RunningAppliance) -> None:
    for content in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", ""):
        answer = shared.ask("POST", "/api/controls/reset", headers={"Content-Type": content}, raw=b'{"names": []}')
        assert answer.status == 415, content


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example",
        socket.gethostname() + ".evil.example",
        "x" * 300,
        "x" * 64 + ".local",
        "local.evil.example",
        "evil.notlocal",
        "evil.xlan",
        "home.arpa.evil.example",
        "other.arpa",
        "xfritz.box",
        "evil.box",
        "under_score.example",
        "xn--bcher-kva.example",
        "evil.example.",
        "1.2.3.4.evil.example",
        "1-2-3-4.nip.io",
        "0x7f.example",
    ],
)
def test_a_name_that_is_not_ours_gets_nothing_at_all(shared: RunningAppliance, host: str) -> None:
    """A page of strangers that had its own name resolved to our address (DNS rebinding)."""
    for path in ("/", "/api/state", "/snapshot.jpg", "/healthz", "/nothing"):
        answer = shared.ask("GET", path, headers={"Host": host.format(port=shared.port)})
        assert (answer.status, answer.error[0]) == (421, "unknown_host"), path
        assert "http.allowed_hosts" in answer.error[1]
    assert change(shared, {"Host": host, **MARK}).status == 421


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:80",
        "localhost",
        "LocalHost:{port}",
        "[::1]:{port}",
        socket.gethostname(),
        socket.gethostname().partition(".")[0] + ".local:{port}",
        socket.gethostname().partition(".")[0] + "-2.local",
        # Addresses: container port mappings, port forwards, VPN with NAT.
        "192.0.2.7",
        "10.0.0.1:{port}",
        "203.0.113.9.",
        "[2001:db8::1]",
        "[2001:DB8::1]:8443",
        "[::ffff:192.0.2.7]:{port}",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]:{port}",
        "127.0.0.1:",
        # Names without a dot.
        "mjpgstreamer1",
        "camera_backend",
        "Pi:8080",
        "pi.",
        "2130706433",
        "ai",  # a top-level domain whose owner alone could rebind it
        # Names that belong to the network at home.
        "mainsail.local",
        "MAINSAIL.LOCAL.:8080",
        "a.b.local",
        "cam.lan",
        "cam.home",
        "cam.home.arpa",
        "home.arpa",
        "cam.internal",
        "cam.localdomain",
        "cam.localhost",
        "cam.fritz.box:{port}",
        "Fritz.Box",
        "my_cam.lan",
        "-.lan",
        "xn--bcher-kva.lan",
    ],
)
def test_addresses_and_names_of_the_local_network_are_answered(shared: RunningAppliance, host: str) -> None:
    assert shared.ask("GET", "/healthz", headers={"Host": host.format(port=shared.port)}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "[::1]evil",
        "[::1]evil:80",
        "[::1",
        "::1",
        "[]",
        "[:::]",
        "[127.0.0.1]",
        "[localhost]",
        "[::1%]",
        "localhost:80@evil",
        "user@localhost",
        "127.0.0.1@evil.example",
        "evil.example, 127.0.0.1",
        "localhost evil",
        "localhost/",
        "http://localhost",
        "localhost:http",
        "localhost:-1",
        "localhost:+80",
        "localhost:80:80",
        "localhost:65536",
        "localhost:00000000000000000080",
        ".",
        "..",
        ".local",
        "a..local",
        "local..",
        ":80",
        "*",
        "café.local",
        "127.1",
        "0x7f.1",
        "300.1.1.1",
        "1.2.3",
        "010.0.0.1",
        "evil.1",
        "evil.0x7f",
        "'",
        "a%2eb",
    ],
)
def test_a_malformed_host_is_refused(shared: RunningAppliance, host: str) -> None:
    for path in ("/", "/api/state", "/nothing"):
        answer = shared.ask("GET", path, headers={"Host": host})
        assert (answer.status, answer.error[0]) == (400, "invalid_request"), path
        assert "malformed" in answer.error[1]
    assert change(shared, {"Host": host, **MARK}).status == 400


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"Host:\r\n",
        b"Host: localhost\r\nHost: localhost\r\n",
        b"Host: localhost\r\nhost: evil.example\r\n",
        b"Host: evil.example\r\nAccept: */*\r\nHOST: localhost\r\n",
        b"Host: localhost\r\n evil.example\r\nHost: localhost\r\n",
    ],
)
def test_a_request_has_exactly_one_host(shared: RunningAppliance, lines: bytes) -> None:
    with shared.connect() as connection:
        connection.sendall(b"GET /api/state HTTP/1.1\r\n" + lines + b"\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 400 ")


def test_a_refused_change_that_may_come_from_our_own_page_is_logged_once(tmp_path: Path) -> None:
    """Behind a proxy that replaces Host, with a browser that sends no Sec-Fetch-Site and a form without scripts."""
    with RunningAppliance(tmp_path) as appliance:
        for _ in range(3):
            assert change(appliance, {"Host": "cam.lan", "Origin": "http://cam.lan:8080"}).status == 403
            assert change(appliance, {"Host": "cam.lan", "Origin": "http://evil.example"}).status == 403
        for number in range(50):
            change(appliance, {"Origin": f"http://cam{number}.lan"})
        refusals = [line for line in appliance.lines if "refused a change" in line]
    (ours,) = [line for line in refusals if "http://cam.lan:8080" in line]
    assert "http.public_url" in ours
    assert not [line for line in refusals if "evil.example" in line]
    assert len(refusals) <= 10


def test_names_come_from_the_host_name_and_from_the_domains_of_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("# made by DHCP\nnameserver 192.168.1.1\nsearch fritz.box home.arpa.\ndomain lan\n")
    monkeypatch.setattr(security_middleware, "_RESOLVER", resolver)
    monkeypatch.setattr(socket, "gethostname", lambda: "Pi")
    names = security_middleware.machine_names()
    assert {"pi", "pi.local", "pi-2.local", "pi.fritz.box", "pi.home.arpa", "pi.lan"} <= names
    resolver.unlink()
    assert {"pi", "pi.local"} <= security_middleware.machine_names()


def test_an_old_client_without_a_host_is_answered(shared: RunningAppliance) -> None:
    with shared.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 200 ")


# ---------------------------------------------------------------------- settings


def test_names_that_are_allowed_are_answered(running_behind_proxy: RunningAppliance) -> None:
    appliance = running_behind_proxy
    for host, status in (
        ("camera.example.org", 200),
        ("CAMERA.example.org:8443", 200),
        ("front.home.example.org", 200),
        ("home.example.org", 421),
        ("nothome.example.org", 421),
        ("example.org", 421),
    ):
        assert appliance.ask("GET", "/healthz", headers={"Host": host}).status == status, host


@pytest.mark.parametrize("allowed", ["cam.example.org:8443", "CAM.example.org", "cam.example.org.", "*.example.org"])
def test_a_name_is_allowed_however_it_is_written(allowed: str) -> None:
    ours = hosts.Hosts(HttpSettings(allowed_hosts=allowed), [])
    ours.check("cam.example.org:8000")
    with pytest.raises(UnknownHost):
        ours.check("cam.evil.example")


def test_a_site_on_the_list_may_read_and_change_and_no_other(running_behind_proxy: RunningAppliance) -> None:
    appliance = running_behind_proxy
    friend = {"Origin": "https://friend.example.org"}
    answer = appliance.ask("GET", "/api/state", headers=friend)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://friend.example.org"
    assert "Origin" in answer.headers.get_all("Vary", [])
    assert "Access-Control-Allow-Credentials" not in answer.headers
    preflight = {**friend, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "content-type"}
    answer = appliance.ask("OPTIONS", "/api/controls", headers=preflight)
    assert answer.status == 204
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    taken = appliance.ask("POST", "/api/pictures", headers={**friend, "Sec-Fetch-Site": "cross-site"})
    assert taken.status == 201
    for stranger in (
        "https://evil.example",
        "https://friend.example.org.evil.example",
        "null",
        "http://friend.example.org",
    ):
        headers = {**preflight, "Origin": stranger}
        assert appliance.ask("OPTIONS", "/api/controls", headers=headers).status == 405
        answer = appliance.ask("GET", "/api/state", headers={"Origin": stranger})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert appliance.ask("POST", "/api/pictures", headers={"Origin": stranger}).status == 403


def test_without_the_setting_no_other_site_may_read_anything(shared: RunningAppliance) -> None:
    for path in ("/", "/api/state", "/api/nothing", "/snapshot.jpg"):
        headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"}
        for method in ("GET", "OPTIONS"):
            answer = shared.ask(method, path, headers=headers)
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_only_sites_on_the_list_may_put_the_page_into_a_frame(
    shared: RunningAppliance, running_behind_proxy: RunningAppliance
) -> None:
    def frames(appliance: RunningAppliance) -> str:
        policy = appliance.ask("GET", "/").headers["Content-Security-Policy"]
        return policy.partition("frame-ancestors ")[2]

    assert frames(shared) == "'self'"
    assert frames(running_behind_proxy) == "'self' http://homeassistant.local:8123"


def test_only_a_trusted_proxy_is_believed_what_it_forwards(
    shared: RunningAppliance, running_behind_proxy: RunningAppliance
) -> None:
    forwarded = {"X-Forwarded-Host": "camera.example.org", "Host": "127.0.0.1", "X-Forwarded-For": "10.9.9.9"}
    page = {**forwarded, "Origin": "https://camera.example.org"}
    assert change(running_behind_proxy, page).status != 403
    assert change(shared, page).status == 403
    assert shared.ask("GET", "/healthz", headers={"X-Forwarded-Host": "evil.example"}).status == 200
    for host, status in (("evil.example", 421), ("cam.lan", 200), ("192.0.2.7:80", 200), ("[::1]evil", 400)):
        answer = running_behind_proxy.ask("GET", "/healthz", headers={"X-Forwarded-Host": host})
        assert answer.status == status, host


def test_a_header_with_an_underscore_is_not_taken_for_one_with_a_hyphen(
    running_behind_proxy: RunningAppliance,
) -> None:
    answer = running_behind_proxy.ask("GET", "/healthz", headers={"X_Forwarded_Host": "evil.example"})
    assert answer.status == 200


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("10.1.0.1", "10.1.0.1"),
        ("6.6.6.6, 10.1.0.2", "10.1.0.2"),  # what the client wrote itself stands first
        ("6.6.6.6, 10.1.0.3, 127.0.0.2", "10.1.0.3"),  # two proxies of ours
        ("127.0.0.2", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_the_address_is_the_last_one_that_is_no_proxy_of_ours(forwarded: str, address: str) -> None:
    settings = HttpSettings(trusted_proxies="127.0.0.0/8")
    seen: list[security_middleware.Client] = []

    def application(
        environment: security_middleware.Environment, _start: security_middleware.StartResponse
    ) -> list[bytes]:
        seen.append(environment[security_middleware.CLIENT])
        return []

    environment = {
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": "GET",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "localhost",
        "HTTP_X_FORWARDED_FOR": forwarded,
        security_middleware.LOCAL_ADDRESS: "127.0.0.1",
    }
    security_middleware.SecurityMiddleware(application, settings, [])(environment, lambda *_: None)
    assert seen[0].address == address


@pytest.mark.parametrize(
    ("host", "status"), [("cameras.example", "200"), ("cameras.example:443", "200"), ("other.example", "421")]
)
def test_the_name_in_the_public_address_is_ours(host: str, status: str) -> None:
    answered: list[str] = []

    def application(
        _environment: security_middleware.Environment, start: security_middleware.StartResponse
    ) -> list[bytes]:
        start("200 OK", [])
        return []

    environment = {
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": "GET",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": host,
        security_middleware.LOCAL_ADDRESS: "127.0.0.1",
    }
    settings = HttpSettings(public_url="https://cameras.example/door/")
    security_middleware.SecurityMiddleware(application, settings, [])(
        environment, lambda status, *_: answered.append(status)
    )
    assert answered[0].startswith(status)
