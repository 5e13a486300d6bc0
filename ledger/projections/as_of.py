"""A view as it was known on a day, written to an SQLite file of its own."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.schema import CreateIndex, CreateTable

from ledger.application import Ledger
from ledger.errors import ConflictError
from ledger.projections.folding import Poison, StoredRow, fold, read_stored
from ledger.projections.reading import read_events
from ledger.projections.registry import projection
from ledger.projections.view import Projection, indexes_of
from ledger.projections.writing import Tables, group_all, write_rows
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
    until = ledger.events.high_water_mark() or 0
    target = Database(f"sqlite:///{into}", pool_size=1)
    try:
        with ledger.database.connect() as source, target.begin() as connection:
            _create(connection, view)
            known_by = write_moment(as_of)
            return fill(
                source,
                connection,
                view,
                {table: table for table in view.all_tables},
                until=until,
                is_wanted=lambda stored: _was_known(stored, known_by),
                progress=progress,
            )
    finally:
        target.dispose()


def _create(connection: Connection, view: Projection) -> None:
    if connection.dialect.has_table(connection, "events"):
        raise ConflictError("the file is a ledger itself")
    for table in view.all_tables:
        if connection.dialect.has_table(connection, table.name):
            raise ConflictError(f"the file already holds {table.name}")
        connection.execute(CreateTable(table))
        for number, one in enumerate(indexes_of(table)):
            copy = table.to_metadata(type(table.metadata)())
            connection.execute(CreateIndex(one.made_on(copy, number)))


def fill(
    source: Connection,
    connection: Connection,
    view: Projection,
    tables: Tables,
    *,
    until: int,
    is_wanted: Callable[[StoredRow], bool],
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[int, list[Poison]]:
    """Write a view to empty tables from the wanted events up to a position.

    Shape: how many these were, and those that the view could not take; reads and writes batch by
    batch, so that memory does not grow with the log.
    """
    count, passed_over = 0, []
    for after in range(0, until, BATCH):
        end = min(after + BATCH, until)
        events = read_events(source, view.kinds, after=after, until=end)
        wanted = [one for one in events if is_wanted(one)]
        folded = fold(view, wanted)
        for table, rows in folded.rows.items():
            write_rows(connection, tables[table], rows)
        passed_over += folded.poison
        count += len(wanted)
        if progress is not None:
            progress("writing", end, until)
    group_all(connection, view, tables)
    return count, passed_over


def _was_known(stored: StoredRow, as_of: str) -> bool:
    try:
        return bool(read_stored(stored).timestamp <= as_of)
    except Exception:  # noqa: BLE001  what cannot be read is told as passed over, not hidden
        return True
