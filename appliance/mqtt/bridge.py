"""paho in a thread of its own, and a worker that does what messages ask for.

An exception or a long wait in a callback of paho would end or starve its thread, so callbacks only take note and wake
the worker. Nothing is published while the broker is away, so nothing stale arrives later: at each connect everything
is published again.
"""

import contextlib
import queue
import ssl
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance import payload
from appliance.commands import Commands
from appliance.errors import ApplianceError, InvalidRequest, NotFound
from appliance.log import logger
from appliance.mqtt.connection import new_client
from appliance.mqtt.topics import Topics
from appliance.parameters import Text
from appliance.service import Appliance
from appliance.settings import MqttSettings

log = logger(__name__)

STATE_INTERVAL = 30.0  # s between states when nothing happens
PICTURE_LIMIT = 1_000_000  # bytes; mosquitto 2.1 throws out a client whose packet has more than twice that
_INBOX = 200  # messages that wait; more are dropped
_FRAMING = 64  # bytes of a packet besides its topic, payload and correlation data, at most
_KEEP_ALIVE = 30  # s


@dataclass(frozen=True, slots=True)
class _Request:
    """A message on one of our command topics; of its `size` bytes, `payload` has no more than we read."""

    topic: str
    size: int
    payload: bytes
    response_topic: str | None
    correlation: bytes | None


class Bridge:
    """Connects the appliance to a broker, and stays out of its way when there is none.

    Raises ConfigurationError where the settings cannot lead to a connection whatever the broker does.
    """

    def __init__(self, settings: MqttSettings, name: str, appliance: Appliance, commands: Commands) -> None:
        self.topics = Topics(settings.base_topic, name)
        self._settings = settings
        self._appliance = appliance
        self._commands = commands
        self._inbox: queue.Queue[_Request | None] = queue.Queue(_INBOX)  # None only wakes
        self._is_new = threading.Event()  # connected, and the broker knows nothing yet
        self._latest: dict[str, dict[str, Any]] = {}
        self._published: dict[str, object] = {}
        self._state_at = 0.0
        self._status: tuple[str, str | None] = ("connecting", None)
        self._packet_limit: int | None = None  # bytes that the broker takes at once
        self._stopping = threading.Event()
        self._overflow_logged_at = 0.0
        self._client = new_client(settings, name, self.topics.availability, _INBOX)
        self._client.on_pre_connect = self._on_pre_connect
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._network: threading.Thread | None = None  # paho's
        self._worker = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect, and return."""
        self._appliance.listen(self._listen)
        self._client.connect_async(self._settings.host, self._settings.port, _KEEP_ALIVE)
        self._client.loop_start()  # Not loop_forever in a thread of ours: then publishers would write as well.
        self._worker.start()

    def stop(self, timeout: float = 0.8) -> None:
        """Say goodbye to the broker. One that does not take it in time learns from the will that we are gone."""
        self._stopping.set()
        self._wake()
        self._worker.join(timeout / 4)  # What it publishes must not come after the goodbye.
        if self._client.is_connected():
            goodbye = self._client.publish(self.topics.availability, "offline", qos=1, retain=True)
            with contextlib.suppress(RuntimeError, ValueError):
                goodbye.wait_for_publish(timeout / 2)
            if not goodbye.is_published():
                return
        self._client.disconnect()
        if self._network:
            self._network.join(timeout / 4)

    @property
    def is_alive(self) -> bool:
        """Whether both threads run; without them the appliance is deaf."""
        return self._worker.is_alive() and (self._network is None or self._network.is_alive())

    def status(self) -> dict[str, Any]:
        """Return how the connection is, as the state reports it."""
        state, reason = self._status
        return {"state": state, "reason": reason}

    # Callbacks of paho, on its thread: take note and return.

    def _on_pre_connect(self, _client: Any, _data: Any) -> None:
        self._network = threading.current_thread()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._become("refused", f"the broker refuses: {reason}")
        else:
            self._packet_limit = getattr(properties, "MaximumPacketSize", None)
            self._become("connected", None)
            self._is_new.set()
            self._wake()

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        error = sys.exception()  # paho does not pass it on, but calls while it handles it
        if isinstance(error, ssl.SSLCertVerificationError):
            self._become("refused", f"the certificate of {self._where} is not trusted: {error.verify_message}")
        else:
            reason = getattr(error, "strerror", None) or error
            self._become("connecting", f"no connection to {self._where}: {reason}; trying again")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if self._status[0] != "refused" and not self._stopping.is_set():
            self._become("connecting", f"the connection was lost: {reason}")

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        if message.retain:
            log.warning("retained message on %s ignored: a command must not be retained", message.topic[:100])
            return
        properties = message.properties
        self._put(
            _Request(
                message.topic,
                len(message.payload),
                bytes(message.payload[: payload.LIMIT]),
                getattr(properties, "ResponseTopic", None),
                getattr(properties, "CorrelationData", None),
            )
        )

    def _become(self, state: str, reason: str | None) -> None:
        if (state, reason) != self._status:
            self._status = (state, reason)
            if state == "connected":
                log.info("connected to %s, topics below %s", self._where, self.topics.root)
            else:
                log.warning("%s", reason)

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _put(self, request: _Request) -> None:
        try:
            self._inbox.put_nowait(request)
        except queue.Full:
            now = time.monotonic()
            if now - self._overflow_logged_at > 1:
                self._overflow_logged_at = now
                log.warning("messages come faster than they can be done: some are dropped")

    def _wake(self) -> None:
        with contextlib.suppress(queue.Full):  # Then it is awake.
            self._inbox.put_nowait(None)

    def _listen(self, event: str, data: dict[str, Any]) -> None:
        """Take note of a change, on whatever thread made it; only the newest of each kind counts."""
        if event != "picture" or data["action"] == "taken":
            self._latest[event] = data
        self._wake()

    # From here on everything runs on the worker.

    def _run(self) -> None:
        while not self._stopping.is_set():
            request = self._inbox.get()
            try:
                if self._is_new.is_set():
                    self._greet()
                if request:
                    self._do(request)
                if self._client.is_connected():
                    self._publish_changes()
            except Exception:
                log.exception("a message could not be dealt with")

    def _greet(self) -> None:
        """Subscribe and publish everything, as after each connect the broker may know nothing."""
        self._is_new.clear()
        self._client.subscribe([(topic, 1) for topic in self.topics.subscriptions])
        self._published.clear()
        self._latest["state"] = self._appliance.get_state()
        if controls := self._appliance.known_controls():
            self._latest["controls"] = controls
        pictures = self._commands.invoke("list_pictures", {"limit": 1})["pictures"]
        if pictures:
            self._publish_picture(pictures[0]["id"])
        self._publish_changes()
        if not self._stopping.is_set() and not self._publish(self.topics.availability, b"online"):
            self._is_new.set()  # Too much waits yet; we are woken at least once a second.

    def _publish_changes(self) -> None:
        """Publish what differs from what was published last; the state also every 30 s."""
        state = self._latest.get("state")
        if state:
            key = (state["camera"], state["format"], state["pictures"], state["under_voltage"])
            is_due = key != self._published.get("state") or time.monotonic() - self._state_at >= STATE_INTERVAL
            if is_due and self._publish(self.topics.state, payload.encode(state)):
                self._published["state"], self._state_at = key, time.monotonic()
        if state and state["privacy"] != self._published.get("privacy"):
            word = b"ON" if state["privacy"] else b"OFF"
            if self._publish(self.topics.privacy, word):
                self._published["privacy"] = state["privacy"]
        controls = self._latest.get("controls")
        if controls and controls["values"] != self._published.get("controls"):
            values = controls["values"]
            if self._publish(self.topics.controls, payload.encode(values)):
                self._published["controls"] = values
        picture = self._latest.pop("picture", None)
        if picture:
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

    def _publish(self, topic: str, data: bytes, retain: bool = True, correlation: bytes | None = None) -> bool:
        """Publish and return True, unless it is more than the broker takes, now or ever."""
        size = len(topic.encode()) + len(data) + len(correlation or b"") + _FRAMING
        if self._packet_limit is not None and size > self._packet_limit:
            log.warning("%s not published: %d bytes, the broker takes %d", topic[:100], size, self._packet_limit)
            return False
        properties = None
        if correlation is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = correlation
        published = self._client.publish(topic, data, 1, retain, properties)
        return published.rc != MQTTErrorCode.MQTT_ERR_QUEUE_SIZE

    def _do(self, request: _Request) -> None:
        """Run the command that a message gives, and answer."""
        name, plain = self.topics.request(request.topic)
        if name is None:
            log.warning("message on %s ignored: not the name of a command or control", request.topic[:100])
            return
        transaction: dict[str, object] = {}
        try:
            arguments = _plain(plain, request) if plain else _arguments(request, transaction)
            answer: dict[str, object] = {"ok": True, "result": self._commands.invoke(name, arguments)}
        except ApplianceError as error:
            log.warning("%s refused: %s", name, error)
            answer = {"ok": False, **payload.error(error.code, str(error))}
        except Exception:
            log.exception("%s failed", name)
            answer = {"ok": False, **payload.INTERNAL_ERROR}
        self._answer(request, name, answer, transaction)
        if not answer["ok"]:  # Whoever shows the wish as fact is put right.
            self._published.pop({"set_controls": "controls", "set_privacy": "privacy"}.get(name, ""), None)

    def _answer(self, request: _Request, name: str, answer: dict[str, object], transaction: dict[str, object]) -> None:
        topic, correlation = self.topics.response(name), None
        wanted = request.response_topic
        if wanted and not set(wanted) & set("+#\0") and not self.topics.is_ours(wanted):
            topic, correlation = wanted, request.correlation
        if not self._publish(topic, payload.encode(answer | transaction), retain=False, correlation=correlation):
            failure = {"ok": False, **payload.error("too_large", "the answer is larger than the broker takes")}
            self._publish(topic, payload.encode(failure | transaction), retain=False, correlation=correlation)


def _arguments(request: _Request, transaction: dict[str, object]) -> dict[str, Any]:
    """Return the arguments in a JSON payload. Its `transaction` is put aside. Raises InvalidRequest."""
    payload.check_size(request.size, "the payload")
    arguments = payload.arguments(request.payload, "the payload")
    if "transaction" in arguments:
        given = {"transaction": arguments.pop("transaction")}
        try:
            payload.encode(given)
        except RecursionError:
            raise InvalidRequest("transaction: nested too deeply to be sent back") from None
        transaction.update(given)
    return arguments


def _plain(name: str, request: _Request) -> dict[str, Any]:
    """Return a plain value as the argument of that name. Raises InvalidRequest."""
    payload.check_size(request.size, "the payload")
    try:
        return {name: Text(request.payload.decode())}
    except UnicodeDecodeError:
        raise InvalidRequest(f"{name}: the payload is not a text in UTF-8") from None
