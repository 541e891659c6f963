"""The other side: an MQTT client that hears everything the broker passes on."""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.mqtt.broker import HOST
from tests.processes import PATIENCE, eventually
from tests.running import Listener

ROOT = "camera-appliance/camera"  # of all topics of an appliance with the settings it comes with


T = TypeVar("T")


@dataclass(frozen=True)
class Message:
    """A message as it arrived."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    correlation: bytes | None

    @property
    def json(self) -> Any:
        """The payload, which has to be JSON, in UTF-8."""
        return json.loads(self.payload.decode(), parse_constant=_refuse_constant)


Predicate = Callable[[Message], object]


class Client:
    """A client that subscribes to everything with QoS 2, so that each message has the QoS of who sent it.

    From `with` on it has the retained messages and hears all others. It connects again by itself. Topics are without
    the root of the appliance's.
    """

    def __init__(self, broker: Listener, username: str = "", password: str = "") -> None:
        self.messages: list[Message] = []
        self._broker = broker
        self._news = threading.Condition()
        self._subscriptions = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        if username:
            self._client.username_pw_set(username, password)
        self._client.on_socket_open = _send_at_once
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def __enter__(self) -> "Client":
        self._client.connect(HOST, self._broker.port)
        self._client.loop_start()
        self.until_subscribed(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def mark(self) -> int:
        """Where the next message will be, as `after` of the others."""
        return len(self.messages)

    def until_subscribed(self, times: int) -> None:
        """Wait until it has connected and subscribed that many times."""
        self._wait(lambda: self._subscriptions >= times, f"{times} subscriptions")

    def wait_for(self, topic: str, predicate: Predicate = bool, after: int = 0) -> Message:
        """Return the first message on the topic that the predicate likes, from number `after` on; wait for it."""
        return self._wait(lambda: next(iter(self.heard(topic, predicate, after)), None), f"a message on {topic}")

    def wait_for_any(self, predicate: Predicate, after: int = 0) -> Message:
        """Return the first message on whatever topic that the predicate likes; wait for it."""
        return self._wait(
            lambda: next((each for each in self.messages[after:] if predicate(each)), None), "such a message"
        )

    def heard(self, topic: str, predicate: Predicate = bool, after: int = 0) -> list[Message]:
        """Return all such messages that have arrived so far."""
        return [each for each in self.messages[after:] if each.topic == f"{ROOT}/{topic}" and predicate(each)]

    def newest(self, topic: str) -> Message:
        """Return the message on the topic that arrived last; wait for one if there was none."""
        self.wait_for(topic)
        return self.heard(topic)[-1]

    def publish(
        self,
        topic: str,
        payload: bytes | str = b"",
        *,
        retain: bool = False,
        response_topic: str | None = None,
        correlation: bytes | None = None,
    ) -> None:
        """Publish with QoS 1 and wait until the broker has it. `response_topic` is a whole topic."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if response_topic is not None:
            properties.ResponseTopic = response_topic
        if correlation is not None:
            properties.CorrelationData = correlation
        self._client.publish(f"{ROOT}/{topic}", payload, 1, retain, properties).wait_for_publish(PATIENCE)

    def publish_anywhere(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Publish on a whole topic, with QoS 1."""
        self._client.publish(topic, payload, 1, retain).wait_for_publish(PATIENCE)

    def pour(self, topic: str, payloads: list[str]) -> None:
        """Publish all that, with QoS 0, as fast as possible."""
        for payload in payloads:
            self._client.publish(f"{ROOT}/{topic}", payload).wait_for_publish(PATIENCE)

    def ask(self, topic: str, payload: bytes | str = b"", answered_on: str | None = None) -> dict[str, Any]:
        """Publish, and return the answer, which goes to `response/<command>` unless told otherwise."""
        mark = self.mark
        self.publish(topic, payload)
        answer: dict[str, Any] = self.wait_for(answered_on or topic.replace("command/", "response/"), after=mark).json
        return answer

    def command(self, name: str, arguments: object = None) -> dict[str, Any]:
        """Give a command with arguments as JSON, none at all for None, and return the answer."""
        return self.ask(f"command/{name}", b"" if arguments is None else json.dumps(arguments))

    def _wait(self, condition: Callable[[], T | None], what: str) -> T:
        with self._news:
            return eventually(
                condition, lambda: f"{what} (there were {self._seen()})", pause=lambda: self._news.wait(1)
            )

    def _seen(self) -> list[tuple[str, bytes]]:
        return [(message.topic, message.payload[:200]) for message in self.messages[-10:]]

    def _on_connect(self, *_: Any) -> None:
        self._client.subscribe("#", 2)

    def _on_subscribe(self, *_: Any) -> None:
        with self._news:
            self._subscriptions += 1
            self._news.notify_all()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        correlation = getattr(message.properties, "CorrelationData", None)
        with self._news:
            self.messages.append(
                Message(message.topic, bytes(message.payload), message.qos, message.retain, correlation)
            )
            self._news.notify_all()


def _send_at_once(_client: Any, _data: Any, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
