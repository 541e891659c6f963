"""Pictures over HTTP: taken, numbered, listed, shown, deleted, and never lost."""

import contextlib
import io
import os
import re
import subprocess
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.test_events import until
from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera, read_stamp
from tests.streaming import Viewer


@pytest.fixture(scope="module")
def five_pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance with the pictures 1 to 5, and more as tests add them."""
    with RunningAppliance(tmp_path_factory.mktemp("five")) as appliance:
        appliance.until_live()
        for _ in range(5):
            appliance.ask("POST", "/api/pictures")
        yield appliance


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
    again = running.ask("GET", picture["thumbnail"], headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")


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


def test_a_full_disk_is_reported_and_leaves_nothing_half_written(
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


def test_a_deleted_picture_can_be_restored_for_a_minute(running: RunningAppliance) -> None:
    picture = running.ask("POST", "/api/pictures").json
    data = running.ask("GET", picture["url"]).body
    assert running.ask("DELETE", "/api/pictures/1").json == {"deleted": picture, "restorable": 60.0}
    assert running.stored() == []
    assert running.ask("POST", "/api/pictures/1/restore").json == picture
    assert running.ask("GET", picture["url"]).body == data
    answer = running.ask("POST", "/api/pictures/1/restore")
    assert answer.status == 404
    assert "60 s" in answer.error[1]


def test_many_pictures_are_deleted_and_restored_with_one_request(running: RunningAppliance) -> None:
    for _ in range(4):
        running.ask("POST", "/api/pictures")
    with Viewer(running, "/api/events") as listener:
        listener.head()
        until(listener, "state")
        answer = running.ask("POST", "/api/pictures/delete", {"ids": [4, 1, 2, 99]})
        assert answer.json == {"deleted": [1, 2, 4], "restorable": 60.0}
        assert until(listener, "pictures") == {"action": "deleted", "ids": [1, 2, 4], "total": 1}
        assert running.ask("POST", "/api/pictures/restore", {"ids": [2, 4]}).json == {"restored": [2, 4]}
        assert until(listener, "pictures") == {"action": "restored", "ids": [2, 4], "total": 3}
    assert [each["id"] for each in running.ask("GET", "/api/pictures").json["pictures"]] == [4, 3, 2]
    for bad in ({}, {"ids": 1}, {"ids": [0]}, {"ids": ["x"]}):
        assert running.ask("POST", "/api/pictures/delete", bad).error[0] == "invalid_value"


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", [1, 2, 3, 4, 5]), ("?ids=3", [3]), ("?ids=2-4,9,4,1-2", [1, 2, 3, 4]), ("?ids=4-999999999", [4, 5])],
)
def test_an_archive_holds_the_pictures_as_they_are(
    five_pictures: RunningAppliance, query: str, expected: list[int]
) -> None:
    answer = five_pictures.ask("GET", f"/api/pictures.zip{query}")
    assert answer.headers["Content-Type"] == "application/zip"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="camera_{len(expected)}_pictures.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert [int(name[:6]) for name in archive.namelist()] == expected
        for name in archive.namelist():
            assert archive.read(name) == (five_pictures.pictures / name).read_bytes()


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("?ids=77", 404, "there are no such pictures"),
        ("?ids=7-3", 404, "there are no such pictures"),
        ("?ids=x", 400, "ids"),
        ("?ids=1,,2", 400, "ids"),
        ("?ids=../1", 400, "ids"),
        ("?ids=" + "1," * 11_000 + "1", 400, "ids"),
    ],
)
def test_a_selection_that_cannot_be_is_refused(
    five_pictures: RunningAppliance, query: str, status: int, says: str
) -> None:
    answer = five_pictures.ask("GET", f"/api/pictures.zip{query}")
    assert answer.status == status
    assert says in answer.error[1]


def test_downloads_neither_hold_the_server_nor_grow_without_limit(five_pictures: RunningAppliance) -> None:
    for number in range(1000, 1200):  # more than the buffers of a connection hold
        path = five_pictures.pictures / f"{number:06}_2026-11-22T12-00-00.jpg"
        path.write_bytes(bytes(200_000))
    with contextlib.ExitStack() as clients:
        for _ in range(4):
            client = clients.enter_context(five_pictures.connect())
            client.sendall(b"GET /api/pictures.zip HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        answer = five_pictures.ask("GET", "/api/pictures.zip?ids=1")
        assert answer.status == 503
        assert answer.error[0] == "busy"
        assert five_pictures.ask("GET", "/healthz").status == 200
    eventually(lambda: five_pictures.ask("GET", "/api/pictures.zip?ids=1").status == 200, "a place for a download")


def test_an_archive_of_a_thousand_pictures_costs_no_memory(five_pictures: RunningAppliance) -> None:
    for number in range(2000, 3000):
        path = five_pictures.pictures / f"{number:06}_2026-11-22T12-00-00.jpg"
        path.write_bytes(bytes(100_000))
    five_pictures.ask("GET", "/api/pictures.zip?ids=2000-2100")  # what is needed once
    status = Path(f"/proc/{five_pictures.process.pid}/status")
    before, most, size = _resident(status), 0, 0
    with urllib.request.urlopen(five_pictures.url + "api/pictures.zip?ids=2000-2999", timeout=60) as answer:
        while piece := answer.read(1 << 20):
            size += len(piece)
            most = max(most, _resident(status))
    assert size > 100_000_000
    assert most - before < 10_000_000


def _resident(status: Path) -> int:
    """Return the resident memory of a process, in bytes."""
    found = re.search(r"VmRSS:\s+([0-9]+) kB", status.read_text(encoding="ascii"))
    assert found
    return int(found[1]) * 1000


def test_a_form_takes_a_picture_and_shows_it(running: RunningAppliance) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = running.ask("POST", "/take-picture", raw=b"", headers=form)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b'src="api/pictures/1.jpg"' in answer.body
    picture = running.ask("GET", "/api/pictures/1.jpg")
    assert picture.body == (running.pictures / running.stored()[0]).read_bytes()
    running.ask("PUT", "/api/privacy", {"on": True})
    answer = running.ask("POST", "/take-picture", raw=b"", headers=form)
    assert answer.status == 409
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert b"privacy is on" in answer.body
