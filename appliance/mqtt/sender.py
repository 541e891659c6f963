"""Publishing, within what the broker takes."""

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.system.log import logger

log = logger(__name__)

_FRAMING = 64  # bytes of a packet besides its topic, payload and correlation data, at most


class Sender:
    """Where messages leave. `packet_limit` is the size in bytes of the largest packet that the broker takes.

    paho reads that limit and does not keep it; a packet above it costs the connection, with QoS 1 again and again.
    """

    def __init__(self, client: paho.Client) -> None:
        self.packet_limit: int | None = None
        self._client = client

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._client.is_connected()

    def room(self, topic: str) -> int | None:
        """Return how many bytes a payload on the topic may have; None where the broker names no limit."""
        return None if self.packet_limit is None else self.packet_limit - len(topic.encode()) - _FRAMING

    def discard_unsent(self) -> None:
        """Forget what the broker did not take before the connection was lost: after each connect all is published anew.

        Paho would send all of it again, in its order: news of yesterday, and again and again the one message for which
        the broker ended the connection. It has no public way to be told not to (paho-mqtt 2.2.0, `reconnect`).
        """
        with self._client._out_message_mutex:
            self._client._out_messages.clear()
            self._client._inflight_messages = 0

    def publish(
        self, topic: str, data: bytes, *, qos: int = 1, retain: bool = True, correlation: bytes | None = None
    ) -> paho.MQTTMessageInfo | None:
        """Publish; return None where there is no connection, or it is more than the broker takes, now or ever."""
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
    """Return whether nothing is to be waited for any more: the broker has the message, or the connection was lost."""
    try:
        return sent is None or sent.is_published()
    except (RuntimeError, ValueError):  # It was refused, or thrown away.
        return True
