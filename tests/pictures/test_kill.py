"""`kill -9` at any moment leaves whole files and a readable memory. `make kill` does it for longer."""

from pathlib import Path

from tests.kill import Executioner

KILLS = 6


def test_a_kill_at_any_moment_costs_no_picture_and_no_memory(tmp_path: Path) -> None:
    outcome = Executioner(tmp_path, seed=5).kill(KILLS)
    assert outcome.losses == []
    assert outcome.kills == KILLS
    assert len(outcome.answered) > KILLS
    assert len(outcome.set) > KILLS
