"""Token buckets, and what they keep one address from doing to the others."""

import pytest

from appliance.http.errors import TooManyRequests
from appliance.http.limits import Buckets, network_of
from tests.running import RunningAppliance, eventually
from tests.streaming import Viewer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def take(buckets: Buckets, address: str, times: int = 1) -> int:
    """Take so often; return how often it was granted."""
    granted = 0
    for _ in range(times):
        try:
            buckets.take(address)
        except TooManyRequests:
            continue
        granted += 1
    return granted


def test_an_address_gets_its_share_at_once_and_then_what_time_fills_up() -> None:
    clock = Clock()
    buckets = Buckets("things", 5, 0.5, clock)
    assert take(buckets, "10.0.0.1", 20) == 5
    clock.now += 4
    assert take(buckets, "10.0.0.1", 20) == 2
    clock.now += 1000
    assert take(buckets, "10.0.0.1", 20) == 5


def test_a_refusal_says_when_it_will_be_granted() -> None:
    clock = Clock()
    buckets = Buckets("things", 2, 0.1, clock)
    assert take(buckets, "10.0.0.1", 2) == 2
    with pytest.raises(TooManyRequests) as refusal:
        buckets.take("10.0.0.1")
    assert refusal.value.retry_after == 10
    assert "things" in str(refusal.value)
    clock.now += 10
    buckets.take("10.0.0.1")


def test_one_address_costs_the_others_nothing() -> None:
    buckets = Buckets("things", 3, 0.1, Clock())
    assert take(buckets, "10.0.0.1", 100) == 3
    assert take(buckets, "10.0.0.2", 100) == 3


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "10.0.0.2", False),
        ("nonsense:", "nonsense:", True),
    ],
)
def test_an_ipv6_network_counts_as_one_address(one: str, other: str, alike: bool) -> None:
    assert (network_of(one) == network_of(other)) is alike


def test_the_table_of_addresses_does_not_grow_without_end() -> None:
    buckets = Buckets("things", 1, 0.1, Clock())
    for number in range(10_000):
        buckets.take(f"10.0.{number // 256}.{number % 256}")
    assert len(buckets) <= 4096


def test_a_slowed_address_is_logged_once_not_each_time(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    buckets = Buckets("things", 4, 1, clock)
    take(buckets, "10.0.0.1", 50)
    assert len(caplog.records) == 1
    clock.now += 10
    take(buckets, "10.0.0.1", 50)
    assert len(caplog.records) == 2


def test_one_address_cannot_take_all_places_for_viewers(running_behind_proxy: RunningAppliance) -> None:
    appliance = running_behind_proxy
    with Viewer(appliance, address="10.0.0.1") as one, Viewer(appliance, address="10.0.0.1") as two:
        one.begin()
        two.begin()
        third = appliance.ask("GET", "/stream.mjpg", headers={"X-Forwarded-For": "10.0.0.1"})
        assert (third.status, third.error[0]) == (503, "too_many_viewers")
        assert "from your address" in third.error[1]
        with Viewer(appliance, address="10.0.0.2") as other:
            assert other.begin().part().jpeg
    eventually(lambda: appliance.state()["viewers"] == 0, "no viewer")
    with Viewer(appliance, address="10.0.0.1") as again:
        assert again.begin().part().jpeg


def test_listeners_to_events_are_limited_for_each_address_as_well(running_behind_proxy: RunningAppliance) -> None:
    appliance = running_behind_proxy
    with (
        Viewer(appliance, "/api/events", address="10.0.1.1") as one,
        Viewer(appliance, "/api/events", address="10.0.1.1") as two,
    ):
        assert [one.head().status, two.head().status] == [200, 200]
        refused = appliance.ask("GET", "/api/events", headers={"X-Forwarded-For": "10.0.1.1"})
        assert refused.error == ("too_many_viewers", "all 2 places for listeners to events from your address are taken")


def test_endless_reconnecting_is_slowed_down_and_others_see_on(running_behind_proxy: RunningAppliance) -> None:
    appliance = running_behind_proxy
    with Viewer(appliance, address="10.0.2.1") as good:
        good.begin()
        statuses: set[int] = set()
        for _ in range(60):
            with Viewer(appliance, address="10.0.2.2") as restless:
                statuses.add(restless.head().status)
        assert 429 in statuses
        assert good.part().jpeg
    eventually(lambda: appliance.state()["viewers"] == 0, "no viewer")


def test_expensive_requests_are_limited_and_answered_with_retry_after(
    running_behind_proxy: RunningAppliance,
) -> None:
    appliance = running_behind_proxy
    path = "/api/pictures/999999/thumbnail.jpg"

    def statuses(address: str, count: int) -> list[int]:
        headers = {"X-Forwarded-For": address}
        return [appliance.ask("GET", path, headers=headers).status for _ in range(count)]

    found = statuses("10.0.3.1", 600)
    assert found[:150] == [404] * 150, "there is no such picture, but one may ask"
    assert 429 in found
    refused = next(
        answer
        for _ in range(600)
        if (answer := appliance.ask("GET", path, headers={"X-Forwarded-For": "10.0.3.1"})).status == 429
    )
    assert refused.error[0] == "too_many_requests"
    assert int(refused.headers["Retry-After"]) >= 1
    assert statuses("10.0.3.2", 1) == [404]
    assert appliance.ask("GET", "/api/state", headers={"X-Forwarded-For": "10.0.3.1"}).status == 200
