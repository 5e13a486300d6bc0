"""Holds a live read model against the events: makes it again in a file of its own, and compares."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.schema import CreateTable

from ledger.audit.fault import NOT_BUILT, PASSED_OVER, Found
from ledger.projections import generations as g
from ledger.projections.as_of import fill
from ledger.projections.compare import Difference, compare
from ledger.projections.folding import StoredRow
from ledger.projections.rebuild import snapshot
from ledger.projections.registry import projection
from ledger.projections.view import Projection, Row
from ledger.storage.database import Database


@dataclass(frozen=True, slots=True)
class View:
    """One read model, whole: its rows do not belong to a range of positions."""

    name: str


def check_view(database: Database, part: View) -> Found:
    """Compare the live generation of this code with the events, both as of one moment."""
    found = Found()
    view = projection(part.name)
    with snapshot(database) as source:
        generation = g.live_generation(source, view)
        if generation is None:
            found.remarks[NOT_BUILT] += 1
            return found
        subject = f"view {view.name} g{generation.id}"
        position = g.positions(source, generation.id)[0]
        newest = source.scalar(text("SELECT max(position) FROM events")) or 0
        if position > newest:
            found.add(None, subject, "view-ahead", f"at {position}, the log ends at {newest}")
        if not _has_tables(source, view, generation, subject, found):
            return found
        passed_over = {one.position for one in g.poison_of(source, generation.id)}
        if passed_over:
            found.remarks[PASSED_OVER] += len(passed_over)
        with _beside() as target:
            try:
                _refold(source, target, view, generation, min(position, newest), passed_over)
            except (DataError, IntegrityError, OverflowError) as error:
                found.add(None, subject, "view-refused", type(error).__name__)
                return found
            for one in compare(source, generation, target, generation):
                _tell(one, subject, found)
        found.checked = min(position, newest)
    return found


def _has_tables(
    source: Connection, view: Projection, generation: g.Generation, subject: str, found: Found
) -> bool:
    reader = inspect(source)
    for table in g.tables_of(view, generation.id).values():
        wanted = {one.name for one in table.columns}
        there = reader.has_table(table.name)
        if not there or {one["name"] for one in reader.get_columns(table.name)} != wanted:
            found.add(None, subject, "view-table", table.name)
    return not found.faults or found.faults[-1].reason != "view-table"


@contextmanager
def _beside() -> Iterator[Connection]:
    """A database in a temporary folder, which need not survive anything."""
    with TemporaryDirectory(prefix="ledger-verify-") as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'views.sqlite'}")
        event.listen(engine, "connect", _hurry)
        try:
            with engine.connect() as connection, connection.begin():
                yield connection
        finally:
            engine.dispose()


def _hurry(connection: object, _record: object) -> None:
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]  # the driver's own connection


def _refold(
    source: Connection,
    target: Connection,
    view: Projection,
    generation: g.Generation,
    until: int,
    passed_over: set[int],
) -> None:
    tables = g.tables_of(view, generation.id)
    for table in tables.values():
        target.execute(CreateTable(table))

    def is_wanted(stored: StoredRow) -> bool:
        return stored[0] not in passed_over

    fill(source, target, view, tables, until=until, is_wanted=is_wanted)


def _tell(one: Difference, subject: str, found: Found) -> None:
    """Rows as they are read, and as the events make them."""
    for key, live, refolded in one.sample:
        named = f"{one.table} {'/'.join(map(str, key))}"
        if live is None:
            found.add(None, subject, "view-row-missing", named)
        elif refolded is None:
            found.add(None, subject, "view-row-extra", named)
        else:
            found.add(None, subject, "view-row-differs", f"{named}: {_changed(live, refolded)}")
    if one.differing > len(one.sample):
        more = one.differing - len(one.sample)
        found.add(None, subject, "view-differs", f"{one.table}: {more} more rows")


def _changed(live: Row, refolded: Row) -> str:
    return ", ".join(
        f"{name} is {live[name]!r}, the events say {refolded[name]!r}"
        for name in live
        if live[name] != refolded[name]
    )
