"""A program that a test starts and stops, what it writes, and waiting for what comes about in its own time."""

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

HOST = "127.0.0.1"
PATIENCE = 30.0  # s, for whatever has to happen but may take its time on a busy machine

S = TypeVar("S", bound="Process")
T = TypeVar("T")


def eventually(
    condition: Callable[[], T | None],
    what: str | Callable[[], str] = "the condition",
    seconds: float = PATIENCE,
    pause: Callable[[], object] | None = None,
) -> T:
    """Return the first true result of the condition; fail if there is none in time.

    Between two attempts it waits 20 ms, or calls `pause`. `what` is the name of the condition, or returns it.
    """
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what() if callable(what) else what} did not come about within {seconds:g} s")
        if pause:
            pause()
        else:
            threading.Event().wait(0.02)
    return result


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens now.

    Port 0 would be safer, but cheroot sets SO_REUSEADDR only on a fixed port, and without it a restart on the same port
    has to wait for the kernel to forget the former connections.
    """
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Return whether a program listens on that port of 127.0.0.1."""
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True


class Process:
    """A program that runs from `start` to `stop`, and what it writes. Use it as a context.

    A subclass has `command`, and `is_ready` where it takes time until the program can be used.
    """

    starts_within = PATIENCE
    stops_within = 15.0  # s
    has_input = False  # whether its standard input is a pipe, open while it runs
    has_own_session = False  # whether Ctrl-C in the terminal is kept from it

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self: S) -> S:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def name(self) -> str:
        """What messages call it."""
        return type(self).__name__

    @property
    def command(self) -> Sequence[str | Path]:
        """The program and its arguments, asked for at each start."""
        raise NotImplementedError

    @property
    def variables(self) -> Mapping[str, str] | None:
        """The variables it runs with; None are those of the tests."""
        return None

    @property
    def folder(self) -> Path | None:
        """The folder it runs in; None is that of the tests."""
        return None

    def is_ready(self) -> object:
        """Return whether it can be used; asked again and again after the start, while it runs."""
        return True

    @property
    def process(self) -> subprocess.Popen[str]:
        """The process, which has to be started."""
        assert self._process is not None, f"{self.name} is not running"
        return self._process

    @property
    def log(self) -> str:
        """Everything it has written, over all its runs."""
        return "".join(self.lines)

    def start(self) -> float:
        """Start it and wait until it is ready; return how long that took, in s."""
        assert self._process is None, f"{self.name} is running"
        began = time.monotonic()
        self._process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.PIPE if self.has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=self.has_own_session,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        eventually(self._is_up, lambda: f"{self.name}, ready to be used, with the log\n{self.log}", self.starts_within)
        return time.monotonic() - began

    def stop(self, number: int = signal.SIGTERM) -> float:
        """End it as systemd does; return how long that took, in s. Fails if it has to be killed."""
        process = self._process
        if process is None:
            return 0.0
        began = time.monotonic()
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        try:
            process.wait(self.stops_within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop within {self.stops_within:g} s:\n{self.log}") from None
        took = time.monotonic() - began
        self._end()
        return took

    def kill(self) -> None:
        """End it as a power cut does: it cannot take leave of anything."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._end()

    def restart(self) -> float:
        """Stop and start it; return how long the start took, in s."""
        self.stop()
        return self.start()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Let it stand still for the block: connections stay open, nothing is answered. It may be killed meanwhile."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            if self._process:
                self._process.send_signal(signal.SIGCONT)

    def _is_up(self) -> object:
        if self.process.poll() is not None:
            self._reader.join(self.stops_within)
            raise AssertionError(f"{self.name} ended before it was ready:\n{self.log}")
        return self.is_ready()

    def _end(self) -> None:
        process, self._process = self.process, None
        if process.stdin:
            process.stdin.close()
        self._reader.join(self.stops_within)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.lines.append(line)
