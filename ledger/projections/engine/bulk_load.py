"""Load many rows into a new generation's tables: without keys, which are made when all is there.

A key that is kept while rows come in costs more than all else that inserting does. So rows that are
certainly new go straight to their table; the rest go to a staging table beside it, and are merged
in their order, chunk by chunk, once the key is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Index, Table, delete, func, inspect, select
from sqlalchemy.schema import CreateTable, DropTable

from ledger.projections.definition import Projection
from ledger.projections.engine.folding import RowChanges
from ledger.projections.engine.generations import tables_of, without_key
from ledger.projections.engine.writing import add_rows, divide_rows, merge_from

CHUNK_ROWS = 5_000
"""Rows that are merged in one transaction, while notifications wait for it on SQLite."""


@dataclass(frozen=True, slots=True)
class StagedTable:
    """A table of a generation, and the staging table beside it."""

    target: Table
    staging: Table

    @property
    def chunk_index(self) -> Index:
        return Index(f"chunks_{self.staging.name}", self.staging.c.chunk)


StagedTables = Mapping[Table, StagedTable]
"""The declared table -> where its rows go."""


def staged_tables(model: Projection, generation_id: int, shard: int = 0) -> StagedTables:
    """Return where the rows of one shard of a generation go: each has staging tables of its own."""
    staged = {}
    for table, target in tables_of(model, generation_id).items():
        if table in model.tables:
            staging = without_key(target, name=f"staging{shard}_{target.name}")
            staging.append_column(Column("chunk", BigInteger, nullable=False))
            staged[table] = StagedTable(target, staging)
    return staged


def create_staging(connection: Connection, staged: StagedTables) -> None:
    """Create the staging tables that are not there yet."""
    for pair in staged.values():
        connection.execute(CreateTable(pair.staging, if_not_exists=True))


def load_rows(
    connection: Connection,
    changes: RowChanges,
    *,
    staged: StagedTables,
    chunk_rows: int = CHUNK_ROWS,
) -> None:
    """Add the rows of a batch to their tables or to staging; no key is looked up."""
    for table, rows in changes.rows_by_table.items():
        new_rows, rest = divide_rows(rows, changes.new_rows_by_table.get(table, ()))
        for number, row in enumerate(rest):
            # a chunk has rows of one batch only, and chunks are in the order of batches
            row["chunk"] = changes.begins_at + number // chunk_rows
        add_rows(connection, staged[table].target, new_rows)
        add_rows(connection, staged[table].staging, rest)


def merge_chunk(connection: Connection, staged: StagedTables) -> bool:
    """Merge the first chunk that is staged; return False when there is none any more."""
    for pair in staged.values():
        if not inspect(connection).has_table(pair.staging.name):
            continue
        chunk = connection.scalar(select(func.min(pair.staging.c.chunk)))
        if chunk is None:
            connection.execute(DropTable(pair.staging))
            continue
        is_of_chunk = pair.staging.c.chunk == chunk
        columns = [pair.staging.c[column.name] for column in pair.target.columns]
        # shards may merge the same key: in one order they wait for each other, never in a circle
        key_columns = [pair.staging.c[column.name] for column in pair.target.primary_key]
        merge_from(
            connection, pair.target, select(*columns).where(is_of_chunk).order_by(*key_columns)
        )
        connection.execute(delete(pair.staging).where(is_of_chunk))
        return True
    return False
