"""One thread that serves all long-lived connections: viewers of the stream, and listeners to events.

A viewer has no queue. When a frame has been sent, the newest one follows, and frames in between are skipped. A slow
viewer therefore does not delay others, and gets fewer frames, not older ones.

Latency builds up in the send buffer of the kernel, so `TCP_NOTSENT_LOWAT` limits unsent data in it to 16 kB. At
2 Mbit/s frames were 0.4 s old with this limit and 4.3 s without; fast viewers showed no difference.
"""

import contextlib
import os
import select
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable

from appliance.errors import Busy, TooManyViewers
from appliance.frames import Frame, FrameSlot
from appliance.http.limits import network_of
from appliance.http.subscribers import Feed, Listener, Part, StreamOptions, Subscriber, Viewer
from appliance.system.log import logger

log = logger(__name__)

_HOUSEKEEPING = 1.0  # s between checks for stalled connections
_KEEP_ALIVE = 15.0  # s without an event before a comment is sent, so that proxies keep the connection open
_READABLE = select.EPOLLIN | select.EPOLLRDHUP
_GONE = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP


class Broadcaster:
    """Owns every connection from `admit_*` until it is closed. `feed` has the counters."""

    def __init__(self, slot: FrameSlot, max_viewers: int, max_per_address: int, viewer_timeout: float) -> None:
        self.max_viewers = max_viewers
        self.max_per_address = max_per_address
        self.alive_at = time.monotonic()
        self.feed = Feed()
        self._slot = slot
        self.viewer_timeout = viewer_timeout
        self._lock = threading.Lock()
        self._places: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}  # viewers, listeners by address
        self._arrivals: deque[Subscriber] = deque()
        self._events: deque[bytes] = deque()
        self._viewers: dict[int, Viewer] = {}
        self._listeners: dict[int, Listener] = {}
        self._housekeeping_at = self.alive_at
        self._demand = contextlib.ExitStack()
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="broadcaster", daemon=True)
        self._unsubscribe = slot.subscribe(self._on_frame, demand=False)  # viewers make the demand

    @property
    def viewers(self) -> int:
        """The number of viewers."""
        return self._places[True].total()

    def connected(self) -> list[Viewer]:
        """Return the current viewers, for reading."""
        return list(self._viewers.values())

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Close all connections and stop the thread."""
        self._unsubscribe()
        self._closing = True
        self._notify()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def reserve(self, is_viewer: bool, address: str) -> None:
        """Reserve a place for a connection. Raises TooManyViewers, Busy."""
        kind = "viewers" if is_viewer else "listeners to events"
        with self._lock:
            places = self._places[is_viewer]
            if self._closing:
                raise Busy("the appliance is stopping")
            if places.total() >= self.max_viewers:
                raise TooManyViewers(f"all {self.max_viewers} places for {kind} are taken; try again later")
            if places[network_of(address)] >= self.max_per_address:
                raise TooManyViewers(f"all {self.max_per_address} places for {kind} from your address are taken")
            places[network_of(address)] += 1
            if is_viewer and places.total() == 1:
                self._demand.enter_context(self._slot.demand())

    def release(self, is_viewer: bool, address: str) -> None:
        """Free a reserved place."""
        with self._lock:
            places = self._places[is_viewer]
            places[network_of(address)] -= 1
            if not places[network_of(address)]:
                del places[network_of(address)]
            if is_viewer and not places:
                self._demand.close()

    def admit_viewer(self, connection: socket.socket, head: bytes, address: str, options: StreamOptions) -> None:
        """Send the head of the response, then frames. Needs a reserved place, and takes ownership of the socket."""
        self._admit(Viewer(connection, head, address, self.feed, options))

    def admit_listener(
        self, connection: socket.socket, head: bytes, address: str, initial: Callable[[], bytes]
    ) -> None:
        """Send the head of the response, the result of `initial`, then every event.

        Needs a reserved place, and takes ownership of the socket.
        """
        self._admit(Listener(connection, head, address, self.feed, initial))

    def send_event(self, event: bytes) -> None:
        """Send an event to all listeners, without blocking."""
        if self._places[False]:
            self._events.append(event)
            self._notify()

    def _admit(self, subscriber: Subscriber) -> None:
        self._arrivals.append(subscriber)
        self._notify()

    def _on_frame(self, _frame: Frame) -> None:
        """Wake the thread if there are viewers."""
        if self._places[True]:
            self._notify()

    def _notify(self) -> None:
        os.eventfd_write(self._wake, 1)

    # From here on everything runs on the broadcaster's thread.

    def _run(self) -> None:
        while not self._closing:
            self._serve(self._epoll.poll(_HOUSEKEEPING))
            now = self.alive_at = time.monotonic()
            if now >= self._housekeeping_at + _HOUSEKEEPING:
                self._do_housekeeping(now)
        for subscriber in [*self._viewers.values(), *self._listeners.values(), *self._arrivals]:
            self._drop(subscriber, "the appliance is stopping")
        os.close(self._wake)
        self._epoll.close()

    def _serve(self, ready: list[tuple[int, int]]) -> None:
        """Handle new frames and events, and each connection that is writable or closed."""
        for descriptor, ready_for in ready:
            if descriptor == self._wake:
                os.eventfd_read(self._wake)
                self._take_frame()
                self._register_arrivals()
                self._take_events()
            elif subscriber := self._viewers.get(descriptor) or self._listeners.get(descriptor):
                if ready_for & select.EPOLLIN and not subscriber.is_open():
                    ready_for |= select.EPOLLHUP
                if ready_for & _GONE:
                    self._drop(subscriber, "disconnected")
                else:  # also if only readable: TLS may have to read before it can write
                    self._send(subscriber)

    def _register_arrivals(self) -> None:
        """Register new connections, edge-triggered: an event comes only when a full socket becomes writable again."""
        while self._arrivals:
            subscriber = self._arrivals.popleft()
            if isinstance(subscriber, Viewer):
                self._viewers[subscriber.descriptor] = subscriber
            elif isinstance(subscriber, Listener):
                self._listeners[subscriber.descriptor] = subscriber
                subscriber.push_initial()
            self._epoll.register(subscriber.descriptor, _READABLE | select.EPOLLOUT | select.EPOLLET)
            kind = type(subscriber).__name__.lower()
            log.debug(
                "%s: %s connected",
                subscriber.address,
                kind,
                extra={"EVENT": f"{kind}-came", "VIEWER": subscriber.address},
            )
            self._send(subscriber)

    def _take_events(self) -> None:
        while self._events:
            event = self._events.popleft()
            for listener in list(self._listeners.values()):
                listener.push(event)
                if listener.is_behind:
                    self._drop(listener, "too slow for events")
                elif listener.pending is None:
                    self._send(listener)

    def _take_frame(self) -> None:
        frame, newest = self._slot.newest, self.feed.newest
        if frame is None or (newest and newest.frame is frame):
            return
        self.feed.newest = Part(frame)
        for viewer in list(self._viewers.values()):
            if viewer.pending is None:
                self._send(viewer)

    def _send(self, subscriber: Subscriber) -> None:
        try:
            subscriber.send()
        except OSError as error:
            self._drop(subscriber, error.strerror or "disconnected")

    def _do_housekeeping(self, now: float) -> None:
        """Drop stalled connections, send keep-alive comments, and measure the frame rates of viewers."""
        elapsed, self._housekeeping_at = now - self._housekeeping_at, now
        for viewer in list(self._viewers.values()):
            viewer.count(elapsed)
        for subscriber in [*self._viewers.values(), *self._listeners.values()]:
            silence = now - subscriber.active_at
            if subscriber.pending is not None and silence > self.viewer_timeout:
                self._drop(subscriber, f"received nothing for {self.viewer_timeout:g} s")
            elif isinstance(subscriber, Listener) and subscriber.pending is None and silence > _KEEP_ALIVE:
                subscriber.push(b":\n\n")
                self._send(subscriber)

    def _drop(self, subscriber: Subscriber, why: str) -> None:
        left = f"{type(subscriber).__name__.lower()}-left"
        log.debug("%s: %s", subscriber.address, why, extra={"EVENT": left, "VIEWER": subscriber.address})
        self._viewers.pop(subscriber.descriptor, None)
        self._listeners.pop(subscriber.descriptor, None)
        subscriber.close()
        self.release(isinstance(subscriber, Viewer), subscriber.address)
