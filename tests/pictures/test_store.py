"""The store of pictures: nothing is lost, overwritten or half there, whatever happens around it."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance import jpeg
from appliance.errors import NotFound, StorageFull, StorageUnwritable
from appliance.pictures.picture import Picture
from appliance.pictures.store import PictureStore
from appliance.pictures.thumbnails import WIDTH
from appliance.pictures.trash import KEPT

JPEG = jpeg.encode_bgr(np.full((48, 64, 3), (40, 120, 200), np.uint8), 80)
PHOTOGRAPHS = sorted((Path(__file__).parents[1] / "simcam/photographs").glob("*.jpg"))
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # where fsync costs nothing
NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC).astimezone()
STAMP = f"{NOON:%Y-%m-%dT%H-%M-%S}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


@pytest.fixture
def pictures(folder: Path) -> PictureStore:
    store = PictureStore(folder)
    store.prepare()
    return store


def numbers(store: PictureStore) -> list[int]:
    """Return the numbers of all pictures, newest first."""
    return [picture.number for picture in store.page(1000)[0]]


def stored(folder: Path) -> list[str]:
    """Return the names of everything in the folder but the counter and the thumbnails."""
    return sorted(path.name for path in folder.iterdir() if path.name not in (".last-number", ".thumbnails"))


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Have a small disk of its own there."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk to fill it")
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


# ---------------------------------------------------------------- numbers


def test_a_picture_is_stored_under_its_number_and_local_time(pictures: PictureStore, folder: Path) -> None:
    picture = pictures.store(JPEG, NOON)
    assert stored(folder) == [f"000001_{STAMP}.jpg"]
    assert (folder / picture.name).read_bytes() == JPEG == pictures.read(1)
    assert picture.as_json() == {
        "id": 1,
        "name": f"000001_{STAMP}.jpg",
        "taken_at": NOON.isoformat(),
        "bytes": len(JPEG),
        "width": 64,
        "height": 48,
        "url": "/api/pictures/1.jpg",
        "thumbnail": "/api/pictures/1/thumbnail.jpg",
    }
    assert pictures.get(1) == picture
    assert pictures.path(1) == folder / picture.name


def test_a_missing_folder_is_made_when_the_first_picture_is_taken(folder: Path) -> None:
    pictures = PictureStore(folder / "deep" / "down")
    assert pictures.total == 0
    assert pictures.page(10) == ([], None)
    assert pictures.store(JPEG, NOON).number == 1
    assert pictures.total == 1


def test_numbers_grow_in_spite_of_deletions(pictures: PictureStore) -> None:
    taken = [pictures.store(JPEG, NOON).number for _ in range(3)]
    pictures.delete(3)
    taken.append(pictures.store(JPEG, NOON).number)
    for number in (1, 2, 4):
        pictures.delete(number)
    taken.append(pictures.store(JPEG, NOON).number)
    assert taken == [1, 2, 3, 4, 5]
    assert numbers(pictures) == [5]


def test_numbers_grow_over_a_restart(pictures: PictureStore, folder: Path) -> None:
    for _ in range(3):
        pictures.store(JPEG, NOON)
    pictures.delete(3)
    reopened = PictureStore(folder)
    reopened.prepare()
    assert numbers(reopened) == [2, 1]
    assert reopened.store(JPEG, NOON).number == 4


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"\n",
        b"garbage",
        b"\xff\xfe\0",
        b"-7\n",
        b"1.5",
        b"1\n2\n",
        b"9" * 3000,
        b"9" * 5000,
        b"\0" * 8,
        "٣".encode(),
    ],
)
def test_numbers_grow_even_when_the_counter_is_lost_or_garbage(
    pictures: PictureStore, folder: Path, content: bytes | None
) -> None:
    for _ in range(3):
        pictures.store(JPEG, NOON)
    counter = folder / ".last-number"
    counter.unlink()
    if content is not None:
        counter.write_bytes(content)
    reopened = PictureStore(folder)
    assert reopened.store(JPEG, NOON).number == 4
    reopened.delete(4)
    assert reopened.store(JPEG, NOON).number == 5
    assert numbers(reopened) == [5, 3, 2, 1]


@given(st.binary(max_size=40) | st.integers(0, 10**16).map(lambda number: str(number).encode()))
@settings(deadline=None, max_examples=50)
def test_a_picture_is_found_with_any_value_of_the_counter(content: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        (Path(directory) / ".last-number").write_bytes(content)
        pictures = PictureStore(Path(directory))
        first, second = pictures.store(JPEG, NOON), pictures.store(JPEG, NOON)
        assert second.number > first.number > 0
        assert numbers(pictures) == [second.number, first.number]


@pytest.mark.parametrize("greatest", [999_999, 1_000_000, 999_999_999_999, 10**15])
def test_numbers_grow_beyond_any_that_is_there(pictures: PictureStore, folder: Path, greatest: int) -> None:
    (folder / f"{greatest:06}_{STAMP}.jpg").write_bytes(JPEG)
    picture = pictures.store(JPEG, NOON)
    assert picture.number == greatest + 1
    assert numbers(pictures) == [greatest + 1, greatest]


def test_many_takers_at_once_get_a_number_each(pictures: PictureStore) -> None:
    taken: list[int] = []
    threads = [threading.Thread(target=lambda: taken.append(pictures.store(JPEG, NOON).number)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 21))
    assert numbers(pictures) == list(range(20, 0, -1))


def test_a_file_that_is_there_is_never_overwritten(pictures: PictureStore, folder: Path) -> None:
    (folder / f"000001_{STAMP}.jpg").mkdir()  # not a picture, so the number seems to be free
    with pytest.raises(StorageUnwritable, match="File exists"):
        pictures.store(JPEG, NOON)
    assert stored(folder) == [f"000001_{STAMP}.jpg"]
    assert pictures.store(JPEG, NOON).number == 2


# ---------------------------------------------------------------- what others do in the folder


@pytest.mark.parametrize(
    "name",
    [
        "holiday.jpg",
        "1_2026-11-22T12-00-00.jpg",
        "000000_2026-11-22T12-00-00.jpg",
        "0000001_2026-11-22T12-00-00.jpg",
        "000001.jpg",
        "000001_2026-11-22.jpg",
        "000001_2026-11-22T12-00-00.jpeg",
        "000001_2026-11-22T12-00-00.JPG",
        "000001_2026-11-22T12-00-00.jpg.part",
        "000001_2026-11-22T12-00-00.jpg\n",
        " 000001_2026-11-22T12-00-00.jpg",
        "-00001_2026-11-22T12-00-00.jpg",
        "٠٠٠٠٠١_2026-11-22T12-00-00.jpg",
        "000001_2026-02-30T12-00-00.jpg",
        "000001_2026-13-01T12-00-00.jpg",
        "000001_2026-11-22T24-00-00.jpg",
        "000001_2026-11-22T12-00-60.jpg",
        "000001_0000-00-00T00-00-00.jpg",
        "000001_0001-01-01T00-00-00.jpg",
        "000001_9999-12-31T23-59-59.jpg",
        "..jpg",
        "000001_<img src=x onerror=alert(1)>.jpg",
    ],
)
def test_files_of_others_are_left_alone_and_do_no_harm(pictures: PictureStore, folder: Path, name: str) -> None:
    (folder / name).write_bytes(JPEG)
    listed = numbers(pictures)
    assert listed in ([], [1])
    assert pictures.total == len(listed)
    if listed:
        assert pictures.get(1).as_json()["name"] == name
    picture = pictures.store(JPEG, NOON)
    assert numbers(pictures) == [picture.number, *listed]
    assert (folder / name).read_bytes() == JPEG


def test_a_name_that_is_no_file_is_no_picture(pictures: PictureStore, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the password of the broker")
    (folder / f"000001_{STAMP}.jpg").symlink_to(secret)
    (folder / f"000002_{STAMP}.jpg").mkdir()
    os.mkfifo(folder / f"000003_{STAMP}.jpg")
    (folder / f"000004_{STAMP}.jpg").symlink_to("nowhere")
    assert pictures.total == 0
    assert numbers(pictures) == []
    for number in range(1, 5):
        for ask in (pictures.get, pictures.path, pictures.read, pictures.thumbnail, pictures.delete):
            with pytest.raises(NotFound):
                ask(number)
    assert secret.exists()


@pytest.mark.parametrize("number", [0, 1, -1, 10**30])
def test_a_number_that_was_never_given_is_not_found(pictures: PictureStore, number: int) -> None:
    for ask in (pictures.get, pictures.path, pictures.read, pictures.thumbnail, pictures.delete):
        with pytest.raises(NotFound, match=f"there is no picture {number}"):
            ask(number)


def test_files_that_others_add_or_delete_are_noticed(pictures: PictureStore, folder: Path) -> None:
    names = [pictures.store(JPEG, NOON).name for _ in range(3)]
    assert numbers(pictures) == [3, 2, 1]
    (folder / names[1]).unlink()
    assert numbers(pictures) == [3, 1]
    (folder / f"000009_{STAMP}.jpg").write_bytes(JPEG)
    assert numbers(pictures) == [9, 3, 1]
    (folder / names[0]).rename(folder / f"000008_{STAMP}.jpg")
    assert numbers(pictures) == [9, 8, 3]
    assert pictures.store(JPEG, NOON).number == 10


@pytest.mark.parametrize("granularity", [4_000_000, 2_000_000_000])
def test_a_change_that_the_clock_of_the_disk_is_too_coarse_for_is_noticed(
    pictures: PictureStore, folder: Path, granularity: int
) -> None:
    name = pictures.store(JPEG, NOON).name
    coarse = folder.stat().st_mtime_ns // granularity * granularity
    os.utime(folder, ns=(coarse, coarse))
    assert numbers(pictures) == [1]
    (folder / name).unlink()
    os.utime(folder, ns=(coarse, coarse))
    assert numbers(pictures) == []


def test_a_folder_that_vanishes_is_empty_and_made_again(pictures: PictureStore, folder: Path) -> None:
    for _ in range(2):
        pictures.store(JPEG, NOON)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert pictures.total == 0
    assert pictures.disk_free is None
    assert pictures.page(10) == ([], None)
    with pytest.raises(NotFound):
        pictures.read(1)
    assert pictures.store(JPEG, NOON).number == 1
    assert pictures.disk_free


@pytest.mark.parametrize("content", [b"", b"hello", JPEG[:100], b"\0" * 100_000])
def test_a_damaged_picture_is_listed_without_a_size_and_can_be_deleted(
    pictures: PictureStore, folder: Path, content: bytes
) -> None:
    (folder / f"000001_{STAMP}.jpg").write_bytes(content)
    (picture,) = pictures.page(10)[0]
    assert (picture.size, picture.width, picture.height) == (len(content), None, None)
    assert picture.as_json()["width"] is None
    assert pictures.read(1) == content
    with pytest.raises(NotFound, match="picture 1 has no thumbnail"):
        pictures.thumbnail(1)
    assert pictures.delete(1) == picture
    assert stored(folder) == []


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("limit", "before", "expected", "following"),
    [
        (10, None, [9, 7, 4, 3, 1], None),
        (5, None, [9, 7, 4, 3, 1], None),
        (4, None, [9, 7, 4, 3], 3),
        (2, None, [9, 7], 7),
        (2, 7, [4, 3], 3),
        (2, 3, [1], None),
        (2, 1, [], None),
        (2, 5, [4, 3], 3),
        (2, 1000, [9, 7], 7),
        (1, 2, [1], None),
    ],
)
def test_a_page_has_the_newest_below_a_number(
    pictures: PictureStore, folder: Path, limit: int, before: int | None, expected: list[int], following: int | None
) -> None:
    for number in (1, 3, 4, 7, 9):
        (folder / f"{number:06}_{STAMP}.jpg").write_bytes(JPEG)
    page, then = pictures.page(limit, before)
    assert [picture.number for picture in page] == expected
    assert then == following


@given(st.sets(st.integers(1, 10**9), max_size=40), st.integers(1, 50))
@settings(deadline=None, max_examples=50)
def test_paging_visits_every_picture_once_newest_first(present: set[int], limit: int) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        for number in present:
            (Path(directory) / f"{number:06}_{STAMP}.jpg").touch()
        pictures = PictureStore(Path(directory))
        visited: list[int] = []
        before: int | None = None
        while True:
            page, before = pictures.page(limit, before)
            assert len(page) == limit or before is None
            visited += [picture.number for picture in page]
            if before is None:
                break
        assert visited == sorted(present, reverse=True)


def test_paging_goes_on_while_pictures_come_and_go(pictures: PictureStore) -> None:
    for _ in range(6):
        pictures.store(JPEG, NOON)
    first, before = pictures.page(2)
    pictures.store(JPEG, NOON)
    pictures.delete(5)
    pictures.delete(3)
    second, _ = pictures.page(2, before)
    assert [picture.number for picture in first + second] == [6, 5, 4, 2]


# ---------------------------------------------------------------- when it cannot be stored


def test_a_full_disk_is_told_and_nothing_is_left_behind(folder: Path) -> None:
    with mounted(folder, "size=64k"):
        pictures = PictureStore(folder)
        assert pictures.disk_free == 65536
        pictures.store(JPEG, NOON)
        before = stored(folder)
        with pytest.raises(StorageFull, match=f"the disk of {folder} is full") as refusal:
            pictures.store(JPEG + bytes(100_000), NOON)
        assert refusal.value.code == "storage_full"
        assert stored(folder) == before
        assert numbers(pictures) == [1]
        assert pictures.disk_free
        picture = pictures.store(JPEG, NOON)  # a small one still fits
        assert picture.number > 1
        assert pictures.read(picture.number) == JPEG


def test_a_disk_full_to_the_last_byte_is_told_and_pictures_can_be_deleted(folder: Path) -> None:
    with mounted(folder, "size=64k"):
        pictures = PictureStore(folder)
        pictures.store(JPEG, NOON)
        (folder / "ballast").write_bytes(bytes(pictures.disk_free or 0))
        assert pictures.disk_free == 0
        with pytest.raises(StorageFull):
            pictures.store(JPEG, NOON)
        assert stored(folder) == [f"000001_{STAMP}.jpg", "ballast"]
        pictures.delete(1)
        assert pictures.store(JPEG, NOON).number > 1


def test_a_folder_without_room_for_names_is_full(folder: Path) -> None:
    with mounted(folder, "size=64k,nr_inodes=4"):
        pictures = PictureStore(folder)
        pictures.store(JPEG, NOON)
        (folder / "ballast").touch()
        with pytest.raises(StorageFull):
            pictures.store(JPEG, NOON)
        assert not [name for name in stored(folder) if name.endswith(".tmp")]


def test_a_read_only_folder_is_told_and_its_pictures_are_shown(folder: Path) -> None:
    with mounted(folder, "size=64k"):
        pictures = PictureStore(folder)
        pictures.store(JPEG, NOON)
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        attempts: list[Callable[[], Picture]] = [lambda: pictures.store(JPEG, NOON), lambda: pictures.delete(1)]
        for attempt in attempts:
            with pytest.raises(
                StorageUnwritable, match=f"{folder} cannot be written: Read-only file system"
            ) as refusal:
                attempt()
            assert refusal.value.code == "storage_unwritable"
        assert numbers(pictures) == [1]
        assert pictures.read(1) == JPEG
        assert pictures.thumbnail(1)
        PictureStore(folder).prepare()


def test_a_file_in_place_of_the_folder_is_told(folder: Path) -> None:
    folder.write_text("in the way")
    pictures = PictureStore(folder)
    pictures.prepare()
    assert pictures.total == 0
    with pytest.raises(StorageUnwritable):
        pictures.store(JPEG, NOON)
    assert folder.read_text() == "in the way"


def test_a_crash_before_the_rename_leaves_no_half_picture(pictures: PictureStore, folder: Path) -> None:
    pictures.store(JPEG, NOON)
    (folder / f".000002_{STAMP}.jpg.tmp").write_bytes(JPEG[:100])
    (folder / "..last-number.tmp").write_bytes(b"")
    (folder / ".notes.tmp").write_bytes(b"of somebody else")
    reopened = PictureStore(folder)
    reopened.prepare()
    assert numbers(reopened) == [1]
    assert stored(folder) == [".notes.tmp", f"000001_{STAMP}.jpg"]
    picture = reopened.store(JPEG, NOON)
    assert (picture.number, reopened.read(2)) == (2, JPEG)


# ---------------------------------------------------------------- thumbnails


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.name)
def test_a_thumbnail_is_small_and_whole(pictures: PictureStore, path: Path) -> None:
    picture = pictures.store(path.read_bytes(), NOON)
    small = pictures.thumbnail(picture.number)
    jpeg.verify(small)
    assert jpeg.size(small)[0] == WIDTH
    assert len(small) < picture.size
    assert pictures.thumbnail(picture.number) == small


def test_a_thumbnail_goes_with_its_picture(pictures: PictureStore, folder: Path) -> None:
    for _ in range(2):
        pictures.thumbnail(pictures.store(JPEG, NOON).number)
    pictures.delete(1)
    (folder / f"000002_{STAMP}.jpg").unlink()
    for number in (1, 2):
        with pytest.raises(NotFound):
            pictures.thumbnail(number)


def test_a_thumbnail_is_made_once_also_over_a_restart(
    pictures: PictureStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    make = jpeg.thumbnail

    def count(data: bytes, width: int) -> bytes:
        made.append(width)
        return make(data, width)

    monkeypatch.setattr(jpeg, "thumbnail", count)
    small = pictures.thumbnail(pictures.store(JPEG, NOON).number)
    reopened = PictureStore(folder)
    reopened.prepare()
    assert [store.thumbnail(1) for store in (pictures, reopened)] == [small, small]
    assert made == [WIDTH]


@pytest.mark.parametrize("content", [b"", JPEG[:-2], b"\0" * 100])
def test_a_thumbnail_cut_short_by_a_power_cut_is_made_again(
    pictures: PictureStore, folder: Path, content: bytes
) -> None:
    small = pictures.thumbnail(pictures.store(JPEG, NOON).number)
    (kept,) = (folder / ".thumbnails").iterdir()
    kept.write_bytes(content)
    assert pictures.thumbnail(1) == small == kept.read_bytes()


def test_thumbnails_of_pictures_that_are_gone_go_at_the_next_start(pictures: PictureStore, folder: Path) -> None:
    names = [pictures.store(JPEG, NOON).name for _ in range(2)]
    for number in (1, 2):
        pictures.thumbnail(number)
    (folder / names[0]).unlink()
    (folder / ".thumbnails" / f".{names[0]}.140245.tmp").write_bytes(b"")
    PictureStore(folder).prepare()
    assert [path.name for path in (folder / ".thumbnails").iterdir()] == [names[1]]


# ---------------------------------------------------------------- the trash


def test_a_discarded_picture_is_gone_until_it_is_restored(pictures: PictureStore) -> None:
    first, second = (pictures.store(JPEG, NOON) for _ in range(2))
    small = pictures.thumbnail(1)
    assert pictures.discard([1, 7]) == ([first], True)
    assert numbers(pictures) == [2]
    for ask in (pictures.get, pictures.path, pictures.read, pictures.thumbnail, pictures.delete):
        with pytest.raises(NotFound):
            ask(1)
    assert pictures.discard([1]) == ([], True)
    assert pictures.restore([1, 1, 7]) == [first]
    assert numbers(pictures) == [2, 1]
    assert (pictures.read(1), pictures.thumbnail(1)) == (JPEG, small)
    assert pictures.restore([1, 2]) == []
    assert pictures.get(2) == second


def test_a_minute_in_the_trash_frees_the_disk(pictures: PictureStore, folder: Path) -> None:
    for _ in range(3):
        pictures.store(JPEG, NOON)
    pictures.discard([1, 2])
    pictures.purge_trash()
    assert len(list((folder / ".trash").iterdir())) == 2
    later = time.monotonic() + KEPT
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.monotonic", lambda: later)
        pictures.purge_trash()
    assert list((folder / ".trash").iterdir()) == []
    assert pictures.restore([1, 2]) == []
    assert numbers(pictures) == [3]


def test_the_trash_does_not_survive_a_restart(pictures: PictureStore, folder: Path) -> None:
    pictures.store(JPEG, NOON)
    pictures.discard([1])
    reopened = PictureStore(folder)
    reopened.prepare()
    assert list((folder / ".trash").iterdir()) == []
    assert reopened.restore([1]) == []
    assert pictures.restore([1]) == []


@pytest.mark.parametrize("hidden", [".trash", ".thumbnails"])
def test_a_start_deletes_no_files_of_others(folder: Path, hidden: str) -> None:
    """Somebody else's folder may be called so too, where the pictures are among other things."""
    (folder / hidden).mkdir(parents=True)
    for name in ("holiday.jpg", "7_of_hearts.jpg", ".letter.tmp"):
        (folder / hidden / name).write_bytes(JPEG)
    (folder / hidden / f"000007_{STAMP}.jpg").write_bytes(JPEG)
    PictureStore(folder).prepare()
    assert sorted(os.listdir(folder / hidden)) == [".letter.tmp", "7_of_hearts.jpg", "holiday.jpg"]


def test_a_number_in_the_trash_is_not_given_again(pictures: PictureStore, folder: Path) -> None:
    pictures.store(JPEG, NOON)
    pictures.discard([1])
    (folder / ".last-number").unlink()
    assert pictures.store(JPEG, NOON).number == 2
    assert [picture.number for picture in pictures.restore([1])] == [1]


def test_a_full_disk_costs_the_trash_before_a_new_picture(folder: Path) -> None:
    with mounted(folder, "size=64k"):
        pictures = PictureStore(folder)
        for _ in range(2):
            pictures.store(JPEG, NOON)
        pictures.discard([1, 2])
        (folder / "ballast").write_bytes(bytes(pictures.disk_free or 0))
        assert pictures.store(JPEG, NOON).number == 3
        assert pictures.restore([1, 2]) == []


def test_pictures_that_do_not_fit_into_the_trash_are_deleted_for_good(folder: Path) -> None:
    with mounted(folder, "size=64k,nr_inodes=4"):
        pictures = PictureStore(folder)
        picture = pictures.store(JPEG, NOON)
        (folder / "ballast").touch()
        assert pictures.discard([1]) == ([picture], False)
        assert pictures.restore([1]) == []
        assert numbers(pictures) == []


def test_a_picture_that_cannot_be_moved_stays(folder: Path) -> None:
    with mounted(folder, "size=64k"):
        pictures = PictureStore(folder)
        for _ in range(2):
            pictures.store(JPEG, NOON)
        pictures.discard([1])
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        attempts: list[Callable[[], object]] = [lambda: pictures.discard([2]), lambda: pictures.restore([1])]
        for attempt in attempts:
            with pytest.raises(StorageUnwritable, match="Read-only"):
                attempt()
        assert numbers(pictures) == [2]
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        assert [picture.number for picture in pictures.restore([1])] == [1]
