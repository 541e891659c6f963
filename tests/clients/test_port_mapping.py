"""A published port, a port forward, a VPN with NAT: the appliance is called by an address that is not its own."""

import base64
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.clients.conftest import LONG
from tests.clients.place import PASSWORD, RATE, TOKEN, Place
from tests.clients.proxies import Proxy, parts
from tests.clients.table import shows
from tests.clients.test_once import fetch
from tests.running import eventually

MAPPED = "192.0.2.7:8080"
shows("Docker, port mapping", stream="plays", unplug="goes on", restart="works again", password="works", token="works")


class _Forward(socketserver.BaseRequestHandler):
    """One connection, passed on byte by byte, as NAT does."""

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as ours, suppress(OSError):  # type: ignore[attr-defined]
            ends = {self.request: ours, ours: self.request}
            while True:
                for source in select.select(list(ends), [], [])[0]:
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    ends[source].sendall(data)


@contextmanager
def forwarded(port: int) -> Iterator[int]:
    """Forward connections to that port for the time of the block; give the port to ask."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Forward) as server:
        server.target = ("127.0.0.1", port)  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def mapping(open_place: Place) -> Iterator[Proxy]:
    """The mapped port of the open appliance."""
    with forwarded(open_place.appliance.port) as port:
        yield Proxy(port, MAPPED)


def test_curl_gets_a_picture(mapping: Proxy, open_place: Place, tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text(f'connect-to = "{MAPPED}:127.0.0.1:{mapping.port}"\n')
    assert fetch(open_place.block("port-mapping"), tmp_path)[0] == 0


def test_a_viewer_sees_live_frames_the_placeholder_and_live_frames(mapping: Proxy, open_place: Place) -> None:
    with mapping.open("GET", "/stream.mjpg") as response:
        stream = parts(response)
        for _ in range(int(0.6 * RATE * LONG)):
            assert next(stream).is_live
        with open_place.unplugged():
            assert any(not part.is_live for part in stream)
        assert any(part.is_live for part in stream)


def test_our_own_page_changes_things_and_no_other(mapping: Proxy) -> None:
    headers = {"Content-Type": "application/json", "Origin": mapping.origin}
    assert mapping.ask("PUT", "/api/privacy", '{"on": false}', headers).status == 200
    headers["Origin"] = "http://elsewhere.example"
    assert mapping.ask("PUT", "/api/privacy", '{"on": false}', headers).status == 403


def test_it_works_again_after_a_restart(mapping: Proxy, open_place: Place) -> None:
    assert mapping.ask("GET", "/snapshot.jpg").status == 200
    open_place.restart()
    eventually(lambda: mapping.ask("GET", "/snapshot.jpg").status == 200, "a picture")


def test_programs_are_let_in(closed_place: Place) -> None:
    basic = base64.b64encode(f"viewer:{PASSWORD}".encode()).decode()
    with forwarded(closed_place.appliance.port) as port:
        closed = Proxy(port, MAPPED)
        assert closed.ask("GET", "/snapshot.jpg").status == 401
        assert closed.ask("GET", "/snapshot.jpg", headers={"Authorization": f"Basic {basic}"}).status == 200
        assert closed.ask("GET", f"/snapshot.jpg?token={TOKEN}").status == 200
