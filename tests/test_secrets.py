"""No secret gets out: markers are planted in every secret setting and in a URL, and everything is searched."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from appliance import settings
from appliance.declared import COMMANDS, SETTINGS
from tests.capture.test_survival import NetworkCamera
from tests.mqtt.broker import Broker
from tests.mqtt.client import Client
from tests.running import RunningAppliance, eventually, run_command

USER = "camera"
SECRET_SETTINGS = [parameter for parameter in SETTINGS.parameters().values() if parameter.secret]
ENDLESS = ("/stream", "/api/events")  # and what else begins like that
IN_URL = ("Marker.of.the.url.user-info", "Marker.of.the.url.query")


def marker(name: str) -> str:
    """Return the value that a secret setting gets."""
    return f"Marker.of.{name.replace('_', '-')}"


MARKERS = {**{each.name: marker(each.name) for each in SECRET_SETTINGS}, **dict(zip(IN_URL, IN_URL, strict=True))}


def forms(secret: str) -> set[bytes]:
    """Return how a secret may be written: plain, in a URL, in base64 at every offset."""
    plain = secret.encode()
    found = {plain, quote(secret).encode(), plain[::-1]}
    for offset in range(3):
        encoded = base64.b64encode(b"x" * offset + plain)
        found.add(encoded[4 if offset else 0 : len(encoded) - 4])  # the ends depend on what stands beside
    return found


@dataclass
class Heard:
    """Everything that an appliance said, by where."""

    said: dict[str, bytes] = field(default_factory=dict)

    def add(self, where: str, what: bytes | str) -> None:
        """Take note."""
        self.said[where] = self.said.get(where, b"") + (what.encode() if isinstance(what, str) else what) + b"\n"

    def leaks(self) -> list[str]:
        """Return which secret was found where."""
        return [
            f"{name} in {where}: ...{what[max(0, what.find(form) - 80) : what.find(form) + 80]!r}"
            for where, what in self.said.items()
            for name, secret in MARKERS.items()
            for form in forms(secret)
            if form in what
        ]


class Searched:
    """An appliance with a secret everywhere one can be, and all that it says."""

    def __init__(self, directory: Path, broker: Broker, camera: NetworkCamera) -> None:
        self.heard = Heard()
        source = f"http://me:{IN_URL[0]}@127.0.0.1:{camera.port}/stream.mjpg?token={IN_URL[1]}"
        environment = {settings.environment_name(each.name): marker(each.name) for each in SECRET_SETTINGS}
        self.environment = {**environment, "CAMERA_APPLIANCE_CAMERA_SOURCE": source, "http_proxy": ""}
        self.flags = {**broker.settings, "mqtt.username": USER, "log.level": "debug"}
        self.appliance = RunningAppliance(directory, source, self.environment, self.flags)
        login = base64.b64encode(f"admin:{MARKERS.get('http.password', '')}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"} if "http.password" in MARKERS else {}

    def ask_everything(self, when: str) -> None:
        """Ask every route that the OpenAPI document names, rightly and wrongly."""
        answer = self.appliance.ask("GET", "/api/openapi.json", headers=self._headers)
        self._note(f"{when}: the OpenAPI document", answer.status, str(answer.headers), answer.body)
        for path, operations in answer.json["paths"].items():
            for method in operations:
                concrete = re.sub(r"\{\w+\}", "1", path)
                if method == "get" and concrete.startswith(ENDLESS):
                    self._listen(when, concrete)
                    continue
                if method == "get":
                    self._request(when, "GET", concrete)
                self._request(when, method.upper(), f"{concrete}?nonsense=%FF", b'{"nonsense": 1}')
        for path in ("/", "/nowhere", "/web/app.js", "/web/../settings", "/?action=snapshot"):
            self._request(when, "GET", path)
        self._request(when, "GET", "/api/state", None, {"Authorization": "Basic bWU6bWU="})

    def ask_everything_over_mqtt(self, when: str, client: Client) -> None:
        """Give every command that changes nothing, rightly and wrongly, and keep every message on any topic."""
        for declaration in COMMANDS:
            if declaration.method == "GET":
                client.command(declaration.name)
            client.command(declaration.name, {"nonsense": 1})
        for message in client.messages:
            self.heard.add(f"{when}: {message.topic}", f"{message.correlation!r}".encode() + message.payload)

    def look_at_the_process(self, when: str) -> None:
        """Keep what others on the machine can see of the process, and what it leaves on the disk."""
        process = Path("/proc", str(self.appliance.process.pid))
        self.heard.add(f"{when}: the list of processes", (process / "cmdline").read_bytes())
        assert re.search(r"Max core file size +0 +0 ", (process / "limits").read_text()), "a core dump would hold all"
        for path in self.appliance.directory.rglob("*"):
            self.heard.add(f"{when}: file {path.name}", path.name)
            if path.is_file():
                self.heard.add(f"{when}: file {path.name}", path.read_bytes())

    def look_at_the_commands(self) -> None:
        """Keep what `settings`, `check` and `--help` say."""
        for command in (["settings"], ["check"], ["run", "--help"], ["check", "--http-port=x"]):
            environment = {**self.environment, "CAMERA_APPLIANCE_MQTT_USERNAME": USER}
            finished = run_command(*command, directory=self.appliance.directory, **environment)
            self.heard.add(f"camera-appliance {command[0]}", finished.stdout + finished.stderr)

    def _request(
        self, when: str, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> None:
        answer = self.appliance.ask(method, path, raw=body, headers=self._headers if headers is None else headers)
        self._note(f"{when}: {method} {path}", answer.status, str(answer.headers), answer.body)

    def _listen(self, when: str, path: str) -> None:
        with self.appliance.connect() as connection:
            head = "".join(f"{name}: {value}\r\n" for name, value in self._headers.items())
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode())
            heard = b""
            while len(heard) < 1500 and (piece := connection.recv(65536)):
                heard += piece
        self.heard.add(f"{when}: {path}", heard)

    def _note(self, where: str, status: int, headers: str, body: bytes) -> None:
        self.heard.add(where, f"{status}\n{headers}\n".encode() + body)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    """An appliance that was asked everything: while all was well, and while camera and broker refused it."""
    directory = tmp_path_factory.mktemp("searched")
    users = {USER: marker("mqtt.password"), "listener": "listens"}
    with NetworkCamera().running() as camera, Broker(directory / "broker", users=users) as broker:
        searched = Searched(directory / "appliance", broker, camera)
        with searched.appliance as appliance:
            eventually(lambda: "connected to 127.0.0.1" in appliance.log, "a connection to the broker")
            eventually(lambda: appliance.ask("GET", "/healthz", headers=searched._headers).status == 200, "frames")
            with Client(broker, "listener", "listens") as client:
                assert client.command("take_picture")["ok"]
                searched.ask_everything("all is well")
                searched.ask_everything_over_mqtt("all is well", client)
                searched.look_at_the_process("all is well")
                camera.mood = "401"
                eventually(
                    lambda: "lost" in appliance.ask("GET", "/api/state", headers=searched._headers).body.decode()
                )
                searched.ask_everything("the camera refuses")
                searched.ask_everything_over_mqtt("the camera refuses", client)
            broker.stop()
            with Broker(directory / "other", users={USER: "another password"}, port=broker.port):
                eventually(lambda: "refused" in appliance.log, "a broker that refuses")
                searched.ask_everything("the broker refuses")
        searched.heard.add("the log", appliance.log)
        searched.look_at_the_commands()
        yield searched


def test_no_secret_is_in_anything_that_the_appliance_says_or_leaves(searched: Searched) -> None:
    assert searched.heard.leaks() == []


def test_everything_was_searched(searched: Searched) -> None:
    """A search that finds nothing has to be one that would."""
    said = searched.heard.said
    assert {each.name for each in SECRET_SETTINGS} >= {"mqtt.password"}
    assert b"http://me:***@127.0.0.1" in said["all is well: GET /api/state"]
    assert b"token=***" in said["all is well: GET /api/state"]
    assert b"(set)" in said["camera-appliance settings"]
    assert b"http://me:***@127.0.0.1" in said["the log"]
    assert b"camera_unavailable" in said["the camera refuses: GET /healthz"]
    answers = said["the broker refuses: GET /api/state"].splitlines()
    state = json.loads(next(line for line in answers if line.startswith(b"{")))
    assert state["mqtt"]["state"] in ("refused", "connecting")
    assert len([where for where in said if where.startswith("all is well: camera-appliance/")]) > 5
    assert len(said) > 80


@pytest.mark.parametrize("name", MARKERS)
def test_a_leak_would_be_found(name: str) -> None:
    secret = MARKERS[name]
    for leaked in (f"x {secret} y", quote(secret), base64.b64encode(f"{USER}:{secret}".encode()).decode()):
        heard = Heard()
        heard.add("somewhere", leaked)
        assert heard.leaks()
