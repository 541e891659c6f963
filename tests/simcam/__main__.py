"""`python -m tests.simcam DIRECTORY` serves a camera; `python -m tests.simcam run -- COMMAND` gives a program one."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.simcam.client import SimulatedCamera
from tests.simcam.server import Options, serve


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simcam", description=__doc__)
    parser.add_argument("directory", help="where the camera lives; or the word `run`")
    parser.add_argument("--number", type=int, default=0, help="the camera is /dev/video<number> (default 0)")
    parser.add_argument("--serial", default="SC0001", help='serial number in the by-id link; "" for none')
    parser.add_argument("--port", type=int, default=1, help="USB port in the by-path link")
    parser.add_argument("--fast-yuyv", action="store_true", help="allow 1280x720 YUYV at 30 frames per second")
    parser.add_argument("--planes", action="store_true", help="add the formats YU12 and NV12 in 640x480")
    parser.add_argument("--without", action="append", default=[], help="a control that it does not have")
    parser.add_argument("--follow-stdin", action="store_true", help="stop at the end of stdin")
    return parser


def _run(options: Options, command: list[str]) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="simcam-") as directory,
        SimulatedCamera(directory, **asdict(options)) as camera,
    ):
        child = subprocess.Popen(command, env={**os.environ, **camera.environment})
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the child as well
        status = child.wait()
        return status if status >= 0 else 128 - status


def main(words: list[str]) -> int:
    """The command line; returns the exit status."""
    cut = words.index("--") if "--" in words else len(words)
    parser = _parser()
    arguments = parser.parse_args(words[:cut])
    lacks = tuple(arguments.without)
    options = Options(arguments.number, arguments.serial, arguments.port, arguments.fast_yuyv, lacks, arguments.planes)
    if arguments.directory != "run":
        serve(Path(arguments.directory), options, arguments.follow_stdin)
    if not words[cut + 1 :]:
        parser.error("run needs a command: run -- COMMAND ARGUMENTS")
    return _run(options, words[cut + 1 :])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
