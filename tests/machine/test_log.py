"""What is logged can be read: by the journal with priorities, on a terminal with time and level."""

import io
import logging
import os
import re
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.system import log
from tests.running import clean_environment

SPEAK = """
import logging
from appliance.system import journal
from appliance.system import log
journal.SOCKET = "/nowhere"
log.start("debug")
speaker = log.logger("appliance.http.server")
for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
    speaker.log(level, "level %d", level)
speaker.warning("two\\nlines")
speaker.warning("")
try:
    1 / 0
except ZeroDivisionError:
    speaker.exception("a defect")
"""


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where it is logged to; afterwards everything is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    threads, processes = logging.logThreads, logging.logProcesses
    yield io.StringIO()
    logging.logThreads, logging.logProcesses = threads, processes
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("linuxpy").setLevel(logging.NOTSET)


def spoken(tmp_path: Path, for_the_journal: bool) -> list[str]:
    """Return the lines that a process logs to a file, which is the journal if its environment says so."""
    path = tmp_path / "stderr"
    with path.open("wb") as file:
        status = os.fstat(file.fileno())
        journal = f"{status.st_dev}:{status.st_ino if for_the_journal else status.st_ino + 1}"
        subprocess.run(
            [sys.executable, "-c", SPEAK], stderr=file, env=clean_environment(JOURNAL_STREAM=journal), check=True
        )
    return path.read_text().splitlines()


def test_without_the_journal_systemd_gets_a_priority_on_every_line(tmp_path: Path) -> None:
    lines = spoken(tmp_path, for_the_journal=True)
    assert lines[:9] == [
        "<7>http.server: level 10",
        "<6>http.server: level 20",
        "<4>http.server: level 30",
        "<3>http.server: level 40",
        "<2>http.server: level 50",
        "<4>http.server: two",
        "<4>lines",
        "<4>http.server: ",
        "<3>http.server: a defect",
    ]
    traceback = lines[9:]
    assert traceback[0] == "<3>Traceback (most recent call last):"
    assert traceback[-1] == "<3>ZeroDivisionError: division by zero"
    assert all(line.startswith("<3>") for line in traceback)


def test_a_terminal_gets_time_and_level(tmp_path: Path) -> None:
    lines = spoken(tmp_path, for_the_journal=False)
    assert re.fullmatch(r"\d\d:\d\d:\d\d DEBUG   http\.server: level 10", lines[0])
    assert re.fullmatch(r"\d\d:\d\d:\d\d WARNING http\.server: level 30", lines[2])
    assert "ZeroDivisionError: division by zero" in lines


@pytest.mark.parametrize(
    ("level", "kept"),
    [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)],
)
def test_only_the_level_asked_for_and_above_is_logged(stream: io.StringIO, level: str, kept: int) -> None:
    log.start(level, stream)
    for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        log.logger("appliance.capture").log(number, "said")
    assert stream.getvalue().count("capture: said") == kept


def test_starting_again_does_not_log_twice(stream: io.StringIO) -> None:
    log.start("info", stream)
    log.start("info", stream)
    log.logger("appliance.capture").info("once")
    assert stream.getvalue().count("once") == 1


def test_the_talk_of_linuxpy_is_left_out(stream: io.StringIO) -> None:
    log.start("debug", stream)
    logging.getLogger("linuxpy.video").debug("an ioctl")
    logging.getLogger("linuxpy.video").warning("a warning")
    assert "an ioctl" not in stream.getvalue()
    assert "a warning" in stream.getvalue()


@pytest.mark.parametrize(
    ("module", "name"),
    [("appliance.capture", "capture"), ("appliance.http.server", "http.server"), ("somebody.else", "somebody.else")],
)
def test_a_module_logs_under_its_name_in_the_house(module: str, name: str) -> None:
    assert log.logger(module).name == name


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket on which the journal listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(30)
        listener.bind(str(tmp_path / "journal"))
        yield listener


def entry(datagram: bytes) -> dict[str, str]:
    """Read an entry as the journal does."""
    fields = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            length = int.from_bytes(datagram[:8], "little")
            value, datagram = datagram[8 : 8 + length], datagram[9 + length :]
        fields[name.decode()] = value.decode()
    return fields


def test_an_entry_of_the_journal_has_fields_to_search_by(tmp_path: Path, journal: socket.socket) -> None:
    code = """
        from appliance.system import journal, log
        journal.SOCKET = "journal"
        log.start("info", camera="porch")
        log.logger("appliance.capture").warning("lost: %s", "näher", extra={"EVENT": "camera-lost"})
        try:
            1 / 0
        except ZeroDivisionError:
            log.logger("appliance.capture").exception("a defect")
    """
    path = tmp_path / "stderr"
    with path.open("wb") as file:
        status = os.fstat(file.fileno())
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            cwd=tmp_path,
            stderr=file,
            env=clean_environment(JOURNAL_STREAM=f"{status.st_dev}:{status.st_ino}"),
            check=True,
        )
    assert path.read_text() == ""
    lost, defect = entry(journal.recv(65536)), entry(journal.recv(65536))
    pid = lost.pop("SYSLOG_PID")
    assert lost == {
        "MESSAGE": "capture: lost: näher",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "camera-appliance@porch",
        "CAMERA": "porch",
        "LOGGER": "capture",
        "EVENT": "camera-lost",
    }
    assert pid.isdecimal()
    assert defect["PRIORITY"] == "3"
    assert defect["MESSAGE"].startswith("capture: a defect\nTraceback")
    assert defect["MESSAGE"].endswith("ZeroDivisionError: division by zero")


def test_repeated_messages_are_counted_instead(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("appliance.system.log.time.monotonic", lambda: now)
    log.start("info", stream)
    speaker = log.logger("appliance.capture")
    for number in range(100):
        speaker.warning("frame %d passed over", number)
    speaker.info("something else")
    log.sum_up()
    assert stream.getvalue().count("passed over") == 10
    assert "something else" in stream.getvalue()
    now = 60.0
    log.sum_up()
    assert "90 more like this in 60 s, the last one: frame 99 passed over" in stream.getvalue()
    speaker.warning("frame %d passed over", 100)
    log.sum_up()
    assert stream.getvalue().count("passed over") == 12
    assert stream.getvalue().endswith("frame 100 passed over\n")
