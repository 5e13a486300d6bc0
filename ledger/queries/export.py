"""Exports everything of one kind, row by row in little memory."""

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from ledger.access.bodies import holds_card_data
from ledger.access.masking import masked_rows
from ledger.application import Ledger
from ledger.errors import BadFilterError
from ledger.ipn.delivery import Limits
from ledger.projections.transactions import transactions
from ledger.queries.event_data import EVENT_COLUMNS, event_row, event_test
from ledger.queries.export_formats import CHUNK_ROWS, CellKind, Columns, ExportRow
from ledger.queries.filter_conditions import Filter, is_search
from ledger.queries.filter_declarations import EventFilter, NotificationFilter, TransactionFilter
from ledger.queries.lists import all_transactions
from ledger.queries.notifications import all_notifications, count_notifications, notification_data
from ledger.queries.readable import readable_events
from ledger.queries.transaction_sums import count_transactions
from ledger.storage.inbox import InboxRecord
from ledger.storage.tables import events

EVENTS, TRANSACTIONS, NOTIFICATIONS = "events", "transactions", "notifications"
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written. Shape: `kind` and the class of `filter` belong together.

    `has_personal` adds what is about a person, `has_raw` the bodies of notifications, which hold
    personal data too; those with card data are empty unless `has_card_data`.
    """

    kind: str
    filter: Filter
    has_personal: bool = False
    has_raw: bool = False
    has_card_data: bool = False

    @property
    def columns(self) -> Columns:
        """Return the columns of its file, the same whatever the rows."""
        columns = dict(_COLUMNS[self.kind])
        if not self.has_personal:
            columns.pop(_PERSONAL.get(self.kind, ""), None)
        if self.has_raw and self.kind == NOTIFICATIONS:
            columns["body_base64"] = CellKind.TEXT
        return columns


def rows(ledger: Ledger, export: Export) -> Iterator[ExportRow]:
    """Yield every row, oldest first: events by position, transactions by when they were first
    seen, notifications by id.

    Shape: what is recorded after the start may be missing; nothing comes twice.
    Errors: ViewNotBuiltError for transactions; BadFilterError for a filter of another kind.
    """
    filter_ = export.filter
    exported: Iterator[ExportRow]
    if export.kind == EVENTS and isinstance(filter_, EventFilter):
        exported = _events(ledger, filter_, export)
    elif export.kind == TRANSACTIONS and isinstance(filter_, TransactionFilter):
        exported = all_transactions(ledger.database, filter_)
    elif export.kind == NOTIFICATIONS and isinstance(filter_, NotificationFilter):
        records = all_notifications(ledger, filter_, has_bodies=export.has_raw)
        limits = None if export.has_card_data else ledger.limits
        exported = (_notification_row(record, limits) for record in records)
    else:
        raise BadFilterError(f"these are no filters of {export.kind}")
    if export.has_personal:
        return exported
    return masked_rows(exported, is_search=is_search(filter_))


def total(ledger: Ledger, export: Export) -> int:
    """Count the rows there may be, to show progress; filters of events are not applied."""
    with ledger.database.connect() as connection:
        if isinstance(export.filter, TransactionFilter):
            return count_transactions(connection, export.filter)
        if isinstance(export.filter, NotificationFilter):
            return count_notifications(connection, export.filter)
        return int(connection.scalar(select(func.count()).select_from(events)) or 0)


# -- rows ---------------------------------------------------------------------------------------


def _events(ledger: Ledger, filter_: EventFilter, export: Export) -> Iterator[ExportRow]:
    """Read the events themselves: an export of evidence needs no read model."""
    position, until = 0, ledger.events.high_water_mark() or 0
    topics, passes = sorted(filter_.type), event_test(filter_)
    while position < until:
        page = ledger.events.events_after(position, PAGE, stop=until, topics=topics)
        wanted = [recorded for recorded in page if passes(recorded.event)]
        for recorded in readable_events(ledger, wanted) if export.has_personal else wanted:
            yield event_row(recorded, export.columns)
        position = page[-1].position if len(page) == PAGE else until


def _notification_row(record: InboxRecord, limits: Limits | None) -> ExportRow:
    """Return a delivery as a row. Shape: with limits to read by, a body with card data is null."""
    if record.body is None:
        return notification_data(record)
    is_kept_back = limits is not None and holds_card_data(record, limits)
    body = None if is_kept_back else base64.b64encode(record.body).decode()
    return notification_data(record) | {"body_base64": body}


def _transaction_columns() -> Columns:
    """Return the columns of the read model by their public names, a transaction's own first."""
    first, last = ("uuid", "reference"), ("contradictions", "late_news")  # counted under our names
    doubt = {"doubtful": CellKind.FLAG}
    kinds = {
        str(column.name): CellKind.TEXT if column.type.python_type is str else CellKind.INTEGER
        for column in transactions.columns
        if column.name not in ("id", "is_doubtful", "contradiction_count", "late_count")
    }
    named = {name: kinds[name] for name in first}
    return named | doubt | kinds | dict.fromkeys(last, CellKind.INTEGER)


_NOTIFICATION_COLUMNS = (
    *("id", "received_at", "recorded_at", "format", "shop_id", "mode", "source", "outcome"),
    *("reason", "digest", "positions", "key_fingerprint", "told_at", "content_type", "peer"),
)
_COLUMNS: dict[str, Columns] = {
    EVENTS: EVENT_COLUMNS,
    TRANSACTIONS: _transaction_columns(),
    NOTIFICATIONS: dict.fromkeys(_NOTIFICATION_COLUMNS, CellKind.TEXT)
    | {"positions": CellKind.JSON, "is_imported": CellKind.FLAG},
}
_PERSONAL = {EVENTS: "personal", NOTIFICATIONS: "peer"}
"""The column of an export that is about a person."""


def counted(exported: Iterable[ExportRow], report: Callable[[int], None]) -> Iterator[ExportRow]:
    """Yield the same rows; report their number now and then, and at the end."""
    count = 0
    for count, row in enumerate(exported, 1):
        if count % CHUNK_ROWS == 0:
            report(count)
        yield row
    report(count)
