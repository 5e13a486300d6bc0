"""Reads the transactions of a few days as they stood at one position of the ledger."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, func, or_, select

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


_ROWS = 1000


def position_reached(connection: Connection) -> int:
    """Return how far the read model has followed. Errors: ViewNotBuiltError."""
    _, reached, _ = live_table(connection, "transactions", "transactions")
    return reached


def transactions_at(
    database: Database, scope: Scope, position: int
) -> Iterator[TransactionColumns]:
    """Yield the transactions of these UTC days, and of those beside them, as they stood once all
    events up to a position were recorded; without what only doubtful forms say.

    Errors: ViewNotBuiltError; ConflictError while the read model has not followed so far.
    """
    store = EventStore(database)
    with database.connect() as connection:
        table, reached, _ = live_table(connection, "transactions", "transactions")
        if position > reached:
            message = f"the read model of transactions is at {reached}, not yet at {position}"
            raise ConflictError(message)
        for rows in _rows(connection, table, scope):
            changed = _changed_after(connection, position, rows)
            for row in rows:
                if row.id not in changed and not row.is_continued and not row.is_doubtful:
                    yield cast(TransactionColumns, row._mapping)
            yield from _as_of(store, list(map(UUID, changed)), position)


def has_changed_since(connection: Connection, scope: Scope, position: int) -> bool:
    """Return True if a transaction of these UTC days, or of one beside them, has an event behind a
    position. Errors: ViewNotBuiltError."""
    table, _, _ = live_table(connection, "transactions", "transactions")
    with closing(_rows(connection, table, scope)) as pages:
        return any(_changed_after(connection, position, page) for page in pages)


def _rows(
    connection: Connection, table: Table, scope: Scope
) -> Generator[Sequence[Row[Any]], None, None]:
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
    with connection.execute(query, execution_options={"yield_per": _ROWS}) as result:
        yield from result.partitions()


def _changed_after(
    connection: Connection, position: int, state_rows: Sequence[Row[Any]]
) -> set[str]:
    """Return the ids of these streams that have events behind a position."""
    if (connection.scalar(_NEWEST_POSITION) or 0) <= position:
        return set()
    c = events.c
    query = select(c.originator_id).where(c.position > position).distinct()
    return {
        id_.hex
        for chunk in chunks([UUID(row.id) for row in state_rows])
        for id_ in connection.scalars(query.where(c.originator_id.in_(chunk)))
    }


_NEWEST_POSITION = select(func.max(events.c.position))


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
