"""The one slot: whoever is slow misses frames, and nobody waits for ever."""

import threading
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
    eventually(lambda: slot._wanting == waiters, "everybody to wait")
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
    assert not slot.wanted


def test_who_waits_too_long_gets_nothing() -> None:
    slot = FrameSlot()
    slot.publish(frame(1, live=False))
    assert slot.live_since(0.0, 0.02) is None
    assert not slot.wanted


def test_frames_are_wanted_as_long_as_anybody_wants_them() -> None:
    slot = FrameSlot()
    assert not slot.wanted
    with slot.wanting():
        assert slot.wanted
        with slot.wanting():
            assert slot.wanted
        assert slot.wanted
    assert not slot.wanted


def test_demand_ends_when_the_block_fails() -> None:
    slot = FrameSlot()
    with pytest.raises(RuntimeError), slot.wanting():
        raise RuntimeError
    assert not slot.wanted


def test_who_waits_makes_frames_wanted() -> None:
    slot = FrameSlot()
    pool, (future,) = waiting(slot, 1, lambda: slot.live_since(0.0, LONG))
    with pool:
        assert slot.wanted
        slot.publish(frame(1))
        assert future.result(LONG) == frame(1)


def test_demand_is_counted_right_with_many_threads() -> None:
    slot = FrameSlot()

    def want() -> None:
        for _ in range(500):
            with slot.wanting():
                assert slot.wanted

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(want) for _ in range(8)]:
            future.result(LONG)
    assert not slot.wanted


def test_closing_releases_everybody_and_nobody_waits_again() -> None:
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


def test_publishing_tells_the_listener_on_the_same_thread_after_the_frame_is_there() -> None:
    slot = FrameSlot()
    told: list[tuple[Frame | None, threading.Thread]] = []
    slot.on_publish = lambda: told.append((slot.newest, threading.current_thread()))
    slot.publish(frame(1))
    slot.publish(frame(2))
    assert told == [(frame(1), threading.current_thread()), (frame(2), threading.current_thread())]


def test_a_format_is_told_in_json_and_in_words() -> None:
    wanted = Format(1280, 720, 29.97, "MJPG")
    assert wanted.as_json() == {"width": 1280, "height": 720, "fps": 29.97, "pixel_format": "MJPG"}
    assert Format(**wanted.as_json()) == wanted
    assert str(wanted) == "1280x720 at 29.97 fps, MJPG"
    assert str(Format(640, 480, 30.0, "auto")) == "640x480 at 30 fps, auto"
