"""The live picture over MQTT, for programs that cannot use the HTTP stream."""

import threading
import time
from typing import Any

from appliance.errors import ApplianceError
from appliance.mqtt import topics as paths
from appliance.mqtt.sender import Sender, is_settled
from appliance.mqtt.state_publisher import StatePublisher
from appliance.service import Appliance
from appliance.system.log import logger

log = logger(__name__)


class LivePublisher:
    """Publishes a frame every `interval` s, on a thread of its own, because waiting for a frame blocks.

    A frame is published only after the previous one has been sent: otherwise paho would queue frames for a slow broker.
    """

    def __init__(
        self, interval: float, topic: str, sender: Sender, state_publisher: StatePublisher, appliance: Appliance
    ) -> None:
        self._interval = interval
        self._topic = topic
        self._sender = sender
        self._state_publisher = state_publisher
        self._appliance = appliance
        self._last: Any = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mqtt-live", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether the thread is running, or not needed."""
        return not self._interval or self._thread.is_alive()

    def start(self) -> None:
        """Start the thread if an interval is configured."""
        if self._interval:
            self._thread.start()

    def stop(self) -> None:
        """Stop publishing."""
        self._stopping.set()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._interval, time.monotonic())
            if self._sender.is_open and is_settled(self._last):
                try:
                    self._publish()
                except ApplianceError as error:
                    log.debug("no live picture: %s", error)
                except Exception:
                    log.exception("the live picture could not be published")

    def _publish(self) -> None:
        frame = self._appliance.camera.snapshot(max_age=min(self._interval, 1.0))
        data, _ = self._state_publisher.fit(paths.LIVE, frame.jpeg)
        if not self._stopping.is_set():
            self._last = self._sender.publish(self._topic, data, qos=0)
