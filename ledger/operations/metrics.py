"""Counters of the service for Prometheus, added up over all its worker processes."""

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

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
GAUGE_SECONDS = 5.0

_COMMIT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_REQUEST_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that is read at the moment it is asked for.

    Shape: `values` by the values of the labels; without labels one value.
    """

    name: str
    meaning: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = ()


class GaugeCache:
    """Gauges that are read once in some seconds at most, however often they are asked for."""

    def __init__(
        self,
        read: Callable[[], list[Gauge]],
        *,
        seconds: float = GAUGE_SECONDS,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._now = now
        self._gauges: list[Gauge] = []
        self._read_at = -math.inf
        self._reading = threading.Lock()

    def gauges(self) -> list[Gauge]:
        """Return the gauges; those of before while another thread reads them."""
        is_due = self._now() - self._read_at >= self._seconds
        if is_due and self._reading.acquire(blocking=False):
            try:
                self._gauges = self._read()
                self._read_at = self._now()
            finally:
                self._reading.release()
        return self._gauges


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
        self._suspected = Counter(
            "ledger_card_data_suspected",
            "Deliveries that seem to hold card data, by its kind.",
            ("kind",),
            registry=self._own,
        )
        self._rejected = Counter(
            "ledger_rejected",
            "Calls of the receiver that were answered without storing anything.",
            ("status",),
            registry=self._own,
        )
        self._not_believed = Counter(
            "ledger_untrusted_proxy_calls",
            "Calls through a proxy whose word on the caller's address is not believed.",
            ("peer",),
            registry=self._own,
        )
        self._alerts_failed = _failures_of_alerts(self._own)
        self._commit = Histogram(
            "ledger_commit_seconds",
            "Time to decide about one delivery and to commit it.",
            buckets=_COMMIT_BUCKETS,
            registry=self._own,
        )
        self._request = _times_of_requests(self._own)
        self._show_zeros()

    def _show_zeros(self) -> None:
        """Show what has not happened yet: a rate needs a zero to begin with."""
        for format_ in ("form-v2", "rest-v4"):
            for outcome in ("recorded", "repeated", "undecided"):
                self._received.labels(format_, outcome, UNKNOWN)
        for kind in ("card-number", "security-code", "track-data", "iban"):
            self._suspected.labels(kind)
        for status in ("405", "503"):
            self._rejected.labels(status)
        for peer in ("private", "public"):
            self._not_believed.labels(peer)
        for channel in ("mail", "webhook"):
            self._alerts_failed.labels(channel)

    def stored(
        self, *, format: str | None, outcome: str, reason: str | None, seconds: float
    ) -> None:
        """Count one delivery that is durable."""
        self._received.labels(format or UNKNOWN, outcome, reason or UNKNOWN).inc()
        self._commit.observe(seconds)

    def suspected(self, kinds: Iterable[str]) -> None:
        """Count one delivery for each kind of card data that it seems to hold."""
        for kind in kinds:
            self._suspected.labels(kind).inc()

    def rejected(self, status: int) -> None:
        """Count one call of the receiver that left nothing behind."""
        self._rejected.labels(str(status)).inc()

    def answered(self, *, route: str, status: int, seconds: float) -> None:
        """Count one answer. Shape: `route` with its names left open, so that there are few."""
        self._request.labels(route, str(status)).observe(seconds)

    def not_believed(self, peer: str) -> None:
        """Count one call through a proxy that is not trusted. Shape: `private` or `public`."""
        self._not_believed.labels(peer).inc()

    def alert_failed(self, channel: str) -> None:
        """Count an alert that a channel did not take. Shape: `mail` or `webhook`."""
        self._alerts_failed.labels(channel).inc()

    def text(self, gauges: Sequence[Gauge] = ()) -> bytes:
        """Write everything for Prometheus."""
        counted = self._own
        if self._directory is not None:
            counted = CollectorRegistry()
            MultiProcessCollector(counted, path=self._directory)  # type: ignore[no-untyped-call]  # the library has no types here
        now = CollectorRegistry()
        now.register(_GaugeCollector(gauges))
        return generate_latest(counted) + generate_latest(now)


def _failures_of_alerts(registry: CollectorRegistry) -> Counter:
    return Counter(
        "ledger_alerts_failed",
        "Alerts that a channel did not take.",
        ("channel",),
        registry=registry,
    )


def _times_of_requests(registry: CollectorRegistry) -> Histogram:
    return Histogram(
        "ledger_request_seconds",
        "Time from a question of the query API or the pages to the end of its answer.",
        ("route", "status"),
        buckets=_REQUEST_BUCKETS,
        registry=registry,
    )


@dataclass(eq=False)  # the registry tells collectors apart by identity
class _GaugeCollector(Collector):
    gauges: Sequence[Gauge]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for gauge in self.gauges:
            family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=gauge.labels)
            for label_values, value in gauge.values.items():
                family.add_metric(label_values, value)
            yield family
