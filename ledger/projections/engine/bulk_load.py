"""Load many rows into a new generation's tables: without keys, which are made when all is there.

A key that is kept while rows come in costs more than all else that inserting does. So rows that are
certainly new go straight to their table; the rest go to a staging table beside it, and are merged
in their order, chunk by chunk, once the key is made.
"""

from sqlalchemy import BigInteger, Column, Connection, delete, func, inspect, select
from sqlalchemy.schema import DropTable

from ledger.projections.engine.folding import RowChanges
from ledger.projections.engine.generations import Generation, without_key
from ledger.projections.engine.writing import Tables, add_rows, divide_rows, merge_from

CHUNK_ROWS = 5_000
"""Rows that are merged in one transaction, while notifications wait for it on SQLite."""


def staging_tables(generation: Generation, shard: int = 0) -> Tables:
    """Return the staging tables beside a generation's own: each shard has some of its own."""
    return {
        table: without_key(
            generation.tables[table],
            Column("chunk", BigInteger, nullable=False),
            name=f"staging{shard}_{generation.tables[table].name}",
        )
        for table in generation.model.tables
    }


def load_rows(
    connection: Connection,
    changes: RowChanges,
    *,
    targets: Tables,
    staging: Tables,
    chunk_rows: int = CHUNK_ROWS,
) -> None:
    """Add the rows of a batch to their tables or to staging; no key is looked up."""
    for table, rows in changes.rows_by_table.items():
        new_rows, rest = divide_rows(rows, changes.new_rows_by_table.get(table, ()))
        for number, row in enumerate(rest):
            # a chunk has rows of one batch only, and chunks are in the order of batches
            row["chunk"] = changes.begins_at + number // chunk_rows
        add_rows(connection, targets[table], new_rows)
        add_rows(connection, staging[table], rest)


def merge_chunk(connection: Connection, targets: Tables, staging: Tables) -> bool:
    """Merge the first chunk that is staged; return False when there is none any more."""
    for table, staged in staging.items():
        if not inspect(connection).has_table(staged.name):
            continue
        chunk = connection.scalar(select(func.min(staged.c.chunk)))
        if chunk is not None:
            columns = [staged.c[column.name] for column in targets[table].columns]
            # shards may merge one key: in one order they wait for each other, never in a circle
            key_columns = [staged.c[column.name] for column in targets[table].primary_key]
            chunk_rows = select(*columns).filter_by(chunk=chunk).order_by(*key_columns)
            merge_from(connection, targets[table], chunk_rows)
            connection.execute(delete(staged).filter_by(chunk=chunk))
            return True
        connection.execute(DropTable(staged))
    return False
