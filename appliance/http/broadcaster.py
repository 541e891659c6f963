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

from appliance.errors import Busy, TooManyViewers
from appliance.frames import Frame, FrameSlot
from appliance.http.clients import Client, Feed, Listener, Part, Viewer, Wish
from appliance.http.limits import household
from appliance.system.log import logger

log = logger(__name__)

_HOUSEKEEPING = 1.0  # s between looks for clients that take nothing
_KEEP_ALIVE = 15.0  # s of silence before a listener to events gets a comment, so that proxies keep the connection
_READABLE = select.EPOLLIN | select.EPOLLRDHUP
_GONE = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP


class Broadcaster:
    """Owns every connection that was handed to it, from `admit_*` until the client leaves. `feed` has the counters."""

    def __init__(self, slot: FrameSlot, max_viewers: int, max_per_address: int, viewer_timeout: float) -> None:
        self.max_viewers = max_viewers
        self.max_per_address = max_per_address
        self.alive_at = time.monotonic()
        self.feed = Feed()
        self._slot = slot
        self.viewer_timeout = viewer_timeout
        self._lock = threading.Lock()
        self._places: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}  # viewers, listeners by address
        self._arrivals: deque[Client] = deque()
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
        self._unsubscribe = slot.subscribe(self._published, demand=False)  # viewers make the demand

    @property
    def viewers(self) -> int:
        """How many viewers there are now."""
        return self._places[True].total()

    def connected(self) -> list[Viewer]:
        """Return the viewers there are now, to look at."""
        return list(self._viewers.values())

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Close all connections and end the thread."""
        self._unsubscribe()
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
                self._demand.enter_context(self._slot.demand())

    def release(self, is_viewer: bool, address: str) -> None:
        """Give a reserved place back."""
        with self._lock:
            places = self._places[is_viewer]
            places[household(address)] -= 1
            if not places[household(address)]:
                del places[household(address)]
            if is_viewer and not places:
                self._demand.close()

    def admit_viewer(self, connection: socket.socket, head: bytes, address: str, wish: Wish) -> None:
        """Send the head of the response, then frames as wished, on a reserved place. Takes the socket over."""
        self._admit(Viewer(connection, head, address, self.feed, wish))

    def admit_listener(
        self, connection: socket.socket, head: bytes, address: str, greeting: Callable[[], bytes]
    ) -> None:
        """Send the head of the response, a greeting, then every event, on a reserved place. Takes the socket over."""
        self._admit(Listener(connection, head, address, self.feed, greeting))

    def send_event(self, event: bytes) -> None:
        """Send an event to all listeners; returns at once."""
        if self._places[False]:
            self._events.append(event)
            self._notify()

    def _admit(self, client: Client) -> None:
        self._arrivals.append(client)
        self._notify()

    def _published(self, _frame: Frame) -> None:
        """Wake the thread for a frame, unless nobody watches."""
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
                self._keep_house(now)
        for client in [*self._viewers.values(), *self._listeners.values(), *self._arrivals]:
            self._drop(client, "the appliance stops")
        os.close(self._wake)
        self._epoll.close()

    def _serve(self, ready: list[tuple[int, int]]) -> None:
        """Do what became possible: frames for all first, then each connection that can go on or is gone."""
        for descriptor, happened in ready:
            if descriptor == self._wake:
                os.eventfd_read(self._wake)
                self._take_frame()
                self._welcome()
                self._take_events()
            elif client := self._viewers.get(descriptor) or self._listeners.get(descriptor):
                if happened & select.EPOLLIN and not client.is_open():
                    happened |= select.EPOLLHUP
                if happened & _GONE:
                    self._drop(client, "left")
                else:  # Readable counts too: TLS may have to read before it can write.
                    self._send(client)

    def _welcome(self) -> None:
        """Register new connections. Edge-triggered: the kernel speaks only when a full socket has room again."""
        while self._arrivals:
            client = self._arrivals.popleft()
            if isinstance(client, Viewer):
                self._viewers[client.number] = client
            elif isinstance(client, Listener):
                self._listeners[client.number] = client
                client.greet()
            self._epoll.register(client.number, _READABLE | select.EPOLLOUT | select.EPOLLET)
            who = type(client).__name__.lower()
            log.debug("%s: %s comes", client.address, who, extra={"EVENT": f"{who}-came", "VIEWER": client.address})
            self._send(client)

    def _take_events(self) -> None:
        while self._events:
            event = self._events.popleft()
            for listener in list(self._listeners.values()):
                listener.tell(event)
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

    def _send(self, client: Client) -> None:
        try:
            client.send()
        except OSError as error:
            self._drop(client, error.strerror or "left")

    def _keep_house(self, now: float) -> None:
        """Drop who takes nothing, greet who hears nothing, count what viewers got."""
        elapsed, self._housekeeping_at = now - self._housekeeping_at, now
        for viewer in list(self._viewers.values()):
            viewer.count(elapsed)
        for client in [*self._viewers.values(), *self._listeners.values()]:
            silence = now - client.moved_at
            if client.pending is not None and silence > self.viewer_timeout:
                self._drop(client, f"took nothing for {self.viewer_timeout:g} s")
            elif isinstance(client, Listener) and client.pending is None and silence > _KEEP_ALIVE:
                client.tell(b":\n\n")
                self._send(client)

    def _drop(self, client: Client, why: str) -> None:
        left = f"{type(client).__name__.lower()}-left"
        log.debug("%s: %s", client.address, why, extra={"EVENT": left, "VIEWER": client.address})
        self._viewers.pop(client.number, None)
        self._listeners.pop(client.number, None)
        client.close()
        self.release(isinstance(client, Viewer), client.address)
