"""A fair queue of requests: each address has a limited number of slots, so that one cannot delay the others."""

import threading
from collections import deque
from typing import Generic, TypeVar

from appliance.http.limits import network_of

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Each address has `share` slots; further requests wait in a queue of that address.

    All methods are thread-safe.
    """

    def __init__(self, share: int) -> None:
        self._share = share
        self._taken: dict[str, int] = {}  # slots in use, by address
        self._queues: dict[str, deque[T]] = {}  # waiting requests, by address
        self._lock = threading.Lock()

    def acquire(self, address: str, request: T) -> bool:
        """Take a slot and return True; if none is free, queue the request and return False."""
        key = network_of(address)
        with self._lock:
            taken = self._taken.get(key, 0)
            if taken < self._share:
                self._taken[key] = taken + 1
                return True
            self._queues.setdefault(key, deque()).append(request)
            return False

    def release(self, address: str) -> T | None:
        """Free a slot, or pass it on: return the next request of the address, or None."""
        key = network_of(address)
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

    def remove(self, address: str, request: T) -> bool:
        """Remove a request from the queue; return whether it was in it."""
        key = network_of(address)
        with self._lock:
            queue = self._queues.get(key, deque())
            if request not in queue:
                return False
            queue.remove(request)
            if not queue:
                del self._queues[key]
            return True
