"""A connection of a client: what has come in and is not a whole request yet, and what has not gone out."""

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
BODY_LIMIT = 65536 + 1024  # bytes; what is larger is not read, and the route refuses it by its declared length
IDLE_TIME = 10.0  # s that a connection may be silent between two requests
STALL_TIME = 10.0  # s that a client may take to begin to take an answer
LEAST_RATE = 8192  # bytes/s at which it has to take the rest
_ANSWER_LIMIT = 1 << 22  # bytes of one answer that are kept for a client; more, and its worker waits for it
_FLUSH = 65536  # bytes
_SECURE = {"wsgi.url_scheme": "https", "HTTPS": "on"}
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*([0-9]{1,15})[ \t]*\r$")
_FRAMING = re.compile(rb"(?im)^[^:\r\n]*(?:content-length|transfer-encoding)[^:\r\n]*:")
_EXPECTS = re.compile(rb"(?im)^expect:[ \t]*100-continue[ \t]*\r$")

State = Literal["waiting", "queued", "working", "sending", "leaving", "gone"]


class Connection(HTTPConnection):
    """A connection with what has come in and what has not gone out yet.

    It is `working` while a worker has it, and then belongs to that worker; otherwise to the reception. One that is
    `queued` has a whole request, and waits for a turn of its address.
    """

    def __init__(self, server: Any, connection: socket.socket, address: str) -> None:
        super().__init__(server, connection, lambda *_: io.BytesIO())
        connection.setblocking(False)
        self.remote_addr = address
        self.local_address: str = connection.getsockname()[0].removeprefix("::ffff:")
        self.wfile = self
        self.is_greeted = not isinstance(connection, ssl.SSLSocket)
        self.ssl_env: dict[str, str] = {} if self.is_greeted else _SECURE
        self.state: State = "waiting"
        self.received = bytearray()
        self.unsent = bytearray()
        self.since = time.monotonic()
        self.deadline = self.since + IDLE_TIME
        self.is_last = False  # the connection ends with this answer
        self.is_cut = False  # the request was not read to its end
        self._was_told_to_continue = False

    def take_request(self) -> bytes | None:
        """Return the next whole request, or None while it is not there yet."""
        end = self.received.find(b"\r\n\r\n")
        if end < 0 and len(self.received) <= HEAD_LIMIT:
            return None
        head = bytes(self.received[: end + 4] if end >= 0 else self.received)
        lengths = _LENGTH.findall(head)
        size = len(head) + (int(lengths[0]) if lengths else 0)
        is_clear = len(_FRAMING.findall(head)) == len(lengths) <= 1
        if end < 0 or not is_clear or len(head) > HEAD_LIMIT or size > len(head) + BODY_LIMIT:
            self.is_last = self.is_cut = True
            size = len(head)
        elif len(self.received) < size:
            if not self._was_told_to_continue and _EXPECTS.search(head):
                self._was_told_to_continue = True
                with contextlib.suppress(OSError):
                    self.socket.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        self._was_told_to_continue = False
        request = bytes(self.received[:size])
        del self.received[:size]
        return request

    def write(self, data: bytes) -> int:
        """Send, as cheroot's worker sees it: what the client does not take now is kept."""
        self.unsent += data
        if len(self.unsent) >= _FLUSH:
            self.send()
            if len(self.unsent) > _ANSWER_LIMIT:
                self._wait_for_client()
        return len(data)

    def send(self) -> None:
        """Send what the client takes without waiting. Raises OSError when it is gone."""
        with contextlib.suppress(*WAITS):
            while self.unsent:
                with memoryview(self.unsent) as view:
                    count = self.socket.send(view[: 1 << 18])
                del self.unsent[:count]

    def close(self) -> None:
        """End the connection after what is left to send; one that was handed over is not ours any more."""
        self.server.reception.finish(self)

    def _wait_for_client(self) -> None:
        """Hold the worker until half of what waits has been taken: an answer that is made while it is sent."""
        deadline = time.monotonic() + STALL_TIME + len(self.unsent) / LEAST_RATE
        poll = select.poll()
        poll.register(self.socket, select.POLLOUT)
        while len(self.unsent) > _ANSWER_LIMIT // 2:
            if time.monotonic() > deadline or not poll.poll(STALL_TIME * 1000):
                self.unsent.clear()
                raise BrokenPipeError(errno.EPIPE, "the client does not take the answer")
            self.send()
