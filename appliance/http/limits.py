"""How much one address may ask for: token buckets, in a table that cannot grow without end.

A bucket holds what an address may spend at once, and fills up again with time. An address is one of IPv4, or a
network of IPv6 (/64), because that is the least that a household or an attacker has.
"""

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from appliance.http.errors import TooManyRequests
from appliance.system.log import logger

log = logger(__name__)

_MOST_ADDRESSES = 4096


def household(address: str) -> str:
    """Return what counts as one address: IPv4 as it is, of IPv6 the network (/64); anything else as it is."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float
    is_slowed: bool = False


class Buckets:
    """One bucket for each address. `what` is in the words of the refusal, such as `log-ins`.

    When there are too many addresses, the one that was not seen for the longest time is forgotten.
    """

    def __init__(
        self, what: str, capacity: float, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what = what
        self._capacity = capacity
        self._per_second = per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def check(self, address: str, cost: float = 1.0) -> None:
        """Raise TooManyRequests if the address has not so much left; take nothing."""
        self._spend(address, cost, 0.0)

    def take(self, address: str, cost: float = 1.0) -> None:
        """Take so much from the address. Raises TooManyRequests if it has not so much left."""
        self._spend(address, cost, cost)

    def __len__(self) -> int:
        return len(self._buckets)

    def _spend(self, address: str, needed: float, spent: float) -> None:
        address = household(address)
        with self._lock:
            bucket = self._filled(address)
            missing = needed - bucket.tokens
            if missing <= 0:
                bucket.tokens -= spent
                return
            is_news, bucket.is_slowed = not bucket.is_slowed, True
        if is_news:
            log.warning("%s: too many %s, slowed down", address, self._what)
        seconds = max(1, math.ceil(missing / self._per_second))
        raise TooManyRequests(f"too many {self._what} from your address; try again in {seconds} s", seconds)

    def _filled(self, address: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(address)
        if bucket is None:
            bucket = self._buckets[address] = _Bucket(self._capacity, now)
            if len(self._buckets) > _MOST_ADDRESSES:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(address)
        bucket.tokens = min(self._capacity, bucket.tokens + (now - bucket.filled_at) * self._per_second)
        bucket.filled_at = now
        if bucket.tokens >= self._capacity / 2:
            bucket.is_slowed = False
        return bucket
