"""paho in a thread of its own, and a worker that does what messages ask for.

An exception or a long wait in a callback of paho would end or starve its thread, so callbacks only put things into
the inbox. Nothing is published while the broker is away, so nothing stale arrives later: at each connect everything
is published again.
"""

import contextlib
import hashlib
import json
import queue
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.commands import Commands
from appliance.errors import ApplianceError, InvalidRequest, NotFound
from appliance.log import logger
from appliance.mqtt.topics import Topics
from appliance.parameters import Text
from appliance.service import Appliance
from appliance.settings import MqttSettings

log = logger(__name__)

STATE_INTERVAL = 30.0  # s between states when nothing happens
PAYLOAD_LIMIT = 65536  # bytes of a command; the longest needs some hundred
PICTURE_LIMIT = 1_000_000  # bytes; mosquitto 2.1 throws out a client whose packet has more than twice that
_INBOX = 200  # messages that wait; more are dropped
_RETRY = (1, 60)  # s, first and last, doubling
_KEEP_ALIVE = 30  # s


@dataclass(frozen=True, slots=True)
class _Request:
    """A message on one of our command topics."""

    topic: str
    payload: bytes
    response_topic: str | None
    correlation: bytes | None


class Bridge:
    """Connects the appliance to a broker, and stays out of its way when there is none."""

    def __init__(self, settings: MqttSettings, name: str, appliance: Appliance, commands: Commands) -> None:
        self.topics = Topics(settings.base_topic, name)
        self._settings = settings
        self._appliance = appliance
        self._commands = commands
        self._inbox: queue.Queue[_Request | str] = queue.Queue(_INBOX)
        self._latest: dict[str, dict[str, Any]] = {}
        self._published: dict[str, object] = {}
        self._state_at = 0.0
        self._status: tuple[str, str | None] = ("connecting", None)
        self._stopping = threading.Event()
        self._overflow_logged_at = 0.0
        self._client = self._new_client(client_id(name))
        self._network = threading.Thread(target=self._run_network, name="mqtt-network", daemon=True)
        self._worker = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect, and return."""
        self._appliance.listen(self._listen)
        self._client.connect_async(self._settings.host, self._settings.port, _KEEP_ALIVE)
        self._network.start()
        self._worker.start()

    def stop(self, timeout: float = 0.8) -> None:
        """Say goodbye to the broker and end the threads."""
        self._stopping.set()
        with contextlib.suppress(queue.Full):
            self._inbox.put_nowait("stop")
        if self._client.is_connected():
            goodbye = self._client.publish(self.topics.availability, "offline", qos=1, retain=True)
            with contextlib.suppress(RuntimeError, ValueError):
                goodbye.wait_for_publish(timeout / 2)
        self._client.disconnect()
        self._network.join(timeout / 2)

    @property
    def is_alive(self) -> bool:
        """Whether both threads run; without them the appliance is deaf."""
        return self._network.is_alive() and self._worker.is_alive()

    def status(self) -> dict[str, Any]:
        """Return how the connection is, as the state reports it."""
        state, reason = self._status
        return {"state": state, "reason": reason}

    def _new_client(self, identifier: str) -> paho.Client:
        settings = self._settings
        protocol = paho.MQTTv5 if settings.protocol == "5" else paho.MQTTv311
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=identifier, protocol=protocol)
        client.max_queued_messages_set(_INBOX)
        client.reconnect_delay_set(*_RETRY)
        client.will_set(self.topics.availability, "offline", qos=1, retain=True)
        if settings.username:
            client.username_pw_set(settings.username, settings.password or None)
        if settings.tls:
            client.tls_set(
                settings.tls_ca_file or None,
                settings.tls_certificate_file or None,
                settings.tls_key_file or None,
                cert_reqs=ssl.CERT_REQUIRED,
            )
            client.tls_insecure_set(settings.tls_insecure)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    # Callbacks of paho, on its thread: take note and return.

    def _run_network(self) -> None:
        self._client.loop_forever(retry_first_connection=True)

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._become("refused", f"the broker refuses: {reason}")
        else:
            self._become("connected", None)
            self._put("connected")

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        where = f"{self._settings.host}:{self._settings.port}"
        self._become("connecting", f"no connection to {where}; trying again")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if self._status[0] == "connected" and not self._stopping.is_set():
            self._become("connecting", f"the connection was lost: {reason}")

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        if message.retain:
            log.warning("retained message on %s ignored: a command must not be retained", message.topic)
            return
        properties = message.properties
        self._put(
            _Request(
                message.topic,
                bytes(message.payload[: PAYLOAD_LIMIT + 1]),
                getattr(properties, "ResponseTopic", None),
                getattr(properties, "CorrelationData", None),
            )
        )

    def _become(self, state: str, reason: str | None) -> None:
        if (state, reason) != self._status:
            self._status = (state, reason)
            where = f"{self._settings.host}:{self._settings.port}"
            if state == "connected":
                log.info("connected to %s, topics below %s", where, self.topics.root)
            else:
                log.warning("%s", reason)

    def _put(self, item: _Request | str) -> None:
        try:
            self._inbox.put_nowait(item)
        except queue.Full:
            now = time.monotonic()
            if now - self._overflow_logged_at > 1:
                self._overflow_logged_at = now
                log.warning("messages come faster than they can be done: some are dropped")

    def _listen(self, event: str, data: dict[str, Any]) -> None:
        """Take note of a change, on whatever thread made it; only the newest of each kind counts."""
        self._latest[event] = data
        with contextlib.suppress(queue.Full):
            self._inbox.put_nowait("event")

    # From here on everything runs on the worker.

    def _run(self) -> None:
        while not self._stopping.is_set():
            item = self._inbox.get()
            try:
                if isinstance(item, _Request):
                    self._do(item)
                elif item == "connected":
                    self._greet()
                elif self._client.is_connected():
                    self._publish_changes()
            except Exception:
                log.exception("a message could not be dealt with")

    def _greet(self) -> None:
        """Subscribe and publish everything, as after each connect the broker may know nothing."""
        self._client.subscribe([(topic, 1) for topic in self.topics.subscriptions])
        self._published.clear()
        self._latest["state"] = self._appliance.get_state()
        if controls := self._appliance.known_controls():
            self._latest["controls"] = controls
        pictures = self._commands.invoke("list_pictures", {"limit": 1})["pictures"]
        if pictures:
            self._publish_picture(pictures[0]["id"])
        self._publish_changes()
        self._publish(self.topics.availability, "online")

    def _publish_changes(self) -> None:
        """Publish what differs from what was published last; the state also every 30 s."""
        state = self._latest.get("state")
        if state:
            key = (state["camera"], state["format"], state["pictures"], state["under_voltage"])
            if key != self._published.get("state") or time.monotonic() - self._state_at >= STATE_INTERVAL:
                self._published["state"], self._state_at = key, time.monotonic()
                self._publish(self.topics.state, _json(state))
        controls = self._latest.get("controls")
        if controls and controls["values"] != self._published.get("controls"):
            self._published["controls"] = controls["values"]
            self._publish(self.topics.controls, _json(controls["values"]))
        picture = self._latest.pop("picture", None)
        if picture and picture["action"] == "taken":
            self._publish_picture(picture["picture"]["id"])

    def _publish_picture(self, number: int) -> None:
        try:
            data = self._appliance.picture_jpeg(number)
        except NotFound:
            return  # deleted meanwhile
        if len(data) > PICTURE_LIMIT:
            log.warning("picture %d not published: %d bytes, more than %d", number, len(data), PICTURE_LIMIT)
            return
        self._publish(self.topics.picture, data)

    def _publish(self, topic: str, payload: str | bytes) -> None:
        self._client.publish(topic, payload, qos=1, retain=True)

    def _do(self, request: _Request) -> None:
        """Run the command that a message gives, and answer."""
        control = self.topics.control(request.topic)
        is_controls = self.topics.is_controls(request.topic)
        name = "set_controls" if control or is_controls else self.topics.command(request.topic)
        if name is None:
            log.warning("message on %s ignored: not the name of a command or control", request.topic[:100])
            return
        transaction: dict[str, object] = {}
        try:
            arguments = _plain(control, request.payload) if control else _arguments(request.payload, transaction)
            answer: dict[str, object] = {"ok": True, "result": self._commands.invoke(name, arguments)}
        except ApplianceError as error:
            log.warning("%s refused: %s", name, error)
            answer = _failure(error.code, str(error))
        except Exception:
            log.exception("%s failed", name)
            answer = _failure("internal_error", "something went wrong inside the appliance; its log says what")
        self._answer(request, name, answer | transaction)
        if name == "set_controls" and not answer["ok"]:
            self._published.pop("controls", None)  # whoever shows the wish as fact is put right
            self._publish_changes()

    def _answer(self, request: _Request, name: str, answer: dict[str, object]) -> None:
        topic, properties = self.topics.response(name), None
        wanted = request.response_topic
        if wanted and not set(wanted) & set("+#\0") and not self.topics.is_ours(wanted):
            topic = wanted
            if request.correlation is not None:
                properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
                properties.CorrelationData = request.correlation
        self._client.publish(topic, _json(answer), qos=1, properties=properties)


def client_id(name: str) -> str:
    """Return an id that no other client of the broker has: two with the same would throw each other out for ever."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = str(time.time_ns())
    return f"camera-appliance-{name}-{hashlib.sha256(f'{machine}/{name}'.encode()).hexdigest()[:8]}"


def _arguments(payload: bytes, transaction: dict[str, object]) -> object:
    """Return the arguments in a JSON payload; nothing at all counts as none. Its `transaction` is put aside."""
    if len(payload) > PAYLOAD_LIMIT:
        raise InvalidRequest(f"the payload has more than the {PAYLOAD_LIMIT} bytes that are accepted")
    if not payload.strip():
        return {}
    try:
        arguments = json.loads(payload, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"the payload is not valid JSON: {error}") from None
    if isinstance(arguments, dict) and "transaction" in arguments:
        transaction["transaction"] = arguments.pop("transaction")
    return arguments


def _plain(control: str, payload: bytes) -> object:
    try:
        return {control: Text(payload[:1000].decode())}
    except UnicodeDecodeError:
        raise InvalidRequest(f"{control}: the payload is not a text in UTF-8") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _failure(code: str, message: str) -> dict[str, object]:
    return {"ok": False, "error": {"code": code, "message": message}}


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)
