"""Programs that fetch one picture, and ffmpeg as the source of another stream."""

import subprocess
from pathlib import Path

import pytest

from appliance import jpeg
from tests.clients.place import TOKEN, Place
from tests.clients.program import Program
from tests.clients.table import shows
from tests.running import clean_environment, eventually

FETCHERS = {"curl": ("curl, one picture", "curl-snapshot", 22), "wget": ("wget, one picture", "wget-snapshot", 8)}


def fetch(script: str, directory: Path) -> tuple[int, bytes]:
    """Run the script; return its status and the file that it made."""
    directory.mkdir(parents=True, exist_ok=True)
    environment = clean_environment(HOME=str(directory))
    done = subprocess.run(["bash", "-c", script], cwd=directory, env=environment, capture_output=True, check=False)
    made = directory / "snapshot.jpg"
    return done.returncode, made.read_bytes() if made.exists() else b""


each = pytest.mark.parametrize("fetcher", FETCHERS)
for row, _, refused in FETCHERS.values():
    shows(row, stream="one picture", unplug=f"status {refused}", restart="—", password="works", token="works")


@each
def test_one_picture_is_fetched_and_none_while_the_camera_is_gone(
    fetcher: str, open_place: Place, tmp_path: Path
) -> None:
    _, block, refused = FETCHERS[fetcher]
    script = open_place.block(block)
    status, picture = fetch(script, tmp_path / "good")
    assert status == 0
    jpeg.verify(picture)
    with open_place.unplugged():
        assert fetch(script, tmp_path / "gone")[0] == refused
    assert fetch(script, tmp_path / "back")[0] == 0


@each
@pytest.mark.parametrize("way", ["password", "token"])
def test_one_picture_is_fetched_by_who_may(fetcher: str, way: str, closed_place: Place, tmp_path: Path) -> None:
    _, block, _ = FETCHERS[fetcher]
    assert fetch(closed_place.block(block), tmp_path)[0] != 0
    status, picture = fetch(closed_place.block(block, way), tmp_path)
    assert status == 0
    jpeg.verify(picture)


def test_curl_reads_the_token_from_a_file(closed_place: Place, tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text(f'header = "Authorization: Bearer {TOKEN}"\n')
    status, picture = fetch(closed_place.block("curl-snapshot"), tmp_path)
    assert status == 0
    jpeg.verify(picture)


def test_a_recording_is_as_long_as_it_took(open_place: Place, tmp_path: Path) -> None:
    with Program(open_place.block("ffmpeg-record"), tmp_path) as program:
        eventually(lambda: program.last(r"frame=\s*(\d+)") > 75, "5 seconds")
    duration = float(probe(tmp_path / "camera.mkv", "format=duration"))
    frames = int(probe(tmp_path / "camera.mkv", "stream=nb_read_packets", "-count_packets"))
    assert 13 < frames / duration < 17


@shows("ffmpeg, HLS", stream="plays", unplug="goes on", restart="ends", password="works", token="works")
def test_a_web_server_gets_h264_that_goes_on_without_the_camera(open_place: Place, tmp_path: Path) -> None:
    def segments() -> int:
        playlist = tmp_path / "camera.m3u8"
        return playlist.read_text().count(".ts") if playlist.exists() else 0

    with Program(open_place.block("ffmpeg-hls"), tmp_path) as program:
        eventually(lambda: segments() >= 2, "two segments")
        assert probe(tmp_path / "camera.m3u8", "stream=codec_name").split()[0] == "h264"
        with open_place.unplugged():
            before = program.last(r"frame=\s*(\d+)")
            eventually(lambda: program.last(r"frame=\s*(\d+)") > before, "the placeholder")
        before = program.last(r"frame=\s*(\d+)")
        eventually(lambda: program.last(r"frame=\s*(\d+)") > before + 20, "live frames")
        open_place.restart()
        eventually(lambda: program.status is not None, "the end of ffmpeg")


@pytest.mark.parametrize("way", ["password", "token"])
def test_ffmpeg_restreams_what_is_closed(way: str, closed_place: Place, tmp_path: Path) -> None:
    with Program(closed_place.block("ffmpeg-hls", way), tmp_path) as program:
        eventually(lambda: program.last(r"frame=\s*(\d+)") > 20, "frames")


def probe(path: Path, entries: str, *more: str) -> str:
    """Return what ffprobe says of a file."""
    command = ["ffprobe", "-v", "error", *more, "-show_entries", entries, "-of", "csv=p=0", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
