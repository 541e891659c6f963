"""Programs that play or record the stream, and how each counts the frames it has had."""

import re
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients import document
from tests.clients.program import Program

ENDS = "ends"
RECONNECTS = "reconnects"


@dataclass(frozen=True)
class Player:
    """A program of the table. `block` is the one it is run by, `frames` counts what it has played or kept so far.

    `files` are put into its home: a machine without a screen needs them.
    """

    name: str
    block: str
    frames: Callable[[Program], int]
    restart: str = ENDS
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    as_nobody: bool = False

    def program(self, script: str, directory: Path) -> Program:
        """Return the program, ready to be started in that folder."""
        for name, text in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if document.language(self.block) == "python":
            script = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(script)}"
        return Program(script, directory, self.environment, self.as_nobody)


def of_ffmpeg(program: Program) -> int:
    """Count by ffmpeg's own line of progress."""
    return program.last(r"frame=\s*(\d+)")


def of_numbers(program: Program) -> int:
    """Count by the last line, which is a number."""
    return program.last(r"(?m)^(\d+)$")


def of_files(pattern: str) -> Callable[[Program], int]:
    """Count the files that the program has made."""
    return lambda program: len(list(program.directory.glob(pattern)))


def of_sink(program: Program) -> int:
    """Count what reached GStreamer's sink, by its debug log."""
    log = program.directory / "gstreamer.log"
    return log.read_text(errors="replace").count("gst_base_sink_set_last_buffer") if log.exists() else 0


def of_parts(program: Program) -> int:
    """Count the parts of the stream as it was kept."""
    kept = program.directory / "camera.mjpg"
    return kept.read_bytes().count(b"Content-Type: image/jpeg") if kept.exists() else 0


def of_ffplay(program: Program) -> int:
    """Count by the time that ffplay shows: it takes 25 frames for a second of a stream without times."""
    return int(25 * max([0.0, *map(float, re.findall(r"([\d.]+) M-V", program.output))]))


def of_vlc(program: Program) -> int:
    """Ask VLC's remote control; the count begins again when VLC connects again."""
    try:
        program.stdin.write(b"stats\n")
        program.stdin.flush()
    except BrokenPipeError:
        return 0
    return program.last(r"frames displayed :\s+(\d+)")


_MPV = {"mpv/mpv.conf": "vo=image\nvo-image-outdir=shown\nao=null\n"}
_VLC = {".config/vlc/vlcrc": "[core]\nintf=oldrc\nvout=vdummy\naout=adummy\n[oldrc]\nrc-fake-tty=1\n"}
_SCREENLESS = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}

PLAYERS = (
    Player("curl", "curl-stream", of_parts),
    Player("ffmpeg", "ffmpeg-record", of_ffmpeg),
    Player("ffmpeg, again and again", "ffmpeg-record-always", of_ffmpeg, RECONNECTS),
    Player("ffplay", "ffmpeg-show", of_ffplay, environment=_SCREENLESS),
    Player("OpenCV", "opencv", of_numbers, RECONNECTS),
    Player(
        "GStreamer",
        "gstreamer-show",
        of_sink,
        environment={"GST_DEBUG": "basesink:5", "GST_DEBUG_FILE": "gstreamer.log", "GST_DEBUG_NO_COLOR": "1"},
    ),
    Player("GStreamer, to files", "gstreamer-keep", of_files("*.jpg")),
    Player("VLC", "vlc", of_vlc, RECONNECTS, files=_VLC, as_nobody=True),
    Player("mpv", "mpv", of_files("shown/*"), RECONNECTS, {"MPV_HOME": "mpv"}, _MPV),
)
