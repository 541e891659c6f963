"""FairQueue: an address has its share, and nobody waits behind another's queue."""

from appliance.http.fair_queue import FairQueue

SOMEBODY, ANOTHER = "192.0.2.1", "192.0.2.2"


def test_beyond_its_share_an_address_waits_for_its_own_in_their_order() -> None:
    turns: FairQueue[str] = FairQueue(2)
    assert [turns.take(SOMEBODY, request) for request in ("a", "b", "c", "d")] == [True, True, False, False]
    assert turns.take(ANOTHER, "x")
    assert [turns.give_back(SOMEBODY) for _ in range(4)] == ["c", "d", None, None]
    assert turns.give_back(ANOTHER) is None
    assert turns.take(SOMEBODY, "e")


def test_who_leaves_the_queue_gets_no_turn() -> None:
    turns: FairQueue[str] = FairQueue(1)
    assert [turns.take(SOMEBODY, request) for request in ("a", "b", "c")] == [True, False, False]
    assert turns.leave(SOMEBODY, "b")
    assert not turns.leave(SOMEBODY, "b")
    assert not turns.leave(SOMEBODY, "a")
    assert not turns.leave(ANOTHER, "c")
    assert [turns.give_back(SOMEBODY), turns.give_back(SOMEBODY)] == ["c", None]


def test_a_household_is_one_address_and_former_clients_are_forgotten() -> None:
    turns: FairQueue[int] = FairQueue(1)
    assert turns.take("2001:db8::1", 1)
    assert not turns.take("2001:db8::2", 2)
    assert [turns.give_back("2001:db8::1"), turns.give_back("2001:db8::1")] == [2, None]
    assert vars(turns)["_taken"] == vars(turns)["_queues"] == {}
