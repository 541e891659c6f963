"""The queue of received messages, limited in size."""

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass

from appliance.system.log import logger

log = logger(__name__)

CAPACITY = 200  # messages in the queue
_MAX_PER_TOPIC = 50  # messages in the queue, on one topic
_MAX_REFUSALS = 100  # messages that get the response `busy`; more get none


@dataclass(frozen=True, slots=True)
class Request:
    """A message on a command topic. `payload` is the beginning of its `size` bytes, up to the limit."""

    topic: str
    size: int
    payload: bytes
    response_topic: str | None = None
    correlation: bytes | None = None

    @property
    def is_set(self) -> bool:
        """Whether it sets values, so that a newer message replaces an older one."""
        return self.topic.endswith("/set")


class CommandQueue:
    """A bounded queue: if it is full, new values replace older ones, and other commands are refused."""

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque()
        self._refused: deque[Request] = deque()
        self._on_topic: Counter[str] = Counter()
        self._change = threading.Condition()
        self._is_woken = False
        self._lost = 0
        self._logged_at = 0.0

    def put(self, request: Request) -> None:
        """Add a message. If the queue is full, drop an older one that sets values, or refuse this one."""
        with self._change:
            if self._on_topic[request.topic] >= _MAX_PER_TOPIC or len(self._waiting) >= CAPACITY:
                self._make_room(request)
            else:
                self._add(request)
            self._change.notify()

    def wake(self) -> None:
        """Make `get` return, even without a message."""
        with self._change:
            self._is_woken = True
            self._change.notify()

    def get(self) -> tuple[Request | None, Request | None]:
        """Wait; return the next message to process and the next to refuse, either may be None."""
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._refused or self._is_woken)
            self._is_woken = False
            request = self._waiting.popleft() if self._waiting else None
            if request:
                self._on_topic[request.topic] -= 1
                self._on_topic += Counter()  # removes zero counts
            return request, self._refused.popleft() if self._refused else None

    def _add(self, request: Request) -> None:
        self._waiting.append(request)
        self._on_topic[request.topic] += 1

    def _make_room(self, request: Request) -> None:
        self._log_overflow()
        crowded = self._on_topic[request.topic] >= _MAX_PER_TOPIC
        older = next(
            (each for each in self._waiting if each.is_set and (each.topic == request.topic or not crowded)), None
        )
        if request.is_set and older:
            self._waiting.remove(older)
            self._on_topic[older.topic] -= 1
            self._add(request)
        elif len(self._refused) < _MAX_REFUSALS:
            self._refused.append(request)

    def _log_overflow(self) -> None:
        """Log the number of dropped or refused messages, at most once a second."""
        self._lost += 1
        now = time.monotonic()
        if now - self._logged_at > 1:
            log.warning("messages arrive faster than they can be processed: %d dropped or refused", self._lost)
            self._logged_at, self._lost = now, 0
