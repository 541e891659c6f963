"""The recipes of CONTRIBUTING.md are followed literally: what they add is there, everywhere."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance import jpeg
from tests.mqtt.broker import Broker
from tests.mqtt.client import Client
from tests.running import PATIENCE, RunningAppliance, clean_environment, eventually
from tests.streaming import Viewer

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(python|diff) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WHITE, BLACK = 250, 5
NEW_SETTINGS = ("camera.location", "brightness.max_fps", "brightness.dark_below")
NEW_COMMANDS = ("mark_log", "reset_brightness")
NEW_EVENTS = ("log_marked", "dark")


def apply_change(text: str, change: str, where: str) -> str:
    """Return the text after a change in the notation of diff; its existing lines have to be there exactly once."""
    lines = [line if line.strip() else " \n" for line in change.splitlines(keepends=True)]  # editors strip blank lines
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(before) == 1, f"{where} does not have these lines once:\n{before}"
    return text.replace(before, after)


@dataclass(frozen=True)
class Copy:
    """A copy of the package in which every recipe was followed."""

    root: Path
    changed: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which Python imports this copy."""
        return {"PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, *arguments: str) -> str:
        """Run a module of the copy and return its output."""
        ended = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.root,
            env=clean_environment(**self.environment),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def document(self, path: str) -> str:
        """Return the text of a generated document."""
        return (self.root / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    root = tmp_path_factory.mktemp("recipes")
    for folder in ("appliance", "web", "docs"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    blocks = BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    for kind, name, content in blocks:
        path = root / name
        if kind == "python":
            assert not path.exists(), f"{name} exists already"
            path.write_text(content, encoding="utf-8")
        else:
            path.write_text(apply_change(path.read_text(encoding="utf-8"), content, name), encoding="utf-8")
    assert {kind for kind, _, _ in blocks} == {"python", "diff"}
    made = Copy(root, tuple({name for _, name, _ in blocks}))
    made.run("appliance.documentation", str(root))
    return made


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one white picture."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "1.jpg").write_bytes(picture(WHITE))
    return folder


@pytest.fixture(scope="module")
def appliance(copy: Copy, broker: Broker, pictures: Path) -> Iterator[RunningAppliance]:
    """The appliance of the copy, which shows the folder with the new source."""
    flags = ("--brightness-max-fps=20", "--brightness-dark-below=50", "--camera-location=above the door")
    directory = copy.root / "running"
    source = f"folder:{pictures}"
    settings = {"camera.fps": 10, **broker.settings}
    with RunningAppliance(directory, source, copy.environment, settings, arguments=flags) as appliance:
        yield appliance.until_live()


@pytest.fixture
def client(broker: Broker, appliance: RunningAppliance) -> Iterator[Client]:
    with Client(broker) as client:
        client.wait_for("availability", lambda message: message.payload == b"online")
        yield client


def picture(brightness: int) -> bytes:
    return jpeg.encode_bgr(np.full((48, 64, 3), brightness, np.uint8), 90)


def event(listener: Viewer, name: str) -> Any:
    """Read events until one of that name comes, and return its data."""
    while True:
        first, _, data = listener.until(b"\n\n").decode().partition("\n")
        if first == f"event: {name}":
            return json.loads(data.removeprefix("data: "))


def show(pictures: Path, brightness: int) -> None:
    """Replace the picture that the camera shows."""
    new = pictures / "new"
    new.write_bytes(picture(brightness))
    new.rename(pictures / "1.jpg")


def test_the_code_of_the_recipes_is_formatted_and_has_no_warnings(copy: Copy) -> None:
    configuration = f"--config={ROOT / 'pyproject.toml'}"
    copy.run("ruff", "format", "--check", configuration, *copy.changed)
    copy.run("ruff", "check", configuration, *copy.changed)


@pytest.mark.parametrize("name", NEW_SETTINGS)
def test_a_new_setting_is_on_the_command_line_and_in_documents(copy: Copy, name: str) -> None:
    variable = f"CAMERA_APPLIANCE_{name.replace('.', '_').upper()}"
    flag = f"--{name.replace('.', '-').replace('_', '-')}"
    assert name in copy.run("appliance", "settings").split()
    assert flag in copy.run("appliance", "run", "--help")
    assert f"### `{name}`" in copy.document("docs/settings.md")
    assert variable in copy.document("docs/settings.md")
    assert f"#{variable}=" in copy.document(".env.example")


def test_a_new_setting_takes_effect(appliance: RunningAppliance) -> None:
    assert "the camera is mounted at: above the door" in appliance.log


@pytest.mark.parametrize("name", NEW_COMMANDS)
def test_a_new_command_is_in_openapi_asyncapi_and_documents(copy: Copy, appliance: RunningAppliance, name: str) -> None:
    paths = appliance.ask("GET", "/api/openapi.json").json["paths"]
    assert name in [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert f"command_{name}" in json.loads(copy.document("docs/asyncapi.json"))["channels"]
    assert f"### `{name}`" in copy.document("docs/commands.md")


def test_a_new_command_and_its_event_work_over_http(appliance: RunningAppliance) -> None:
    with Viewer(appliance, "/api/events") as listener:
        listener.head()
        answer = appliance.ask("POST", "/api/log", {"text": "noon"})
        assert (answer.status, answer.json) == (200, "noon")
        assert event(listener, "log_marked") == {"text": "noon"}
    refused = appliance.ask("POST", "/api/log", {"text": "two\nlines"})
    assert (refused.status, refused.error[0]) == (400, "invalid_value")
    eventually(lambda: "marked: noon" in appliance.log, "the line in the log")


def test_a_new_command_and_its_event_work_over_mqtt(client: Client) -> None:
    answer = client.command("mark_log", {"text": "midnight"})
    assert (answer["ok"], answer["result"]) == (True, "midnight")
    client.wait_for("event", lambda message: message.json["event_type"] == "log_marked")
    assert client.command("reset_brightness")["ok"]


@pytest.mark.parametrize("name", NEW_EVENTS)
def test_a_new_event_is_in_asyncapi_discovery_and_documents(copy: Copy, client: Client, name: str) -> None:
    kinds = json.loads(copy.document("docs/asyncapi.json"))["components"]["schemas"]["Event"]["oneOf"]
    assert name in [kind["properties"]["event_type"]["const"] for kind in kinds]
    assert f"`{name}`" in copy.document("docs/mqtt.md")
    assert name in announced(client)["event"]["evt_typ"]


@pytest.mark.parametrize(
    ("find", "metric", "entity"),
    [
        (lambda state: state["load"], "load", "load"),
        (lambda state: state["brightness"]["mean"], "brightness", "brightness_mean"),
    ],
)
def test_a_new_fact_is_in_state_metrics_and_home_automation(
    appliance: RunningAppliance, client: Client, find: Callable[[Any], Any], metric: str, entity: str
) -> None:
    eventually(lambda: find(appliance.state()) is not None, "a value")
    assert f"camera_appliance_{metric} " in appliance.ask("GET", "/metrics").body.decode()
    find(client.newest("state").json)
    assert announced(client)[entity]["val_tpl"]


def test_a_new_fact_is_in_the_schemas(copy: Copy, appliance: RunningAppliance) -> None:
    openapi = appliance.ask("GET", "/api/openapi.json").json
    for document in (openapi, json.loads(copy.document("docs/asyncapi.json"))):
        state = document["components"]["schemas"]["State"]
        assert state["properties"]["load"]["type"] == "number"
        assert list(state["properties"]["brightness"]["properties"]) == ["mean", "lowest"]


def test_a_new_button_is_in_home_automation(client: Client) -> None:
    assert announced(client)["reset_brightness"]["p"] == "button"


def test_a_new_feature_follows_frames_and_privacy(appliance: RunningAppliance, pictures: Path) -> None:
    def brightness() -> Any:
        return appliance.state()["brightness"]

    with Viewer(appliance, "/api/events") as listener:
        listener.head()
        eventually(lambda: (brightness()["mean"] or 0) > 200, "a bright picture")
        show(pictures, BLACK)
        assert event(listener, "dark")["brightness"] < 50
        show(pictures, WHITE)
        eventually(lambda: brightness()["mean"] > 200 and brightness()["lowest"] < 50, "a bright picture")
    assert appliance.ask("PUT", "/api/privacy", {"on": True}).status == 200
    assert brightness() == {"mean": None, "lowest": None}
    assert appliance.ask("PUT", "/api/privacy", {"on": False}).status == 200
    eventually(lambda: brightness()["lowest"] is not None, "frames")
    assert appliance.ask("POST", "/api/brightness/reset").status == 200


def test_new_modules_are_in_the_table_of_modules(copy: Copy) -> None:
    for module in ("features/brightness", "camera/folder"):
        assert f"| `{module}` |" in copy.document("docs/architecture.md")


def test_a_new_source_opens_the_names_that_it_claims(appliance: RunningAppliance, pictures: Path) -> None:
    camera = appliance.state()["camera"]
    assert (camera["state"], camera["description"]) == ("online", "Folder of pictures")
    assert camera["device"] == f"folder:{pictures}"
    assert appliance.ask("GET", "/snapshot.jpg").body == (pictures / "1.jpg").read_bytes()
    refused = appliance.ask("PATCH", "/api/controls", {"brightness": 1})
    assert (refused.status, refused.error[0]) == (400, "unknown_name")


def announced(client: Client) -> dict[str, dict[str, Any]]:
    """Return the components that the camera announces to Home Assistant."""
    topic = "homeassistant/device/camera-appliance-camera/config"
    components: dict[str, dict[str, Any]] = client.wait_for_any(lambda message: message.topic == topic).json["cmps"]
    return components
