"""Write a read model as it was known on a day to an SQLite file of its own."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, MetaData
from sqlalchemy.schema import CreateIndex, CreateTable

from ledger.application import Ledger
from ledger.errors import ConflictError
from ledger.instants import write_instant
from ledger.projections.definition import Projection, indexes_of
from ledger.projections.engine.build import Progress
from ledger.projections.engine.event_reader import read_events
from ledger.projections.engine.folding import Poison, RowChanges, StoredRow, decode_event, fold
from ledger.projections.engine.follow import write_changes
from ledger.projections.engine.groupings import build_groupings
from ledger.projections.engine.registry import projection
from ledger.projections.engine.writing import Tables, write_rows
from ledger.storage.database import Database

BATCH = 5_000


def write_as_of(
    ledger: Ledger, name: str, *, as_of: datetime, into: Path, progress: Progress
) -> tuple[int, list[Poison]]:
    """Build a read model from the events recorded by an instant.

    Shape: how many events there were, and those that were skipped; the file has tables under
    their plain names, without a generation's suffix.
    Errors: ConflictError when the file already holds this model, or is itself a ledger.
    """
    model = projection(name)
    until = ledger.events.high_water_mark() or 0
    target = Database(f"sqlite:///{into}", pool_size=1)
    try:
        with ledger.database.connect() as log, target.begin() as connection:
            _create_tables(connection, model)
            tables = {table: table for table in model.all_tables}
            was_known = partial(_was_known, known_by=write_instant(as_of))
            return fill(
                log,
                connection,
                model,
                tables,
                until=until,
                is_wanted=was_known,
                progress=progress,
            )
    finally:
        target.dispose()


def _create_tables(connection: Connection, model: Projection) -> None:
    if connection.dialect.has_table(connection, "events"):
        raise ConflictError("the file is a ledger itself")
    for table in model.all_tables:
        if connection.dialect.has_table(connection, table.name):
            raise ConflictError(f"the file already holds {table.name}")
        connection.execute(CreateTable(table))
        for index in indexes_of(table.to_metadata(MetaData())):
            connection.execute(CreateIndex(index))


def fill(
    log: Connection,
    connection: Connection,
    model: Projection,
    tables: Tables,
    *,
    until: int,
    is_wanted: Callable[[StoredRow], bool],
    progress: Progress | None = None,
) -> tuple[int, list[Poison]]:
    """Write a read model to empty tables from the wanted events up to a position.

    Shape: how many events there were, and those that were skipped; it reads and writes batch by
    batch, so that memory does not grow with the log.
    """

    def write(connection: Connection, changes: RowChanges) -> None:
        for table, rows in changes.rows_by_table.items():
            write_rows(connection, tables[table], rows)

    count, skipped, refold = 0, list[Poison](), partial(fold, model)
    for after in range(0, until, BATCH):
        end = min(after + BATCH, until)
        stored_events = read_events(
            log, model.kinds, after=after, until=end, with_details=bool(model.harmless_details)
        )
        wanted = [stored for stored in stored_events if is_wanted(stored)]
        changes = fold(model, wanted)
        skipped += write_changes(connection, wanted, changes, write, refold, [])
        count += len(wanted)
        if progress is not None:
            progress("writing", end, until)
    build_groupings(connection, model, tables)
    return count, skipped


def _was_known(stored: StoredRow, known_by: str) -> bool:
    with suppress(Exception):  # what cannot be read is reported as skipped, not hidden
        return bool(decode_event(stored).timestamp <= known_by)
    return True
