"""A real Node-RED runs the flow of docs/mqtt.md, and its `mqtt out` sends every type of payload.

It is installed once with npm, into a cache outside of the checkout: NODE_RED_DIRECTORY, or one in ~/.cache.
"""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from appliance import jpeg
from appliance.errors import CorruptFrame
from tests.mqtt.broker import Broker
from tests.mqtt.client import ROOT, Client
from tests.mqtt.test_examples import BLOCKS
from tests.processes import HOST, Process, eventually, free_port
from tests.running import RunningAppliance, clean_environment
from tests.simcam import SimulatedCamera

VERSION = "4.1.15"  # the last that runs on Node.js 18 and 20; 5 needs 22
CACHE = Path(os.environ.get("NODE_RED_DIRECTORY") or Path.home() / ".cache" / "camera-appliance-tests" / "node-red")
PROGRAM = CACHE / VERSION / "node_modules" / "node-red" / "red.js"

Nodes = list[dict[str, Any]]


@pytest.fixture(scope="session", autouse=True)
def node_red() -> Path:
    """Node-RED, installed unless it is already."""
    if not PROGRAM.exists():
        (CACHE / VERSION).mkdir(parents=True, exist_ok=True)
        options = ["--prefix", str(CACHE / VERSION), "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        subprocess.run(["npm", "install", *options, f"node-red@{VERSION}"], check=True, timeout=600)
    return PROGRAM


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that lets everybody in."""
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def webcam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedCamera]:
    """A camera, from its own side."""
    with SimulatedCamera(tmp_path_factory.mktemp("webcam")) as camera:
        yield camera


@pytest.fixture(scope="module")
def device(
    tmp_path_factory: pytest.TempPathFactory, broker: Broker, webcam: SimulatedCamera
) -> Iterator[RunningAppliance]:
    """An appliance with that camera, on the topics it comes with."""
    directory = tmp_path_factory.mktemp("device")
    with RunningAppliance(directory, "auto", webcam.environment, broker.settings) as appliance:
        yield appliance.until_live()


@pytest.fixture
def client(broker: Broker) -> Iterator[Client]:
    """A client that hears everything."""
    with Client(broker) as client:
        client.wait_for("availability", lambda message: message.payload == b"online")
        yield client


class NodeRed(Process):
    """A Node-RED with a flow, connected to a broker; its buttons can be pressed, and it may not complain."""

    starts_within = 120.0  # s
    stops_within = 30.0  # s

    def __init__(self, directory: Path, broker: Broker, nodes: Nodes) -> None:
        super().__init__()
        self._port = free_port()
        self._directory = directory
        self._broker = f"{HOST}:{broker.port}"
        (directory / "flows.json").write_text(json.dumps(nodes))
        settings = {"uiHost": HOST, "uiPort": self._port, "credentialSecret": False, "flowFile": "flows.json"}
        (directory / "settings.js").write_text(f"module.exports = {json.dumps(settings)}")

    @property
    def command(self) -> Sequence[str | Path]:
        """The program with its settings."""
        return ["node", PROGRAM, "--userDir", self._directory, "--settings", self._directory / "settings.js"]

    @property
    def variables(self) -> Mapping[str, str]:
        """Our variables, with a home of its own."""
        return clean_environment(HOME=str(self._directory), NODE_RED_DISABLE_TELEMETRY="true")

    @property
    def folder(self) -> Path:
        """The folder of everything it stores."""
        return self._directory

    def is_ready(self) -> bool:
        """Return whether it is connected to the broker."""
        return "Connected to broker" in self.log and self._broker in self.log

    def stop(self, number: int = signal.SIGTERM) -> float:
        """End it; it may not have logged an error."""
        assert "[error]" not in self.log
        return super().stop(number)

    def press(self, node: str) -> None:
        """Press the button of an inject node."""
        request = urllib.request.Request(f"http://{HOST}:{self._port}/inject/{node}", b"", method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            assert response.status == 200


def of_the_document(broker: Broker, picture: Path) -> Nodes:
    """Return the flow of the document, with this broker and this file, as a person is asked to name them."""
    nodes: Nodes = json.loads(BLOCKS["Node-RED", "json"])
    changes = {"broker": {"broker": HOST, "port": str(broker.port)}, "save": {"filename": str(picture)}}
    return [{"z": "flow"} | node | changes.get(node["id"], {}) for node in nodes] + [{"id": "flow", "type": "tab"}]


def is_picture(path: Path) -> bool:
    """Return whether the file is a whole JPEG by now."""
    try:
        jpeg.verify(path.read_bytes())
    except (OSError, CorruptFrame):
        return False
    return True


def test_the_flow_of_the_document_takes_saves_and_sets(
    device: RunningAppliance, webcam: SimulatedCamera, broker: Broker, client: Client, tmp_path: Path
) -> None:
    picture, before, mark = tmp_path / "last.jpg", device.state()["pictures"], client.mark
    with NodeRed(tmp_path, broker, of_the_document(broker, picture)) as red:
        red.press("each-hour")
        assert client.wait_for("response/take_picture", after=mark).json["ok"]
        assert device.state()["pictures"] == before + 1
        eventually(lambda: is_picture(picture), "a saved picture")
        red.press("brighter")
        assert client.wait_for("response/set_controls", after=mark).json["ok"]
        assert webcam.controls["brightness"] == 60


TYPES: dict[str, tuple[str, str, str, str, Any]] = {
    # inject node: payload, its type, topic, control, value of the device
    "fraction": ("12.8", "num", "controls/brightness/set", "brightness", 13),
    "text": ("-7", "str", "controls/brightness/set", "brightness", -7),
    "false": ("false", "bool", "controls/white_balance_automatic/set", "white_balance_automatic", 0),
    "true": ("true", "bool", "controls/white_balance_automatic/set", "white_balance_automatic", 1),
    "label": ("60 Hz", "str", "controls/power_line_frequency/set", "power_line_frequency", 2),
    "quoted": ('"50 Hz"', "str", "controls/power_line_frequency/set", "power_line_frequency", 1),
    "object": ('{"brightness": 5}', "json", "controls/set", "brightness", 5),
    "buffer": ("[54, 48]", "bin", "controls/brightness/set", "brightness", 60),
    "floating point": ("0.1*3", "jsonata", "controls/brightness/set", "brightness", 0),
    "a timestamp, as a new inject node has it": ("", "date", "command/take_picture", "brightness", 0),
    "an empty text": ("", "str", "command/take_picture", "brightness", 0),
    "true for a button": ("true", "bool", "command/take_picture", "brightness", 0),
    "a list for a button": ("[1]", "json", "command/take_picture", "brightness", 0),
}


def test_every_type_of_payload_that_node_red_sends_is_obeyed(
    device: RunningAppliance, webcam: SimulatedCamera, broker: Broker, client: Client, tmp_path: Path
) -> None:
    nodes: Nodes = of_the_document(broker, tmp_path / "last.jpg")
    ids = {name: f"inject-{number}" for number, name in enumerate(TYPES)}
    for name, (payload, kind, topic, _, _) in TYPES.items():
        own = {"id": ids[name], "payload": payload, "payloadType": kind, "topic": f"{ROOT}/{topic}"}
        props = [{"p": "payload"}, {"p": "topic", "vt": "str"}]
        nodes.append({"type": "inject", "z": "flow", "props": props, "wires": [["send"]]} | own)
    with NodeRed(tmp_path, broker, nodes) as red:
        for name, (_, _, topic, control, value) in TYPES.items():
            mark = client.mark
            red.press(ids[name])
            answer = client.wait_for(
                "response/take_picture" if "command" in topic else "response/set_controls", after=mark
            )
            assert answer.json["ok"], (name, answer.json)
            assert webcam.controls[control] == value or "command" in topic, name
