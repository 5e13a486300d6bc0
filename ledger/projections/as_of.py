"""A view as it was known on a day, written to an SQLite file of its own."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.schema import CreateIndex, CreateTable

from ledger.application import Ledger
from ledger.errors import ConflictError
from ledger.projections.folding import StoredRow, fold, read
from ledger.projections.registry import projection
from ledger.projections.runner import read_events
from ledger.projections.view import Projection, indexes_of
from ledger.projections.writing import group_all, write_rows
from ledger.storage.database import Database
from ledger.storage.mapper import write_moment

BATCH = 5_000


def write_as_of(
    ledger: Ledger,
    name: str,
    *,
    as_of: datetime,
    into: Path,
    progress: Callable[[str, int, int], None],
) -> int:
    """Build a view from the events recorded by then; the number of events that were.

    Shape: tables under their plain names, without a generation's suffix.
    Errors: ConflictError when the file already holds this view.
    """
    view = projection(name)
    until = ledger.recorder.horizon() or 0
    target = Database(f"sqlite:///{into}", pool_size=1)
    try:
        with ledger.database.connect() as source, target.begin() as connection:
            _create(connection, view)
            count = _fill(source, connection, view, write_moment(as_of), until, progress)
            group_all(connection, view, {table: table for table in view.all_tables})
            return count
    finally:
        target.dispose()


def _create(connection: Connection, view: Projection) -> None:
    for table in view.all_tables:
        if connection.dialect.has_table(connection, table.name):
            raise ConflictError(f"the file already holds {table.name}")
        connection.execute(CreateTable(table))
        for number, one in enumerate(indexes_of(table)):
            copy = table.to_metadata(type(table.metadata)())
            connection.execute(CreateIndex(one.made_on(copy, number)))


def _fill(
    source: Connection,
    connection: Connection,
    view: Projection,
    as_of: str,
    until: int,
    progress: Callable[[str, int, int], None],
) -> int:
    count = 0
    for after in range(0, until, BATCH):
        end = min(after + BATCH, until)
        events = read_events(source, view, after=after, until=end)
        known = [one for one in events if _was_known(one, as_of)]
        for table, rows in fold(view, known).rows.items():
            write_rows(connection, table, rows)
        count += len(known)
        progress("writing", end, until)
    return count


def _was_known(stored: StoredRow, as_of: str) -> bool:
    return read(stored).timestamp <= as_of
