"""What a read model's check has to find, computed in one piece: all events, one file, one table
after the other."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.schema import CreateTable

from ledger.application import Ledger
from ledger.audit.fault import Fault
from ledger.projections.engine.compare import compare
from ledger.projections.engine.generations import poison_of, tables_of
from ledger.projections.engine.rebuild_as_of import fill
from ledger.projections.engine.registry import PROJECTIONS
from ledger.projections.engine.snapshots import snapshot
from ledger.storage.database import Database
from tests.projections.helpers import live, log_end


def faults_in_one_piece(ledger: Ledger, path: Path) -> list[Fault]:
    """Project every read model anew into a file, and compare it with the live one."""
    return [fault for name in PROJECTIONS for fault in _faults(ledger, name, path)]


def _faults(ledger: Ledger, name: str, path: Path) -> Iterator[Fault]:
    generation, model = live(ledger, name), PROJECTIONS[name]
    subject, tables = f"view {name} g{generation.id}", tables_of(model, generation.id)
    target = Database(f"sqlite:///{path / name}.sqlite", pool_size=1)
    with snapshot(ledger.database) as log, target.begin() as file:
        skipped = {poison.position for poison in poison_of(log, generation.id)}
        for table in tables.values():
            file.execute(CreateTable(table))
        until = log_end(ledger)
        fill(log, file, model, tables, until=until, is_wanted=lambda row: row[0] not in skipped)
        for difference in compare(log, generation, file, generation):
            for key, old, new in difference.sample:
                row = f"{difference.table} {'/'.join(map(str, key))}"
                if old is None:
                    yield Fault(None, subject, "view-row-missing", row)
                elif new is None:
                    yield Fault(None, subject, "view-row-extra", row)
                else:
                    changes = [
                        f"{column} is {old[column]!r}, the events say {new[column]!r}"
                        for column in old
                        if old[column] != new[column]
                    ]
                    detail = f"{row}: {', '.join(changes)}"
                    yield Fault(None, subject, "view-row-differs", detail)
            if more := difference.differing - len(difference.sample):
                detail = f"{difference.table}: {more} more rows"
                yield Fault(None, subject, "view-differs", detail)
    target.dispose()
