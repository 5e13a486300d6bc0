"""A view as it was known on a day, written to an SQLite file of its own."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Index
from sqlalchemy.schema import CreateIndex, CreateTable

from ledger.application import Ledger
from ledger.errors import ConflictError
from ledger.projections.folding import Poison, StoredRow, fold, read
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
) -> tuple[int, list[Poison]]:
    """Build a view from the events recorded by then; how many there were, and those passed over.

    Shape: tables under their plain names, without a generation's suffix.
    Errors: ConflictError when the file already holds this view, or is itself a ledger.
    """
    view = projection(name)
    until = ledger.recorder.horizon() or 0
    target = Database(f"sqlite:///{into}", pool_size=1)
    try:
        with ledger.database.connect() as source, target.begin() as connection:
            _create(connection, view)
            told = _fill(source, connection, view, write_moment(as_of), until, progress)
            group_all(connection, view, {table: table for table in view.all_tables})
            return told
    finally:
        target.dispose()


def _create(connection: Connection, view: Projection) -> None:
    if connection.dialect.has_table(connection, "events"):
        raise ConflictError("the file is a ledger itself")
    for table in view.all_tables:
        if connection.dialect.has_table(connection, table.name):
            raise ConflictError(f"the file already holds {table.name}")
        connection.execute(CreateTable(table))
        for number, names in enumerate(indexes_of(table)):
            copy = table.to_metadata(type(table.metadata)())
            index = Index(f"ix_{table.name}_{number}", *(copy.c[one] for one in names))
            connection.execute(CreateIndex(index))


def _fill(
    source: Connection,
    connection: Connection,
    view: Projection,
    as_of: str,
    until: int,
    progress: Callable[[str, int, int], None],
) -> tuple[int, list[Poison]]:
    count, passed_over = 0, []
    for after in range(0, until, BATCH):
        end = min(after + BATCH, until)
        events = read_events(source, view, after=after, until=end)
        known = [one for one in events if _was_known(one, as_of)]
        folded = fold(view, known)
        for table, rows in folded.rows.items():
            write_rows(connection, table, rows)
        passed_over += folded.poison
        count += len(known)
        progress("writing", end, until)
    return count, passed_over


def _was_known(stored: StoredRow, as_of: str) -> bool:
    try:
        return read(stored).timestamp <= as_of
    except Exception:  # noqa: BLE001  what cannot be read is told as passed over, not hidden
        return True
