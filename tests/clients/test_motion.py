"""A real motion with the documented lines; its own stream shows what it has got."""

import hashlib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance import jpeg
from tests.clients.conftest import LONG
from tests.clients.place import Place
from tests.clients.program import Program
from tests.clients.table import shows
from tests.running import eventually, free_port

# Without its own text, pictures that differ are the camera's; the rest keeps it from the disk and from the network.
OWN = "text_right\ntext_left\nlocate_motion_mode off\npicture_output off\nmovie_output off\nstream_localhost on\n"


@contextmanager
def motion(block: str, directory: Path) -> Iterator["Motion"]:
    """Run motion with that block of motion.conf."""
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    own = f"{OWN}target_dir {directory}\nstream_port {port}\nstream_maxrate 30\nstream_quality 60\n"
    (directory / "motion.conf").write_text(block + own)
    with Program("exec motion -n -c motion.conf", directory) as program:
        yield Motion(port, program)


class Motion:
    """motion, which runs, with its own stream."""

    def __init__(self, port: int, program: Program) -> None:
        self._address = f"http://127.0.0.1:{port}/"
        self.program = program

    def different(self, wanted: int, seconds: float = 40) -> None:
        """Wait until its stream shows so many pictures that differ, as those of a live camera do."""
        seen: set[str] = set()

        def enough() -> bool:
            assert self.program.status is None, self.program.output[-3000:]
            try:
                with urllib.request.urlopen(self._address, timeout=5) as stream:
                    while line := stream.readline():
                        if line.lower().startswith(b"content-length:"):
                            size = int(line.split(b":")[1])
                            while stream.readline().strip():
                                pass
                            picture = stream.read(size)
                            jpeg.verify(picture)
                            seen.add(hashlib.sha1(picture, usedforsecurity=False).hexdigest())
                            if len(seen) >= wanted:
                                return True
            except OSError:
                pass
            return False

        eventually(enough, f"{wanted} pictures that differ; it has {len(seen)}", seconds)


def open_block(place: Place) -> str:
    """Return the documented lines for an appliance without a password."""
    return "\n".join(line for line in place.block("motion").splitlines() if "userpass" not in line) + "\n"


@shows("motion", stream="plays", unplug="goes on", restart="reconnects")
def test_motion_sees_the_camera_goes_on_and_reconnects(open_place: Place, tmp_path: Path) -> None:
    with motion(open_block(open_place), tmp_path) as it:
        it.different(int(5 * LONG), 40 + LONG)
        with open_place.unplugged():
            assert it.program.status is None
        it.different(40)
        open_place.restart()
        it.different(40)


@shows("motion", password="works", token="works")
def test_motion_is_let_in_by_password_and_by_token(closed_place: Place, tmp_path: Path) -> None:
    with motion(closed_place.block("motion"), tmp_path / "password") as it:
        it.different(10)
    token = closed_place.block("motion", "token").splitlines()
    with motion("\n".join(line for line in token if "userpass" not in line) + "\n", tmp_path / "token") as it:
        it.different(10)
