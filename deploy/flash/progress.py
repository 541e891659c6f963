"""The progress of a long step: a bar on a terminal, otherwise a line for each tenth."""

import time
from collections.abc import Callable
from typing import TextIO

WIDTH = 20  # characters, so that a line fits into 80
REDRAWN_EVERY = 0.2  # seconds


class Progress:
    """The progress of one step over a known number of bytes, with its rate and the remaining time."""

    def __init__(self, step: str, total: int, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.step = step
        self.total = total
        self._stream = stream
        self._clock = clock
        self._begun = clock()
        self._terminal = stream.isatty()
        self._next = 0.0  # the time or the share at which something is shown again
        self._shown = ""

    def __call__(self, done: int) -> None:
        """Show that `done` bytes are finished, unless the last update was too recent."""
        if self._terminal:
            now = self._clock()
            if now >= self._next:
                self._next = now + REDRAWN_EVERY
                self._draw(self._bar(done))
        elif self.total and done / self.total >= self._next:
            self._next = done * 10 // self.total / 10 + 0.1
            if done < self.total:
                self._line(f"{self.step}: {self._share(done)}{self._left(done)}")

    def finish(self, words: str = "") -> None:
        """Show that the step is done, with its mean rate."""
        spent = max(self._clock() - self._begun, 1e-9)
        text = (
            f"{self.step}: {self.total / 1e6:.0f} MB in {duration(spent)}, {self.total / spent / 1e6:.0f} MB/s{words}"
        )
        if self._terminal:
            self._draw(text)
            self._line("")
        else:
            self._line(text)

    def _bar(self, done: int) -> str:
        filled = WIDTH * done // self.total if self.total else WIDTH
        return f"{self.step:<8} [{'#' * filled}{'.' * (WIDTH - filled)}] {self._share(done)}{self._left(done)}"

    def _share(self, done: int) -> str:
        return f"{100 * done // self.total if self.total else 100:3d} % of {self.total / 1e6:.0f} MB"

    def _left(self, done: int) -> str:
        spent = self._clock() - self._begun
        if not done or spent <= 0:
            return ""
        rate = done / spent
        return f", {rate / 1e6:.0f} MB/s, {duration((self.total - done) / rate)} left"

    def _draw(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(len(self._shown)))
        self._stream.flush()
        self._shown = text

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


def duration(seconds: float) -> str:
    """Return a duration for people: 48 s, 3:07 min."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d} min"
