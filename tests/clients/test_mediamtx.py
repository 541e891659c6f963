"""ffmpeg as MediaMTX starts it, publishing over RTSP; MediaMTX itself was not to be had.

MediaMTX 1.20 has no source for MJPEG over HTTP (internal/staticsources): it runs the command of `runOnInit` with
RTSP_PORT and MTX_PATH in its environment, and again when it ends (docs/2-features/20-hooks.md). A second ffmpeg takes
the place of its RTSP server.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from tests.clients.place import Place
from tests.clients.program import Program
from tests.clients.table import shows
from tests.running import eventually, free_port

FRAMES = r"frame=\s*(\d+)"


@contextmanager
def published(block: str, directory: Path) -> Iterator[tuple[Program, Program]]:
    """Run a receiver, and the documented command; give both."""
    path = yaml.safe_load(block)["paths"]["camera"]
    assert path["runOnInitRestart"] is True
    port = free_port()
    receive = f"exec ffmpeg -nostdin -rtsp_flags listen -i rtsp://127.0.0.1:{port}/camera -f null -"
    environment = {"RTSP_PORT": str(port), "MTX_PATH": "camera"}
    with Program(receive, directory / "receiver") as receiver:
        # MediaMTX listens before it starts commands.
        eventually(lambda: f":{port:04X} " in Path("/proc/net/tcp").read_text(), "a receiver that listens")
        with Program(f"exec {path['runOnInit']}", directory / "publisher", environment) as publisher:
            yield publisher, receiver


@shows("MediaMTX (its ffmpeg)", stream="plays", unplug="goes on", restart="reconnects", password="works", token="works")
def test_h264_arrives_goes_on_and_begins_again(open_place: Place, tmp_path: Path) -> None:
    with published(open_place.block("mediamtx"), tmp_path) as (publisher, receiver):
        eventually(lambda: receiver.last(FRAMES) > 30, "frames at the receiver")
        assert "h264" in receiver.output
        with open_place.unplugged():
            before = receiver.last(FRAMES)
            eventually(lambda: receiver.last(FRAMES) > before, "the placeholder")
        before = receiver.last(FRAMES)
        eventually(lambda: receiver.last(FRAMES) > before + 20, "live frames")
        open_place.restart()
        # MediaMTX runs a command that has ended again: runOnInitRestart.
        eventually(lambda: publisher.status is not None, "the end of ffmpeg")
    with published(open_place.block("mediamtx"), tmp_path / "again") as (_, receiver):
        eventually(lambda: receiver.last(FRAMES) > 10, "frames from the next ffmpeg")


@pytest.mark.parametrize("way", ["password", "token"])
def test_it_is_let_in(way: str, closed_place: Place, tmp_path: Path) -> None:
    with published(closed_place.block("mediamtx", way), tmp_path) as (_, receiver):
        eventually(lambda: receiver.last(FRAMES) > 10, "frames at the receiver")
