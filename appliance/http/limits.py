"""Rate limits by address: token buckets, in a table of limited size.

A bucket holds the tokens that an address can spend at once, and is refilled over time. IPv6 addresses are limited by
network (/64), because that is the smallest allocation of a household or an attacker.
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

_MAX_ADDRESSES = 4096


def network_of(address: str) -> str:
    """Return the /64 network of an IPv6 address. An IPv4 address or any other text is returned unchanged."""
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
    is_limited: bool = False


class Buckets:
    """One bucket for each address. `what` is used in the error message, such as `failed log-ins`.

    When there are too many addresses, the least recently used bucket is discarded.
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
        """Raise TooManyRequests if the address has fewer than `cost` tokens, without taking any."""
        self._spend(address, cost, 0.0)

    def take(self, address: str, cost: float = 1.0) -> None:
        """Take `cost` tokens from the address. Raises TooManyRequests if it has fewer."""
        self._spend(address, cost, cost)

    def __len__(self) -> int:
        return len(self._buckets)

    def _spend(self, address: str, needed: float, spent: float) -> None:
        address = network_of(address)
        with self._lock:
            bucket = self._filled(address)
            missing = needed - bucket.tokens
            if missing <= 0:
                bucket.tokens -= spent
                return
            is_first, bucket.is_limited = not bucket.is_limited, True
        if is_first:
            log.warning("%s: too many %s, rate-limited", address, self._what)
        seconds = max(1, math.ceil(missing / self._per_second))
        raise TooManyRequests(f"too many {self._what} from your address; try again in {seconds} s", seconds)

    def _filled(self, address: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(address)
        if bucket is None:
            bucket = self._buckets[address] = _Bucket(self._capacity, now)
            if len(self._buckets) > _MAX_ADDRESSES:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(address)
        bucket.tokens = min(self._capacity, bucket.tokens + (now - bucket.filled_at) * self._per_second)
        bucket.filled_at = now
        if bucket.tokens >= self._capacity / 2:
            bucket.is_limited = False
        return bucket
