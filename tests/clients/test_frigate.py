"""ffmpeg as Frigate starts it; Frigate itself was not to be had.

The arguments are those of `preset-http-mjpeg-generic`, of `ffmpeg.global_args` and of the role `detect` in Frigate 0.17
(frigate/ffmpeg_presets.py and frigate/config).
"""

import shlex
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from tests.clients.conftest import LONG
from tests.clients.place import Place
from tests.clients.program import Program
from tests.clients.table import shows
from tests.running import eventually

PRESETS = {
    "preset-http-mjpeg-generic": "-user_agent 'FFmpeg Frigate/0.17.0' -avoid_negative_ts make_zero -fflags nobuffer "
    "-flags low_delay -strict experimental -fflags +genpts+discardcorrupt -use_wallclock_as_timestamps 1",
}
GLOBAL = "-hide_banner -loglevel warning -threads 2"
DETECT = "-threads 2 -f rawvideo -pix_fmt yuv420p"
WIDTH, HEIGHT, RATE = 320, 240, 5  # detect.width, .height, .fps
FRAME = WIDTH * HEIGHT * 3 // 2  # bytes


def command(block: str) -> str:
    """Return the command line that follows from the documented lines; what Frigate reads from a pipe goes to a file."""
    (source,) = yaml.safe_load(block)["cameras"]["camera"]["ffmpeg"]["inputs"]
    assert source["roles"] == ["detect"]
    scale = f"-r {RATE} -vf fps={RATE},scale={WIDTH}:{HEIGHT}"
    place, preset = shlex.quote(source["path"]), PRESETS[source["input_args"]]
    return f"exec ffmpeg -nostdin {GLOBAL} {preset} -i {place} {scale} {DETECT} pipe: > frames.yuv"


def frames(directory: Path) -> int:
    """Count the frames that Frigate would have had."""
    kept = directory / "frames.yuv"
    return kept.stat().st_size // FRAME if kept.exists() else 0


@shows("Frigate (its ffmpeg)", stream="plays", unplug="goes on", restart="reconnects", password="works", token="works")
def test_frames_come_at_the_rate_of_detection_and_go_on(open_place: Place, tmp_path: Path) -> None:
    with Program(command(open_place.block("frigate")), tmp_path) as program:
        eventually(lambda: frames(tmp_path) > 0.6 * RATE * LONG, "frames", LONG + 30)
        with open_place.unplugged():
            before = frames(tmp_path)
            eventually(lambda: frames(tmp_path) > before + 2, "the placeholder")
        before = frames(tmp_path)
        eventually(lambda: frames(tmp_path) > before + 2 * RATE, "live frames")
        open_place.restart()
        # Frigate's watchdog starts an ffmpeg that has ended again.
        eventually(lambda: program.status is not None, "the end of ffmpeg")
    with Program(command(open_place.block("frigate")), tmp_path):
        eventually(lambda: frames(tmp_path) > RATE, "frames of the next ffmpeg")


@pytest.mark.parametrize("way", ["password", "token"])
def test_it_is_let_in(way: str, closed_place: Place, tmp_path: Path) -> None:
    with Program(command(closed_place.block("frigate", way)), tmp_path):
        eventually(lambda: frames(tmp_path) > RATE, "frames")
