"""What is logged can be read: by the journal with priorities, on a terminal with time and level."""

import io
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import log
from tests.running import clean_environment

SPEAK = """
import logging
from appliance import log
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


def test_the_journal_gets_a_priority_on_every_line(tmp_path: Path) -> None:
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
