"""The MQTT bridge: paho in a thread of its own, and a worker that runs commands and publishes.

An exception in a callback of paho would end its thread, and a long operation would block it, so callbacks only queue
work and wake the worker. Nothing is published without a connection, so nothing outdated arrives later: at each connect
everything is published again.
"""

import contextlib
import random
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from appliance import json_codec
from appliance.commands import Commands
from appliance.events import Event, Events
from appliance.facts import Facts
from appliance.mqtt.command_handler import CommandHandler
from appliance.mqtt.command_queue import CommandQueue, Request
from appliance.mqtt.connection import RETRY, RETRY_AFTER_CONFLICT, client_id, new_client
from appliance.mqtt.discovery_publisher import DiscoveryPublisher
from appliance.mqtt.facts import COMMAND_REFUSED
from appliance.mqtt.live_publisher import LivePublisher
from appliance.mqtt.sender import Sender, is_settled
from appliance.mqtt.state_publisher import StatePublisher
from appliance.mqtt.topics import AVAILABILITY, LIVE, Topics
from appliance.service import Appliance
from appliance.settings import MqttSettings
from appliance.system.log import logger

log = logger(__name__)

_MAX_QUEUED = 500  # messages queued in paho: enough for the responses to a full command queue, and their events
_BIRTH_DELAY = 3.0  # s, maximum of a random delay, because all devices react to the birth message of Home Assistant
_SHORT_CONNECTION = 10.0  # s; consecutive connections that are shorter indicate a conflict
_MAX_SHORT_CONNECTIONS = 5


class Bridge:
    """Connects the appliance to a broker, and reconnects without affecting the appliance.

    `directory` stores what was announced to Home Assistant. `page` returns the URL of the page for the address of this
    machine. Raises ConfigurationError if the settings can never lead to a connection.
    """

    def __init__(
        self,
        settings: MqttSettings,
        name: str,
        appliance: Appliance,
        commands: Commands,
        facts: Facts,
        events: Events,
        directory: Path,
        page: Callable[[str | None], str],
    ) -> None:
        self.topics = Topics(settings.base_topic, name)
        self._settings = settings
        self._events = events
        self._queue = CommandQueue()
        self._must_publish_all = threading.Event()  # connected, but nothing is published yet
        self._has_changed = threading.Event()  # an event occurred since the last publication
        self._republish_at: float | None = None  # when to publish everything, because Home Assistant started
        self._status: tuple[str, str | None] = ("connecting", None)
        self._connected_at = 0.0
        self._short_connections = 0  # number of consecutive short connections
        self._stopping = threading.Event()
        self._client_id = client_id(name, settings.base_topic)
        self._client = self._new_client()
        self._sender = Sender(self._client)
        self._state_publisher = StatePublisher(
            self.topics, self._sender, appliance, commands, facts, settings.max_picture_bytes
        )
        self._command_handler = CommandHandler(
            self.topics, self._sender, commands, self._may_respond, self._state_publisher.republish, self._on_refused
        )
        own_page = lambda: page(self._local_address())  # noqa: E731
        self._discovery_publisher = DiscoveryPublisher(
            settings, self.topics, self._sender, appliance, commands, facts, events, directory, own_page
        )
        self._live = LivePublisher(
            settings.live_interval, self.topics.of(LIVE), self._sender, self._state_publisher, appliance
        )
        self._network: threading.Thread | None = None  # paho's
        self._worker = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def _new_client(self) -> paho.Client:
        client = new_client(self._settings, self._client_id, self.topics.of(AVAILABILITY), _MAX_QUEUED)
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def start(self) -> None:
        """Start to connect, without blocking."""
        self._events.listen(self._on_event)
        self._client.connect_async(self._settings.host, self._settings.port, self._settings.keep_alive)
        self._client.loop_start()  # not loop_forever in a thread of ours: publishers would also write to the socket
        self._worker.start()
        self._live.start()

    def stop(self, timeout: float = 0.8) -> None:
        """Publish `offline` and disconnect. If the broker does not confirm in time, it publishes the will."""
        self._stopping.set()
        self._live.stop()
        self._queue.wake()
        self._worker.join(timeout / 4)  # it must not publish anything after `offline`
        if self._client.is_connected():
            offline = self._client.publish(self.topics.of(AVAILABILITY), "offline", qos=1, retain=True)
            with contextlib.suppress(RuntimeError, ValueError):
                offline.wait_for_publish(timeout / 2)
            if not is_settled(offline):
                return
        self._client.disconnect()
        if self._network:
            self._network.join(timeout / 4)

    @property
    def is_alive(self) -> bool:
        """Whether all threads are running."""
        network = self._network is None or self._network.is_alive()
        return network and self._worker.is_alive() and self._live.is_alive

    def status(self) -> dict[str, Any]:
        """Return the status of the connection for the state."""
        state, reason = self._status
        return {"state": state, "reason": reason}

    # Callbacks of paho, on its thread: they must not block.

    def _on_pre_connect(self, _client: Any, _data: Any) -> None:
        self._network = threading.current_thread()
        self._sender.discard_unsent()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._set_status("refused", f"the broker refuses: {reason}")
        else:
            self._connected_at = time.monotonic()
            self._sender.packet_limit = getattr(properties, "MaximumPacketSize", None)
            self._set_status("connected", None)
            self._must_publish_all.set()
            self._queue.wake()

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        self._short_connections = 0  # the broker is not reachable, so there is no conflict
        error = sys.exception()  # not passed by paho, which calls this while handling the exception
        if isinstance(error, ssl.SSLCertVerificationError):
            self._set_status("refused", f"the certificate of {self._broker} is not trusted: {error.verify_message}")
        else:
            reason = getattr(error, "strerror", None) or error
            self._set_status("connecting", f"no connection to {self._broker}: {reason}; trying again")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if self._status[0] == "connected":  # not every broker reports a takeover by another client with our id
            self._short_connections = (
                self._short_connections + 1 if time.monotonic() - self._connected_at < _SHORT_CONNECTION else 0
            )
        is_conflict = self._short_connections >= _MAX_SHORT_CONNECTIONS
        self._client.reconnect_delay_set(*(RETRY_AFTER_CONFLICT if is_conflict else RETRY))
        if is_conflict:
            # Without MQTT 5, a broker reports neither its maximum packet size nor a reason.
            size_hint = "" if self._settings.protocol == "5" else ", or is mqtt.max_picture_bytes more than it accepts"
            hint = f"does another camera use {self._client_id}{size_hint}?"
            self._set_status("refused", f"the broker closes each connection at once, {reason}: {hint}")
        elif self._status[0] != "refused" and not self._stopping.is_set():
            self._set_status("connecting", f"the connection was lost: {reason}")

    def _on_subscribe(self, _client: Any, _data: Any, _number: Any, reasons: Any, _properties: Any) -> None:
        if refused := [str(reason) for reason in reasons if reason.is_failure]:
            log.warning("the broker refused a subscription: %s; check its access control list", refused[0])

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        if message.topic == self._settings.birth_topic:
            if not message.retain and message.payload == b"online":
                self._republish_at = time.monotonic() + random.uniform(0, _BIRTH_DELAY)  # noqa: S311  no secret
            return
        if message.retain:
            log.warning("retained message on %s ignored: commands must not be retained", message.topic[:100])
            return
        properties = message.properties
        self._queue.put(
            Request(
                message.topic,
                len(message.payload),
                bytes(message.payload[: json_codec.LIMIT]),
                getattr(properties, "ResponseTopic", None),
                getattr(properties, "CorrelationData", None),
            )
        )

    def _set_status(self, state: str, reason: str | None) -> None:
        if (state, reason) != self._status:
            self._status = (state, reason)
            if state == "connected":
                log.info(
                    "connected to %s, topics below %s",
                    self._broker,
                    self.topics.root,
                    extra={"EVENT": "mqtt-connected"},
                )
            else:
                log.warning("%s", reason, extra={"EVENT": "mqtt-lost"})

    @property
    def _broker(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _on_event(self, event: Event, data: dict[str, Any]) -> None:
        """Record an event; called on the thread that emits it."""
        self._state_publisher.on_event(event, data)
        self._has_changed.set()
        self._queue.wake()

    # From here on everything runs on the worker.

    def _run(self) -> None:
        while not self._stopping.is_set():
            request, refused = self._queue.get()
            try:
                if self._sender.is_open and self._is_publish_all_due():
                    self._publish_all()
                if request:
                    self._command_handler.run(request)
                if refused:
                    self._command_handler.refuse(refused)
                if self._sender.is_open:
                    self._state_publisher.publish_changes()
                    self._publish_discovery_changes()
            except Exception:
                log.exception("a message could not be processed")

    def _is_publish_all_due(self) -> bool:
        is_republish_due = self._republish_at is not None and time.monotonic() >= self._republish_at
        return self._must_publish_all.is_set() or is_republish_due

    def _publish_all(self) -> None:
        """Subscribe and publish everything: after a connect, or after a start of Home Assistant."""
        self._must_publish_all.clear()
        self._republish_at = None
        topics = [*self.topics.subscriptions, *filter(None, [self._settings.birth_topic])]
        self._client.subscribe([(topic, 1) for topic in topics])
        self._discovery_publisher.publish_all()
        self._state_publisher.publish_all()
        if not self._stopping.is_set() and not self._sender.publish(self.topics.of(AVAILABILITY), b"online"):
            self._must_publish_all.set()  # the queue of paho is full; try again, at least once a second

    def _publish_discovery_changes(self) -> None:
        if self._has_changed.is_set():
            self._has_changed.clear()
            self._discovery_publisher.publish_changes()

    def _on_refused(self, command: str, error: dict[str, Any]) -> None:
        self._events.emit(COMMAND_REFUSED, {"command": command, **error})

    def _may_respond(self, topic: str) -> bool:
        """Return whether a topic is accepted as a Response Topic, so that a response cannot pass for a publication."""
        return self.topics.is_valid_response_topic(topic) and not topic.startswith(
            f"{self._settings.discovery_prefix}/"
        )

    def _local_address(self) -> str | None:
        """Return the local address of the connection to the broker, or None."""
        connection: Any = self._client.socket()
        try:
            return str(connection.getsockname()[0]) if connection else None
        except (OSError, AttributeError):
            return None
