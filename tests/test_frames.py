"""The one slot: whoever is slow misses frames, and nobody waits for ever."""

import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from appliance.errors import Busy
from appliance.frames import Format, Frame, FrameSlot
from tests.running import eventually

LONG = 30.0  # s that no test takes


def frame(sequence: int, captured_at: float | None = None, live: bool = True) -> Frame:
    return Frame(sequence, b"jpeg", 64, 48, float(sequence) if captured_at is None else captured_at, live)


def waiting(
    slot: FrameSlot, waiters: int, wait: Callable[[], Frame | None]
) -> tuple[ThreadPoolExecutor, list[Future[Frame | None]]]:
    """Let that many threads wait; return when all of them do."""
    pool = ThreadPoolExecutor(waiters)
    futures = [pool.submit(wait) for _ in range(waiters)]
    eventually(lambda: slot._demands == waiters, "everybody to wait")
    return pool, futures


def test_the_newest_frame_wins() -> None:
    slot = FrameSlot()
    assert slot.newest is None
    for sequence in range(1, 4):
        slot.publish(frame(sequence))
    assert slot.newest == frame(3)
    assert slot.live_since(0.0, 0) == frame(3)


def test_a_frame_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        frame(1).sequence = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("published", "since", "found"),
    [
        ([], 0.0, False),
        ([frame(5)], 4.9, True),
        ([frame(5)], 5.0, False),
        ([frame(5)], 6.0, False),
        ([frame(5, live=False)], 0.0, False),
        ([frame(5), frame(6, live=False)], 0.0, False),
        ([frame(5, live=False), frame(6)], 0.0, True),
    ],
)
def test_only_a_live_frame_captured_later_will_do(published: list[Frame], since: float, found: bool) -> None:
    slot = FrameSlot()
    for each in published:
        slot.publish(each)
    assert slot.live_since(since, 0) == (published[-1] if found else None)


def test_everybody_who_waits_gets_the_frame() -> None:
    slot = FrameSlot()
    slot.publish(frame(1))
    pool, futures = waiting(slot, 8, lambda: slot.live_since(1.0, LONG))
    with pool:
        slot.publish(frame(2, live=False))
        slot.publish(frame(3))
        assert [future.result(LONG) for future in futures] == [frame(3)] * 8
    assert not slot.is_demanded


def test_a_wait_that_is_too_long_gets_nothing() -> None:
    slot = FrameSlot()
    slot.publish(frame(1, live=False))
    assert slot.live_since(0.0, 0.02) is None
    assert not slot.is_demanded


def test_frames_are_wanted_as_long_as_anybody_wants_them() -> None:
    slot = FrameSlot()
    assert not slot.is_demanded
    with slot.demand():
        assert slot.is_demanded
        with slot.demand():
            assert slot.is_demanded
        assert slot.is_demanded
    assert not slot.is_demanded


def test_demand_ends_when_the_block_fails() -> None:
    slot = FrameSlot()
    with pytest.raises(RuntimeError), slot.demand():
        raise RuntimeError
    assert not slot.is_demanded


def test_a_waiting_reader_makes_frames_wanted() -> None:
    slot = FrameSlot()
    pool, (future,) = waiting(slot, 1, lambda: slot.live_since(0.0, LONG))
    with pool:
        assert slot.is_demanded
        slot.publish(frame(1))
        assert future.result(LONG) == frame(1)


def test_demand_is_counted_right_with_many_threads() -> None:
    slot = FrameSlot()

    def want() -> None:
        for _ in range(500):
            with slot.demand():
                assert slot.is_demanded

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(want) for _ in range(8)]:
            future.result(LONG)
    assert not slot.is_demanded


def test_closing_releases_all_readers_and_no_reader_waits_again() -> None:
    slot = FrameSlot()
    pool, futures = waiting(slot, 4, lambda: slot.live_since(0.0, LONG))
    with pool:
        slot.close()
        for future in futures:
            with pytest.raises(Busy, match="stopping"):
                future.result(LONG)
    with pytest.raises(Busy):
        slot.live_since(0.0, LONG)
    slot.publish(frame(1))
    assert slot.newest == frame(1)


def collect(slot: FrameSlot, demand: bool = False) -> tuple[list[Frame], Callable[[], None]]:
    """Subscribe; return the list that fills with frames, and the function that ends the subscription."""
    frames: list[Frame] = []
    return frames, slot.subscribe(frames.append, demand)


def test_every_subscriber_gets_every_frame_and_placeholder() -> None:
    slot = FrameSlot()
    (first, _), (second, cancel) = collect(slot), collect(slot)
    published = [frame(1), frame(2, live=False), frame(3)]
    for each in published:
        slot.publish(each)
    assert first == second == published
    cancel()
    cancel()
    slot.publish(frame(4))
    assert (len(first), len(second)) == (4, 3)


def test_a_subscriber_is_called_on_the_thread_that_publishes() -> None:
    slot = FrameSlot()
    called: list[tuple[Frame | None, threading.Thread]] = []
    slot.subscribe(lambda _: called.append((slot.newest, threading.current_thread())), demand=False)
    slot.publish(frame(1))
    assert called == [(frame(1), threading.current_thread())]


def test_a_subscriber_that_raises_costs_no_frame(caplog: pytest.LogCaptureFixture) -> None:
    slot = FrameSlot()

    def fail(_: Frame) -> None:
        raise ValueError("a defect")

    before, _ = collect(slot)
    slot.subscribe(fail)
    after, _ = collect(slot)
    for number in (1, 2):
        slot.publish(frame(number))
    assert before == after == [frame(1), frame(2)]
    assert "a defect" in caplog.text


def test_one_listener_may_subscribe_twice() -> None:
    slot, frames = FrameSlot(), list[Frame]()
    cancel = slot.subscribe(frames.append)
    slot.subscribe(frames.append)
    cancel()
    slot.publish(frame(1))
    assert frames == [frame(1)]


def test_only_a_subscription_with_demand_makes_frames_needed() -> None:
    slot = FrameSlot()
    _, cancel_looking = collect(slot, demand=False)
    assert not slot.is_demanded
    _, cancel_needing = collect(slot, demand=True)
    assert slot.is_demanded
    cancel_looking()
    assert slot.is_demanded
    cancel_needing()
    assert not slot.is_demanded


def test_a_demand_stays_although_the_end_of_its_subscription_is_not_kept() -> None:
    slot = FrameSlot()
    slot.subscribe(lambda _: None, demand=True)
    gc.collect()
    assert slot.is_demanded


def test_a_subscription_ends_once_however_often_it_is_cancelled() -> None:
    slot = FrameSlot()
    cancel = slot.subscribe(lambda _: None)
    slot.subscribe(lambda _: None)
    cancel()
    cancel()
    assert slot.is_demanded


@pytest.mark.parametrize("demand", [False, True])
def test_a_follower_looks_at_its_own_pace_and_skips_the_rest(demand: bool) -> None:
    slot, follower_got = FrameSlot(), list[Frame]()
    follower = slot.follow(max_fps=5, demand=demand)
    assert slot.is_demanded == demand
    thread = threading.Thread(target=lambda: follower_got.extend(follower))
    thread.start()
    begun_at, number = time.monotonic(), 0
    while time.monotonic() - begun_at < 1.05:
        number += 1
        slot.publish(frame(number))
        threading.Event().wait(0.005)
    follower.close()
    thread.join(LONG)
    assert 3 <= len(follower_got) <= 7, "5 a second for a second"
    numbers = [each.sequence for each in follower_got]
    assert numbers == sorted(set(numbers))
    assert number > 3 * len(numbers)
    assert not slot.is_demanded


@pytest.mark.parametrize("end", ["the follower", "the slot"])
def test_a_follower_that_waits_ends_when_it_or_the_slot_closes(end: str) -> None:
    slot = FrameSlot()
    follower = slot.follow(max_fps=1000)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(list, follower)
        eventually(lambda: slot._waiting == 1, "the follower to wait")
        (follower if end == "the follower" else slot).close()
        assert future.result(LONG) == []


def test_a_format_is_told_in_json_and_in_words() -> None:
    wanted = Format(1280, 720, 29.97, "MJPG")
    assert wanted.as_json() == {"width": 1280, "height": 720, "fps": 29.97, "pixel_format": "MJPG"}
    assert Format(**wanted.as_json()) == wanted
    assert str(wanted) == "1280x720 at 29.97 fps, MJPG"
    assert str(Format(640, 480, 30.0, "auto")) == "640x480 at 30 fps, auto"
