"""Health, readiness and metrics, for whoever runs the service."""

import hmac
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.exceptions import Unauthorized

from ledger.access.tokens import hash_of
from ledger.operations.metrics import CONTENT_TYPE, Gauge, GaugeCache
from ledger.projections.engine.status import lags
from ledger.queries.undecided import undecided_by_reason
from ledger.storage.database import Database
from ledger.storage.quarantine import quarantine_size
from web.authentication import bearer_secret
from web.context import context, ledger
from web.readiness import DATABASE_FAULTS, OK, readiness

bp = Blueprint("operations", __name__)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Answer that this process is alive, whatever the database does."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Answer whether this process can store notifications now. Shape: one word per check."""
    states = readiness().checks()
    is_ready = set(states.values()) == {OK} and not context().is_stopping()
    checks = states | {"stopping": "yes" if context().is_stopping() else "no"}
    body = {"status": "ready" if is_ready else "not-ready", "checks": checks}
    return body, 200 if is_ready else 503


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Write all metrics for Prometheus. Errors: Unauthorized without the token of the settings."""
    token, secret = context().settings.metrics_token, bearer_secret() or ""
    if token and not hmac.compare_digest(hash_of(secret), hash_of(token)):
        raise Unauthorized("send the token of LEDGER_METRICS_TOKEN: Authorization: Bearer <token>")
    read = partial(_gauges, ledger().database)
    cache = current_app.extensions.setdefault("ipn-ledger-gauges", GaugeCache(read))
    gauges = cache.gauges()
    return Response(context().metrics.text(gauges), content_type=CONTENT_TYPE)


def _gauges(database: Database) -> list[Gauge]:
    """Read sizes now; leave them out, rather than show zero, when the database does not answer."""
    gauges: list[Gauge] = []
    for read in (_quarantine_gauges, _undecided_gauges, _projection_gauges):
        with suppress(*DATABASE_FAULTS), database.connect() as connection:
            gauges += read(connection)
    return gauges


def _quarantine_gauges(connection: Connection) -> Iterator[Gauge]:
    count, size = quarantine_size(connection)
    prefix = "ledger_quarantine_"
    yield Gauge(f"{prefix}notifications", "Deliveries kept in quarantine.", {"": count})
    yield Gauge(f"{prefix}bytes", "Size of the bodies kept in quarantine.", {"": size})


def _undecided_gauges(connection: Connection) -> Iterator[Gauge]:
    counts = {reason: float(n) for reason, n in undecided_by_reason(connection).items()}
    meaning = "Verified deliveries that wait for a decision."
    yield Gauge("ledger_undecided_notifications", meaning, counts or {"none": 0.0}, "reason")


def _projection_gauges(connection: Connection) -> Iterator[Gauge]:
    rows = lags(connection)
    for name, meaning, attribute in (
        ("lag_positions", "Positions not followed yet.", "positions"),
        ("lag_seconds", "Age of the oldest of them.", "seconds"),
        ("still_seconds", "How long it is followed and has not moved.", "still_seconds"),
        ("poison_events", "Poison events that were skipped.", "poison"),
    ):
        sizes = {lag.name: float(getattr(lag, attribute)) for lag in rows}
        yield Gauge(f"ledger_projection_{name}", meaning, sizes, "projection")
