"""Show every event in order, one row each, for auditors who search by time, kind and oddity."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, Table, Text

from ledger.projections.view import Projection, Rows, StoredView

audit_trail = Table(
    "audit_trail",
    MetaData(),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("shop_id", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("rule_certainty", Text, nullable=False),
    Column("source", Text),
    Column("notification_id", Text, nullable=False),
    Column("occurred_at", Text),
    Column("recorded_at", Text, nullable=False),
    Column("late_seconds", Float),
    Column("is_late", Integer, nullable=False),
    Column("is_contradiction", Integer, nullable=False),
    Column("is_odd", Integer, nullable=False),
    info={
        "indexes": (
            ("shop_id", "mode", "position"),
            ("id", "version"),
            ("notification_id",),
            ("type", "position"),
            ("mode", "position"),
            ("rule", "position"),
            ("reference",),
            ("recorded_at",),
        ),
        "partial_indexes": {
            "is_late = 1": (("mode", "position"),),
            "is_contradiction = 1": (("mode", "position"),),
            "is_odd = 1": (("mode", "position"),),
        },
    },
)


def rows(event: StoredView) -> Rows:
    """Produce the row of one event."""
    yield (
        audit_trail,
        {
            "position": event.position,
            "id": event.originator_id,
            "version": event.version,
            "shop_id": event.shop_id,
            "mode": event.mode,
            "kind": event.topic.partition(".")[0],
            "reference": event.reference,
            "type": event.topic,
            "rule": event.rule,
            "rule_certainty": event.rule_certainty,
            "source": event.source,
            "notification_id": event.notification_id,
            "occurred_at": event.occurred_at,
            "recorded_at": event.timestamp,
            "late_seconds": _late_seconds(event),
            "is_late": int(event.late),
            "is_contradiction": int(event.contradiction),
            "is_odd": int(bool(event.odd)),
        },
    )


def _late_seconds(event: StoredView) -> float | None:
    if event.occurred_at is None:
        return None
    happened = datetime.fromisoformat(event.occurred_at)
    return max(0.0, (datetime.fromisoformat(event.timestamp) - happened).total_seconds())


PROJECTION = Projection("audit_trail", (audit_trail,), rows)
