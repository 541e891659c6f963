"""Remove everything about a camera from the broker."""

import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho

from appliance.errors import ApplianceError
from appliance.mqtt.connection import client_id, new_client
from appliance.mqtt.discovery import config_topic
from appliance.mqtt.topics import AVAILABILITY, Topics
from appliance.settings import MqttSettings

_TIMEOUT = 10.0  # s for the broker to respond
_MAX_QUEUED = 1000  # messages; a camera has a dozen topics


class ForgetError(ApplianceError):
    """The topics could not be cleared; the message gives the reason."""

    code = "not_forgotten"


def forget(settings: MqttSettings, name: str, announced_at: str | None) -> list[str]:
    """Clear all retained topics of a camera and its discovery; return the cleared topics.

    `announced_at` is the topic of the saved announcement, or None. Raises ForgetError, also if the appliance is
    running, because it would publish everything again.
    """
    topics = Topics(settings.base_topic, name)
    configs = {config_topic(settings.discovery_prefix, topics), *filter(None, [announced_at])}
    with _Session(settings, name) as session:
        retained = session.retained([f"{topics.root}/#", *configs])
        if retained.get(topics.of(AVAILABILITY)) == b"online":
            raise ForgetError(
                f"{topics.root} is online: stop the appliance first, because it would publish everything again"
            )
        # The device first, so that Home Assistant does not report missing topics.
        ordered = sorted(retained, key=lambda topic: (topic not in configs, topic))
        session.clear(ordered)
        return ordered


class _Session:
    """A short connection to the broker, with its own client id."""

    def __init__(self, settings: MqttSettings, name: str) -> None:
        self._settings = settings
        self._retained: dict[str, bytes] = {}
        self._answer = threading.Event()
        self._problem: str | None = None
        self._client = new_client(settings, f"{client_id(name, settings.base_topic)}-forget", None, _MAX_QUEUED)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def __enter__(self) -> "_Session":
        broker = f"{self._settings.host}:{self._settings.port}"
        try:
            self._client.connect(self._settings.host, self._settings.port)
        except OSError as error:
            raise ForgetError(f"no connection to {broker}: {error.strerror or error}") from None
        self._client.loop_start()
        self._wait(f"no response from {broker}")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def retained(self, topics: list[str]) -> dict[str, bytes]:
        """Return the retained messages of these topics."""
        self._answer.clear()
        self._client.subscribe([(topic, 1) for topic in topics])
        self._wait("the broker refused the subscription")
        self._barrier(lambda: self._client.unsubscribe(topics))
        return dict(self._retained)

    def clear(self, topics: list[str]) -> None:
        """Clear these topics. Raises ForgetError."""
        sent = [self._client.publish(topic, b"", 1, retain=True) for topic in topics]
        for each in sent:
            try:
                each.wait_for_publish(_TIMEOUT)
            except (RuntimeError, ValueError) as error:
                raise ForgetError(f"the broker did not accept a message: {error}") from None
            if not each.is_published():
                raise ForgetError("the broker stopped responding")

    def _barrier(self, request: Callable[[], Any]) -> None:
        """Send a request and wait for its confirmation: all messages sent before it have arrived then."""
        done = threading.Event()
        self._client.on_unsubscribe = lambda *_: done.set()
        request()
        if not done.wait(_TIMEOUT):
            raise ForgetError("the broker stopped responding")

    def _wait(self, problem: str) -> None:
        if not self._answer.wait(_TIMEOUT):
            raise ForgetError(problem)
        if self._problem:
            raise ForgetError(self._problem)

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._problem = f"the broker refuses: {reason}" if reason.is_failure else None
        self._answer.set()

    def _on_subscribe(self, _client: Any, _data: Any, _number: Any, reasons: Any, _properties: Any) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        self._problem = f"the broker refused the subscription: {refused[0]}" if refused else None
        self._answer.set()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        if message.retain:
            self._retained[message.topic] = bytes(message.payload)
