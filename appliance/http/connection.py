"""A connection of a client, with buffers for incomplete requests and unsent responses."""

import contextlib
import errno
import io
import re
import select
import socket
import ssl
import time
from typing import Any, Literal

from cheroot.server import HTTPConnection

from appliance.http.tls import WAITS

HEAD_LIMIT = 32768  # bytes
BODY_LIMIT = 65536 + 1024  # bytes; a larger body is not read, and the route refuses it because of its Content-Length
IDLE_TIME = 10.0  # s that a connection may be idle between two requests
STALL_TIME = 10.0  # s until a client has to start reading a response
MINIMUM_RATE = 8192  # bytes/s at which it has to read the rest
_UNSENT_LIMIT = 1 << 22  # bytes of a response buffered for a client; with more, the worker waits
_FLUSH = 65536  # bytes
_SECURE = {"wsgi.url_scheme": "https", "HTTPS": "on"}
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*([0-9]{1,15})[ \t]*\r$")
_FRAMING = re.compile(rb"(?im)^[^:\r\n]*(?:content-length|transfer-encoding)[^:\r\n]*:")
_EXPECTS = re.compile(rb"(?im)^expect:[ \t]*100-continue[ \t]*\r$")

State = Literal["waiting", "queued", "working", "sending", "closing", "closed"]


class Connection(HTTPConnection):
    """A connection with its received and unsent data.

    In the state `working` it belongs to a worker, otherwise to the connection loop. In the state `queued` it has a
    complete request, and waits for a free slot of its address.
    """

    def __init__(self, server: Any, connection: socket.socket, address: str) -> None:
        super().__init__(server, connection, lambda *_: io.BytesIO())
        connection.setblocking(False)
        self.remote_addr = address
        self.local_address: str = connection.getsockname()[0].removeprefix("::ffff:")
        self.wfile = self
        self.is_handshake_done = not isinstance(connection, ssl.SSLSocket)
        self.ssl_env: dict[str, str] = {} if self.is_handshake_done else _SECURE
        self.state: State = "waiting"
        self.received = bytearray()
        self.unsent = bytearray()
        self.since = time.monotonic()
        self.deadline = self.since + IDLE_TIME
        self.is_last = False  # close after this response
        self.is_truncated = False  # the request was not read completely
        self._has_sent_continue = False

    def take_request(self) -> bytes | None:
        """Return the next complete request, or None."""
        end = self.received.find(b"\r\n\r\n")
        if end < 0 and len(self.received) <= HEAD_LIMIT:
            return None
        head = bytes(self.received[: end + 4] if end >= 0 else self.received)
        lengths = _LENGTH.findall(head)
        size = len(head) + (int(lengths[0]) if lengths else 0)
        is_clear = len(_FRAMING.findall(head)) == len(lengths) <= 1
        if end < 0 or not is_clear or len(head) > HEAD_LIMIT or size > len(head) + BODY_LIMIT:
            self.is_last = self.is_truncated = True
            size = len(head)
        elif len(self.received) < size:
            if not self._has_sent_continue and _EXPECTS.search(head):
                self._has_sent_continue = True
                with contextlib.suppress(OSError):
                    self.socket.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        self._has_sent_continue = False
        request = bytes(self.received[:size])
        del self.received[:size]
        return request

    def write(self, data: bytes) -> int:
        """Buffer data and send it in blocks; called by the workers of cheroot."""
        self.unsent += data
        if len(self.unsent) >= _FLUSH:
            self.send()
            if len(self.unsent) > _UNSENT_LIMIT:
                self._wait_for_client()
        return len(data)

    def send(self) -> None:
        """Send as much as possible without blocking. Raises OSError when the connection is closed."""
        with contextlib.suppress(*WAITS):
            while self.unsent:
                with memoryview(self.unsent) as view:
                    count = self.socket.send(view[: 1 << 18])
                del self.unsent[:count]

    def close(self) -> None:
        """Close the connection after the unsent data, unless it was handed over."""
        self.server.connection_loop.finish(self)

    def _wait_for_client(self) -> None:
        """Block the worker until the buffer is half empty: for a response that is generated while it is sent."""
        deadline = time.monotonic() + STALL_TIME + len(self.unsent) / MINIMUM_RATE
        poll = select.poll()
        poll.register(self.socket, select.POLLOUT)
        while len(self.unsent) > _UNSENT_LIMIT // 2:
            if time.monotonic() > deadline or not poll.poll(STALL_TIME * 1000):
                self.unsent.clear()
                raise BrokenPipeError(errno.EPIPE, "the client does not read the response")
            self.send()
