"""One thread that feeds all long-lived connections: viewers of the stream, and listeners to events.

A viewer has no queue. While it takes a frame it keeps that one; when it is through it gets the newest, whatever came
in between. So a slow viewer costs the others nothing, and sees fewer pictures, not older ones.

Freshness is lost in the kernel's send queue, not here: `TCP_NOTSENT_LOWAT` keeps all but 16 kB of unsent data out of
it. At 2 Mbit/s pictures were 0.4 s old with it and 4.3 s without; fast viewers noticed no difference.
"""

import contextlib
import os
import select
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.errors import Busy, TooManyViewers
from appliance.frames import Frame, FrameSlot
from appliance.http.limits import household
from appliance.log import logger

log = logger(__name__)

BOUNDARY = "frame"
STREAM_TYPE = f"multipart/x-mixed-replace;boundary={BOUNDARY}"
_DELIMITER = f"--{BOUNDARY}\r\n".encode()
_NOTSENT_LOWAT = 25  # linux/tcp.h; the socket module does not name it in Python 3.11
_UNSENT = 16384  # bytes
_HOUSEKEEPING = 1.0  # s between looks for clients that take nothing
_STALE = 1.0  # s: an older frame is not shown to a new viewer, the next one is
_KEEP_ALIVE = 15.0  # s of silence before a listener to events gets a comment, so that proxies keep the connection
_BACKLOG = 262144  # bytes of events that a listener may be behind
_READABLE = select.EPOLLIN | select.EPOLLRDHUP
_GONE = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP


@dataclass(slots=True)
class _Client:
    """A connection: what is being sent, and what comes next. A viewer's next is the newest frame, always."""

    connection: socket.socket
    is_viewer: bool
    address: str
    pending: memoryview | None = None
    events: deque[bytes] = field(default_factory=deque)
    sequence: int = 0
    moved_at: float = 0.0
    greeting: Callable[[], bytes] | None = None

    def fileno(self) -> int:
        return self.connection.fileno()


class Broadcaster:
    """Owns every connection that was handed to it, from `admit_*` until the client leaves."""

    def __init__(self, slot: FrameSlot, max_viewers: int, max_per_address: int, viewer_timeout: float) -> None:
        self.max_viewers = max_viewers
        self.max_per_address = max_per_address
        self.alive_at = time.monotonic()
        self.frames_sent = 0
        self.bytes_sent = 0
        self.frames_dropped = 0
        self._slot = slot
        self._viewer_timeout = viewer_timeout
        self._lock = threading.Lock()
        self._places: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}  # viewers, listeners by address
        self._arrivals: deque[_Client] = deque()
        self._events: deque[bytes] = deque()
        self._clients: dict[int, _Client] = {}
        self._part: bytes | None = None
        self._newest: Frame | None = None
        self._wanting = contextlib.ExitStack()
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="broadcaster", daemon=True)
        slot.on_publish = self._notify

    @property
    def viewers(self) -> int:
        """How many viewers there are now."""
        return self._places[True].total()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Close all connections and end the thread."""
        self._closing = True
        self._notify()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def reserve(self, is_viewer: bool, address: str) -> None:
        """Take a place before the connection is handed over. Raises TooManyViewers, Busy."""
        who = "viewers" if is_viewer else "listeners to events"
        with self._lock:
            places = self._places[is_viewer]
            if self._closing:
                raise Busy("the appliance is stopping")
            if places.total() >= self.max_viewers:
                raise TooManyViewers(f"all {self.max_viewers} places for {who} are taken; try again later")
            if places[household(address)] >= self.max_per_address:
                raise TooManyViewers(f"all {self.max_per_address} places for {who} from your address are taken")
            places[household(address)] += 1
            if is_viewer and places.total() == 1:
                self._wanting.enter_context(self._slot.wanting())

    def release(self, is_viewer: bool, address: str) -> None:
        """Give a reserved place back."""
        with self._lock:
            places = self._places[is_viewer]
            places[household(address)] -= 1
            if not places[household(address)]:
                del places[household(address)]
            if is_viewer and not places:
                self._wanting.close()

    def admit_viewer(self, connection: socket.socket, head: bytes, address: str) -> None:
        """Send the head of the response, then frames, on a reserved place. Takes the socket over."""
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT)
        self._admit(_Client(connection, True, address, memoryview(head + _DELIMITER)))

    def admit_listener(
        self, connection: socket.socket, head: bytes, address: str, greeting: Callable[[], bytes]
    ) -> None:
        """Send the head of the response, a greeting, then every event, on a reserved place. Takes the socket over.

        The greeting is asked for between two events, on the broadcaster's thread: what it tells cannot be overtaken by
        a change that nobody told this listener of.
        """
        self._admit(_Client(connection, False, address, memoryview(head), greeting=greeting))

    def send_event(self, event: bytes) -> None:
        """Send an event to all listeners; returns at once."""
        if self._places[False]:
            self._events.append(event)
            self._notify()

    def _admit(self, client: _Client) -> None:
        client.connection.setblocking(False)
        with contextlib.suppress(OSError):
            client.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.moved_at = time.monotonic()
        self._arrivals.append(client)
        self._notify()

    def _notify(self) -> None:
        os.eventfd_write(self._wake, 1)

    # From here on everything runs on the broadcaster's thread.

    def _run(self) -> None:
        housekeeping_at = 0.0
        while not self._closing:
            self._serve(self._epoll.poll(_HOUSEKEEPING))
            now = self.alive_at = time.monotonic()
            if now >= housekeeping_at:
                housekeeping_at = now + _HOUSEKEEPING
                self._drop_stalled(now)
        for client in [*self._clients.values(), *self._arrivals]:
            self._drop(client, "the appliance stops")
        os.close(self._wake)
        self._epoll.close()

    def _serve(self, ready: list[tuple[int, int]]) -> None:
        """Do what became possible: frames for all first, then each connection that can go on or is gone."""
        for descriptor, happened in ready:
            if descriptor == self._wake:
                os.eventfd_read(self._wake)
                self._welcome()
                self._take_events()
                self._take_frame()
            elif client := self._clients.get(descriptor):
                if happened & select.EPOLLIN and not _is_open(client.connection):
                    happened |= select.EPOLLHUP
                if happened & _GONE:
                    self._drop(client, "left")
                elif happened & select.EPOLLOUT:
                    self._send(client)

    def _welcome(self) -> None:
        """Register new connections. Edge-triggered: the kernel speaks only when a full socket has room again."""
        while self._arrivals:
            client = self._arrivals.popleft()
            self._clients[client.fileno()] = client
            self._epoll.register(client.fileno(), _READABLE | select.EPOLLOUT | select.EPOLLET)
            log.debug("%s: %s comes", client.address, "viewer" if client.is_viewer else "listener")
            if client.greeting:
                client.events.append(client.greeting())
            self._send(client)

    def _take_events(self) -> None:
        while self._events:
            event = self._events.popleft()
            for client in [each for each in self._clients.values() if not each.is_viewer]:
                client.events.append(event)
                if client.pending is None:
                    self._send(client)
                elif sum(map(len, client.events)) > _BACKLOG:
                    self._drop(client, "too slow for events")

    def _take_frame(self) -> None:
        frame = self._slot.newest
        if frame is None or frame is self._newest:
            return
        self._newest, self._part = frame, None
        for client in [each for each in self._clients.values() if each.is_viewer and each.pending is None]:
            self._send(client)

    def _send(self, client: _Client) -> None:
        """Send until the socket is full or there is nothing to send. Most frames leave with one call."""
        data: bytes | memoryview | None = None
        try:
            while (data := client.pending or self._next(client)) is not None:
                count = client.connection.send(data)
                self.bytes_sent += count
                client.moved_at = time.monotonic()
                client.pending = None if count == len(data) else memoryview(data)[count:]
        except BlockingIOError:
            if data is not None:
                client.pending = memoryview(data)
        except OSError as error:
            self._drop(client, error.strerror or "left")

    def _next(self, client: _Client) -> bytes | None:
        """Return what to send next: for a listener its oldest event, for a viewer the newest frame."""
        if not client.is_viewer:
            return client.events.popleft() if client.events else None
        frame = self._newest
        if frame is None or frame.sequence == client.sequence:
            return None
        if client.sequence:
            self.frames_dropped += frame.sequence - client.sequence - 1
        elif time.monotonic() - frame.captured_at > _STALE:
            return None
        client.sequence = frame.sequence
        self.frames_sent += 1
        if self._part is None:
            self._part = _part(frame)
        return self._part

    def _drop_stalled(self, now: float) -> None:
        for client in list(self._clients.values()):
            silence = now - client.moved_at
            if client.pending is not None and silence > self._viewer_timeout:
                self._drop(client, f"took nothing for {self._viewer_timeout:g} s")
            elif not client.is_viewer and client.pending is None and silence > _KEEP_ALIVE:
                client.events.append(b":\n\n")
                self._send(client)

    def _drop(self, client: _Client, why: str) -> None:
        log.debug("%s: %s", client.address, why)
        self._clients.pop(client.fileno(), None)
        client.connection.close()
        self.release(client.is_viewer, client.address)


def _part(frame: Frame) -> bytes:
    """Return the frame as a part of the stream. The delimiter ends it, so that readers need not wait for the next."""
    captured = time.time() - (time.monotonic() - frame.captured_at)
    head = (
        f"Content-Type: image/jpeg\r\nContent-Length: {len(frame.jpeg)}\r\n"
        f"X-Timestamp: {captured:.6f}\r\nX-Live: {int(frame.live)}\r\n\r\n"
    )
    return b"".join((head.encode(), frame.jpeg, b"\r\n", _DELIMITER))


def _is_open(connection: socket.socket) -> bool:
    """Read away what a client sends unasked; tell whether it is still there."""
    try:
        return bool(connection.recv(4096))
    except BlockingIOError:
        return True
    except OSError:
        return False
