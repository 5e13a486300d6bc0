"""Load many rows into a new generation's tables: without keys, which are made when all is there.

A key that is kept while rows come in costs more than all else that inserting does. So rows that are
certainly new go straight to their table; the rest go to a staging table beside it, and are merged
in their order, chunk by chunk, once the key is made. The key of a row says to which shard of the
staged rows it belongs, so that several can merge, and one row is merged by one of them.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from zlib import crc32

from sqlalchemy import BigInteger, Column, Connection, Integer, delete, func, select

from ledger.projections.definition import Row
from ledger.projections.engine.folding import RowChanges
from ledger.projections.engine.generations import Generation, without_key
from ledger.projections.engine.writing import (
    Tables,
    add_rows,
    column_names,
    divide_rows,
    merge_from,
)

CHUNK_ROWS = 5_000
"""Rows that are merged in one transaction, while notifications wait for it on SQLite."""


def staging_tables(generation: Generation) -> Tables:
    """Return the staging tables beside a generation's own."""
    return {
        table: without_key(
            generation.tables[table],
            Column("shard", Integer, nullable=False),
            Column("chunk", BigInteger, nullable=False),
            name=f"staging_{generation.tables[table].name}",
        )
        for table in generation.model.tables
    }


def load_rows(
    connection: Connection,
    changes: RowChanges,
    *,
    targets: Tables,
    staging: Tables,
    shards: int,
    chunk_rows: int = CHUNK_ROWS,
) -> None:
    """Add the rows of a batch to their tables or to staging; no key is looked up."""
    for table, rows in changes.rows_by_table.items():
        new_rows, rest = divide_rows(rows, changes.new_rows_by_table.get(table, ()))
        key_columns = column_names(table.primary_key)
        rows_by_shard = defaultdict[int, list[Row]](list)
        for row in rest:
            rows_by_shard[shard_of(row, key_columns, shards)].append(row)
        for shard, shard_rows in rows_by_shard.items():
            for number, row in enumerate(shard_rows):
                # a chunk has rows of one batch only, and chunks are in the order of positions
                row["shard"], row["chunk"] = shard, changes.begins_at + number // chunk_rows
        add_rows(connection, targets[table], new_rows)
        # together, since whoever merges a shard reads its rows alone
        add_rows(connection, staging[table], [*chain.from_iterable(rows_by_shard.values())])


def shard_of(row: Row, key_columns: Sequence[str], shards: int) -> int:
    """Return the shard in which the rows of a key are merged."""
    key = "\x1f".join(str(row.get(name)) for name in key_columns)
    return crc32(key.encode(errors="surrogatepass")) % shards


def merge_chunk(connection: Connection, targets: Tables, staging: Tables, shard: int) -> bool:
    """Merge the first chunk of a shard that is staged; return False when there is none any more."""
    for table, staged in staging.items():
        chunk = connection.scalar(select(func.min(staged.c.chunk)).filter_by(shard=shard))
        if chunk is not None:
            columns = [staged.c[column.name] for column in targets[table].columns]
            chunk_rows = select(*columns).filter_by(shard=shard, chunk=chunk)
            merge_from(connection, targets[table], chunk_rows)
            connection.execute(delete(staged).filter_by(shard=shard, chunk=chunk))
            return True
    return False
