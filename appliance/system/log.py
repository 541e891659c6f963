"""Logging to the journal or a terminal.

Under systemd each record is an entry of the journal, with fields (see `journal`). If the journal cannot be reached,
each line begins with `<N>`, its priority (sd-daemon(3)). On a terminal, a line contains the time and the level.
Messages that are repeated too often are counted instead.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from appliance.system.journal import JournalHandler, priority

_WINDOW = 60.0  # s
_BURST = 10  # similar records that are logged in this time; the others are counted


class JournalFormatter(logging.Formatter):
    """Formats a record as `<priority>module: message`; every line of a traceback gets the priority as well."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of the record."""
        lines = super().format(record).splitlines() or [""]
        return "\n".join(f"<{priority(record.levelno)}>{line}" for line in lines)


class MaskingFormatter(logging.Formatter):
    """Formats with another formatter, then masks secrets, also in tracebacks."""

    def __init__(self, inner: logging.Formatter, mask: Callable[[str], str]) -> None:
        super().__init__()
        self._inner = inner
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of the record."""
        return self._mask(self._inner.format(record))


@dataclass
class _Kind:
    """Similar records: since when they are counted, how many passed, how many were held back."""

    since: float
    passed: int = 0
    held: int = 0
    last: logging.LogRecord | None = None


class Repeats(logging.Filter):
    """Passes the first similar records, and holds the others back until they can be summarised in one line."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[str, int, str], _Kind] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record passes."""
        if hasattr(record, "summary"):
            return True
        with self._lock:
            kind = self._kinds.setdefault((record.name, record.levelno, str(record.msg)), _Kind(time.monotonic()))
            if kind.passed < _BURST:
                kind.passed += 1
                return True
            kind.held += 1
            kind.last = record
            return False

    def over(self) -> list[logging.LogRecord]:
        """Return a summary of each kind of record that was held back and whose time is over, and reset its count."""
        now = time.monotonic()
        with self._lock:
            ended = {key: kind for key, kind in self._kinds.items() if now - kind.since >= _WINDOW}
            for key in ended:
                del self._kinds[key]
        return [_summary(kind.last, kind.held) for kind in ended.values() if kind.last]


def _summary(last: logging.LogRecord, held: int) -> logging.LogRecord:
    text = f"{held} more like this in {_WINDOW:.0f} s, the last one: {last.getMessage()}"
    return logging.makeLogRecord({**last.__dict__, "msg": text, "args": None, "summary": True})


def start(level: str, stream: TextIO | None = None, mask: Callable[[str], str] = str, camera: str = "") -> None:
    """Send the records of the process to the journal or to `stream` (default: standard error).

    `level` is the minimum level, `camera` the value of the journal field `CAMERA`; `mask` hides secrets in a text.
    """
    handler: logging.Handler = logging.StreamHandler(stream or sys.stderr)
    message = "%(name)s: %(message)s"
    if _is_journal():
        handler.setFormatter(MaskingFormatter(JournalFormatter(message), mask))
        handler = JournalHandler(camera, otherwise=handler)
        handler.setFormatter(MaskingFormatter(logging.Formatter(message), mask))
    else:
        with_time = logging.Formatter(f"%(asctime)s %(levelname)-7s {message}", "%H:%M:%S")
        handler.setFormatter(MaskingFormatter(with_time, mask))
    handler.addFilter(Repeats())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("linuxpy").setLevel(logging.WARNING)  # it logs every ioctl
    logging.logThreads = logging.logProcesses = False


def set_level(level: str) -> None:
    """Change the minimum log level."""
    logging.getLogger().setLevel(level.upper())


def sum_up() -> None:
    """Log summaries of the records that were held back; to be called periodically."""
    for handler in logging.getLogger().handlers:
        for repeats in handler.filters:
            for record in repeats.over() if isinstance(repeats, Repeats) else ():
                handler.handle(record)


def for_journal(line: str) -> str:
    """Return a line of an error with its priority if standard error is the journal, otherwise unchanged."""
    return f"<3>{line}" if _is_journal() else line


def logger(name: str) -> logging.Logger:
    """Return the logger of a module, without the name of the package: `appliance.http.server` logs as `http.server`."""
    return logging.getLogger(name.removeprefix("appliance."))


def _is_journal() -> bool:
    """Return whether standard error is the journal: systemd passes its device and inode in JOURNAL_STREAM."""
    try:
        stat = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stat.st_dev}:{stat.st_ino}"
