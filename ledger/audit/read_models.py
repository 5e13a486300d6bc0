"""Checks a live read model: projects the events again into a file of its own, and compares."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.schema import CreateTable

from ledger.audit.fault import NOT_BUILT, PASSED_OVER, CheckResult
from ledger.projections.definition import Projection, Row
from ledger.projections.engine.compare import Difference, compare
from ledger.projections.engine.folding import StoredRow
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
from ledger.storage.database import Database


@dataclass(frozen=True, slots=True)
class ReadModel:
    """One read model, whole: its rows do not belong to a range of positions."""

    name: str


def check_read_model(database: Database, scope: ReadModel) -> CheckResult:
    """Compare the live generation of this code with the events, both in one snapshot."""
    result = CheckResult()
    read_model = projection(scope.name)
    with snapshot(database) as source:
        generation = live_generation(source, read_model)
        if generation is None:
            result.remarks[NOT_BUILT] += 1
        else:
            _Comparison(source, read_model, generation, result).run()
    return result


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Compares one generation with the events."""

    source: Connection
    read_model: Projection
    generation: Generation
    result: CheckResult

    def run(self) -> None:
        position = positions(self.source, self.generation.id)[0]
        newest = self.source.scalar(text("SELECT max(position) FROM events")) or 0
        if position > newest:
            self._add("view-ahead", f"at {position}, the log ends at {newest}")
        if not self._has_tables():
            return
        until = min(position, newest)
        with _temporary_database() as target:
            try:
                self._project_again(target, until)
            except (DataError, IntegrityError, OverflowError) as error:
                self._add("view-refused", type(error).__name__)
                return
            for difference in compare(self.source, self.generation, target, self.generation):
                self._report(difference)
        self.result.checked = until

    def _add(self, reason: str, detail: str) -> None:
        subject = f"view {self.read_model.name} g{self.generation.id}"
        self.result.add(None, subject, reason, detail)

    def _has_tables(self) -> bool:
        inspector = inspect(self.source)
        damaged = []
        for table in tables_of(self.read_model, self.generation.id).values():
            declared = {column.name for column in table.columns}
            if not inspector.has_table(table.name) or declared != {
                column["name"] for column in inspector.get_columns(table.name)
            }:
                damaged.append(table.name)
                self._add("view-table", table.name)
        return not damaged

    def _project_again(self, target: Connection, until: int) -> None:
        """Fill empty tables from the events, without those that were passed over."""
        passed_over = {poison.position for poison in poison_of(self.source, self.generation.id)}
        if passed_over:
            self.result.remarks[PASSED_OVER] += len(passed_over)
        tables = tables_of(self.read_model, self.generation.id)
        for table in tables.values():
            target.execute(CreateTable(table))

        def is_wanted(stored: StoredRow) -> bool:
            return stored[0] not in passed_over

        fill(self.source, target, self.read_model, tables, until=until, is_wanted=is_wanted)

    def _report(self, difference: Difference) -> None:
        """Add a fault for each row of the sample, and one for all others."""
        table = difference.table
        for key, live, projected in difference.sample:
            name = f"{table} {'/'.join(map(str, key))}"
            if live is None:
                self._add("view-row-missing", name)
            elif projected is None:
                self._add("view-row-extra", name)
            else:
                self._add("view-row-differs", f"{name}: {_changed(live, projected)}")
        if difference.differing > len(difference.sample):
            more = difference.differing - len(difference.sample)
            self._add("view-differs", f"{table}: {more} more rows")


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
        engine = create_engine(f"sqlite:///{Path(folder) / 'views.sqlite'}")
        event.listen(engine, "connect", _give_up_durability)
        try:
            with engine.connect() as connection, connection.begin():
                yield connection
        finally:
            engine.dispose()


def _give_up_durability(connection: object, _record: object) -> None:
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]  # the driver's own connection
