"""The clients of the broadcaster: a viewer of the stream, and a listener to events.

Each is a connection that does not block, what is being sent on it, and the rule for what comes next. Whether the
connection is encrypted makes no difference here: `ssl.SSLSocket` is a socket that says so in another exception when it
has to wait.
"""

import contextlib
import itertools
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.frames import Frame, wall_clock
from appliance.http.tls import WAITS, say_goodbye

BOUNDARY = "frame"
STREAM_TYPE = f"multipart/x-mixed-replace;boundary={BOUNDARY}"
BYTES_TYPE = f"application/octet-stream;boundary={BOUNDARY}"
"""Media type of the same bytes for a script that asks for it by `Accept`.

WebKit cancels a multipart/x-mixed-replace response that `fetch` reads: seen in WebKitGTK 2.50.6, whose code Safari
shares.
"""
_DELIMITER = f"--{BOUNDARY}\r\n".encode()
_NOTSENT_LOWAT = 25  # linux/tcp.h; the socket module does not name it in Python 3.11
_UNSENT = 16384  # bytes
_STALE = 0.3  # s: an older frame of the camera is not shown to a new viewer, the next one is
_EARLY = 0.012  # s that a frame may come before its time and still counts: cameras are not that punctual
_BACKLOG = 262144  # bytes of events that a listener may be behind
_READS = 16  # times 4 kB of what a client sends unasked that are read away at once


@dataclass(frozen=True, slots=True)
class Wish:
    """What a viewer asks for: at most `fps` frames a second (0: all there are), and what ustreamer's viewers may.

    `key` and `id` are how it finds itself in `/state`; `extra_headers` tell more about each frame; `zero_data` leaves
    the picture itself out.
    """

    fps: float = 0.0
    key: str = ""
    extra_headers: bool = False
    zero_data: bool = False
    id: int = field(default_factory=itertools.count(1).__next__)


class Part:
    """A frame as a part of the stream. It ends with the delimiter, so that readers need not wait for the next part."""

    __slots__ = ("_whole", "frame")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._whole: bytes | None = None

    @property
    def whole(self) -> bytes:
        """The part as all viewers get it who asked for nothing else: put together once, for the first of them."""
        if self._whole is None:
            self._whole = b"".join((self.head(len(self.frame.jpeg)), self.frame.jpeg, b"\r\n", _DELIMITER))
        return self._whole

    def head(self, length: int, extra: str = "") -> bytes:
        """Return the header lines of a part with so many bytes of picture."""
        frame = self.frame
        captured = wall_clock(frame.captured_at)
        return (
            f"Content-Type: image/jpeg\r\nContent-Length: {length}\r\n"
            f"X-Timestamp: {captured:.6f}\r\nX-Live: {int(frame.live)}\r\n{extra}\r\n"
        ).encode()


class Feed:
    """What all viewers share: the newest part, and what was sent so far."""

    __slots__ = ("bytes_sent", "frames_dropped", "frames_sent", "newest")

    def __init__(self) -> None:
        self.newest: Part | None = None
        self.frames_sent = 0
        self.bytes_sent = 0
        self.frames_dropped = 0


class Client:
    """A connection and what is being sent on it. `moved_at` (CLOCK_MONOTONIC, s) is when it last took a byte."""

    __slots__ = ("address", "connection", "feed", "moved_at", "number", "pending")

    def __init__(self, connection: socket.socket, head: bytes, address: str, feed: Feed) -> None:
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        self.address = address
        self.feed = feed
        self.number = connection.fileno()
        self.pending: bytes | memoryview | None = head
        self.moved_at = time.monotonic()

    def send(self) -> None:
        """Send until the socket is full or there is nothing to send. Raises OSError when the client is gone.

        Most frames leave with one call. What was refused is offered again unchanged, as TLS demands.
        """
        feed = self.feed
        while (data := self.pending or self._next()) is not None:
            try:
                count = self.connection.send(data)
            except WAITS:
                self.pending = data
                return
            feed.bytes_sent += count
            self.moved_at = time.monotonic()
            self.pending = None if count == len(data) else memoryview(data)[count:]

    def is_open(self) -> bool:
        """Read away what the client sends unasked; return whether it is still there."""
        try:
            return all(self.connection.recv(4096) for _ in range(_READS))
        except WAITS:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Close the connection."""
        say_goodbye(self.connection)
        self.connection.close()

    def _next(self) -> bytes | memoryview | None:
        """Return what to send next, or None."""
        raise NotImplementedError


class Viewer(Client):
    """Gets frames: when it is through with one, the newest there is, whatever came in between."""

    __slots__ = ("_due_at", "_frames_before", "_rest", "_sequence", "fps", "frames", "wish")

    def __init__(self, connection: socket.socket, head: bytes, address: str, feed: Feed, wish: Wish) -> None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT)
        super().__init__(connection, head + _DELIMITER, address, feed)
        self.wish = wish
        self.frames = 0
        self.fps = 0
        self._sequence = 0
        self._due_at = 0.0
        self._rest: memoryview | None = None
        self._frames_before = 0

    def count(self, seconds: float) -> None:
        """Take note of how many frames a second it got in the `seconds` since the last call."""
        self.fps = round((self.frames - self._frames_before) / seconds)
        self._frames_before = self.frames

    def _next(self) -> bytes | memoryview | None:
        if self._rest is not None:
            rest, self._rest = self._rest, None
            return rest
        part = self.feed.newest
        if part is None or part.frame.sequence == self._sequence or not self._is_due(part.frame):
            return None
        self._sequence = part.frame.sequence
        self.frames += 1
        self.feed.frames_sent += 1
        if self.wish.extra_headers or self.wish.zero_data:
            return self._own(part)
        return part.whole

    def _is_due(self, frame: Frame) -> bool:
        """Return whether the frame is for this viewer; count what it missed because it was slow."""
        if not self._sequence and frame.live and time.monotonic() - frame.captured_at > _STALE:
            return False
        if not self.wish.fps:
            if self._sequence:
                self.feed.frames_dropped += frame.sequence - self._sequence - 1
            return True
        if frame.captured_at < self._due_at - _EARLY:
            return False
        interval = 1 / self.wish.fps
        is_late = frame.captured_at > self._due_at + interval
        self._due_at = (frame.captured_at if is_late else self._due_at) + interval
        return True

    def _own(self, part: Part) -> bytes:
        """Return the head of a part that is this viewer's own; the picture, which all share, follows as the rest."""
        frame, now = part.frame, time.monotonic()
        fields: dict[str, object] = {}
        if self.wish.extra_headers:
            fields = {
                "Online": str(frame.live).lower(),
                "Width": frame.width,
                "Height": frame.height,
                "Client-FPS": self.fps,
                "Grab-Begin-Time": f"{frame.captured_at:.6f}",
                "Send-Time": f"{now:.6f}",
                "Latency": f"{now - frame.captured_at:.6f}",
            }
        extra = "".join(f"X-UStreamer-{name}: {value}\r\n" for name, value in fields.items())
        if self.wish.zero_data:
            return part.head(0, extra) + b"\r\n" + _DELIMITER
        self._rest = memoryview(part.whole)[-len(frame.jpeg) - 2 - len(_DELIMITER) :]
        return part.head(len(frame.jpeg), extra)


class Listener(Client):
    """Gets every event, in order, after a greeting.

    The greeting is asked for when the listener is `greeted`, between two events: what it tells cannot be overtaken by a
    change that nobody told this listener of.
    """

    __slots__ = ("_events", "_greeting")

    def __init__(
        self, connection: socket.socket, head: bytes, address: str, feed: Feed, greeting: Callable[[], bytes]
    ) -> None:
        super().__init__(connection, head, address, feed)
        self._events: deque[bytes] = deque()
        self._greeting = greeting

    def greet(self) -> None:
        """Put the greeting before all events."""
        self._events.append(self._greeting())

    def tell(self, event: bytes) -> None:
        """Put an event behind those that wait."""
        self._events.append(event)

    @property
    def is_behind(self) -> bool:
        """Whether it takes events so slowly that it is of no use to keep more for it."""
        return self.pending is not None and sum(map(len, self._events)) > _BACKLOG

    def _next(self) -> bytes | memoryview | None:
        return self._events.popleft() if self._events else None
