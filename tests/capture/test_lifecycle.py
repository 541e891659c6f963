"""The states of a camera are what the table and the diagram say, whatever happens."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.capture.lifecycle import STATES, TRANSITIONS, Event, Lifecycle, Status
from appliance.frames import Format

DIAGRAM = Path(__file__).parents[2] / "docs/architecture.md"
EVENTS: tuple[Event, ...] = get_args(Event)
EDGES = {(state, event, after) for state, ways in TRANSITIONS.items() for event, after in ways.items()}
REASONS = st.sampled_from([None, "the camera is unplugged", "privacy is on"])
GRANTED = Format(640, 480, 30.0, "MJPG")


def drawn() -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return where the diagram begins, and its edges as (state, event, state after it)."""
    (diagram,) = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", DIAGRAM.read_text(encoding="utf-8"), re.DOTALL)
    begins, edges = [], []
    for line in diagram.strip().splitlines():
        found = re.fullmatch(r"\s*(\S+) --> (\w+)(?:: (\w+)(?: \(.*\))?)?", line)
        assert found, f"not understood: {line}"
        if found[1] == "[*]":
            begins.append(found[2])
        else:
            edges.append((found[1], found[3], found[2]))
    return begins, edges


def test_the_diagram_shows_the_table() -> None:
    begins, edges = drawn()
    assert begins == [Lifecycle(lambda: None).state]
    assert set(edges) == EDGES
    assert len(edges) == len(EDGES), "an edge is drawn twice"


def test_every_state_is_described_beside_the_diagram() -> None:
    described = re.findall(r"^- \*\*(\w+)\*\*:", DIAGRAM.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(described) == sorted(STATES)


def test_every_state_can_be_left_and_reached_from_the_first() -> None:
    assert set(TRANSITIONS) == set(STATES)
    reached: set[str] = {"starting"}
    news: set[str] = {"starting"}
    while news:
        news = {str(after) for before, _, after in EDGES if before in news} - reached
        reached |= news
    assert reached == set(STATES)
    assert all(any(after != state for after in TRANSITIONS[state].values()) for state in STATES)


@pytest.mark.parametrize("state", sorted(set(STATES) - {"privacy"}))
def test_privacy_can_be_wanted_in_every_state_and_only_its_end_leads_out(state: str) -> None:
    assert (state, "privacy_on", "privacy") in EDGES
    assert {event for before, event, _ in EDGES if before == "privacy"} == {"privacy_off"}


@given(st.lists(st.tuples(st.sampled_from(EVENTS), REASONS), max_size=40))
def test_only_what_the_table_allows_changes_anything(happenings: list[tuple[Event, str | None]]) -> None:
    changes: list[Status] = []
    lifecycle = Lifecycle(lambda: changes.append(lifecycle.status))
    entered = dict.fromkeys(STATES, 0)
    for event, reason in happenings:
        lifecycle.opened("/dev/video0", "a camera", GRANTED)
        before, told = lifecycle.status, len(changes)
        after = TRANSITIONS[before.state].get(event)
        if after is None:
            with pytest.raises(ValueError, match=f"no transition {event} from the state {before.state}"):
                lifecycle.transition(event, reason)
            assert lifecycle.status is before
            assert len(changes) == told
            continue
        lifecycle.transition(event, reason)
        now = lifecycle.status
        assert (now.state, now.reason) == (after, reason)
        assert now.granted == (GRANTED if after in ("online", "frozen") else None)
        assert (now.device, now.description) == ("/dev/video0", "a camera")
        if after == before.state:
            assert now.since == before.since, "another reason begins nothing"
        else:
            entered[after] += 1
            assert before.since <= now.since <= datetime.now(UTC)
        is_news = (after, reason) != (before.state, before.reason)
        assert changes[told:] == ([now] if is_news else [])
    assert {state: lifecycle.entered[state] for state in STATES} == entered
