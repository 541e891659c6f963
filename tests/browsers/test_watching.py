"""Somebody leaves the page open: frames keep coming, on one connection, and memory stays.

For a minute; for ten with LONG=1.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.browsers.engines import Running
from tests.browsers.page import frames, see_live
from tests.running import RunningAppliance, eventually

LONG = bool(os.environ.get("LONG"))
SECONDS = 600 if LONG else 60
WARM_AFTER = 60 if LONG else 20  # s; until then caches fill
CAMERA_RATE = 30
LEAST_RATE = 2  # a second: 3.4 were seen on two cores with a load of 20, and a placeholder comes once a second
LONGEST_PAUSE = 3.0  # s
Record = Callable[[str, object], None]

MOST_GROWTH = 60  # MB; a frame that was kept would be 3.7 MB, twenty times a second


@dataclass(frozen=True)
class Sample:
    """What was seen at one moment."""

    second: float
    frames: int
    viewers: int
    memory: float  # MB


@pytest.fixture(scope="module")
def samples(engine: Running, shared: RunningAppliance) -> Iterator[list[Sample]]:
    """The page, looked at for a while."""
    browser = engine.browser
    browser.resize(1280, 800)
    eventually(lambda: shared.state()["viewers"] == 0, "no viewer from before")
    see_live(browser, shared.url)
    begin, samples = time.monotonic(), list[Sample]()

    def sample() -> bool:
        second = time.monotonic() - begin
        samples.append(Sample(second, frames(browser), shared.state()["viewers"], engine.renderer_memory))
        return second > SECONDS

    eventually(sample, "the end", seconds=SECONDS + 30)
    yield samples
    errors = browser.errors
    browser.leave()
    assert errors == []


def test_frames_arrive_for_as_long_as_one_watches(
    engine: Running, samples: list[Sample], record_property: Record
) -> None:
    first, last = samples[0], samples[-1]
    rate = (last.frames - first.frames) / (last.second - first.second)
    record_property(
        f"{engine.browser.name} {engine.browser.version}",
        f"{last.frames - first.frames} frames in {last.second:.0f} s, {rate:.1f} a second",
    )
    assert LEAST_RATE < rate < CAMERA_RATE * 1.05
    arrivals = [after.second for before, after in pairwise(samples) if after.frames > before.frames]
    assert max(after - before for before, after in pairwise(arrivals)) < LONGEST_PAUSE


def test_the_page_is_one_viewer_never_more(samples: list[Sample]) -> None:
    assert {sample.viewers for sample in samples} == {1}


def test_memory_of_the_renderer_stays(engine: Running, samples: list[Sample], record_property: Record) -> None:
    """The least of ten seconds counts: between two rounds of a garbage collector memory only grows."""
    warm, end = (
        min(sample.memory for sample in samples if until - 10 < sample.second <= until)
        for until in (WARM_AFTER, SECONDS)
    )
    record_property(
        f"{engine.browser.name} {engine.browser.version}",
        f"{warm:.0f} MB after {WARM_AFTER} s, {end:.0f} MB after {SECONDS} s",
    )
    assert end - warm < MOST_GROWTH
