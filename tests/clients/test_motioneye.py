"""motionEye's own code: it looks at the address, adds the camera, starts a real motion, and has its pictures."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.clients.conftest import ENVIRONMENTS
from tests.clients.place import Place
from tests.clients.program import Program
from tests.clients.table import shows
from tests.running import eventually, free_port

PICTURES = r'"picture": (\d+)'
DRIVER = Path(__file__).with_name("launch_motioneye.py")


def entered(block: str) -> dict[str, str]:
    """Turn the documented lines into what the dialogue "Add Camera" sends."""
    lines = dict(line.partition(": ")[::2] for line in block.splitlines())
    assert lines["Camera Type"] == "Network Camera"
    url = urlsplit(lines["URL"])
    return {
        "proto": "netcam",
        "scheme": url.scheme,
        "host": url.hostname or "",
        "port": str(url.port or ""),
        "path": url.path + (f"?{url.query}" if url.query else ""),
        "username": lines.get("Username", ""),
        "password": lines.get("Password", ""),
    }


@contextmanager
def motioneye(details: dict[str, str], directory: Path) -> Iterator[Program]:
    """Run motionEye with that camera."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "fields.json").write_text(json.dumps(details))
    python = ENVIRONMENTS / "motioneye" / "bin" / "python"
    script = f"{python} {DRIVER} {directory} {free_port()} {free_port()} < fields.json"
    with Program(f"exec {script}", directory) as program:
        yield program


def until_more(program: Program, pictures: int) -> None:
    """Wait until motionEye has had so many pictures more, each different from the one before."""

    def count() -> int:
        assert program.status is None, program.output[-3000:]
        return program.output.count('"picture"')

    before = count()
    eventually(lambda: count() >= before + pictures, f"{pictures} pictures more than {before}", 60)


def opened(place: Place) -> dict[str, str]:
    return entered(place.block("motioneye")) | {"username": "", "password": ""}


@shows("motionEye", stream="plays", unplug="goes on", restart="reconnects")
def test_motioneye_adds_the_camera_and_shows_it_through_unplug_and_restart(open_place: Place, tmp_path: Path) -> None:
    with motioneye(opened(open_place), tmp_path) as program:
        until_more(program, 10)
        assert "MJPEG Network Camera" in program.output
        with open_place.unplugged():
            assert program.status is None
        until_more(program, 10)
        open_place.restart()
        until_more(program, 20)


@shows("motionEye", password="works", token="works")
@pytest.mark.parametrize("way", ["password", "token"])
def test_motioneye_is_let_in(way: str, closed_place: Place, tmp_path: Path) -> None:
    details = entered(closed_place.block("motioneye", way if way == "token" else ""))
    if way == "token":
        details |= {"username": "", "password": ""}
    with motioneye(details, tmp_path) as program:
        until_more(program, 3)


def test_motioneye_says_that_it_is_not_let_in(closed_place: Place, tmp_path: Path) -> None:
    with motioneye(opened(closed_place), tmp_path) as program:
        eventually(lambda: '"error": "' in program.output, "a refusal")
