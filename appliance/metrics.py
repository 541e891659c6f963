"""The metrics for Prometheus, generated from the facts on request."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from appliance.facts import Facts, at

_PREFIX = "camera_appliance_"
_FAMILIES = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}


class Metrics:
    """Renders the facts as text for Prometheus."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def __call__(self) -> tuple[bytes, str]:
        """Return the text and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def describe(self) -> list[Metric]:
        """Return nothing: otherwise prometheus-client would collect once at registration."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; facts without a current value are omitted."""
        state = self._facts.state()
        info = GaugeMetricFamily(_PREFIX + "info", "Version and name.", labels=["version", "name"])
        info.add_metric([state["version"], state["name"]], 1)
        yield info
        for fact in self._facts:
            if fact.metric and (value := fact.metric.value(at(state, fact.path))) is not None:
                yield _FAMILIES[fact.metric.kind](_PREFIX + fact.metric.name, fact.metric.help, value=value)
        for counter, value in self._facts.counters():
            family = CounterMetricFamily(
                _PREFIX + counter.name, counter.help, labels=[counter.label] if counter.label else None
            )
            for label, number in value.items() if counter.label else [("", value)]:
                family.add_metric([label] if counter.label else [], number)
            yield family
