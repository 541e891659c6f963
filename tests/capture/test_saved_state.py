"""What was set is there again after a restart; a damaged memory costs the memory and nothing else."""

import json
import logging
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.capture.saved_state import SavedState
from appliance.frames import Format

CONFIGURED = Format(1280, 720, 30.0, "auto")
SMALL = Format(640, 480, 15.0, "YUYV")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def remember(folder: Path, content: object) -> None:
    """Put that into the file, as JSON."""
    folder.mkdir(exist_ok=True)
    (folder / "door.json").write_text(json.dumps(content))


def test_nothing_is_remembered_at_first_and_no_file_made(folder: Path) -> None:
    memory = SavedState(folder, "door", CONFIGURED)
    memory.flush()
    assert memory.controls == {}
    assert memory.format == CONFIGURED
    assert not folder.exists()


def test_saved_values_are_there_after_a_restart(folder: Path) -> None:
    memory = SavedState(folder, "door", CONFIGURED)
    memory.remember_controls({"brightness": 60, "white_balance_automatic": False})
    memory.remember_controls({"brightness": 61, "name": "Tür", "gain": 1.5})
    memory.remember_format(SMALL)
    memory.flush()
    for again in (memory, SavedState(folder, "door", CONFIGURED)):
        assert again.controls == {"brightness": 61, "white_balance_automatic": False, "name": "Tür", "gain": 1.5}
        assert again.controls["white_balance_automatic"] is False
        assert again.format == SMALL
    assert os.listdir(folder) == ["door.json"]


def test_each_camera_has_its_own_memory(folder: Path) -> None:
    for name, value in (("door", 1), ("yard", 2)):
        memory = SavedState(folder, name, CONFIGURED)
        memory.remember_controls({"brightness": value})
        memory.flush()
    assert SavedState(folder, "door", CONFIGURED).controls == {"brightness": 1}
    assert SavedState(folder, "yard", CONFIGURED).controls == {"brightness": 2}


@pytest.mark.parametrize(
    ("forgotten", "left"),
    [(None, {}), ([], {"a": 1, "b": 2}), (["a"], {"b": 2}), (["a", "b", "c"], {}), (["c"], {"a": 1, "b": 2})],
)
def test_forgotten_values_are_gone_after_a_restart(
    folder: Path, forgotten: list[str] | None, left: dict[str, int]
) -> None:
    memory = SavedState(folder, "door", CONFIGURED)
    memory.remember_controls({"a": 1, "b": 2})
    memory.remember_format(SMALL)
    memory.forget_controls(forgotten)
    memory.flush()
    assert memory.controls == left
    assert SavedState(folder, "door", CONFIGURED).controls == left
    assert SavedState(folder, "door", CONFIGURED).format == SMALL


@pytest.mark.parametrize(
    "changed",
    [Format(1920, 720, 30.0, "auto"), Format(1280, 720, 25.0, "auto"), Format(1280, 720, 30.0, "MJPG"), SMALL],
)
def test_the_format_is_forgotten_when_the_settings_were_changed(folder: Path, changed: Format) -> None:
    memory = SavedState(folder, "door", CONFIGURED)
    memory.remember_format(SMALL)
    memory.remember_controls({"brightness": 60})
    memory.flush()
    assert SavedState(folder, "door", changed).format == changed
    assert SavedState(folder, "door", changed).controls == {"brightness": 60}
    assert SavedState(folder, "door", Format(1280, 720, 30, "auto")).format == SMALL


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\0" * 4096,
        b"\xff\xfe",
        b'{"controls": {"a"',
        b"[]",
        b"null",
        b"5",
        b"[" * 100_000,
        b"9" * 5000,
    ],
)
def test_a_garbage_file_is_nothing_remembered_and_replaced(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "door.json").write_bytes(content)
    memory = SavedState(folder, "door", CONFIGURED)
    assert memory.controls == {}
    assert memory.format == CONFIGURED
    memory.remember_controls({"brightness": 60})
    memory.flush()
    assert SavedState(folder, "door", CONFIGURED).controls == {"brightness": 60}


@given(st.binary(max_size=100))
@settings(deadline=None, max_examples=50)
def test_any_file_can_be_read(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "door.json").write_bytes(content)
        assert SavedState(Path(directory), "door", CONFIGURED).format == CONFIGURED


_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FORMAT = st.fixed_dictionaries({}, optional=dict.fromkeys(("width", "height", "fps", "pixel_format", "more"), _VALUE))
_CONTENT = st.fixed_dictionaries(
    {}, optional={"controls": _VALUE, "format": _FORMAT | _VALUE, "privacy": _VALUE, "x": _VALUE}
)


@given(_CONTENT, st.booleans())
@settings(deadline=None, max_examples=100)
def test_any_saved_state_is_valid_and_can_be_changed(content: dict[str, Any], is_current: bool) -> None:
    if is_current:
        content["format_configured"] = CONFIGURED.as_json()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        remember(folder, content)
        memory = SavedState(folder, "door", CONFIGURED)
        assert all(isinstance(value, bool | int | float | str) for value in memory.controls.values())
        assert 16 <= memory.format.width <= 8192
        assert isinstance(memory.privacy, bool)
        memory.remember_controls({"brightness": 60})
        memory.flush()
        assert SavedState(folder, "door", CONFIGURED).controls == memory.controls


@pytest.mark.parametrize("controls", [None, [], 5, "brightness", {"a": None, "b": [1], "c": {}}])
def test_controls_of_a_wrong_form_are_not_remembered(folder: Path, controls: object) -> None:
    remember(folder, {"controls": controls})
    assert SavedState(folder, "door", CONFIGURED).controls == {}


@pytest.mark.parametrize(
    "change",
    [
        {"width": "640"},
        {"width": None},
        {"width": 0},
        {"width": 640.5},
        {"width": True},
        {"height": -480},
        {"height": 10**9},
        {"fps": 0},
        {"fps": "fast"},
        {"fps": math.nan},
        {"fps": math.inf},
        {"pixel_format": 5},
        {"pixel_format": "MJPEG"},
        {"more": 1},
    ],
)
def test_a_format_that_no_camera_can_be_asked_for_is_not_remembered(folder: Path, change: dict[str, Any]) -> None:
    configured = CONFIGURED.as_json()
    remember(folder, {"format": SMALL.as_json() | change, "format_configured": configured})
    assert SavedState(folder, "door", CONFIGURED).format == CONFIGURED
    remember(folder, {"format": SMALL.as_json(), "format_configured": configured})
    assert SavedState(folder, "door", CONFIGURED).format == SMALL


@pytest.mark.parametrize("remembered", [None, [], 5, "640x480", {}, {"width": 640}])
def test_half_a_format_is_not_remembered(folder: Path, remembered: object) -> None:
    remember(folder, {"format": remembered, "format_configured": CONFIGURED.as_json()})
    assert SavedState(folder, "door", CONFIGURED).format == CONFIGURED


def test_a_folder_that_cannot_be_written_is_logged_and_nothing_else(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file in the way")
    memory = SavedState(folder, "door", CONFIGURED)
    caplog.clear()
    memory.remember_controls({"brightness": 60})
    memory.flush()
    memory.flush()
    assert memory.controls == {"brightness": 60}
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"{folder}/door.json cannot be written" in record.getMessage()


def test_the_file_is_written_only_when_something_changed(folder: Path) -> None:
    memory = SavedState(folder, "door", CONFIGURED)
    memory.remember_controls({"brightness": 60})
    memory.flush()
    written = (folder / "door.json").stat()
    memory.remember_controls({"brightness": 60})
    memory.flush()
    again = SavedState(folder, "door", CONFIGURED)
    again.remember_controls({"brightness": 60})
    again.flush()
    now = (folder / "door.json").stat()
    assert (now.st_ino, now.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_a_write_that_a_power_cut_interrupted_changes_nothing(folder: Path) -> None:
    memory = SavedState(folder, "door", CONFIGURED)
    memory.remember_controls({"brightness": 60})
    memory.flush()
    (folder / ".door.json.tmp").write_bytes(b'{"controls": {"bri')
    again = SavedState(folder, "door", CONFIGURED)
    assert again.controls == {"brightness": 60}
    again.remember_controls({"brightness": 70})
    again.flush()
    assert os.listdir(folder) == ["door.json"]
    assert SavedState(folder, "door", CONFIGURED).controls == {"brightness": 70}
