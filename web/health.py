"""Health, readiness and metrics, for whoever runs the service."""

from alembic.util import CommandError
from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import LedgerError
from ledger.operations.metrics import CONTENT_TYPE, Gauge
from ledger.projections.engine.status import lags
from ledger.storage.database import Database
from ledger.storage.migrations import pending
from ledger.storage.quarantine import quarantine_size
from web.context import context, ledger

bp = Blueprint("operations", __name__)

_FAULTS = (LedgerError, SQLAlchemyError, CommandError)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Answer that this process is alive; ask nothing else, so that a database that is down does
    not get it killed."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Answer whether this process can store notifications now. Shape: one word per check."""
    checks = {
        "database": database_state(ledger().database),
        "migrations": migrations_state(ledger().database),
        "stopping": "yes" if context().is_stopping() else "no",
    }
    is_ready = checks == {"database": "ok", "migrations": "ok", "stopping": "no"}
    body = {"status": "ready" if is_ready else "not-ready", "checks": checks}
    return body, 200 if is_ready else 503


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Write all metrics for Prometheus."""
    text = context().metrics.text(_gauges(ledger().database))
    return Response(text, content_type=CONTENT_TYPE)


def database_state(database: Database) -> str:
    """Return whether the database answers: `ok` or `unreachable`."""
    try:
        with database.connect() as connection:
            connection.execute(select(1))
    except _FAULTS:
        return "unreachable"
    return "ok"


def migrations_state(database: Database) -> str:
    """Return whether the tables are those this code expects: `ok`, `pending` or `unknown`."""
    try:
        return "pending" if pending(database) else "ok"
    except _FAULTS:
        return "unknown"


def _gauges(database: Database) -> list[Gauge]:
    """Read sizes now; leave them out, rather than show zero, when the database does not answer."""
    return [*_quarantine_gauges(database), *_projection_gauges(database)]


def _quarantine_gauges(database: Database) -> list[Gauge]:
    try:
        with database.connect() as connection:
            count, size = quarantine_size(connection)
    except _FAULTS:
        return []
    prefix = "ledger_quarantine_"
    return [
        Gauge(f"{prefix}notifications", "Deliveries kept in quarantine.", {"": count}),
        Gauge(f"{prefix}bytes", "Size of the bodies kept in quarantine.", {"": size}),
    ]


def _projection_gauges(database: Database) -> list[Gauge]:
    try:
        with database.connect() as connection:
            rows = lags(connection)
    except _FAULTS:
        return []
    positions = {lag.name: float(lag.positions) for lag in rows}
    seconds = {lag.name: lag.seconds for lag in rows}
    poison = {lag.name: float(lag.poison) for lag in rows}
    prefix = "ledger_projection_"
    return [
        Gauge(f"{prefix}lag_positions", "Positions not followed yet.", positions, "projection"),
        Gauge(f"{prefix}lag_seconds", "Age of the oldest of them.", seconds, "projection"),
        Gauge(f"{prefix}poison_events", "Poison events that were skipped.", poison, "projection"),
    ]
