"""Programs that play or record the stream, run by the lines of the documentation, in each case of its table."""

import time
from pathlib import Path

import pytest

from tests.clients.conftest import LONG
from tests.clients.place import RATE, Place
from tests.clients.players import ENDS, PLAYERS, Player
from tests.clients.program import Program
from tests.clients.table import shows
from tests.running import eventually

ENOUGH = 0.6  # of the frames that the camera has made: this machine is shared

each = pytest.mark.parametrize("player", PLAYERS, ids=lambda player: player.block)
for one in PLAYERS:
    shows(one.name, stream="plays", unplug="goes on", restart=one.restart, password="works", token="works")


def start(player: Player, place: Place, directory: Path, way: str = "") -> Program:
    """Return the player of the block, ready to watch this place."""
    return player.program(place.block(player.block, way), directory)


def until_more(player: Player, program: Program, frames: int = 5) -> None:
    """Wait until the player has had so many frames more."""
    before = player.frames(program)

    def more() -> bool:
        now = player.frames(program)
        assert program.status is None, program.output[-2000:]
        # One that connects again may count from 0 again.
        return now >= before + frames or frames <= now < before

    eventually(more, f"{frames} more frames than {before}")


@each
def test_plays_every_second_frame_at_least(player: Player, open_place: Place, tmp_path: Path) -> None:
    with start(player, open_place, tmp_path) as program:
        until_more(player, program)
        first, started_at = player.frames(program), time.monotonic()
        time.sleep(LONG)  # this is what the test is about
        eventually(lambda: player.frames(program) - first > ENOUGH * RATE * LONG, f"{ENOUGH * RATE * LONG:g} frames", 5)
        took = time.monotonic() - started_at
        assert program.status is None, program.output[-2000:]
    assert took < LONG + 5


@each
def test_goes_on_when_the_camera_is_unplugged(player: Player, open_place: Place, tmp_path: Path) -> None:
    with start(player, open_place, tmp_path) as program:
        until_more(player, program)
        with open_place.unplugged():
            until_more(player, program, 2)  # the placeholder, once a second
        until_more(player, program, 20)


@each
def test_does_what_the_table_says_at_a_restart(player: Player, open_place: Place, tmp_path: Path) -> None:
    with start(player, open_place, tmp_path) as program:
        until_more(player, program)
        open_place.restart()
        if player.restart == ENDS:
            eventually(lambda: program.status is not None, "the end of the program")
        else:
            until_more(player, program, 20)


@each
@pytest.mark.parametrize("way", ["password", "token"])
def test_is_let_in(player: Player, way: str, closed_place: Place, tmp_path: Path) -> None:
    assert closed_place.appliance.ask("GET", "/stream.mjpg").status == 401
    with start(player, closed_place, tmp_path, way) as program:
        until_more(player, program)
