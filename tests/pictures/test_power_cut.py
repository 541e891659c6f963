"""A power cut at any moment costs nothing that was promised: every possible one is tried.

The appliance runs on a disk that records each change it makes (tests/disk). Afterwards the record is played back: for a
cut after every single change, everything that the disk could then hold is put into a folder, and the stores are
opened on it.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from appliance.capture.saved_state import SavedState
from appliance.frames import Format
from appliance.pictures.store import PictureStore
from tests.disk import Change, Content, PowerCuts, RecordedDisk
from tests.disk.power import put
from tests.running import RunningAppliance, eventually

SMALL = {"camera.width": 64, "camera.height": 48}
CONFIGURED = Format(64, 48, 30.0, "auto")
IN_MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # where fsync costs nothing

Remembered = tuple[object, bool]
"""Brightness and privacy."""


@dataclass
class Story:
    """What was done, and how many changes of the disk there were when it began and when it was answered."""

    pictures: dict[str, bytes] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Those that may be absent, from when on, and until when: they may have been restored."""
    remembered: list[tuple[Remembered, int, int]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    content: dict[str, bytes | None] = field(default_factory=dict)


class Teller:
    """Does things to an appliance and writes the story down."""

    def __init__(self, appliance: RunningAppliance, disk: RecordedDisk) -> None:
        self.story = Story(remembered=[((None, False), 0, 0)])
        self._appliance = appliance
        self._disk = disk

    @property
    def _now(self) -> int:
        return len(self._disk.changes())

    def take(self) -> int:
        """Take a picture and return its number."""
        picture = self._appliance.ask("POST", "/api/pictures").json
        self.story.stored[picture["name"]] = self._now
        self.story.pictures[picture["name"]] = self._appliance.ask("GET", picture["url"]).body
        return int(picture["id"])

    def delete(self, number: int) -> None:
        """Delete a picture: from then on it may be there or not."""
        begun = self._now
        picture = self._appliance.ask("DELETE", f"/api/pictures/{number}").json["deleted"]
        self.story.deleted[picture["name"]] = begun, sys.maxsize

    def restore(self, number: int) -> None:
        """Bring a picture back: from the answer on it has to be there."""
        name = self._appliance.ask("POST", f"/api/pictures/{number}/restore").json["name"]
        self.story.deleted[name] = self.story.deleted[name][0], self._now

    def set_brightness(self, value: int) -> None:
        """Set a control, and wait until it is on the disk, which it is within a second."""
        begun, (_, privacy) = self._now, self.story.remembered[-1][0]
        assert self._appliance.ask("PATCH", "/api/controls", {"brightness": value}).status == 200
        eventually(lambda: self._has_flushed(begun), "a memory on the disk")
        self.story.remembered.append(((value, privacy), begun, self._now))

    def set_privacy(self, on: bool) -> None:
        """Switch privacy, which is on the disk when it is answered."""
        begun, (brightness, _) = self._now, self.story.remembered[-1][0]
        assert self._appliance.ask("PUT", "/api/privacy", {"on": on}).status == 200
        self.story.remembered.append(((brightness, on), begun, self._now))

    def _has_flushed(self, begun: int) -> bool:
        return any(each.operation == "fsync-folder" and each.path == "state" for each in self._disk.changes()[begun:])


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """PictureStore taken and deleted, controls and privacy set, on a disk that had nothing on it."""
    disk = RecordedDisk(tmp_path_factory.mktemp("recorded"))
    with RunningAppliance(disk.root, environment=disk.environment, settings=SMALL) as appliance:
        appliance.until_live()
        teller = Teller(appliance, disk)
        teller.take()
        teller.set_brightness(10)
        second = teller.take()
        teller.set_privacy(True)
        teller.set_privacy(False)
        appliance.until_live()
        teller.delete(second)
        teller.set_brightness(-20)
        teller.delete(teller.take())
        teller.restore(second)
    teller.story.changes, teller.story.content = disk.changes(), disk.content()
    return teller.story


@pytest.fixture(scope="module")
def cuts(story: Story) -> list[tuple[int, Content]]:
    """Everything a power cut could leave: after how many changes, and what."""
    return list(PowerCuts(story.changes).contents())


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as directory:
        yield Path(directory)


def emptied(folder: Path) -> Path:
    for path in folder.iterdir():
        shutil.rmtree(path)
    return folder


def test_the_record_is_complete(story: Story) -> None:
    assert PowerCuts(story.changes).cached() == story.content
    assert {each.operation for each in story.changes} >= {"mkdir", "create", "write", "fsync", "rename", "fsync-folder"}


def damage(story: Story, cuts: Iterable[tuple[int, Content]], folder: Path) -> Iterator[str]:
    """Yield what is wrong with the pictures after a cut."""
    for done, content in cuts:
        put(content, emptied(folder))
        pictures = PictureStore(folder / "pictures")
        pictures.prepare()
        found = {each.name: pictures.read(each.number) for each in pictures.page(100)[0]}
        yield from (f"{name} is not whole after {done}" for name, data in found.items() if data != story.pictures[name])
        for name, answered in story.stored.items():
            begun, until = story.deleted.get(name, (sys.maxsize, 0))
            if answered <= done and not begun <= done < until and name not in found:
                yield f"{name} is lost after {done}"


def test_a_power_cut_tears_no_picture_and_loses_no_answered_one(
    story: Story, cuts: list[tuple[int, Content]], folder: Path
) -> None:
    assert len(cuts) > len(story.changes)
    assert list(damage(story, cuts, folder)) == []


@pytest.mark.parametrize(
    ("left_out", "part", "expected"),
    [
        ("fsync", ".jpg.tmp", "not whole"),
        ("fsync-folder", "pictures", "lost"),
        ("fsync-folder", "", "lost"),
    ],
)
def test_a_step_left_out_would_be_found(story: Story, folder: Path, left_out: str, part: str, expected: str) -> None:
    first = story.changes[: min(story.stored.values())]
    careless = [each for each in first if each.operation != left_out or not each.path.endswith(part)]
    # The numbers are those of the whole record; the last of the careless one is where the picture was answered.
    late = [(len(first), content) for done, content in PowerCuts(careless).contents() if done == len(careless)]
    assert [each for each in damage(story, late, folder) if expected in each]


def test_after_a_power_cut_no_number_is_given_again_and_no_rest_stays(
    story: Story, cuts: list[tuple[int, Content]], folder: Path
) -> None:
    (data, *_) = story.pictures.values()
    for done, content in cuts:
        put(content, emptied(folder))
        pictures = PictureStore(folder / "pictures")
        pictures.prepare()
        answered = [int(name.partition("_")[0]) for name, at in story.stored.items() if at <= done]
        assert pictures.store(data, datetime.now().astimezone()).number > max(answered, default=0)
        assert not list((folder / "pictures").glob("*.tmp"))


def test_a_power_cut_leaves_the_old_memory_or_the_new_one(
    story: Story, cuts: list[tuple[int, Content]], folder: Path
) -> None:
    for done, content in cuts:
        put(content, emptied(folder))
        memory = SavedState(folder / "state", "camera", CONFIGURED)
        oldest = max(number for number, (_, _, safe) in enumerate(story.remembered) if safe <= done)
        possible = [each for each, begun, _ in story.remembered[oldest:] if begun <= done]
        assert (memory.controls.get("brightness"), memory.privacy) in possible, f"cut after {done} changes"
        memory.remember_controls({"brightness": 1})
        memory.flush()
        assert SavedState(folder / "state", "camera", CONFIGURED).controls["brightness"] == 1
