"""Who sends or reads too slowly costs the others nothing."""

import socket
import time
from pathlib import Path

from tests.http.slow import ENDLESS_HEAD, SLOW_BODY, Deaf, Dripping
from tests.running import RunningAppliance, eventually
from tests.streaming import Viewer

CONNECTIONS = 500
USABLE = 5.0  # s that a page may take on a busy machine; one that waits for slow clients takes ten or never comes


def look(appliance: RunningAppliance) -> None:
    """Load page and state some times, while the stream goes on."""
    with Viewer(appliance) as viewer:
        viewer.begin()
        for _ in range(10):
            begun = time.monotonic()
            assert appliance.ask("GET", "/").status == 200
            assert appliance.ask("GET", "/api/state").status == 200
            assert time.monotonic() - begun < USABLE
        parts = [viewer.part() for _ in range(30)]
        assert time.time() - parts[-1].timestamp < USABLE
        assert len(parts) / (parts[-1].timestamp - parts[0].timestamp) > 10, "frames a second"


def test_500_dripping_connections_leave_page_and_stream_usable(shared: RunningAppliance) -> None:
    with Dripping(shared, CONNECTIONS, ENDLESS_HEAD):
        look(shared)


def test_100_bodies_that_come_a_byte_a_second_leave_page_and_stream_usable(shared: RunningAppliance) -> None:
    with Dripping(shared, 100, SLOW_BODY, at_once=len(SLOW_BODY) - 4000):
        look(shared)


def test_clients_that_read_no_answer_leave_page_and_stream_usable(shared: RunningAppliance) -> None:
    picture = shared.ask("POST", "/api/pictures").json
    try:
        with Deaf(shared, 40, picture["url"], requests=100):
            look(shared)
    finally:
        shared.ask("DELETE", f"/api/pictures/{picture['id']}")


def test_many_requests_of_one_client_delay_only_that_client(tmp_path: Path) -> None:
    """Each snapshot waits for the next frame, and there are more requests than workers."""
    with RunningAppliance(tmp_path, settings={"camera.fps": 5}) as appliance:
        appliance.until_live()
        with Deaf(appliance, 200, "/snapshot.jpg", address="127.0.0.2") as crowd:
            assert appliance.ask("GET", "/api/state").status == 200
            assert crowd.answered() < 100, "in one queue it would be the last"
            eventually(lambda: crowd.answered() == 200, "an answer for everybody")


def test_an_incomplete_request_gets_an_answer_and_an_idle_connection_none(
    shared: RunningAppliance,
) -> None:
    with Dripping(shared, 3, ENDLESS_HEAD) as dripping, shared.connect() as slow, shared.connect() as idle:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        answer = slow.recv(65536)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"invalid_request"' in answer
        assert idle.recv(1) == b""
        eventually(lambda: dripping.closed >= 3, "the end of those that go on")


def test_one_address_cannot_hold_all_connections_the_oldest_gives_way(shared: RunningAppliance) -> None:
    """There are more connections than there is room for; who came last is served."""
    idle: list[socket.socket] = []
    try:
        for _ in range(1500):
            idle.append(shared.connect())
        assert shared.ask("GET", "/api/state").status == 200
        eventually(lambda: idle[0].recv(1) == b"", "the end of the oldest")
    finally:
        for connection in idle:
            connection.close()


def test_requests_in_one_piece_or_many_are_answered_in_order(shared: RunningAppliance) -> None:
    one = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    other = b"PATCH /api/controls HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Type: a/b\r\n\r\n{}"
    with shared.connect() as connection:
        connection.sendall((one + other) * 3 + one[:20])
        connection.sendall(one[20:-1])
        connection.sendall(
            one[-1:].replace(b"\n", b"\nGET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        )
        answer = b""
        while data := connection.recv(65536):
            answer += data
    lines = [line.split(b"HTTP/1.1 ")[1][:3] for line in answer.splitlines() if b"HTTP/1.1 " in line]
    assert lines == [b"200", b"415"] * 3 + [b"200", b"404"]


def test_a_client_that_expects_100_continue_gets_it(shared: RunningAppliance) -> None:
    head = b"POST /api/pictures HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
    with shared.connect() as connection:
        connection.sendall(head + b"Content-Type: text/plain\r\nConnection: close\r\n\r\n")
        assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(1024).startswith(b"HTTP/1.1 415 ")


def test_a_too_large_body_is_refused_early_and_the_answer_can_be_read(
    shared: RunningAppliance,
) -> None:
    head = b"PATCH /api/controls HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with shared.connect() as connection:
        connection.sendall(head + b"Content-Length: 1000000000\r\n\r\n" + 100_000 * b" ")
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"too_large"' in answer
