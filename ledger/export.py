"""The rows of an export: everything of one kind, row by row in little memory."""

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from ledger.application import Ledger
from ledger.errors import BadFilterError
from ledger.items import instant
from ledger.lists import all_transactions, count_transactions
from ledger.masking import masked
from ledger.queries.export_formats import CHUNK_ROWS, CellKind, Columns, ExportRow
from ledger.queries.filter_conditions import event_test
from ledger.queries.filter_declarations import Filter
from ledger.queries.filters import EventFilter, NotificationFilter, TransactionFilter
from ledger.queries.notifications import all_notifications, count_notifications
from ledger.storage.event_store import RecordedEvent
from ledger.storage.outcomes import Outcome
from ledger.storage.tables import events

EVENTS = "events"
TRANSACTIONS = "transactions"
NOTIFICATIONS = "notifications"
KINDS = (EVENTS, TRANSACTIONS, NOTIFICATIONS)

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written. Shape: `kind` and the class of `filter` belong together.

    `has_personal` adds what is about a person, `has_raw` the bodies of notifications, which hold
    personal data too.
    """

    kind: str
    filter: Filter
    has_personal: bool = False
    has_raw: bool = False

    @property
    def columns(self) -> Columns:
        """The columns of its file, the same whatever the rows."""
        columns = dict(_COLUMNS[self.kind])
        if self.has_personal:
            columns |= _PERSONAL[self.kind]
        if self.has_raw and self.kind == NOTIFICATIONS:
            columns["body_base64"] = CellKind.TEXT
        return columns


def rows(ledger: Ledger, export: Export) -> Iterator[ExportRow]:
    """Every row, oldest first: events by position, transactions by when they were first seen,
    notifications by id.

    Shape: what is recorded after the start may be missing; nothing comes twice.
    Errors: ViewNotBuiltError for transactions; BadFilterError for a filter of another kind.
    """
    found = _rows(ledger, export)
    return found if export.has_personal else map(masked, found)


def _rows(ledger: Ledger, export: Export) -> Iterator[ExportRow]:
    filter_ = export.filter
    if export.kind == EVENTS and isinstance(filter_, EventFilter):
        return _events(ledger, filter_, has_personal=export.has_personal)
    if export.kind == TRANSACTIONS and isinstance(filter_, TransactionFilter):
        return all_transactions(ledger.database, filter_)
    if export.kind == NOTIFICATIONS and isinstance(filter_, NotificationFilter):
        found = all_notifications(ledger.database, filter_, has_bodies=export.has_raw)
        return map(_delivery, found)
    raise BadFilterError(f"these are no filters of {export.kind}")


def total(ledger: Ledger, export: Export) -> int:
    """How many rows there may be, for showing progress; filters of events are not looked at."""
    with ledger.database.connect() as connection:
        if isinstance(export.filter, TransactionFilter):
            return count_transactions(connection, export.filter)
        if isinstance(export.filter, NotificationFilter):
            return count_notifications(connection, export.filter)
        return int(connection.scalar(select(func.count()).select_from(events)) or 0)


# -- rows ---------------------------------------------------------------------------------------


def _events(ledger: Ledger, filter_: EventFilter, *, has_personal: bool) -> Iterator[ExportRow]:
    """Read from the events themselves: an export of evidence needs no view."""
    position, until = 0, ledger.events.high_water_mark() or 0
    topics, passes = sorted(filter_.type), event_test(filter_)
    while position < until:
        page = ledger.events.events_after(position, PAGE, stop=until, topics=topics)
        for recorded in page:
            if passes(recorded.event):
                yield _event(recorded, has_personal=has_personal)
        position = page[-1].position if len(page) == PAGE else until


def _event(recorded: RecordedEvent, *, has_personal: bool) -> ExportRow:
    event = recorded.event
    row = {
        "position": recorded.position,
        "type": event.TOPIC,
        "kind": event.TOPIC.partition(".")[0],
        "shop_id": event.shop_id,
        "mode": event.mode.lower(),
        "reference": event.reference,
        "version": event.originator_version,
        "occurred_at": _instant(event.occurred_at),
        "recorded_at": instant(event.timestamp),
        "received_at": instant(event.received_at),
        "told_at": _instant(event.told_at),
        "notification_id": event.notification_id,
        "source": event.source,
        "rule": event.rule,
        "rule_certainty": event.rule_certainty,
        "late": event.late,
        "contradiction": event.contradiction,
        "odd": event.odd or [],
        "facts": event.facts,
        "moved": list(event.facts) if event.moved is None else event.moved,
        "details": event.details or [],
    }
    if has_personal:
        row["personal"] = event.personal or []
    return row


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else instant(moment)


def _delivery(row: Any) -> ExportRow:
    told = {name: row.get(name) for name in _COLUMNS[NOTIFICATIONS]}
    for name in ("received_at", "recorded_at", "told_at"):
        told[name] = _instant(told[name])
    told["mode"] = told["mode"].lower() if told["mode"] else None
    told["outcome"] = row.get("outcome", Outcome.QUARANTINED)
    told["positions"] = list(row.get("positions") or [])
    told["peer"] = row["peer"]
    if "body" in row:
        told["body_base64"] = base64.b64encode(row["body"]).decode()
    return told


_COLUMNS: dict[str, Columns] = {
    EVENTS: {
        "position": CellKind.INTEGER,
        "type": CellKind.TEXT,
        "kind": CellKind.TEXT,
        "shop_id": CellKind.TEXT,
        "mode": CellKind.TEXT,
        "reference": CellKind.TEXT,
        "version": CellKind.INTEGER,
        "occurred_at": CellKind.TEXT,
        "recorded_at": CellKind.TEXT,
        "received_at": CellKind.TEXT,
        "told_at": CellKind.TEXT,
        "notification_id": CellKind.TEXT,
        "source": CellKind.TEXT,
        "rule": CellKind.TEXT,
        "rule_certainty": CellKind.TEXT,
        "late": CellKind.FLAG,
        "contradiction": CellKind.FLAG,
        "odd": CellKind.JSON,
        "facts": CellKind.JSON,
        "moved": CellKind.JSON,
        "details": CellKind.JSON,
    },
    TRANSACTIONS: {
        "uuid": CellKind.TEXT,
        "reference": CellKind.TEXT,
        "shop_id": CellKind.TEXT,
        "mode": CellKind.TEXT,
        "order_id": CellKind.TEXT,
        "operation_type": CellKind.TEXT,
        "status": CellKind.TEXT,
        "amount_minor": CellKind.INTEGER,
        "currency": CellKind.TEXT,
        "requested_amount_minor": CellKind.INTEGER,
        "requested_currency": CellKind.TEXT,
        "payment_method": CellKind.TEXT,
        "wallet": CellKind.TEXT,
        "alias": CellKind.TEXT,
        "subscription_id": CellKind.TEXT,
        "instalment_number": CellKind.INTEGER,
        "sequence_number": CellKind.INTEGER,
        "trans_id": CellKind.TEXT,
        "trans_date": CellKind.TEXT,
        "contract": CellKind.TEXT,
        "parent_uuid": CellKind.TEXT,
        "created_at": CellKind.TEXT,
        "capture_at": CellKind.TEXT,
        "captured_at": CellKind.TEXT,
        "first_seen_at": CellKind.TEXT,
        "last_changed_at": CellKind.TEXT,
        "version": CellKind.INTEGER,
        "contradictions": CellKind.INTEGER,
        "late_news": CellKind.INTEGER,
    },
    NOTIFICATIONS: {
        "id": CellKind.TEXT,
        "received_at": CellKind.TEXT,
        "recorded_at": CellKind.TEXT,
        "format": CellKind.TEXT,
        "shop_id": CellKind.TEXT,
        "mode": CellKind.TEXT,
        "source": CellKind.TEXT,
        "outcome": CellKind.TEXT,
        "reason": CellKind.TEXT,
        "digest": CellKind.TEXT,
        "positions": CellKind.JSON,
        "key_fingerprint": CellKind.TEXT,
        "told_at": CellKind.TEXT,
        "content_type": CellKind.TEXT,
    },
}
_PERSONAL: dict[str, Columns] = {
    EVENTS: {"personal": CellKind.JSON},
    TRANSACTIONS: {},
    NOTIFICATIONS: {"peer": CellKind.TEXT},
}
Counting = Callable[[int], None]


def counted(found: Iterable[ExportRow], tell: Counting) -> Iterator[ExportRow]:
    """The same rows; says now and then how many there were, and at the end."""
    count = 0
    for row in found:
        count += 1
        if count % CHUNK_ROWS == 0:
            tell(count)
        yield row
    tell(count)
