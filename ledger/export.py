"""Everything of one kind, row by row in little memory, as CSV, JSON lines or Parquet."""

import base64
import csv
import heapq
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from ledger.application import Ledger
from ledger.errors import BadFilterError, MissingExtraError
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
from ledger.storage.event_store import RecordedEvent
from ledger.storage.outcomes import Outcome
from ledger.storage.tables import events, notifications, quarantine

EVENTS = "events"
TRANSACTIONS = "transactions"
NOTIFICATIONS = "notifications"
KINDS = (EVENTS, TRANSACTIONS, NOTIFICATIONS)

CSV = "csv"
JSONL = "jsonl"
PARQUET = "parquet"
FORMATS = (CSV, JSONL, PARQUET)
CONTENT_TYPES = {
    CSV: "text/csv; charset=utf-8",
    JSONL: "application/x-ndjson",
    PARQUET: "application/vnd.apache.parquet",
}

PAGE = 1_000
CHUNK_ROWS = 500
GROUP_ROWS = 20_000
"""Rows of one row group of a Parquet file; so many are held in memory."""

TEXT, INTEGER, REAL, FLAG, JSON = "text", "integer", "real", "flag", "json"

Cell = Any
Row = Mapping[str, Cell]
Columns = Mapping[str, str]
"""Name -> what its cells are, in the order of a file. JSON cells are text in CSV and Parquet."""


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
        if self.has_personal:
            columns |= _PERSONAL[self.kind]
        if self.has_raw and self.kind == NOTIFICATIONS:
            columns["body_base64"] = TEXT
        return columns


def rows(ledger: Ledger, export: Export) -> Iterator[Row]:
    """Every row, oldest first: events by position, transactions by when they were first seen,
    notifications by id.

    Shape: what is recorded after the start may be missing; nothing comes twice.
    Errors: ViewNotBuiltError for transactions; BadFilterError for a filter of another kind.
    """
    found = _rows(ledger, export)
    return found if export.has_personal else map(masked, found)


def _rows(ledger: Ledger, export: Export) -> Iterator[Row]:
    filter_ = export.filter
    if export.kind == EVENTS and isinstance(filter_, EventFilter):
        return _events(ledger, filter_, has_personal=export.has_personal)
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


def write(export: Export, format_: str, found: Iterable[Row]) -> Iterator[bytes]:
    """The file's bytes, part by part. Errors: MissingExtraError, before the first part."""
    if format_ == PARQUET:
        return _parquet(export.columns, found, _pyarrow())
    return (_csv if format_ == CSV else _jsonl)(export.columns, found)


# -- CSV and JSON lines -------------------------------------------------------------------------

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _csv(columns: Columns, found: Iterable[Row]) -> Iterator[bytes]:
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow(columns)
    yield page.getvalue().encode()
    for some in _batches(found, CHUNK_ROWS):
        page = io.StringIO(newline="")
        csv.writer(page).writerows([csv_cell(row.get(name)) for name in columns] for row in some)
        yield page.getvalue().encode()


def csv_cell(value: Cell) -> str | int | float | None:
    """A cell that a spreadsheet shows and never runs.

    Shape: text that begins like a formula gets an apostrophe before it; numbers stay numbers, also
    negative ones. Whoever needs every byte as it was told takes JSON lines.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    assert value is None or isinstance(value, str | int | float)
    return value


def _jsonl(columns: Columns, found: Iterable[Row]) -> Iterator[bytes]:
    for some in _batches(found, CHUNK_ROWS):
        yield b"".join(
            orjson.dumps({name: row.get(name) for name in columns}) + b"\n" for row in some
        )


def _batches(found: Iterable[Row], size: int) -> Iterator[list[Row]]:
    waiting = iter(found)
    while some := list(islice(waiting, size)):
        yield some


# -- Parquet ------------------------------------------------------------------------------------


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        told = "Parquet needs pyarrow, which is not installed: pip install 'ipn-ledger[parquet]'"
        raise MissingExtraError(told) from error
    return pyarrow


def _parquet(columns: Columns, found: Iterable[Row], pyarrow: Any) -> Iterator[bytes]:
    """Yields after every row group, so that a file of any size passes through."""
    types = {
        TEXT: pyarrow.string(),
        INTEGER: pyarrow.int64(),
        REAL: pyarrow.float64(),
        FLAG: pyarrow.bool_(),
        JSON: pyarrow.string(),
    }
    schema = pyarrow.schema([(name, types[type_]) for name, type_ in columns.items()])
    sink = _Sink()
    with pyarrow.parquet.ParquetWriter(sink, schema) as writer:
        for some in _batches(found, GROUP_ROWS):
            data = {name: [_parquet_cell(row.get(name)) for row in some] for name in columns}
            writer.write_table(pyarrow.table(data, schema=schema))
            yield sink.take()
    yield sink.take()


def _parquet_cell(value: Cell) -> Cell:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value


class _Sink(io.RawIOBase):
    """A file that keeps what was written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._written += len(part)
        return len(part)

    def close(self) -> None:
        """The last bytes are taken after the writer has closed it."""

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


# -- rows ---------------------------------------------------------------------------------------


def _events(ledger: Ledger, filter_: EventFilter, *, has_personal: bool) -> Iterator[Row]:
    """Read from the events themselves: an export of evidence needs no view."""
    if filter_.shops is not None and not filter_.shops:
        return
    position, until = 0, ledger.events.high_water_mark() or 0
    topics = sorted(filter_.types)
    while position < until:
        events = ledger.events.events_after(position, PAGE, stop=until, topics=topics)
        for recorded in events:
            if _passes(recorded.event, filter_):
                yield _event(recorded, has_personal=has_personal)
        position = events[-1].position if len(events) == PAGE else until


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


def _event(recorded: RecordedEvent, *, has_personal: bool) -> Row:
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


def _notifications(ledger: Ledger, filter_: NotificationFilter, export: Export) -> Iterator[Row]:
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
    if not filter_.outcomes or filter_.outcomes - {Outcome.QUARANTINED}:
        found.append(notifications)
    if not filter_.outcomes or Outcome.QUARANTINED in filter_.outcomes:
        found.append(quarantine)
    return found


def _deliveries(
    ledger: Ledger, table: Table, filter_: NotificationFilter, export: Export
) -> Iterator[Row]:
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


def _delivery(row: Any) -> Row:
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
        "position": INTEGER,
        "type": TEXT,
        "kind": TEXT,
        "shop_id": TEXT,
        "mode": TEXT,
        "reference": TEXT,
        "version": INTEGER,
        "occurred_at": TEXT,
        "recorded_at": TEXT,
        "received_at": TEXT,
        "told_at": TEXT,
        "notification_id": TEXT,
        "source": TEXT,
        "rule": TEXT,
        "rule_certainty": TEXT,
        "late": FLAG,
        "contradiction": FLAG,
        "odd": JSON,
        "facts": JSON,
        "moved": JSON,
        "details": JSON,
    },
    TRANSACTIONS: {
        "uuid": TEXT,
        "reference": TEXT,
        "shop_id": TEXT,
        "mode": TEXT,
        "order_id": TEXT,
        "operation_type": TEXT,
        "status": TEXT,
        "amount_minor": INTEGER,
        "currency": TEXT,
        "requested_amount_minor": INTEGER,
        "requested_currency": TEXT,
        "payment_method": TEXT,
        "wallet": TEXT,
        "alias": TEXT,
        "subscription_id": TEXT,
        "instalment_number": INTEGER,
        "sequence_number": INTEGER,
        "trans_id": TEXT,
        "trans_date": TEXT,
        "contract": TEXT,
        "parent_uuid": TEXT,
        "created_at": TEXT,
        "capture_at": TEXT,
        "captured_at": TEXT,
        "first_seen_at": TEXT,
        "last_changed_at": TEXT,
        "version": INTEGER,
        "contradictions": INTEGER,
        "late_news": INTEGER,
    },
    NOTIFICATIONS: {
        "id": TEXT,
        "received_at": TEXT,
        "recorded_at": TEXT,
        "format": TEXT,
        "shop_id": TEXT,
        "mode": TEXT,
        "source": TEXT,
        "outcome": TEXT,
        "reason": TEXT,
        "digest": TEXT,
        "positions": JSON,
        "key_fingerprint": TEXT,
        "told_at": TEXT,
        "content_type": TEXT,
    },
}
_PERSONAL: dict[str, Columns] = {
    EVENTS: {"personal": JSON},
    TRANSACTIONS: {},
    NOTIFICATIONS: {"peer": TEXT},
}
Counting = Callable[[int], None]


def counted(found: Iterable[Row], tell: Counting) -> Iterator[Row]:
    """The same rows; says now and then how many there were, and at the end."""
    count = 0
    for row in found:
        count += 1
        if count % CHUNK_ROWS == 0:
            tell(count)
        yield row
    tell(count)
