"""Where connections wait: one thread and one epoll read requests, and send what a client is slow to take.

cheroot gives every new connection to a worker, which then waits for the request and for the answer to be taken: ten
clients that send or read a byte a second would hold all ten workers. Here a worker gets a connection only with a
whole request, head and body, and leaves behind what does not go out at once; so slow clients cost no worker, and
500 of them nothing but memory.

Nobody waits behind another's many requests: of one address only some get a worker at the same time. And nobody waits
for ever: a request has to be whole after `_REQUEST_TIME`, an answer taken at `LEAST_RATE` at least. Where there are too
many connections, the oldest one of the address with the most gives way.
"""

import contextlib
import io
import os
import resource
import select
import socket
import ssl
import threading
import time
from collections import Counter
from typing import Any

from appliance.http.connection import BODY_LIMIT, HEAD_LIMIT, IDLE_TIME, LEAST_RATE, STALL_TIME, Connection, State
from appliance.http.fair_queue import FairQueue
from appliance.http.limits import household
from appliance.http.tls import WAITS, Tls, say_goodbye, shake_hands
from appliance.system.log import logger

log = logger(__name__)

_REQUEST_TIME = 10.0  # s from the first byte of a request to the last
_LINGER_TIME = 2.0  # s in which a client that was refused may go on sending before it is cut off
_TICK = 0.5  # s between looks for connections whose time is over
_MOST_CONNECTIONS = 1000
_MOST_UNSENT = 1 << 25  # bytes of answers that all clients together have not taken yet
_LATE = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nContent-Length: 88\r\nConnection: close\r\n\r\n"
    b'{"error": {"code": "invalid_request", "message": "the request was not whole in time"}}\r\n'
)


class ConnectionLoop:
    """Owns all connections that no worker has. Takes the place of cheroot's ConnectionManager."""

    def __init__(self, server: Any, tls: Tls | None, share: int) -> None:
        """Begin; one address may have `share` workers at the same time."""
        self._server = server
        self._turns: FairQueue[Connection] = FairQueue(share)
        self._tls = tls
        self._listener: socket.socket = server.socket
        self._listener.setblocking(False)
        self._connections: dict[int, Connection] = {}
        self._most = min(_MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._epoll.register(self._listener, select.EPOLLIN)
        self._stopping = False
        self._ended = threading.Event()
        self._ended.set()

    @property
    def can_add_keepalive_connection(self) -> bool:
        """Whether there is room for a connection that waits for its next request."""
        return len(self._connections) < self._most * 3 // 4

    def run(self, _interval: float) -> None:
        """Receive until `stop`."""
        self._ended.clear()
        try:
            look_at = 0.0
            while not self._stopping:
                for descriptor, _ in self._epoll.poll(_TICK):
                    if descriptor == self._listener.fileno():
                        self._accept()
                    elif connection := self._connections.get(descriptor):
                        self._go_on(connection)
                if (now := time.monotonic()) >= look_at:
                    look_at = now + _TICK
                    self._end_overdue(now)
        finally:
            self._ended.set()

    def stop(self) -> None:
        """Receive no more."""
        self._stopping = True
        os.eventfd_write(self._wake, 1)
        self._ended.wait(2 * _TICK)

    def close(self) -> None:
        """Close what waits; workers end theirs themselves."""
        for connection in list(self._connections.values()):
            if connection.state not in ("queued", "working"):
                self._drop(connection)
        self._epoll.close()
        os.close(self._wake)

    def put(self, connection: Connection) -> None:
        """Take a connection back from its worker, which has answered."""
        self._end_turn(connection)
        self._go_on_sending(connection)

    def _go_on_sending(self, connection: Connection) -> None:
        """Send what the client takes; when it has all of it, wait for its next request or close."""
        try:
            connection.send()
        except OSError:
            self._drop(connection)
            return
        if connection.unsent:
            self._await_taking(connection)
        elif connection.is_last:
            self._leave(connection)
        else:
            self._await_request(connection)

    def finish(self, connection: Connection) -> None:
        """Take a connection back from its worker, as the last time."""
        if connection.linger:  # handed over
            connection.state = "gone"
            self._end_turn(connection)
            return
        connection.is_last = True
        self.put(connection)

    def forget(self, connection: Connection) -> None:
        """Let a connection go that is handed over to somebody else, before its descriptor is taken from it."""
        descriptor = connection.socket.fileno()
        self._connections.pop(descriptor, None)
        self._epoll.unregister(descriptor)

    def _accept(self) -> None:
        for _ in range(64):
            try:
                accepted, address = self._listener.accept()
            except WAITS:
                return
            except OSError as error:
                # Out of descriptors: one that waits has to give way, or this would be tried for ever.
                log.warning("a connection cannot be accepted: %s", error.strerror)
                self._make_room()
                return
            if self._tls:
                try:
                    accepted = self._tls.wrap(accepted)
                except (OSError, ValueError):  # It is gone already.
                    accepted.close()
                    continue
            connection = Connection(self._server, accepted, address[0].removeprefix("::ffff:"))
            connection.remote_port = address[1]
            if len(self._connections) >= self._most:
                self._make_room()
            self._connections[accepted.fileno()] = connection
            self._epoll.register(accepted, select.EPOLLIN | select.EPOLLONESHOT)

    def _go_on(self, connection: Connection) -> None:
        try:
            match connection.state:
                case "waiting":
                    if not connection.is_greeted:
                        shake_hands(connection.socket)
                        connection.is_greeted = True
                    self._receive(connection)
                case "sending":
                    self._go_on_sending(connection)
                case "leaving":
                    while connection.socket.recv(65536):
                        pass
                    self._drop(connection)
        except ssl.SSLWantWriteError:
            self._arm(connection, select.EPOLLOUT)
        except WAITS:
            self._arm(connection, select.EPOLLIN)
        except OSError:
            self._drop(connection)

    def _receive(self, connection: Connection) -> None:
        if not connection.received:
            connection.since = time.monotonic()
            connection.deadline = connection.since + _REQUEST_TIME
        ended = False
        with contextlib.suppress(*WAITS):
            while len(connection.received) <= HEAD_LIMIT + BODY_LIMIT:
                if not (data := connection.socket.recv(65536)):
                    ended = True
                    break
                connection.received += data
        if request := connection.take_request():
            self._dispatch(connection, request)
        elif ended:
            self._drop(connection)
        else:
            self._arm(connection, select.EPOLLIN)

    def _dispatch(self, connection: Connection, request: bytes) -> None:
        """Let a worker answer the request when it is the turn of its address."""
        connection.rfile = io.BytesIO(request)
        connection.state = "queued"
        if self._turns.take(connection.remote_addr, connection):
            self._work(connection)

    def _work(self, connection: Connection) -> None:
        connection.state = "working"
        self._server.process_conn(connection)

    def _end_turn(self, connection: Connection) -> None:
        if next_one := self._turns.give_back(connection.remote_addr):
            self._work(next_one)

    def _await_request(self, connection: Connection) -> None:
        connection.since = time.monotonic()
        if request := connection.take_request() if connection.received else None:
            self._dispatch(connection, request)
            return
        connection.deadline = connection.since + IDLE_TIME
        connection.state = "waiting"
        self._arm(connection, select.EPOLLIN)

    def _await_taking(self, connection: Connection) -> None:
        if connection.state != "sending":
            connection.since = time.monotonic()
            connection.deadline = connection.since + STALL_TIME + len(connection.unsent) / LEAST_RATE
            connection.state = "sending"
        self._arm(connection, select.EPOLLOUT)

    def _leave(self, connection: Connection) -> None:
        """Close, but let a client that still sends read its answer first: a close with unread data would discard it."""
        say_goodbye(connection.socket)
        if not connection.is_cut and not connection.received:
            self._drop(connection)
            return
        connection.deadline = time.monotonic() + _LINGER_TIME
        connection.state = "leaving"
        try:
            connection.socket.shutdown(socket.SHUT_WR)
            self._arm(connection, select.EPOLLIN)
        except OSError:
            self._drop(connection)

    def _arm(self, connection: Connection, what: int) -> None:
        """Wait for one thing to happen. The connection may be another thread's the moment this is done."""
        with contextlib.suppress(OSError, ValueError):  # closed meanwhile, because of the time or of the end
            self._epoll.modify(connection.socket, what | select.EPOLLONESHOT)

    def _end_overdue(self, now: float) -> None:
        unsent = 0
        for connection in list(self._connections.values()):
            if connection.state in ("queued", "working"):
                continue
            if now > connection.deadline:
                if connection.state == "waiting" and connection.received:
                    with contextlib.suppress(OSError):
                        connection.socket.send(_LATE)
                self._drop(connection)
            unsent += len(connection.unsent)
        while unsent > _MOST_UNSENT and (slowest := self._oldest("sending")):
            unsent -= len(slowest.unsent)
            self._drop(slowest)

    def _make_room(self) -> None:
        """Close the oldest connection of the address that has most of those that wait."""
        given_way = self._oldest("waiting", "queued") or self._oldest("sending")
        if given_way and (given_way.state != "queued" or self._turns.leave(given_way.remote_addr, given_way)):
            log.debug("%s: closed to make room for others", given_way.remote_addr)
            self._drop(given_way)

    def _oldest(self, *states: State) -> Connection | None:
        candidates = [each for each in list(self._connections.values()) if each.state in states]
        if not candidates:
            return None
        most = Counter(household(each.remote_addr) for each in candidates).most_common(1)[0][0]
        return min((each for each in candidates if household(each.remote_addr) == most), key=lambda each: each.since)

    def _drop(self, connection: Connection) -> None:
        connection.state = "gone"
        descriptor = connection.socket.fileno()
        if descriptor >= 0:
            self._connections.pop(descriptor, None)
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
            connection.socket.close()
