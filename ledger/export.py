"""The rows of an export: everything of one kind, row by row in little memory."""

import base64
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from ledger.application import Ledger
from ledger.errors import BadFilterError
from ledger.items import instant
from ledger.lists import (
    EventFilter,
    Filter,
    TransactionFilter,
    Words,
    all_transactions,
    count_transactions,
)
from ledger.masking import masked
from ledger.projections.transactions import transactions
from ledger.queries.event_data import EVENT_COLUMNS, event_row
from ledger.queries.export_formats import CHUNK_ROWS, CellKind, Columns, ExportRow
from ledger.storage.tables import QUARANTINED, events, notifications, quarantine

EVENTS = "events"
TRANSACTIONS = "transactions"
NOTIFICATIONS = "notifications"
KINDS = (EVENTS, TRANSACTIONS, NOTIFICATIONS)

PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFilter(Filter):
    """Shape: `_from` is included, `_until` is not; None and the empty set do not narrow."""

    outcomes: Words = frozenset()
    reasons: Words = frozenset()
    format: str | None = None
    received_from: datetime | None = None
    received_until: datetime | None = None


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
        if not self.has_personal:
            columns.pop(_PERSONAL.get(self.kind, ""), None)
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
        return _events(ledger, filter_, export.columns)
    if export.kind == TRANSACTIONS and isinstance(filter_, TransactionFilter):
        return all_transactions(ledger.database, filter_)
    if export.kind == NOTIFICATIONS and isinstance(filter_, NotificationFilter):
        return _notifications(ledger, filter_, export)
    raise BadFilterError(f"these are no filters of {export.kind}")


def total(ledger: Ledger, export: Export) -> int:
    """How many rows there may be, for showing progress; filters of events are not looked at."""
    with ledger.database.connect() as connection:
        if isinstance(export.filter, TransactionFilter):
            return count_transactions(connection, export.filter)
        if isinstance(export.filter, NotificationFilter):
            return sum(_counts(connection, export.filter))
        return int(connection.scalar(select(func.count()).select_from(events)) or 0)


# -- rows ---------------------------------------------------------------------------------------


def _events(ledger: Ledger, filter_: EventFilter, columns: Columns) -> Iterator[ExportRow]:
    """Read from the events themselves: an export of evidence needs no view."""
    if filter_.shops is not None and not filter_.shops:
        return
    position, until = 0, ledger.recorder.horizon() or 0
    topics = sorted(filter_.types)
    while position < until:
        entries = ledger.recorder.select_notifications(
            position, PAGE, stop=until, topics=topics, inclusive_of_start=False
        )
        for entry in entries:
            recorded = ledger.read_entry(entry)
            if _passes(recorded.event, filter_):
                yield event_row(recorded, columns)
        position = entries[-1].id if len(entries) == PAGE else until


def _passes(event: Any, filter_: EventFilter) -> bool:
    """The same filters as those of the audit trail."""
    wanted = (
        (filter_.shops is None or event.shop_id in filter_.shops),
        filter_.mode in (None, event.mode),
        filter_.kind in (None, event.TOPIC.partition(".")[0]),
        filter_.rule in (None, event.rule),
        filter_.reference in (None, event.reference),
        event.late or not filter_.late,
        event.contradiction or not filter_.contradiction,
        bool(event.odd) or not filter_.odd,
        filter_.recorded_from is None or event.timestamp >= filter_.recorded_from,
        filter_.recorded_until is None or event.timestamp < filter_.recorded_until,
    )
    return all(wanted)


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else instant(moment)


def _notifications(
    ledger: Ledger, filter_: NotificationFilter, export: Export
) -> Iterator[ExportRow]:
    """Verified and quarantined deliveries merged by their ids, which are in order of arrival."""
    if filter_.shops is not None and not filter_.shops:
        return
    sources = [_deliveries(ledger, table, filter_, export) for table in _tables(filter_)]
    previous = None
    for row in heapq.merge(*sources, key=lambda row: str(row["id"])):
        if row["id"] != previous:  # one that was readmitted between two pages
            yield row
        previous = row["id"]


def _tables(filter_: NotificationFilter) -> list[Table]:
    found = []
    if not filter_.outcomes or filter_.outcomes - {QUARANTINED}:
        found.append(notifications)
    if not filter_.outcomes or QUARANTINED in filter_.outcomes:
        found.append(quarantine)
    return found


def _deliveries(
    ledger: Ledger, table: Table, filter_: NotificationFilter, export: Export
) -> Iterator[ExportRow]:
    columns = [one for one in table.c if one.name != "body" or export.has_raw]
    after = ""
    while True:
        query: Select[Any] = select(*columns).where(table.c.id > after)
        query = query.where(*_of_deliveries(filter_, table)).order_by(table.c.id)
        with ledger.database.connect() as connection:
            page = connection.execute(query.limit(PAGE)).mappings().all()
        for row in page:
            yield _delivery(row)
        if len(page) < PAGE:
            return
        after = str(page[-1]["id"])


def _of_deliveries(filter_: NotificationFilter, table: Table) -> Sequence[ColumnElement[bool]]:
    c = table.c
    conditions: list[ColumnElement[bool]] = []
    if filter_.shops is not None:
        conditions.append(c.shop_id.in_(sorted(filter_.shops)))
    if filter_.mode is not None:
        conditions.append(c.mode == filter_.mode)
    if filter_.format is not None:
        conditions.append(c.format == filter_.format)
    if filter_.outcomes and table is notifications:
        conditions.append(c.outcome.in_(sorted(filter_.outcomes)))
    if filter_.reasons:
        conditions.append(c.reason.in_(sorted(filter_.reasons)))
    if filter_.received_from is not None:
        conditions.append(c.received_at >= filter_.received_from)
    if filter_.received_until is not None:
        conditions.append(c.received_at < filter_.received_until)
    return conditions


def _counts(connection: Connection, filter_: NotificationFilter) -> Iterator[int]:
    for table in _tables(filter_):
        query = select(func.count()).select_from(table).where(*_of_deliveries(filter_, table))
        yield int(connection.scalar(query) or 0)


def _delivery(row: Any) -> ExportRow:
    told = {name: row.get(name) for name in _COLUMNS[NOTIFICATIONS]}
    for name in ("received_at", "recorded_at", "told_at"):
        told[name] = _instant(told[name])
    told["mode"] = told["mode"].lower() if told["mode"] else None
    told["outcome"] = row.get("outcome", QUARANTINED)
    told["positions"] = list(row.get("positions") or [])
    if "body" in row:
        told["body_base64"] = base64.b64encode(row["body"]).decode()
    return told


def _transaction_columns() -> Columns:
    """Return the columns of the read model by their public names, a transaction's own first."""
    first, last = ("uuid", "reference"), ("contradictions", "late_news")  # counted under our names
    kinds = {
        str(column.name): CellKind.TEXT if column.type.python_type is str else CellKind.INTEGER
        for column in transactions.columns
        if column.name not in ("id", "contradiction_count", "late_count")
    }
    return {name: kinds[name] for name in first} | kinds | dict.fromkeys(last, CellKind.INTEGER)


_COLUMNS: dict[str, Columns] = {
    EVENTS: EVENT_COLUMNS,
    TRANSACTIONS: _transaction_columns(),
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
        "peer": CellKind.TEXT,
    },
}
_PERSONAL = {EVENTS: "personal", NOTIFICATIONS: "peer"}
"""The column of an export that is about a person."""

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
