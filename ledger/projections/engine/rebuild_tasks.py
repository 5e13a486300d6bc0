"""Do the tasks that a rebuild is divided into, in any process."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy import delete

from ledger.projections.engine.bulk_load import (
    CHUNK_ROWS,
    create_staging,
    load_rows,
    merge_chunk,
    staged_tables,
)
from ledger.projections.engine.event_reader import Shard
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import (
    all_generations,
    create_index,
    key_index,
    lock_position,
    secondary_indexes,
    tables_of,
)
from ledger.projections.engine.groupings import build_groupings
from ledger.projections.engine.registry import projection
from ledger.projections.engine.writing import write_rows
from ledger.storage.database import FILLING, SORTING, Database, Work

BATCH = 20_000


@dataclass(frozen=True, slots=True)
class GenerationRef:
    """Names a generation to any machine that reaches the database."""

    database_url: str
    generation_id: int
    name: str


@dataclass(frozen=True, slots=True)
class ShardTask:
    """Asks for one shard of the log to be loaded, up to a position."""

    ref: GenerationRef
    shard: int
    shards: int
    until: int
    batch: int = BATCH
    chunk_rows: int = CHUNK_ROWS


def load_shard(task: ShardTask) -> int:
    """Load one shard of a generation up to a position, from where it stands; return the end."""
    gc.set_threshold(100_000, 50, 50)  # rows by the thousand, and no cycles among them
    ref = task.ref
    with _opened(ref, FILLING) as database:
        with database.connect() as connection:
            generations = all_generations(connection)
        generation = next(
            generation for generation in generations if generation.id == ref.generation_id
        )
        model = projection(ref.name)
        staged = staged_tables(model, generation.id, task.shard)
        with database.begin() as connection:
            create_staging(connection, staged)
        shard = Shard(task.shard, task.shards)
        write = partial(load_rows, staged=staged, chunk_rows=task.chunk_rows)
        return Follower(database, generation, model, shard, write=write).run(
            task.until, batch=task.batch
        )


def create_keys(ref: GenerationRef, shards: int = 1) -> None:
    """Give the tables of a loaded generation their keys, and index what is staged."""
    model = projection(ref.name)
    targets = tables_of(model, ref.generation_id).values()
    staged = [
        table
        for shard in range(shards)
        for table in staged_tables(model, ref.generation_id, shard).values()
    ]
    with _opened(ref, SORTING) as database:
        for index in (*map(key_index, targets), *(table.chunk_index for table in staged)):
            with database.begin() as connection:  # one at a time: notifications come in between
                create_index(connection, index)


def merge_staged(ref: GenerationRef, shard: int = 0) -> None:
    """Merge the staged rows of one shard, in their order."""
    staged = staged_tables(projection(ref.name), ref.generation_id, shard)
    with _opened(ref, FILLING) as database:
        is_left = True
        while is_left:
            with database.begin() as connection:
                lock_position(connection, ref.generation_id, shard)  # nobody merges the same chunk
                is_left = merge_chunk(connection, staged)


def group_rows(ref: GenerationRef) -> None:
    """Make a generation's grouped tables from nothing, over all shards."""
    model = projection(ref.name)
    tables = tables_of(model, ref.generation_id)
    with _opened(ref, FILLING) as database:
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


def build_index(ref: GenerationRef, name: str) -> str:
    """Create one secondary index of a generation, if it is not there yet; return its name."""
    with _opened(ref, SORTING) as database, database.begin() as connection:
        create_index(connection, secondary_indexes(projection(ref.name), ref.generation_id)[name])
    return name


@contextmanager
def _opened(ref: GenerationRef, work: Work) -> Iterator[Database]:
    database = Database(ref.database_url, pool_size=1, work=work)
    try:
        yield database
    finally:
        database.dispose()
