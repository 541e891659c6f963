"""An audience that stays: a viewer and a listener that read on threads of their own while a test breaks things."""

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, TypeVar

from tests.processes import PATIENCE
from tests.running import RunningAppliance
from tests.streaming import Part, Viewer

S = TypeVar("S")
E = TypeVar("E", bound="_Reader[Any]")


class _Reader(ABC, Generic[S]):
    """Reads a connection on a thread of its own, as long as it lasts. Use it as a context."""

    def __init__(self, appliance: RunningAppliance, path: str, kept: int) -> None:
        self.count = 0
        self.ended: str | None = None  # why the connection ended, if it did
        self._viewer = Viewer(appliance, path)
        self._recent: deque[S] = deque(maxlen=kept)
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self: E) -> E:
        self._begin()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._viewer.connection.shutdown(2)
        self._thread.join(PATIENCE)
        self._viewer.connection.close()

    @abstractmethod
    def _begin(self) -> None:
        """Read the head."""

    @abstractmethod
    def _read(self) -> S:
        """Read one piece."""

    def _run(self) -> None:
        try:
            while True:
                piece = self._read()
                with self._news:
                    self.count += 1
                    self._recent.append(piece)
                    self._news.notify_all()
        except (OSError, EOFError, ValueError) as error:
            with self._news:
                self.ended = repr(error)
                self._news.notify_all()

    def find(self, wanted: Callable[[S], bool], what: str, seconds: float = PATIENCE) -> S:
        """Return the first recent or coming piece that is wanted; fail if none comes, or the connection ends."""

        def found() -> list[S]:
            return [piece for piece in self._recent if wanted(piece)][:1]

        with self._news:
            self._news.wait_for(lambda: found() or self.ended, seconds)
            pieces = found()
        assert pieces, f"{what} did not come within {seconds:g} s (connection: {self.ended or 'open'})"
        return pieces[0]


class Spectator(_Reader[Part]):
    """A viewer that keeps up."""

    def __init__(self, appliance: RunningAppliance, path: str = "/stream.mjpg", kept: int = 100) -> None:
        super().__init__(appliance, path, kept)

    def _begin(self) -> None:
        self._viewer.begin()

    def _read(self) -> Part:
        return self._viewer.part()

    def live(self, since: float, seconds: float = PATIENCE) -> Part:
        """Return the first picture of the camera that was captured after that time (s since the epoch)."""
        return self.find(lambda part: part.is_live and part.timestamp > since, "a live picture", seconds)

    def placeholder(self, since: float, seconds: float = PATIENCE) -> Part:
        """Return the first placeholder that was made after that time."""
        return self.find(lambda part: not part.is_live and part.timestamp > since, "a placeholder", seconds)

    @property
    def recent(self) -> list[Part]:
        """The newest parts, oldest first."""
        with self._news:
            return list(self._recent)


class EventReader(_Reader[str]):
    """A listener to events."""

    def __init__(self, appliance: RunningAppliance) -> None:
        super().__init__(appliance, "/api/events", kept=200)

    def _begin(self) -> None:
        self._viewer.head()

    def _read(self) -> str:
        return self._viewer.until(b"\n\n").decode()
