"""The processes of a browser: which there are, what memory they hold, and that none is left."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.running import eventually

MEGABYTE = 1 << 20
_GONE = (FileNotFoundError, ProcessLookupError)


def tree(root: int) -> dict[int, str]:
    """Return the command line of `root` and of every process below it, by process id."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(*_GONE):
                # After the name, which is in brackets and may hold anything: the state, then the parent.
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found, fresh = {root}, {root}
    while fresh := {child for child, parent in parents.items() if parent in fresh} - found:
        found |= fresh
    commands = {}
    for pid in found:
        with suppress(*_GONE):
            commands[pid] = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    return commands


def resident(pid: int) -> float:
    """Return the resident memory of a process, in MB; 0 once it has ended."""
    with suppress(*_GONE):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE
    return 0.0


def end(root: int) -> None:
    """End a process that was started in a session of its own, and everything below it; wait until all are gone."""
    pids = tree(root)
    with suppress(ProcessLookupError):
        os.killpg(root, signal.SIGTERM)
    try:
        eventually(lambda: not any(_runs(pid) for pid in pids), "the end of a browser", seconds=5)
    except AssertionError:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _runs(pid: int) -> bool:
    with suppress(*_GONE):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
