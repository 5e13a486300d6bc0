"""Checks a live read model: projects the events again into a file of its own, and compares."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, NullPool, create_engine, inspect, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.schema import CreateTable

from ledger.audit.fault import NOT_BUILT, PASSED_OVER, CheckResult
from ledger.projections.definition import Row
from ledger.projections.engine.compare import compare
from ledger.projections.engine.generations import (
    Generation,
    live_generation,
    poison_of,
    positions,
    tables_of,
)
from ledger.projections.engine.rebuild import snapshot
from ledger.projections.engine.rebuild_as_of import fill
from ledger.projections.engine.registry import projection
from ledger.projections.engine.writing import Tables
from ledger.storage.database import Database


def check_read_model(database: Database, name: str) -> CheckResult:
    """Compare the live generation of this code with the events, both in one snapshot."""
    result, model = CheckResult(), projection(name)
    with snapshot(database) as log:
        generation = live_generation(log, model)
        if generation is None:
            result.remarks[NOT_BUILT] += 1
            return result
        add = partial(result.add, None, f"view {name} g{generation.id}")
        position = positions(log, generation.id)[0]
        newest = log.scalar(text("SELECT max(position) FROM events")) or 0
        if position > newest:
            add("view-ahead", f"at {position}, the log ends at {newest}")
        damaged = _damaged_tables(log, tables_of(model, generation.id))
        for table_name in damaged:
            add("view-table", table_name)
        if damaged:
            return result
        until = min(position, newest)
        skipped = {poison.position for poison in poison_of(log, generation.id)}
        result.remarks[PASSED_OVER] += len(skipped)
        try:
            for reason, detail in _disagreements(log, generation, until, skipped):
                add(reason, detail)
            result.checked = until
        except (DataError, IntegrityError, OverflowError) as error:
            add("view-refused", type(error).__name__)
    return result


def _damaged_tables(connection: Connection, tables: Tables) -> list[str]:
    """Return the tables that are not there or have other columns."""
    inspector = inspect(connection)
    return [
        table.name
        for table in tables.values()
        if not inspector.has_table(table.name)
        or {column["name"] for column in inspector.get_columns(table.name)} != {*table.c.keys()}
    ]


def _disagreements(
    log: Connection, generation: Generation, until: int, skipped: set[int]
) -> Iterator[tuple[str, str]]:
    """Yield reason and detail for the first rows of a table that differ, and one for the others."""
    model = projection(generation.name)
    tables = tables_of(model, generation.id)
    with _temporary_database() as target:
        for table in tables.values():
            target.execute(CreateTable(table))
        fill(log, target, model, tables, until=until, is_wanted=lambda row: row[0] not in skipped)
        for difference in compare(log, generation, target, generation):
            for key, live, projected in difference.sample:
                name = f"{difference.table} {'/'.join(map(str, key))}"
                if live is None:
                    yield "view-row-missing", name
                elif projected is None:
                    yield "view-row-extra", name
                else:
                    yield "view-row-differs", f"{name}: {_changed(live, projected)}"
            if more := difference.differing - len(difference.sample):
                yield "view-differs", f"{difference.table}: {more} more rows"


def _changed(live: Row, projected: Row) -> str:
    return ", ".join(
        f"{column} is {live[column]!r}, the events say {projected[column]!r}"
        for column in live
        if live[column] != projected[column]
    )


@contextmanager
def _temporary_database() -> Iterator[Connection]:
    """Open a database in a temporary folder, which need not survive anything."""
    with TemporaryDirectory(prefix="ledger-verify-") as folder:
        engine = create_engine(f"sqlite:///{folder}/views.sqlite", poolclass=NullPool)
        with engine.connect() as connection, connection.begin():
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            yield connection
