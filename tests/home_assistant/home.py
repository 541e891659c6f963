"""A real Home Assistant on a loopback port, and what its user sees and does."""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.mqtt.broker import Broker
from tests.processes import HOST, PATIENCE, Process, eventually, free_port
from tests.running import Answer, clean_environment

ENVIRONMENT = Path(__file__).parents[2] / os.environ.get("HOME_ASSISTANT_VENV", ".venv-home-assistant")
_LARGEST = 2**25  # bytes of a message of the websocket
_COMPLAINT = re.compile(r"^\d{4}-\d\d-\d\d [0-9:.]+ (WARNING|ERROR|CRITICAL) ", re.MULTILINE)  # others are not logged
_CONFIGURATION = """\
homeassistant:
  name: Home
  unit_system: metric
  time_zone: UTC
http:
  server_host: {host}
  server_port: {port}
api:
auth:
config:
websocket_api:
"""


class Refused(Exception):
    """Home Assistant refuses; the code is its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


State = dict[str, Any]  # entity_id, state, attributes, ...
Entry = dict[str, Any]  # of a registry


class HomeAssistant(Process):
    """A Home Assistant with an owner and nothing else, that keeps its port and its files over a restart.

    Use it as a context; everything it stores is in `directory`.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.port = free_port()
        self.directory = directory
        self._socket: ClientConnection | None = None
        self._line = ExitStack()  # closes it
        self._requests = 0
        (directory / ".storage").mkdir(parents=True)
        (directory / "configuration.yaml").write_text(_CONFIGURATION.format(host=HOST, port=self.port))
        self._token = _add_owner(directory / ".storage" / "auth")

    starts_within = 180.0  # s; the first time it compiles itself
    stops_within = 60.0  # s

    @property
    def command(self) -> Sequence[str | Path]:
        """The program, with the configuration in its folder."""
        python = ENVIRONMENT / "bin" / "python"
        assert python.exists(), f"there is no Home Assistant in {ENVIRONMENT}: run `make test-home-assistant`"
        launch = Path(__file__).with_name("launch.py")
        return [python, launch, "--config", self.directory, "--skip-pip", "--log-no-color"]

    @property
    def variables(self) -> Mapping[str, str]:
        """Our variables; it keeps what it has compiled."""
        return clean_environment(PYTHONDONTWRITEBYTECODE="")

    @property
    def folder(self) -> Path:
        """The folder of everything it stores."""
        return self.directory

    def is_ready(self) -> bool:
        """Return whether it runs; the first time that it answers, this opens the websocket."""
        if self._socket is None:
            self._socket = self._connection()
        return self._socket is not None and self.ask("get_config")["state"] == "RUNNING"

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Stop it as systemd does; return how long that took, in s."""
        self._hang_up()
        return super().stop(number)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._hang_up()
        super().kill()

    def complaints(self, after: int = 0) -> list[str]:
        """Return the warnings and errors in its log from that character on, each with all its lines."""
        text = self.log[after:]
        starts = [record.start() for record in _COMPLAINT.finditer(text)]
        return [text[start:end].strip() for start, end in pairwise([*starts, len(text)])]

    # What its page does.

    def ask(self, kind: str, **arguments: object) -> Any:
        """Send a command over the websocket and return its result. Raises Refused."""
        assert self._socket is not None
        self._requests += 1
        self._socket.send(json.dumps({"id": self._requests, "type": kind, **arguments}))
        answer = _receive(self._socket)
        assert answer["id"] == self._requests, answer
        if not answer["success"]:
            raise Refused(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    def http(self, method: str, path: str, body: object = None) -> Answer:
        """Send a request with the owner's token and return the answer, whatever its status."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{HOST}:{self.port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def connect_to(self, broker: Broker) -> None:
        """Set up the MQTT integration, by the steps of its own dialogue."""
        form = self._step("/api/config/config_entries/flow", {"handler": "mqtt"})
        assert form["step_id"] == "broker", form
        settings: dict[str, Any] = {"broker": HOST, "port": broker.port}
        if any(field["name"] == "other_settings" for field in form["data_schema"]):  # 2026.11
            settings["other_settings"] = {"set_client_cert": False, "set_ca_cert": "off"}
        done = self._step(f"/api/config/config_entries/flow/{form['flow_id']}", settings)
        assert done["type"] == "create_entry", done

    def look_below(self, prefix: str) -> None:
        """Change the prefix of discovery, by the steps of the options dialogue of the MQTT integration."""
        (entry,) = self.ask("config_entries/get", domain="mqtt")
        form = self._step("/api/config/config_entries/options/flow", {"handler": entry["entry_id"]})
        assert form["step_id"] == "options", form
        options = {field["name"]: field["default"] for field in form["data_schema"] if "default" in field}
        options |= {"discovery_prefix": prefix}
        done = self._step(f"/api/config/config_entries/options/flow/{form['flow_id']}", options)
        assert done["type"] == "create_entry", done

    def reload(self) -> None:
        """Load the MQTT integration anew, as it does by itself 30 s after an entity was enabled."""
        (entry,) = self.ask("config_entries/get", domain="mqtt")
        answer = self.http("POST", f"/api/config/config_entries/entry/{entry['entry_id']}/reload")
        assert answer.json == {"require_restart": False}

    def call(self, entity: str, service: str, **data: object) -> None:
        """Call a service of the entity's own domain. Raises Refused."""
        domain = entity.partition(".")[0]
        target = {"entity_id": entity}
        self.ask("call_service", domain=domain, service=service, service_data=data, target=target)

    def states(self) -> dict[str, State]:
        """Return the states of all entities by their ids."""
        return {state["entity_id"]: state for state in self.ask("get_states")}

    def entities(self) -> dict[str, Entry]:
        """Return what is registered of the entities that came over MQTT, by their unique ids."""
        entries = self.ask("config/entity_registry/list")
        return {entry["unique_id"]: entry for entry in entries if entry["platform"] == "mqtt"}

    def devices(self) -> list[Entry]:
        """Return the registered devices."""
        devices: list[Entry] = self.ask("config/device_registry/list")
        return devices

    def wait_for(self, entity: str, condition: Callable[[str], object], what: str) -> State:
        """Return the state of the entity as soon as the condition likes it; wait for it."""
        seen: Mapping[str, Any] = {}

        def state() -> State | None:
            nonlocal seen
            seen = self.states().get(entity, {})
            return seen if seen and condition(seen["state"]) else None

        try:
            return eventually(state, f"{entity} {what}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {seen.get('state', 'not there')}") from None

    # How it is reached.

    def _connection(self) -> ClientConnection | None:
        with ExitStack() as line:
            try:
                address = f"ws://{HOST}:{self.port}/api/websocket"
                opened = connect(address, max_size=_LARGEST, proxy=None, ping_interval=None)  # it may stand still
                connection = line.enter_context(opened)
            except (OSError, WebSocketException):
                return None
            assert _receive(connection)["type"] == "auth_required"
            connection.send(json.dumps({"type": "auth", "access_token": self._token}))
            answer = _receive(connection)
            assert answer["type"] == "auth_ok", answer
            self._requests = 0
            self._line = line.pop_all()
        return connection

    def _hang_up(self) -> None:
        self._socket = None
        self._line.close()

    def _step(self, path: str, body: object) -> Any:
        answer = self.http("POST", path, body)
        assert answer.status == 200, answer.body
        assert not answer.json.get("errors"), answer.json
        return answer.json


def _receive(connection: ClientConnection) -> Any:
    return json.loads(connection.recv(PATIENCE))


def _add_owner(path: Path) -> str:
    """Write an owner with a long-lived access token into the file of the users, and return the token.

    It is what homeassistant/auth/auth_store.py writes after the first log-in; the token is a JSON Web Token.
    """
    user, token_id, key = (secrets.token_hex(16) for _ in range(3))
    now = datetime.now(UTC)
    token = {
        "id": token_id,
        "user_id": user,
        "client_id": None,
        "client_name": "tests",
        "client_icon": None,
        "token_type": "long_lived_access_token",
        "created_at": now.isoformat(),
        "access_token_expiration": 86400.0,
        "token": secrets.token_hex(64),
        "jwt_key": key,
        "last_used_at": None,
        "last_used_ip": None,
        "expire_at": None,
        "credential_id": None,
        "version": None,
    }
    owner = {
        "id": user,
        "group_ids": ["system-admin"],
        "is_owner": True,
        "is_active": True,
        "name": "Owner",
        "system_generated": False,
        "local_only": False,
    }
    data = {"users": [owner], "groups": [], "credentials": [], "refresh_tokens": [token]}
    path.write_text(json.dumps({"version": 1, "minor_version": 1, "key": "auth", "data": data}))
    seconds = int(now.timestamp())
    return _web_token({"iss": token_id, "iat": seconds, "exp": seconds + 86400}, key)


def _web_token(claims: dict[str, object], key: str) -> str:
    parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signature = hmac.new(key.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, _base64(signature)])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
