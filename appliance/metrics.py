"""The metrics for Prometheus, made from the state when they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

_PREFIX = "camera_appliance_"


class Metrics:
    """Renders the state, and the counters given, as text for Prometheus."""

    def __init__(
        self,
        state: Callable[[], dict[str, Any]],
        counters: Callable[[], dict[str, tuple[int, str]]],
        entered: Callable[[], Mapping[str, int]],
    ) -> None:
        self._state = state
        self._counters = counters
        self._entered = entered
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def __call__(self) -> tuple[bytes, str]:
        """Return the text and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def describe(self) -> list[Metric]:
        """Return nothing: prometheus-client would otherwise collect once when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; what is not known now is left out."""
        state = self._state()
        yield from _gauges(state)
        yield self._transitions(state["camera"]["state"])
        frames = state["frames"]
        counters = {
            "frames_captured": (frames["captured"], "Good frames that the camera delivered."),
            "frames_dropped": (frames["dropped"], "Frames that were not sent to a viewer who was too slow."),
            "frames_corrupt": (frames["corrupt"], "Damaged frames that the camera delivered, which were not shown."),
        } | self._counters()
        for name, (value, help) in counters.items():
            yield CounterMetricFamily(_PREFIX + name, help, value=value)

    def _transitions(self, now: str) -> Metric:
        help = "How often the camera came into a state."
        family = CounterMetricFamily(_PREFIX + "camera_state_entered", help, labels=["state"])
        entered = self._entered()
        for state in sorted({now, *entered}):
            family.add_metric([state], entered.get(state, 0))
        return family


def _gauges(state: dict[str, Any]) -> Iterator[Metric]:
    info = GaugeMetricFamily(_PREFIX + "info", "Version and name.", labels=["version", "name"])
    info.add_metric([state["version"], state["name"]], 1)
    yield info
    mqtt = state["mqtt"]["state"]
    values = (
        ("camera_online", "Whether the camera delivers frames that move.", int(state["camera"]["state"] == "online")),
        ("frames_per_second", "Frames per second that the camera delivers.", state["fps"]),
        ("frame_age_seconds", "Age of the newest frame.", state["frame_age"]),
        ("viewers", "Viewers of the stream.", state["viewers"]),
        ("pictures", "Stored pictures.", state["pictures"]),
        ("disk_free_bytes", "Bytes left for pictures.", state["disk_free"]),
        ("mqtt_connected", "Whether the broker is connected.", None if mqtt == "off" else int(mqtt == "connected")),
        ("temperature_celsius", "Temperature of the processor.", state["temperature"]),
        ("under_voltage", "Whether the power supply is too weak.", state["under_voltage"]),
        ("uptime_seconds", "Seconds since the appliance started.", state["uptime"]),
    )
    for name, help, value in values:
        if value is not None:
            yield GaugeMetricFamily(_PREFIX + name, help, value=float(value))
