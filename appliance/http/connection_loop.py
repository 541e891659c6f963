"""The connection loop: one thread with epoll that reads requests, and sends responses to slow clients.

cheroot hands every new connection to a worker, which blocks until the request is received and the response is sent:
ten clients that send or read a byte per second would block all ten workers. Here a worker gets a connection only with
a complete request (head and body), and returns it with the unsent part of the response. Slow clients therefore occupy
no worker, and 500 of them only need memory.

Each address may occupy a limited number of workers at the same time, so that others do not wait. A request must be
complete within `_REQUEST_TIME`, and a response read at `MINIMUM_RATE` or faster. When there are too many connections,
the oldest connection of the address with the most connections is closed.
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

from appliance.http.connection import BODY_LIMIT, HEAD_LIMIT, IDLE_TIME, MINIMUM_RATE, STALL_TIME, Connection, State
from appliance.http.fair_queue import FairQueue
from appliance.http.limits import network_of
from appliance.http.tls import WAITS, Tls, continue_handshake, send_close_notify
from appliance.system.log import logger

log = logger(__name__)

_REQUEST_TIME = 10.0  # s from the first byte of a request to the last
_LINGER_TIME = 2.0  # s that a refused client may continue to send before the connection is closed
_TICK = 0.5  # s between checks for overdue connections
_MAX_CONNECTIONS = 1000
_MAX_UNSENT = 1 << 25  # bytes of unsent responses of all connections together
_TIMEOUT_RESPONSE = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nContent-Length: 91\r\nConnection: close\r\n\r\n"
    b'{"error": {"code": "invalid_request", "message": "the request was not complete in time"}}\r\n'
)


class ConnectionLoop:
    """Owns all connections that no worker is processing. Replaces the ConnectionManager of cheroot."""

    def __init__(self, server: Any, tls: Tls | None, share: int) -> None:
        """One address may occupy `share` workers at the same time."""
        self._server = server
        self._queue: FairQueue[Connection] = FairQueue(share)
        self._tls = tls
        self._listener: socket.socket = server.socket
        self._listener.setblocking(False)
        self._connections: dict[int, Connection] = {}
        self._max_connections = min(_MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._epoll.register(self._listener, select.EPOLLIN)
        self._stopping = False
        self._ended = threading.Event()
        self._ended.set()

    @property
    def can_add_keepalive_connection(self) -> bool:
        """Whether a connection may be kept open for its next request."""
        return len(self._connections) < self._max_connections * 3 // 4

    def run(self, _interval: float) -> None:
        """Run until `stop`."""
        self._ended.clear()
        try:
            next_check = 0.0
            while not self._stopping:
                for descriptor, _ in self._epoll.poll(_TICK):
                    if descriptor == self._listener.fileno():
                        self._accept()
                    elif connection := self._connections.get(descriptor):
                        self._on_ready(connection)
                if (now := time.monotonic()) >= next_check:
                    next_check = now + _TICK
                    self._close_overdue(now)
        finally:
            self._ended.set()

    def stop(self) -> None:
        """Stop the loop."""
        self._stopping = True
        os.eventfd_write(self._wake, 1)
        self._ended.wait(2 * _TICK)

    def close(self) -> None:
        """Close all connections, except those that belong to workers."""
        for connection in list(self._connections.values()):
            if connection.state not in ("queued", "working"):
                self._drop(connection)
        self._epoll.close()
        os.close(self._wake)

    def put(self, connection: Connection) -> None:
        """Take a connection back from its worker after the response."""
        self._release(connection)
        self._continue_sending(connection)

    def _continue_sending(self, connection: Connection) -> None:
        """Send as much as possible; when all is sent, wait for the next request or close."""
        try:
            connection.send()
        except OSError:
            self._drop(connection)
            return
        if connection.unsent:
            self._await_writable(connection)
        elif connection.is_last:
            self._close_gracefully(connection)
        else:
            self._await_request(connection)

    def finish(self, connection: Connection) -> None:
        """Take a connection back from its worker to close it."""
        if connection.linger:  # handed over
            connection.state = "closed"
            self._release(connection)
            return
        connection.is_last = True
        self.put(connection)

    def detach(self, connection: Connection) -> None:
        """Unregister a connection that is handed over, before its descriptor is detached."""
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
                # Out of descriptors: close a waiting connection, because epoll keeps reporting the new one.
                log.warning("cannot accept a connection: %s", error.strerror)
                self._make_room()
                return
            if self._tls:
                try:
                    accepted = self._tls.wrap(accepted)
                except (OSError, ValueError):  # already closed by the client
                    accepted.close()
                    continue
            connection = Connection(self._server, accepted, address[0].removeprefix("::ffff:"))
            connection.remote_port = address[1]
            if len(self._connections) >= self._max_connections:
                self._make_room()
            self._connections[accepted.fileno()] = connection
            self._epoll.register(accepted, select.EPOLLIN | select.EPOLLONESHOT)

    def _on_ready(self, connection: Connection) -> None:
        try:
            match connection.state:
                case "waiting":
                    if not connection.is_handshake_done:
                        continue_handshake(connection.socket)
                        connection.is_handshake_done = True
                    self._receive(connection)
                case "sending":
                    self._continue_sending(connection)
                case "closing":
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
        """Hand the request to a worker, or queue it until its address has a free slot."""
        connection.rfile = io.BytesIO(request)
        connection.state = "queued"
        if self._queue.acquire(connection.remote_addr, connection):
            self._process(connection)

    def _process(self, connection: Connection) -> None:
        connection.state = "working"
        self._server.process_conn(connection)

    def _release(self, connection: Connection) -> None:
        if waiting := self._queue.release(connection.remote_addr):
            self._process(waiting)

    def _await_request(self, connection: Connection) -> None:
        connection.since = time.monotonic()
        if request := connection.take_request() if connection.received else None:
            self._dispatch(connection, request)
            return
        connection.deadline = connection.since + IDLE_TIME
        connection.state = "waiting"
        self._arm(connection, select.EPOLLIN)

    def _await_writable(self, connection: Connection) -> None:
        if connection.state != "sending":
            connection.since = time.monotonic()
            connection.deadline = connection.since + STALL_TIME + len(connection.unsent) / MINIMUM_RATE
            connection.state = "sending"
        self._arm(connection, select.EPOLLOUT)

    def _close_gracefully(self, connection: Connection) -> None:
        """Close, but let a client that is still sending read the response first.

        Closing a socket with unread data resets the connection, and the client would lose the response.
        """
        send_close_notify(connection.socket)
        if not connection.is_truncated and not connection.received:
            self._drop(connection)
            return
        connection.deadline = time.monotonic() + _LINGER_TIME
        connection.state = "closing"
        try:
            connection.socket.shutdown(socket.SHUT_WR)
            self._arm(connection, select.EPOLLIN)
        except OSError:
            self._drop(connection)

    def _arm(self, connection: Connection, what: int) -> None:
        """Wait for one event. Another thread may own the connection as soon as this returns."""
        with contextlib.suppress(OSError, ValueError):  # closed meanwhile: overdue, or shutting down
            self._epoll.modify(connection.socket, what | select.EPOLLONESHOT)

    def _close_overdue(self, now: float) -> None:
        unsent = 0
        for connection in list(self._connections.values()):
            if connection.state in ("queued", "working"):
                continue
            if now > connection.deadline:
                if connection.state == "waiting" and connection.received:
                    with contextlib.suppress(OSError):
                        connection.socket.send(_TIMEOUT_RESPONSE)
                self._drop(connection)
            unsent += len(connection.unsent)
        while unsent > _MAX_UNSENT and (slowest := self._oldest("sending")):
            unsent -= len(slowest.unsent)
            self._drop(slowest)

    def _make_room(self) -> None:
        """Close the oldest waiting connection of the address with the most waiting connections."""
        evicted = self._oldest("waiting", "queued") or self._oldest("sending")
        if evicted and (evicted.state != "queued" or self._queue.remove(evicted.remote_addr, evicted)):
            log.debug("%s: closed to make room for others", evicted.remote_addr)
            self._drop(evicted)

    def _oldest(self, *states: State) -> Connection | None:
        candidates = [each for each in list(self._connections.values()) if each.state in states]
        if not candidates:
            return None
        most = Counter(network_of(each.remote_addr) for each in candidates).most_common(1)[0][0]
        return min((each for each in candidates if network_of(each.remote_addr) == most), key=lambda each: each.since)

    def _drop(self, connection: Connection) -> None:
        connection.state = "closed"
        descriptor = connection.socket.fileno()
        if descriptor >= 0:
            self._connections.pop(descriptor, None)
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
            connection.socket.close()
