"""Clients that mean no good: they send a byte a second, or read nothing, on many connections at once."""

import contextlib
import itertools
import select
import socket
import threading
import time
from collections.abc import Iterator

from tests.running import RunningAppliance, eventually

ENDLESS_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + 4096 * b"y"
SLOW_BODY = (
    b"PATCH /api/controls HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n"
    + 4096 * b" "
)


class Dripping:
    """So many connections that send `request`, a byte a second each; one that is closed comes again. Use as a context.

    The first `at_once` bytes are sent together.
    """

    def __init__(self, appliance: RunningAppliance, count: int, request: bytes, at_once: int = 1) -> None:
        self._appliance = appliance
        self._request = request
        self._at_once = at_once
        self._connections: dict[socket.socket, Iterator[int]] = {}
        self._count = count
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self.rounds = 0
        self.closed = 0

    def __enter__(self) -> "Dripping":
        for _ in range(self._count):
            self._connect()
        self._thread.start()
        eventually(lambda: self.rounds >= 2, "the dripping")
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        for connection in self._connections:
            connection.close()

    def _connect(self) -> None:
        connection = self._appliance.connect()
        connection.sendall(self._request[: self._at_once])
        connection.setblocking(False)
        self._connections[connection] = itertools.count(self._at_once)

    def _drip(self) -> None:
        while not self._stopping.is_set():
            begun = time.monotonic()
            for connection, position in list(self._connections.items()):
                try:
                    at = next(position)
                    connection.send(self._request[at : at + 1])
                except OSError:
                    connection.close()
                    del self._connections[connection]
                    self.closed += 1
                    with contextlib.suppress(OSError):
                        self._connect()
            self.rounds += 1
            self._stopping.wait(max(0.0, 1.0 - (time.monotonic() - begun)))


class Deaf:
    """Connections from an address that ask for something and read not a byte of it. Use as a context."""

    def __init__(
        self, appliance: RunningAppliance, count: int, path: str, requests: int = 1, address: str = "127.0.0.1"
    ) -> None:
        self._appliance = appliance
        self._count = count
        self._address = address
        self._request = requests * f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self._connections: list[socket.socket] = []

    def __enter__(self) -> "Deaf":
        for _ in range(self._count):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            connection.bind((self._address, 0))
            connection.connect(("127.0.0.1", self._appliance.port))
            connection.sendall(self._request)
            self._connections.append(connection)
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    def answered(self) -> int:
        """How many of them could read something."""
        poll = select.poll()
        for connection in self._connections:
            poll.register(connection, select.POLLIN)
        return len(poll.poll(0))

    def hung_up(self) -> bool:
        """Whether the appliance has closed all of them."""
        poll = select.poll()
        for connection in self._connections:
            poll.register(connection, select.POLLERR | select.POLLHUP | select.POLLRDHUP)
        return len(poll.poll(0)) == len(self._connections)
