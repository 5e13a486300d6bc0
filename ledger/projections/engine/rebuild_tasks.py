"""Do the tasks that a rebuild is divided into, in any process."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Index, delete
from sqlalchemy.schema import CreateIndex, CreateTable

from ledger.projections.engine.bulk_load import CHUNK_ROWS, load_rows, merge_chunk, staging_tables
from ledger.projections.engine.event_reader import Shard
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import Generation, lock_position, secondary_indexes
from ledger.projections.engine.groupings import build_groupings
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

    def __call__(self, workplace: WorkPlace) -> object:
        return self.task(RebuildTasks(workplace, self.generation), **self.arguments)


@dataclass(frozen=True, slots=True)
class RebuildTasks:
    """The tasks of building one generation, where somebody does them."""

    workplace: WorkPlace
    generation: Generation

    def load_shard(
        self, shard: int, until: int, *, batch: int = BATCH, chunk_rows: int = CHUNK_ROWS
    ) -> int:
        """Load one shard of the log up to a position, from where it stands; return the end."""
        gc.set_threshold(100_000, 50, 50)  # rows by the thousand, and no cycles among them
        targets, staging = self.generation.tables, staging_tables(self.generation, shard)
        write = partial(load_rows, targets=targets, staging=staging, chunk_rows=chunk_rows)
        part = Shard(shard, self.generation.shards)
        with self._opened(FILLING) as database:
            with database.begin() as connection:
                for staged in staging.values():
                    connection.execute(CreateTable(staged, if_not_exists=True))
            return Follower(database, self.generation, part, write=write).run(until, batch=batch)

    def create_keys(self) -> None:
        """Give the loaded tables the keys they were loaded without, and index what is staged."""
        indexes = [
            Index(f"key_{target.name}", *target.primary_key, unique=True)
            for target in self.generation.tables.values()
        ] + [
            Index(f"chunks_{staged.name}", staged.c.chunk)
            for shard in range(self.generation.shards)
            for staged in staging_tables(self.generation, shard).values()
        ]
        for index in indexes:  # one at a time: notifications come in between
            self._create_index(index)

    def merge_staged(self, shard: int = 0) -> None:
        """Merge the staged rows of one shard, in their order."""
        targets, staging = self.generation.tables, staging_tables(self.generation, shard)
        with self._opened(FILLING) as database:
            is_left = True
            while is_left:
                with database.begin() as connection:
                    lock_position(connection, self.generation.id, shard)  # nobody else merges it
                    is_left = merge_chunk(connection, targets, staging)

    def group_rows(self) -> None:
        """Make the grouped tables from nothing, over all shards."""
        model, tables = self.generation.model, self.generation.tables
        with self._opened(FILLING) as database:
            if not database.is_sqlite:
                with database.begin() as connection:
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

    def build_index(self, name: str) -> None:
        """Create one secondary index, if it is not there yet."""
        self._create_index(secondary_indexes(self.generation)[name])

    def _create_index(self, index: Index) -> None:
        with self._opened(SORTING) as database, database.begin() as connection:
            connection.execute(CreateIndex(index, if_not_exists=True))

    @contextmanager
    def _opened(self, work: Work) -> Iterator[Database]:
        database = Database(self.workplace.database_url, pool_size=1, work=work)
        try:
            yield database
        finally:
            database.dispose()
