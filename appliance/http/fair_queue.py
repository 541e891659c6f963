"""Whose request is answered next: of one address only some at once, so that nobody waits behind another's many."""

import threading
from collections import deque
from typing import Generic, TypeVar

from appliance.http.limits import household

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Gives each address `share` turns at a time; what it asks for beyond that waits in a queue of its own.

    Every method may be called from any thread.
    """

    def __init__(self, share: int) -> None:
        self._share = share
        self._taken: dict[str, int] = {}  # by address, where there are any
        self._queues: dict[str, deque[T]] = {}  # the same
        self._lock = threading.Lock()

    def take(self, address: str, request: T) -> bool:
        """Return whether it is the request's turn; if not, it is put into the queue of its address."""
        key = household(address)
        with self._lock:
            taken = self._taken.get(key, 0)
            if taken < self._share:
                self._taken[key] = taken + 1
                return True
            self._queues.setdefault(key, deque()).append(request)
            return False

    def give_back(self, address: str) -> T | None:
        """End a turn, and return the request of the same address whose turn it is now, if one waits."""
        key = household(address)
        with self._lock:
            if queue := self._queues.get(key):
                request = queue.popleft()
                if not queue:
                    del self._queues[key]
                return request
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
            return None

    def leave(self, address: str, request: T) -> bool:
        """Take a request out of the queue; return whether it was still there."""
        key = household(address)
        with self._lock:
            queue = self._queues.get(key, deque())
            if request not in queue:
                return False
            queue.remove(request)
            if not queue:
                del self._queues[key]
            return True
