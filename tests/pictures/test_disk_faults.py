"""A disk that fails is told, over HTTP and MQTT alike; the stream goes on, and nothing half done stays behind."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.disk import RecordedDisk
from tests.mqtt.broker import Broker
from tests.mqtt.client import Client
from tests.running import RunningAppliance, eventually

FULL, UNWRITABLE = "storage_full", "storage_unwritable"

FAULTS = [
    # what fails, how, on which files, and what is answered
    ("open", "ENOSPC", "", FULL, "is full: delete pictures or use another folder"),
    ("open", "EDQUOT", "", FULL, "is full: delete pictures or use another folder"),
    ("open", "EROFS", "", UNWRITABLE, "Read-only file system"),
    ("open", "EACCES", "", UNWRITABLE, "Permission denied"),
    ("open", "EMFILE", ".jpg", UNWRITABLE, "Too many open files"),
    ("write", "ENOSPC", ".last-number", FULL, "is full"),
    ("write", "ENOSPC", ".jpg", FULL, "is full"),
    ("write", "EDQUOT", ".jpg", FULL, "is full"),
    ("write", "EIO", ".jpg", UNWRITABLE, "Input/output error"),
    ("fsync", "ENOSPC", ".jpg", FULL, "is full"),
    ("fsync", "EDQUOT", ".jpg", FULL, "is full"),
    ("fsync", "EIO", ".last-number", UNWRITABLE, "Input/output error"),
    ("fsync", "EIO", ".jpg", UNWRITABLE, "Input/output error"),
    ("close", "EDQUOT", ".jpg", FULL, "is full"),  # NFS tells it only now
    ("rename", "ENOSPC", "", FULL, "is full"),
    ("rename", "EROFS", "", UNWRITABLE, "Read-only file system"),
    ("link,rename", "ENOSPC", ".jpg", FULL, "is full"),
    ("link,rename", "EDQUOT", ".jpg", FULL, "is full"),
    ("link,rename", "EROFS", ".jpg", UNWRITABLE, "Read-only file system"),
    ("fsync-folder", "EIO", "pictures", UNWRITABLE, "Input/output error"),
    ("any", "EROFS", "pictures", UNWRITABLE, "Read-only file system"),
    ("any", "ENOSPC", "pictures", FULL, "is full"),
    ("any", "EIO", "pictures", UNWRITABLE, "Input/output error"),
]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> RecordedDisk:
    return RecordedDisk(tmp_path_factory.mktemp("faulty"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def appliance(disk: RecordedDisk, broker: Broker) -> Iterator[RunningAppliance]:
    settings: dict[str, object] = {"camera.width": 64, "camera.height": 48, "camera.fps": 60, **broker.settings}
    with RunningAppliance(disk.root, environment=disk.environment, settings=settings) as appliance:
        yield appliance.until_live()


@pytest.fixture(scope="module")
def client(broker: Broker, appliance: RunningAppliance) -> Iterator[Client]:
    with Client(broker) as client:
        client.wait_for("availability", lambda message: message.payload == b"online")
        yield client


def everything(appliance: RunningAppliance) -> set[str]:
    """Return the names of all files in the folder of the pictures, hidden ones too, but for the counter."""
    found = {path.name for path in appliance.pictures.rglob("*") if path.is_file()}
    return found - {".last-number"}


def take(appliance: RunningAppliance) -> int:
    answer = appliance.ask("POST", "/api/pictures")
    assert answer.status == 201
    picture: dict[str, Any] = answer.json
    return int(picture["id"])


@pytest.mark.parametrize(("operation", "error", "part", "code", "words"), FAULTS)
def test_a_picture_that_cannot_be_stored_is_refused_and_leaves_nothing(
    appliance: RunningAppliance,
    client: Client,
    disk: RecordedDisk,
    operation: str,
    error: str,
    part: str,
    code: str,
    words: str,
) -> None:
    former = take(appliance)
    before, captured = everything(appliance), appliance.state()["frames"]["captured"]
    with disk.failing(operation, error, part):
        over_http = appliance.ask("POST", "/api/pictures")
        over_mqtt = client.command("take_picture")
        frames = eventually(lambda: appliance.state()["frames"]["captured"] > captured + 2, "frames as ever")
        assert frames
        assert appliance.ask("GET", "/snapshot.jpg").status == 200
        assert appliance.state()["pictures"] == len(before)
    assert over_http.status == 507
    assert over_http.error[0] == code == over_mqtt["error"]["code"]
    assert words in over_http.error[1]
    assert over_http.error[1] == over_mqtt["error"]["message"]
    assert everything(appliance) == before
    assert take(appliance) > former
    assert len(everything(appliance)) == len(before) + 1


def test_a_rest_that_could_not_be_removed_goes_with_the_next_start(
    appliance: RunningAppliance, disk: RecordedDisk
) -> None:
    former = take(appliance)
    before = everything(appliance)
    with disk.failing("fsync,unlink", "EROFS", ".jpg.tmp"):
        assert appliance.ask("POST", "/api/pictures").error[0] == UNWRITABLE
    (rest,) = everything(appliance) - before
    assert rest.endswith(".jpg.tmp")
    assert appliance.state()["pictures"] == len(before)
    appliance.stop()
    appliance.start()
    appliance.until_live()
    assert everything(appliance) == before
    assert take(appliance) > former


def test_a_disk_without_hard_links_stores_pictures_all_the_same(
    appliance: RunningAppliance, disk: RecordedDisk
) -> None:
    with disk.failing("link", "EPERM"):
        number = take(appliance)
    assert appliance.ask("GET", f"/api/pictures/{number}.jpg").status == 200
    assert not [name for name in everything(appliance) if name.endswith(".tmp")]


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EROFS"])
def test_state_that_could_not_be_saved_is_saved_when_the_disk_recovers(
    appliance: RunningAppliance, disk: RecordedDisk, error: str
) -> None:
    path = disk.root / "state" / "camera.json"

    def remembered() -> Any:
        return json.loads(path.read_text())["controls"]["brightness"] if path.exists() else None

    mark = len(appliance.lines)
    value = {"ENOSPC": 11, "EIO": 12, "EROFS": 13}[error]
    with disk.failing("any", error, "/state/camera"):
        assert appliance.ask("PATCH", "/api/controls", {"brightness": value}).json["values"]["brightness"] == value
        eventually(lambda: "cannot be written" in "".join(appliance.lines[mark:]), "a word about the memory")
        assert remembered() != value
    eventually(lambda: remembered() == value, "a memory on the disk")
    assert "".join(appliance.lines[mark:]).count("cannot be written") == 1
    assert not list(path.parent.glob("*.tmp"))
