"""Publishing, within the limits of the broker."""

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.system.log import logger

log = logger(__name__)

_FRAMING = 64  # bytes, maximum overhead of a packet in addition to its topic, payload and correlation data


class Sender:
    """Publishes messages. `packet_limit` is the maximum packet size of the broker in bytes, or None.

    paho does not store that limit. The broker closes the connection for a larger packet, and with QoS 1 paho sends it
    again after each reconnect.
    """

    def __init__(self, client: paho.Client) -> None:
        self.packet_limit: int | None = None
        self._client = client

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._client.is_connected()

    def room(self, topic: str) -> int | None:
        """Return the maximum size of a payload on a topic in bytes, or None if the broker has no limit."""
        return None if self.packet_limit is None else self.packet_limit - len(topic.encode()) - _FRAMING

    def discard_unsent(self) -> None:
        """Discard unsent messages of the lost connection, because everything is published again after a connect.

        paho would send them again: outdated values, and repeatedly a message for which the broker closes the
        connection. It has no public way to disable that (paho-mqtt 2.2.0, `reconnect`).
        """
        with self._client._out_message_mutex:
            self._client._out_messages.clear()
            self._client._inflight_messages = 0

    def publish(
        self, topic: str, data: bytes, *, qos: int = 1, retain: bool = True, correlation: bytes | None = None
    ) -> paho.MQTTMessageInfo | None:
        """Publish; return None if there is no connection, the queue is full, or the broker limits the size."""
        if not self.is_open:
            return None
        room = self.room(topic)
        size = len(data) + len(correlation or b"")
        if room is not None and size > room:
            log.warning("%s not published: it has %d bytes, and the broker accepts %d", topic[:100], size, room)
            return None
        properties = None
        if correlation is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = correlation
        sent = self._client.publish(topic, data, qos, retain, properties)
        return None if sent.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE else sent


def is_settled(sent: paho.MQTTMessageInfo | None) -> bool:
    """Return whether a message is no longer pending: the broker received it, or the connection was lost."""
    try:
        return sent is None or sent.is_published()
    except (RuntimeError, ValueError):  # refused or discarded
        return True
