"""What has arrived and waits to be done: bounded, whatever is sent."""

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass

from appliance.system.log import logger

log = logger(__name__)

CAPACITY = 200  # messages that wait
_MAX_PER_TOPIC = 50  # of them, on one topic
_MAX_REFUSALS = 100  # messages that wait to be answered with `busy`; more get no answer


@dataclass(frozen=True, slots=True)
class Request:
    """A message on one of our command topics; of its `size` bytes, `payload` has no more than we read."""

    topic: str
    size: int
    payload: bytes
    response_topic: str | None = None
    correlation: bytes | None = None

    @property
    def is_set(self) -> bool:
        """Whether it wishes for values, of which the newest counts."""
        return self.topic.endswith("/set")


class CommandQueue:
    """A queue in which wishes for values push out older ones, and other commands are refused when there is no room."""

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque()
        self._refused: deque[Request] = deque()
        self._on_topic: Counter[str] = Counter()
        self._change = threading.Condition()
        self._is_woken = False
        self._lost = 0
        self._logged_at = 0.0

    def put(self, request: Request) -> None:
        """Add a message; where there is no room, drop an older wish, or put this one among the refused."""
        with self._change:
            if self._on_topic[request.topic] >= _MAX_PER_TOPIC or len(self._waiting) >= CAPACITY:
                self._make_room(request)
            else:
                self._add(request)
            self._change.notify()

    def wake(self) -> None:
        """Let `get` return, if only to look around."""
        with self._change:
            self._is_woken = True
            self._change.notify()

    def get(self) -> tuple[Request | None, Request | None]:
        """Wait; return the next message to do, and the next to refuse, as far as there are any."""
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._refused or self._is_woken)
            self._is_woken = False
            request = self._waiting.popleft() if self._waiting else None
            if request:
                self._on_topic[request.topic] -= 1
                self._on_topic += Counter()  # forgets the zeros
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
        """Say once a second how many did not fit."""
        self._lost += 1
        now = time.monotonic()
        if now - self._logged_at > 1:
            log.warning("messages arrive faster than they can be processed: %d dropped or refused", self._lost)
            self._logged_at, self._lost = now, 0
