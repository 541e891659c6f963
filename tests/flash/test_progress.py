"""How far it is, shown on a terminal and in a log."""

import io

import pytest

from deploy.flash.progress import Progress, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_terminal_shows_a_bar_with_rate_and_time_left() -> None:
    terminal, clock = Terminal(), Clock()
    progress = Progress("write", 2_000_000_000, terminal, clock)
    clock.now += 10
    progress(500_000_000)
    assert terminal.getvalue().rpartition("\r")[2] == (
        "write    [#####...............]  25 % of 2000 MB, 50 MB/s, 30 s left"
    )
    clock.now += 0.1
    before = terminal.getvalue()
    progress(505_000_000)
    assert terminal.getvalue() == before, "drawn more often than anybody can see"
    clock.now += 29.9
    progress.finish()
    last = terminal.getvalue().rpartition("\r")[2]
    assert last.rstrip() == "write: 2000 MB in 40 s, 50 MB/s"
    assert last.endswith(" \n"), "the rest of the bar is wiped"


def test_a_log_gets_a_line_for_each_tenth_and_one_at_the_end() -> None:
    log, clock = io.StringIO(), Clock()
    progress = Progress("verify", 1000, log, clock)
    for done in range(1, 1001):
        clock.now += 0.1
        progress(done)
    progress.finish()
    lines = log.getvalue().splitlines()
    assert [line[: line.index("%")].split()[-1] for line in lines[:-1]] == ["0", *map(str, range(10, 100, 10))]
    assert lines[-1].startswith("verify: 0 MB in 1:40 min")
    assert "\r" not in log.getvalue()


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (59.4, "59 s"), (59.6, "1:00 min"), (187, "3:07 min")])
def test_times_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
