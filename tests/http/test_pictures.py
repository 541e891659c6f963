"""Pictures over HTTP: taken, numbered, listed, shown, deleted, and never lost."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera, read_stamp
from tests.streaming import Viewer


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 300 kB, which five pictures fill."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_picture_holds_the_camera_s_own_bytes(watching: RunningAppliance) -> None:
    answer = watching.ask("POST", "/api/pictures")
    assert answer.status == 201
    picture = answer.json
    assert picture["id"] == 1
    assert (picture["width"], picture["height"]) == (1280, 720)
    stored = (watching.pictures / picture["name"]).read_bytes()
    assert len(stored) == picture["bytes"]
    assert read_stamp(stored) is not None
    assert watching.ask("GET", picture["url"]).body == stored
    assert watching.ask("GET", "/api/pictures/1").json == picture


def test_numbers_only_grow_also_after_deletions_and_a_restart(watching: RunningAppliance) -> None:
    for expected in (1, 2, 3):
        assert watching.ask("POST", "/api/pictures").json["id"] == expected
    assert watching.ask("DELETE", "/api/pictures/3").json["deleted"]["id"] == 3
    watching.stop()
    watching.start()
    assert watching.until_live().ask("POST", "/api/pictures").json["id"] == 4
    assert [picture["id"] for picture in watching.ask("GET", "/api/pictures").json["pictures"]] == [4, 2, 1]


def test_the_list_comes_in_pages_newest_first(running: RunningAppliance) -> None:
    for _ in range(5):
        running.ask("POST", "/api/pictures")
    first = running.ask("GET", "/api/pictures?limit=2").json
    assert [picture["id"] for picture in first["pictures"]] == [5, 4]
    assert (first["total"], first["next"]) == (5, 4)
    second = running.ask("GET", f"/api/pictures?limit=2&before={first['next']}").json
    assert [picture["id"] for picture in second["pictures"]] == [3, 2]
    last = running.ask("GET", f"/api/pictures?limit=2&before={second['next']}").json
    assert [picture["id"] for picture in last["pictures"]] == [1]
    assert last["next"] is None


def test_a_thumbnail_is_small_and_is_fetched_once(running: RunningAppliance) -> None:
    picture = running.ask("POST", "/api/pictures").json
    answer = running.ask("GET", picture["thumbnail"])
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert "immutable" in answer.headers["Cache-Control"]
    assert len(answer.body) < picture["bytes"] / 3


def test_a_deleted_picture_is_gone_everywhere(running: RunningAppliance) -> None:
    picture = running.ask("POST", "/api/pictures").json
    running.ask("GET", picture["thumbnail"])
    assert running.ask("DELETE", "/api/pictures/1").status == 200
    for method, path in (
        ("GET", "/api/pictures/1"),
        ("GET", picture["url"]),
        ("GET", picture["thumbnail"]),
        ("DELETE", "/api/pictures/1"),
    ):
        answer = running.ask(method, path)
        assert answer.status == 404
        assert answer.error == ("not_found", "there is no picture 1")
    assert picture["name"] not in running.stored()


@pytest.mark.parametrize(
    "id",
    [
        "0",
        "2",
        "-1",
        "999999999999",
        "9" * 5000,
        "1.5",
        "one",
        "..",
        "../state",
        "%2e%2e%2fstate",
        "..%2f..%2fetc%2fpasswd",
        "1%00",
        "000001_x",
        "٣",
        "1;ls",
        " ",
    ],
)
def test_an_unknown_or_malicious_id_is_not_found(shared: RunningAppliance, id: str) -> None:
    quoted = id.encode().decode("ascii", "ignore").replace(" ", "%20") or "%D9%A3"
    for path in (f"/api/pictures/{quoted}", f"/api/pictures/{quoted}.jpg", f"/api/pictures/{quoted}/thumbnail.jpg"):
        answer = shared.ask("GET", path)
        assert answer.status == 404, path
        assert answer.error[0] == "not_found"


def test_a_full_disk_is_told_leaves_nothing_half_written_and_the_stream_goes_on(
    tmp_path: Path, simcam: SimulatedCamera, small_disk: Path
) -> None:
    settings = {"pictures.directory": small_disk}
    with RunningAppliance(tmp_path, "auto", simcam.environment, settings) as appliance:
        appliance.until_live()
        with Viewer(appliance) as viewer:
            viewer.begin()
            answers = [appliance.ask("POST", "/api/pictures") for _ in range(8)]
            assert answers[0].status == 201
            assert answers[-1].status == 507
            code, message = answers[-1].error
            assert code == "storage_full"
            assert str(small_disk) in message
            taken = [answer.json["name"] for answer in answers if answer.status == 201]
            on_disk = {path.name for path in small_disk.iterdir()}
            assert on_disk == {*taken, ".last-number"}
            for name in taken:
                assert (small_disk / name).read_bytes().endswith(b"\xff\xd9")
            assert viewer.part().is_live
            assert appliance.ask("GET", "/healthz").status == 200
            appliance.ask("DELETE", "/api/pictures/1")
            eventually(lambda: appliance.ask("POST", "/api/pictures").status == 201, "a picture after the deletion")


def test_a_read_only_folder_is_told_and_the_stream_goes_on(
    tmp_path: Path, simcam: SimulatedCamera, small_disk: Path
) -> None:
    settings = {"pictures.directory": small_disk}
    with RunningAppliance(tmp_path, "auto", simcam.environment, settings) as appliance:
        appliance.until_live()
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
        answer = appliance.ask("POST", "/api/pictures")
        assert answer.status == 507
        code, message = answer.error
        assert code == "storage_unwritable"
        assert "cannot be written" in message
        assert list(small_disk.iterdir()) == []
        assert appliance.ask("GET", "/snapshot.jpg").status == 200


def test_a_damaged_frame_never_becomes_a_picture(watching: RunningAppliance, simcam: SimulatedCamera) -> None:
    from appliance import jpeg

    simcam.corrupt(5)
    picture = watching.ask("POST", "/api/pictures").json
    jpeg.verify((watching.pictures / picture["name"]).read_bytes())
