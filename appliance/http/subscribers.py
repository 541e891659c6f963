"""The subscribers of the broadcaster: a viewer of the stream, and a listener to events.

Each is a non-blocking connection with the data being sent, and a rule for what comes next. Encrypted connections need
no special handling, except that `ssl.SSLSocket` raises other exceptions when it would block.
"""

import contextlib
import itertools
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.frames import Frame, wall_clock
from appliance.http.tls import WAITS, send_close_notify

BOUNDARY = "frame"
STREAM_TYPE = f"multipart/x-mixed-replace;boundary={BOUNDARY}"
BYTES_TYPE = f"application/octet-stream;boundary={BOUNDARY}"
"""Media type of the same bytes, for a script that requests it with `Accept`.

WebKit cancels a multipart/x-mixed-replace response that `fetch` reads: seen in WebKitGTK 2.50.6, whose code Safari
shares.
"""
_DELIMITER = f"--{BOUNDARY}\r\n".encode()
_NOTSENT_LOWAT = 25  # linux/tcp.h; the socket module does not name it in Python 3.11
_UNSENT = 16384  # bytes
_STALE = 0.3  # s: a new viewer waits for the next frame if the current one is older
_EARLY = 0.012  # s by which a frame may be early, because the intervals of cameras vary
_BACKLOG = 262144  # bytes of events queued for a listener
_READS = 16  # reads of 4 kB at once, to discard what a subscriber sends


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """The options of a stream: at most `fps` frames per second (0: no limit), and those of ustreamer.

    `key` and `id` identify the viewer in `/state`; `extra_headers` adds headers to each part; `zero_data` omits the
    picture itself.
    """

    fps: float = 0.0
    key: str = ""
    extra_headers: bool = False
    zero_data: bool = False
    id: int = field(default_factory=itertools.count(1).__next__)


class Part:
    """A frame as a part of the stream. It includes the next delimiter, so that readers need not wait for it."""

    __slots__ = ("_data", "frame")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._data: bytes | None = None

    @property
    def data(self) -> bytes:
        """The part for all viewers without special options, assembled once."""
        if self._data is None:
            self._data = b"".join((self.head(len(self.frame.jpeg)), self.frame.jpeg, b"\r\n", _DELIMITER))
        return self._data

    def head(self, length: int, extra: str = "") -> bytes:
        """Return the header lines of a part with a picture of `length` bytes."""
        frame = self.frame
        captured = wall_clock(frame.captured_at)
        return (
            f"Content-Type: image/jpeg\r\nContent-Length: {length}\r\n"
            f"X-Timestamp: {captured:.6f}\r\nX-Live: {int(frame.live)}\r\n{extra}\r\n"
        ).encode()


class Feed:
    """Shared by all subscribers: the newest part, and the counters of what was sent."""

    __slots__ = ("bytes_sent", "frames_dropped", "frames_sent", "newest")

    def __init__(self) -> None:
        self.newest: Part | None = None
        self.frames_sent = 0
        self.bytes_sent = 0
        self.frames_dropped = 0


class Subscriber:
    """A connection with its pending data. `active_at` is when data was last accepted (CLOCK_MONOTONIC, s)."""

    __slots__ = ("active_at", "address", "connection", "descriptor", "feed", "pending")

    def __init__(self, connection: socket.socket, head: bytes, address: str, feed: Feed) -> None:
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        self.address = address
        self.feed = feed
        self.descriptor = connection.fileno()
        self.pending: bytes | memoryview | None = head
        self.active_at = time.monotonic()

    def send(self) -> None:
        """Send until the socket is full or nothing is pending. Raises OSError when the connection is closed.

        Most frames are sent with one call. Data that was not accepted is sent again unchanged, as TLS requires.
        """
        feed = self.feed
        while (data := self.pending or self._next()) is not None:
            try:
                count = self.connection.send(data)
            except WAITS:
                self.pending = data
                return
            feed.bytes_sent += count
            self.active_at = time.monotonic()
            self.pending = None if count == len(data) else memoryview(data)[count:]

    def is_open(self) -> bool:
        """Discard received data; return whether the connection is still open."""
        try:
            return all(self.connection.recv(4096) for _ in range(_READS))
        except WAITS:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Close the connection."""
        send_close_notify(self.connection)
        self.connection.close()

    def _next(self) -> bytes | memoryview | None:
        """Return what to send next, or None."""
        raise NotImplementedError


class Viewer(Subscriber):
    """Receives frames: when one has been sent, the newest follows."""

    __slots__ = ("_due_at", "_frames_before", "_rest", "_sequence", "fps", "frames", "options")

    def __init__(
        self, connection: socket.socket, head: bytes, address: str, feed: Feed, options: StreamOptions
    ) -> None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT)
        super().__init__(connection, head + _DELIMITER, address, feed)
        self.options = options
        self.frames = 0
        self.fps = 0
        self._sequence = 0
        self._due_at = 0.0
        self._rest: memoryview | None = None
        self._frames_before = 0

    def count(self, seconds: float) -> None:
        """Set `fps` to the frames per second sent in the `seconds` since the last call."""
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
        if self.options.extra_headers or self.options.zero_data:
            return self._with_options(part)
        return part.data

    def _is_due(self, frame: Frame) -> bool:
        """Return whether the frame is due for this viewer; count the frames it missed because it was slow."""
        if not self._sequence and frame.live and time.monotonic() - frame.captured_at > _STALE:
            return False
        if not self.options.fps:
            if self._sequence:
                self.feed.frames_dropped += frame.sequence - self._sequence - 1
            return True
        if frame.captured_at < self._due_at - _EARLY:
            return False
        interval = 1 / self.options.fps
        is_late = frame.captured_at > self._due_at + interval
        self._due_at = (frame.captured_at if is_late else self._due_at) + interval
        return True

    def _with_options(self, part: Part) -> bytes:
        """Return the head of a part according to the options; the shared picture follows as `_rest`."""
        frame, now = part.frame, time.monotonic()
        fields: dict[str, object] = {}
        if self.options.extra_headers:
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
        if self.options.zero_data:
            return part.head(0, extra) + b"\r\n" + _DELIMITER
        self._rest = memoryview(part.data)[-len(frame.jpeg) - 2 - len(_DELIMITER) :]
        return part.head(len(frame.jpeg), extra)


class Listener(Subscriber):
    """Receives the initial event, then every event in order.

    `initial` is called by `push_initial`, between two events, so no change can be lost between the two.
    """

    __slots__ = ("_events", "_initial")

    def __init__(
        self, connection: socket.socket, head: bytes, address: str, feed: Feed, initial: Callable[[], bytes]
    ) -> None:
        super().__init__(connection, head, address, feed)
        self._events: deque[bytes] = deque()
        self._initial = initial

    def push_initial(self) -> None:
        """Queue the initial event."""
        self._events.append(self._initial())

    def push(self, event: bytes) -> None:
        """Queue an event."""
        self._events.append(event)

    @property
    def is_behind(self) -> bool:
        """Whether more events are queued than the limit."""
        return self.pending is not None and sum(map(len, self._events)) > _BACKLOG

    def _next(self) -> bytes | memoryview | None:
        return self._events.popleft() if self._events else None
