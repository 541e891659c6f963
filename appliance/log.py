"""Log lines for the journal or a terminal.

Under systemd each line begins with `<N>`, which the journal takes as its priority (sd-daemon(3)), so that
`journalctl -p warning` works; on a terminal the time and the level are written out.
"""

import logging
import os
import sys
from collections.abc import Callable
from typing import TextIO

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


class JournalFormatter(logging.Formatter):
    """Formats a record as `<priority>room: message`; every line of a traceback gets the priority as well."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of the record."""
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        lines = super().format(record).splitlines() or [""]
        return "\n".join(f"<{priority}>{line}" for line in lines)


class MaskingFormatter(logging.Formatter):
    """Formats as another one does, and then hides what nobody may see, tracebacks included."""

    def __init__(self, inner: logging.Formatter, mask: Callable[[str], str]) -> None:
        super().__init__()
        self._inner = inner
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of the record."""
        return self._mask(self._inner.format(record))


def start(level: str, stream: TextIO | None = None, mask: Callable[[str], str] = str) -> None:
    """Send the records of the whole process to `stream` (default: standard error), from `level` upwards.

    `mask` hides what nobody may see.
    """
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    room = "%(name)s: %(message)s"
    for_people = logging.Formatter(f"%(asctime)s %(levelname)-7s {room}", "%H:%M:%S")
    handler.setFormatter(MaskingFormatter(JournalFormatter(room) if _is_journal() else for_people, mask))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("linuxpy").setLevel(logging.WARNING)  # it logs every ioctl
    logging.logThreads = logging.logProcesses = False


def for_journal(line: str) -> str:
    """Return a line of an error as the journal wants it, or as it is on a terminal."""
    return f"<3>{line}" if _is_journal() else line


def logger(name: str) -> logging.Logger:
    """Return the logger of a module, called by its name in the house: `appliance.http.server` logs as `http.server`."""
    return logging.getLogger(name.removeprefix("appliance."))


def _is_journal() -> bool:
    """Tell whether standard error goes to the journal: systemd names its device and inode in JOURNAL_STREAM."""
    try:
        stat = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stat.st_dev}:{stat.st_ino}"
