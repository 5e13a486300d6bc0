"""Do the tasks that a rebuild is divided into, in any process."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, Index, delete
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from ledger.errors import NotFoundError
from ledger.projections.engine.bulk_load import CHUNK_ROWS, load_rows, merge_chunk, staging_tables
from ledger.projections.engine.compare import Difference, compare_table
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import Generation, all_generations, secondary_indexes
from ledger.projections.engine.groupings import build_groupings
from ledger.projections.engine.key_ranges import KeyRange
from ledger.projections.engine.parts import do_alone
from ledger.projections.engine.snapshots import snapshot
from ledger.projections.engine.writing import write_rows
from ledger.storage.database import FILLING, SORTING, Database, Work
from ledger.storage.divided_work import WorkPlace

BATCH = 20_000


@dataclass(frozen=True, slots=True)
class RebuildUnit:
    """One task of building a generation, for any machine that reaches the database."""

    generation: Generation
    task: Callable[..., object]
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, workplace: WorkPlace) -> Any:
        tasks = RebuildTasks(workplace, self.generation)
        tasks.check_ledger()
        return self.task(tasks, **self.arguments)


@dataclass(frozen=True, slots=True)
class RebuildTasks:
    """The tasks of building one generation, where somebody does them."""

    workplace: WorkPlace
    generation: Generation

    def check_ledger(self) -> None:
        """Refuse to work elsewhere than where the generation is. Errors: NotFoundError."""
        with self._opened(FILLING) as database, database.connect() as connection:
            if self.generation not in all_generations(connection, name=self.generation.name):
                raise NotFoundError(
                    f"generation {self.generation.id} of {self.generation.name} is not in the"
                    " database of a worker: it is no more, or LEDGER_DATABASE_URL leads elsewhere"
                )

    def create_staging(self) -> None:
        """Create the tables in which rows wait to be merged, where they are not there yet."""
        with self._alone("staging") as connection:
            for staged in staging_tables(self.generation).values():
                connection.execute(CreateTable(staged, if_not_exists=True))

    def load_part(
        self, part: int, until: int, *, batch: int = BATCH, chunk_rows: int = CHUNK_ROWS
    ) -> int:
        """Load a part of the log, from where it stands up to a position; return the end."""
        write = partial(
            load_rows,
            targets=self.generation.tables,
            staging=staging_tables(self.generation),
            shards=self.generation.shards,
            chunk_rows=chunk_rows,
        )
        with _fewer_collections(), self._opened(FILLING) as database:
            return Follower(database, self.generation, part, write=write).run(until, batch=batch)

    def create_keys(self) -> None:
        """Give the loaded tables the keys they were loaded without, and index what is staged."""
        indexes = [
            Index(f"key_{target.name}", *target.primary_key, unique=True)
            for target in self.generation.tables.values()
        ] + [
            Index(f"chunks_{staged.name}", staged.c.shard, staged.c.chunk)
            for staged in staging_tables(self.generation).values()
        ]
        for index in indexes:  # one at a time: notifications come in between
            self._create_index(index)

    def merge_staged(self, shard: int = 0) -> None:
        """Merge the staged rows of one shard, in their order."""
        targets, staging = self.generation.tables, staging_tables(self.generation)
        with self._opened(FILLING) as database:
            is_left = True
            while is_left:
                with database.begin() as connection:
                    do_alone(connection, self.generation.id, f"shard {shard}")
                    is_left = merge_chunk(connection, targets, staging, shard)

    def drop_staging(self) -> None:
        """Drop what is staged, once all of it is merged."""
        with self._alone("staging") as connection:
            for staged in staging_tables(self.generation).values():
                connection.execute(DropTable(staged, if_exists=True))

    def group_rows(self) -> None:
        """Make the grouped tables from nothing."""
        model, tables = self.generation.model, self.generation.tables
        with self._opened(FILLING) as database:
            if not database.is_sqlite:
                with database.begin() as connection:
                    do_alone(connection, self.generation.id, "groups")
                    build_groupings(connection, model, tables)
                return
            for grouping in model.groupings:  # page by page: notifications come in between
                target, groups = tables[grouping.table], grouping.select(tables[grouping.source])
                with database.begin() as connection:
                    connection.execute(delete(target))
                with database.connect() as reading:
                    for page in reading.execute(groups).mappings().partitions(BATCH):
                        rows = [dict(row) for row in page]
                        with database.begin() as connection:
                            write_rows(connection, target, rows, new_rows=rows)

    def compare_rows(
        self, old: Generation, table: str, key_range: KeyRange, snapshots: tuple[str, str]
    ) -> Difference:
        """Compare a range of rows with those of another generation, each as of a snapshot."""
        (declared,) = (each for each in self.generation.tables if each.name == table)
        with (
            self._opened(FILLING) as database,
            snapshot(database, snapshots[0]) as before,
            snapshot(database, snapshots[1]) as after,
        ):
            return compare_table(before, old, after, self.generation, declared, key_range)

    def build_index(self, name: str) -> None:
        """Create one secondary index, if it is not there yet."""
        self._create_index(secondary_indexes(self.generation)[name])

    def _create_index(self, index: Index) -> None:
        with self._alone(f"index {index.name}", SORTING) as connection:
            connection.execute(CreateIndex(index, if_not_exists=True))

    @contextmanager
    def _alone(self, purpose: str, work: Work = FILLING) -> Iterator[Connection]:
        with self._opened(work) as database, database.begin() as connection:
            do_alone(connection, self.generation.id, purpose)
            yield connection

    @contextmanager
    def _opened(self, work: Work) -> Iterator[Database]:
        database = Database(self.workplace.database_url, pool_size=1, work=work)
        try:
            yield database
        finally:
            database.dispose()


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Look for cycles seldom: rows come by the thousand, and there are none among them."""
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
