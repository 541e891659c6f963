"""FairQueue: an address has its share, and nobody waits behind another's queue."""

from appliance.http.fair_queue import FairQueue

SOMEBODY, ANOTHER = "192.0.2.1", "192.0.2.2"


def test_beyond_its_share_an_address_waits_for_its_own_in_their_order() -> None:
    turns: FairQueue[str] = FairQueue(2)
    assert [turns.acquire(SOMEBODY, request) for request in ("a", "b", "c", "d")] == [True, True, False, False]
    assert turns.acquire(ANOTHER, "x")
    assert [turns.release(SOMEBODY) for _ in range(4)] == ["c", "d", None, None]
    assert turns.release(ANOTHER) is None
    assert turns.acquire(SOMEBODY, "e")


def test_a_client_that_leaves_the_queue_gets_no_turn() -> None:
    turns: FairQueue[str] = FairQueue(1)
    assert [turns.acquire(SOMEBODY, request) for request in ("a", "b", "c")] == [True, False, False]
    assert turns.remove(SOMEBODY, "b")
    assert not turns.remove(SOMEBODY, "b")
    assert not turns.remove(SOMEBODY, "a")
    assert not turns.remove(ANOTHER, "c")
    assert [turns.release(SOMEBODY), turns.release(SOMEBODY)] == ["c", None]


def test_a_household_is_one_address_and_former_clients_are_forgotten() -> None:
    turns: FairQueue[int] = FairQueue(1)
    assert turns.acquire("2001:db8::1", 1)
    assert not turns.acquire("2001:db8::2", 2)
    assert [turns.release("2001:db8::1"), turns.release("2001:db8::1")] == [2, None]
    assert vars(turns)["_taken"] == vars(turns)["_queues"] == {}
