"""Counters of the service for Prometheus, added up over all its worker processes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
UNKNOWN = "none"

_COMMIT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that is read at the moment it is asked for.

    Shape: `values` by the value of the label; without a label one value under the empty text.
    """

    name: str
    meaning: str
    values: Mapping[str, float]
    label: str | None = None


class Metrics:
    """Counters of one process; with a directory, those of every process that shares it.

    `prometheus_client` decides by `PROMETHEUS_MULTIPROC_DIR` when it is imported, so a server of
    several processes sets it before its workers start.
    """

    def __init__(self, directory: str | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types here
        self._directory = directory
        self._own = CollectorRegistry()
        self._received = Counter(
            "ledger_notifications_received",
            "Deliveries that were stored, by what became of them.",
            ("format", "outcome", "reason"),
            registry=self._own,
        )
        self._rejected = Counter(
            "ledger_rejected",
            "Calls of the receiver that were answered without storing anything.",
            ("status",),
            registry=self._own,
        )
        self._commit = Histogram(
            "ledger_commit_seconds",
            "Time to decide about one delivery and to commit it.",
            buckets=_COMMIT_BUCKETS,
            registry=self._own,
        )
        for format_ in ("form-v2", "rest-v4"):  # before anything happened: a rate needs a zero
            for outcome in ("recorded", "repeated", "undecided"):
                self._received.labels(format_, outcome, UNKNOWN)
        for status in ("405", "503"):
            self._rejected.labels(status)

    def stored(
        self, *, format: str | None, outcome: str, reason: str | None, seconds: float
    ) -> None:
        """Count one delivery that is durable."""
        self._received.labels(format or UNKNOWN, outcome, reason or UNKNOWN).inc()
        self._commit.observe(seconds)

    def rejected(self, status: int) -> None:
        """Count one call of the receiver that left nothing behind."""
        self._rejected.labels(str(status)).inc()

    def text(self, gauges: Sequence[Gauge] = ()) -> bytes:
        """Write everything for Prometheus."""
        counted = self._own
        if self._directory is not None:
            counted = CollectorRegistry()
            MultiProcessCollector(counted, path=self._directory)  # type: ignore[no-untyped-call]  # the library has no types here
        now = CollectorRegistry()
        now.register(_GaugeCollector(gauges))
        return generate_latest(counted) + generate_latest(now)


@dataclass(eq=False)  # the registry tells collectors apart by identity
class _GaugeCollector(Collector):
    gauges: Sequence[Gauge]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for gauge in self.gauges:
            labels = [gauge.label] if gauge.label else []
            family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=labels)
            for label, value in gauge.values.items():
                family.add_metric([label] * len(labels), value)
            yield family
