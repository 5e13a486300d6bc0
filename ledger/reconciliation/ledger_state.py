"""Reads the transactions of a few days as they stood at one position of the ledger."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, or_, select

from ledger.aggregates.transaction import Transaction
from ledger.errors import ConflictError
from ledger.instants import write_instant
from ledger.projections.definition import CONTINUED, DOUBT
from ledger.queries.live_tables import live_table
from ledger.reconciliation.known_transactions import COMPARED_FACTS, TRANSACTION_COLUMNS
from ledger.reconciliation.report_store import Scope
from ledger.storage.database import Database, chunks
from ledger.storage.event_store import EventStore, RecordedEvent, fold
from ledger.storage.tables import events

TransactionColumns = Mapping[str, str | int | None]
"""Names of facts, with `uuid`, `reference`, `first_seen_at` and `last_changed_at`, and values."""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The transactions of one shop and mode as they stood once all events up to a position were
    recorded; without what only doubtful forms say."""

    position: int
    transaction_columns: tuple[TransactionColumns, ...]


def state_at(database: Database, scope: Scope, position: int | None = None) -> LedgerState:
    """Return the transactions of these UTC days, and of those beside them.

    Shape: without a position as far as the read model has followed. Errors: ViewNotBuiltError;
    ConflictError while the read model has not followed so far.
    """
    with database.connect() as connection:
        table, reached, _ = live_table(connection, "transactions", "transactions")
        if position is None:
            position = reached
        if position > reached:
            message = f"the read model of transactions is at {reached}, not yet at {position}"
            raise ConflictError(message)
        rows = _rows(connection, table, scope)
        changed = _changed_after(connection, position)
    now = tuple(
        _columns(row)
        for row in rows
        if row.id not in changed and not row.is_continued and not row.is_doubtful
    )
    then = _as_of(
        EventStore(database), [UUID(row.id) for row in rows if row.id in changed], position
    )
    in_order = sorted([*now, *then], key=lambda columns: str(columns["reference"]))
    return LedgerState(position, tuple(in_order))


def _rows(connection: Connection, table: Table, scope: Scope) -> list[Row[Any]]:
    c, beside = table.c, timedelta(days=1)
    first, end = (scope.first_day - beside).isoformat(), (scope.last_day + 2 * beside).isoformat()

    def within(instant_column: ColumnElement[str]) -> ColumnElement[bool]:
        return and_(instant_column >= first, instant_column < end)

    on_these_days = or_(
        within(c.created_at),
        and_(c.created_at.is_(None), within(c.trans_date)),
        and_(c.created_at.is_(None), c.trans_date.is_(None), within(c.first_seen_at)),
    )
    columns = [c.id, c[CONTINUED], c[DOUBT], *(c[name] for name in TRANSACTION_COLUMNS)]
    query = select(*columns).where(c.shop_id == scope.shop_id, c.mode == scope.mode, on_these_days)
    return list(connection.execute(query))


def _columns(row: Row[Any]) -> TransactionColumns:
    return {name: getattr(row, name) for name in TRANSACTION_COLUMNS}


def _changed_after(connection: Connection, position: int) -> set[str]:
    """Return the ids of streams that have events behind a position."""
    query = select(events.c.originator_id).where(events.c.position > position).distinct()
    return {id_.hex for id_ in connection.scalars(query)}


def _as_of(store: EventStore, ids: list[UUID], position: int) -> Iterator[TransactionColumns]:
    for chunk in chunks(ids):
        for history in store.load(chunk, until=position).values():
            columns = _folded(history)
            if columns is not None:
                yield columns


def _folded(history: list[RecordedEvent]) -> TransactionColumns | None:
    aggregate = fold(history)
    if not isinstance(aggregate, Transaction) or aggregate.is_doubtful:
        return None
    own: dict[str, str | int | None] = {
        "uuid": aggregate.uuid,
        "reference": aggregate.uuid or aggregate.reference,
        "first_seen_at": write_instant(history[0].event.timestamp),
        "last_changed_at": write_instant(history[-1].event.timestamp),
    }
    return own | {name: aggregate.facts.get(name) for name in COMPARED_FACTS}
