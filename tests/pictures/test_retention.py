"""Old pictures make room for new ones: the oldest first, never the one just taken, and everybody is told."""

import logging
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from appliance.errors import StorageFull
from appliance.pictures.picture import Picture
from appliance.pictures.retention import AT_ONCE, Retention
from appliance.pictures.store import PictureStore
from appliance.settings import PicturesSettings
from tests.disk import RecordedDisk
from tests.mqtt.broker import Broker
from tests.mqtt.client import Client
from tests.pictures.test_store import MEMORY, mounted
from tests.running import RunningAppliance, eventually

NOW = datetime.now(UTC).astimezone().replace(microsecond=0)
DAY = timedelta(days=1)


def fill(folder: Path, pictures: dict[int, tuple[datetime, int]]) -> PictureStore:
    """Have pictures in the folder: by number, when each was taken, and its bytes."""
    folder.mkdir(exist_ok=True)
    for number, (taken_at, size) in pictures.items():
        (folder / f"{number:06}_{taken_at:%Y-%m-%dT%H-%M-%S}.jpg").write_bytes(bytes(size))
    store = PictureStore(folder)
    store.prepare()
    return store


def kept(store: PictureStore) -> list[int]:
    """Return the numbers of the pictures that are there, oldest first."""
    return [picture.number for picture in store.page(500)[0]][::-1]


def retained(store: PictureStore, **settings: float) -> list[int]:
    """Apply these settings once, and return the numbers of what was deleted, in order."""
    deleted: list[Picture] = []
    before = kept(store)
    Retention(PicturesSettings(**settings), store, deleted.append).apply()  # type: ignore[arg-type]
    numbers = [picture.number for picture in deleted]
    assert sorted(kept(store) + numbers) == before
    return numbers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


# ---------------------------------------------------------------- how much


@pytest.mark.parametrize(
    ("most", "deleted"),
    [
        (0, []),
        (4000, []),
        (3999, [1]),
        (3000, [1]),
        (2999, [1, 2]),
        (1000, [1, 2, 5]),
        (999, [1, 2, 5]),
        (1, [1, 2, 5]),
    ],
)
def test_the_oldest_go_when_all_together_are_too_much_but_never_the_newest(
    folder: Path, most: int, deleted: list[int]
) -> None:
    store = fill(folder, dict.fromkeys((1, 2, 5, 9), (NOW, 1000)))
    assert retained(store, max_bytes=most) == deleted


def test_files_added_or_deleted_by_others_are_counted(folder: Path) -> None:
    store = fill(folder, {1: (NOW, 1000), 2: (NOW, 1000)})
    retention = Retention(PicturesSettings(max_bytes=2500), store, lambda _: None)
    retention.apply()
    assert kept(store) == [1, 2]
    fill(folder, {3: (NOW, 1000)})
    retention.apply()
    assert kept(store) == [2, 3]
    store.path(2).unlink()
    store.page(1)
    fill(folder, {4: (NOW, 1000)})
    store.page(1)
    retention.apply()
    assert kept(store) == [3, 4]


@given(
    sizes=st.lists(st.integers(0, 50), min_size=1, max_size=12),
    most=st.integers(1, 300),
    gaps=st.lists(st.integers(1, 5), min_size=12, max_size=12),
)
@hypothesis_settings(max_examples=40, deadline=None)
def test_as_many_of_the_newest_stay_as_fit(sizes: list[int], most: int, gaps: list[int]) -> None:
    numbers = [sum(gaps[: index + 1]) for index in range(len(sizes))]
    with TemporaryDirectory(dir=MEMORY) as directory:
        store = fill(Path(directory), {number: (NOW, size) for number, size in zip(numbers, sizes, strict=True)})
        retained(store, max_bytes=most)
        left = kept(store)
        assert left == numbers[-len(left) :]
        assert sum(sizes[-len(left) :]) <= most or len(left) == 1
        assert len(left) == len(sizes) or sum(sizes[-len(left) - 1 :]) > most


# ---------------------------------------------------------------- how old


@pytest.mark.parametrize(
    ("days", "deleted"), [(0, []), (100, []), (9, [1]), (2.5, [1, 2, 3]), (0.5, [1, 2, 3, 4]), (0.01, [1, 2, 3, 4, 5])]
)
def test_pictures_that_are_too_old_go_even_the_newest(folder: Path, days: float, deleted: list[int]) -> None:
    ages = {1: 10 * DAY, 2: 3 * DAY, 3: 3 * DAY, 4: 1 * DAY, 5: DAY / 24}
    store = fill(folder, {number: (NOW - age, 10) for number, age in ages.items()})
    assert retained(store, max_age=days) == deleted


@pytest.mark.parametrize(
    ("days_ago", "deleted"),
    [
        ({1: 5, 2: 20_000, 3: 4}, []),  # 2 was taken before the clock was set: it is younger than 1
        ({1: 40, 2: 20_000, 3: 4}, [1, 2]),
        ({1: -5000, 2: 40, 3: 4}, [1, 2]),  # 1 says it was taken in the future, and is older than 2
        ({1: -5000, 2: 4}, []),
        ({1: 40, 2: -5000, 3: 40, 4: 4}, [1, 2, 3]),
        ({1: -5000}, []),
    ],
)
def test_a_clock_that_was_wrong_neither_deletes_a_picture_nor_keeps_it(
    folder: Path, days_ago: dict[int, int], deleted: list[int]
) -> None:
    store = fill(folder, {number: (NOW - days * DAY, 10) for number, days in days_ago.items()})
    assert retained(store, max_age=30) == deleted


def test_a_picture_taken_before_the_clock_is_set_stays(folder: Path) -> None:
    store = fill(folder, {})
    retention = Retention(PicturesSettings(max_age=30), store, lambda _: None)
    retention.apply()
    store.store(bytes(1000), datetime(2000, 1, 1, tzinfo=UTC).astimezone())
    retention.apply()
    assert kept(store) == [1]


# ---------------------------------------------------------------- how full


def test_the_oldest_go_so_that_enough_stays_free(folder: Path) -> None:
    with mounted(folder, "size=400k"):
        store = fill(folder, dict.fromkeys(range(1, 6), (NOW, 40_000)))
        free = store.disk_free or 0
        deleted: list[Picture] = []
        retention = Retention(PicturesSettings(min_free=free - 40_000), store, deleted.append)
        retention.make_room(30_000)
        assert deleted == []
        retention.make_room(100_000)
        assert [each.number for each in deleted] == [1, 2]
        store.store(bytes(100_000), NOW)
        assert (store.disk_free or 0) >= free - 40_000


def test_enough_stays_free_also_when_others_fill_the_disk(folder: Path) -> None:
    with mounted(folder, "size=400k"):
        store = fill(folder, dict.fromkeys(range(1, 6), (NOW, 40_000)))
        retention = Retention(PicturesSettings(min_free=100_000), store, lambda _: None)
        retention.apply()
        assert kept(store) == [1, 2, 3, 4, 5]
        (folder / "ballast").write_bytes(bytes((store.disk_free or 0) - 70_000))
        retention.apply()
        assert kept(store) == [2, 3, 4, 5]


def test_nothing_is_deleted_if_that_would_not_make_room(folder: Path) -> None:
    with mounted(folder, "size=400k"):
        store = fill(folder, dict.fromkeys(range(1, 4), (NOW, 20_000)))
        retention = Retention(PicturesSettings(min_free=390_000), store, lambda _: None)
        with pytest.raises(StorageFull, match=r"pictures\.min_free keeps 390000 bytes free") as refusal:
            retention.make_room(1000)
        assert refusal.value.code == "storage_full"
        retention.apply()
        assert kept(store) == [1, 2, 3]


# ---------------------------------------------------------------- at what cost


def test_many_pictures_are_deleted_in_parts() -> None:
    with TemporaryDirectory(dir=MEMORY) as directory:
        store = fill(Path(directory), dict.fromkeys(range(1, 2 * AT_ONCE + 51), (NOW, 10)))
        retention = Retention(PicturesSettings(max_bytes=10), store, lambda _: None)
        assert [retention.apply() for _ in range(3)] == [True, True, False]
        assert kept(store) == [2 * AT_ONCE + 50]


def test_ten_thousand_pictures_are_looked_at_once_not_for_each_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: reading the folder is what takes long."""
    listings: list[object] = []
    scandir = os.scandir

    def counted(path: object) -> object:
        listings.append(path)
        return scandir(path)  # type: ignore[call-overload]

    with TemporaryDirectory(dir=MEMORY) as directory:
        store = fill(Path(directory), dict.fromkeys(range(1, 10_001), (NOW, 1)))
        retention = Retention(PicturesSettings(max_bytes=10_000, max_age=365), store, lambda _: None)
        retention.apply()
        monkeypatch.setattr(os, "scandir", counted)
        began_at = time.monotonic()
        for _ in range(20):
            store.store(b"x", NOW)
            retention.apply()
            assert store.total == 10_000
        # What others do in the folder is looked for every three seconds.
        assert len(listings) <= 1 + (time.monotonic() - began_at) / 3
        assert store.numbers() == list(range(21, 10_021))


def test_pictures_that_cannot_be_deleted_are_said_and_no_obstacle(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mounted(folder, "size=400k"):
        store = fill(folder, dict.fromkeys((1, 2), (NOW, 1000)))

        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        assert not Retention(PicturesSettings(max_bytes=1000), store, lambda _: None).apply()
        (record,) = (each for each in caplog.records if each.levelno >= logging.WARNING)
        assert "old pictures cannot be deleted" in record.getMessage()
        assert kept(store) == [1, 2]


# ---------------------------------------------------------------- the appliance


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


def test_each_deleted_picture_is_told_as_one_deleted_by_hand(tmp_path: Path, broker: Broker) -> None:
    fill(tmp_path / "pictures", {1: (NOW - 40 * DAY, 100), 2: (NOW, 100_000), 3: (NOW, 100_000)})
    settings = {"pictures.max_age": 30, "pictures.max_bytes": 150_000, "camera.width": 160, "camera.height": 120}
    with RunningAppliance(tmp_path, settings={**settings, **broker.settings}) as appliance:
        with appliance.until_live().connect() as listener:
            eventually(lambda: appliance.stored() == [appliance.stored()[-1]], "the slow tick")
            listener.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            heard = b""
            while b"event: controls" not in heard:
                heard += listener.recv(65536)
            with Client(broker) as client:
                for _ in range(2):
                    assert appliance.ask("POST", "/api/pictures").status == 201
                client.wait_for("state", lambda message: message.json["pictures"] == 3)
                mark = client.mark
                (appliance.pictures / f"000009_{NOW:%Y-%m-%dT%H-%M-%S}.jpg").write_bytes(bytes(160_000))
                last = appliance.ask("POST", "/api/pictures").json
                while heard.count(b'"action": "deleted"') < 4:
                    heard += listener.recv(65536)
                assert b'"action": "deleted", "picture": {"id": 3' in heard
                state = client.wait_for("state", lambda message: message.json["pictures"] == 1, mark).json
        assert appliance.state()["pictures"] == 1 == state["pictures"]
        assert appliance.ask("GET", "/api/pictures").json["pictures"] == [last]
        assert "older than pictures.max_age: up to number 1" in appliance.log


def test_a_disk_that_would_be_too_full_is_refused_over_http_before_it_is(tmp_path: Path) -> None:
    disk = RecordedDisk(tmp_path)
    settings = {"pictures.min_free": 10**15, "camera.width": 160, "camera.height": 120}
    with RunningAppliance(disk.root, settings=settings) as appliance:
        answer = appliance.until_live().ask("POST", "/api/pictures")
        assert (answer.status, answer.error[0]) == (507, "storage_full")
        assert "pictures.min_free keeps" in answer.error[1]
        assert appliance.stored() == []
        assert appliance.ask("GET", "/snapshot.jpg").status == 200
