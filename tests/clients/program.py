"""A block of the documentation as a running program, the way a person runs it: pasted into a shell."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tests.running import clean_environment

STOPS_WITHIN = 20.0  # s
_NOBODY = 65534


class Program:
    """Runs a script in a folder of its own, with its output in a file. Use it as a context; it ends as by Ctrl-C.

    `as_nobody` is for programs that refuse to run as root; the folder then belongs to nobody.
    """

    def __init__(
        self, script: str, directory: Path, environment: Mapping[str, str] | None = None, as_nobody: bool = False
    ) -> None:
        self.directory = directory
        self._script = script
        self._environment = clean_environment(HOME=str(directory), **environment or {})
        self._user = _NOBODY if as_nobody and os.getuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Program":
        if self._user is not None:
            for path in (self.directory, *self.directory.rglob("*")):
                os.chown(path, self._user, self._user)
            for path in self.directory.parents:
                if path.stat().st_uid == os.getuid() and path.is_relative_to("/tmp") and path != Path("/tmp"):
                    path.chmod(0o755)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", self._script],
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.interrupt()

    @property
    def _log(self) -> Path:
        return self.directory / "output.log"

    @property
    def output(self) -> str:
        """Everything it has written so far."""
        return self._log.read_text(errors="replace")

    @property
    def stdin(self) -> IO[bytes]:
        """What its keyboard is."""
        assert self._process is not None
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def status(self) -> int | None:
        """How it ended, or None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def last(self, pattern: str) -> int:
        """Return the last number that the pattern finds in the output, or 0."""
        found = re.findall(pattern, self.output)
        return int(found[-1]) if found else 0

    def interrupt(self) -> None:
        """End it as Ctrl-C does, and whatever it started."""
        process = self._process
        if process is None:
            return
        for number, seconds in ((signal.SIGINT, STOPS_WITHIN), (signal.SIGKILL, STOPS_WITHIN)):
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                break
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        process.wait()
        if process.stdin:
            process.stdin.close()
