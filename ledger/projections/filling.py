"""The tables of a generation while it is filled: without keys, which are made when all is there.

A key that is kept while rows come in costs more than all else that inserting does. So rows that are
certainly new go straight to their table; the others wait in one beside it, and are merged in their
order once the key is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Index, Table, delete, func, inspect, select
from sqlalchemy.schema import CreateTable, DropTable

from ledger.projections import generations as g
from ledger.projections.folding import Folded
from ledger.projections.view import Projection
from ledger.projections.writing import add_rows, divided, merge_from

TURN = 5_000
"""Rows that are merged in one transaction, while whoever receives waits on SQLite."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A table of a generation, and the one beside it, whose rows are merged turn by turn."""

    target: Table
    waiting: Table

    @property
    def turns(self) -> Index:
        return Index(f"turns_{self.waiting.name}", self.waiting.c.turn)


Pairs = Mapping[Table, Pair]
"""The declared table -> where its rows go."""


def pairs_of(view: Projection, generation_id: int, shard: int = 0) -> Pairs:
    """Where the rows of one shard of a generation go: each has waiting tables of its own."""
    pairs = {}
    for table, target in g.tables_of(view, generation_id).items():
        if table in view.tables:
            waiting = g.without_key(target, name=f"waiting{shard}_{target.name}")
            waiting.append_column(Column("turn", BigInteger, nullable=False))
            pairs[table] = Pair(target, waiting)
    return pairs


def create_waiting(connection: Connection, pairs: Pairs) -> None:
    """Make the tables in which rows wait, where they are not there yet."""
    for pair in pairs.values():
        connection.execute(CreateTable(pair.waiting, if_not_exists=True))


def write_unmerged(connection: Connection, folded: Folded, *, pairs: Pairs) -> None:
    """Add what a batch brings to the tables or to what waits; no key is looked up."""
    for table, rows in folded.rows.items():
        new, others = divided(rows, folded.new.get(table, ()))
        for number, row in enumerate(others):
            row["turn"] = folded.begins_at + number // TURN  # of no other batch, and in its order
        add_rows(connection, pairs[table].target, new)
        add_rows(connection, pairs[table].waiting, others)


def merge_turn(connection: Connection, pairs: Pairs) -> bool:
    """Merge the first rows that wait, all of one turn; False when there are none any more."""
    for pair in pairs.values():
        if not inspect(connection).has_table(pair.waiting.name):
            continue
        turn = connection.scalar(select(func.min(pair.waiting.c.turn)))
        if turn is None:
            connection.execute(DropTable(pair.waiting))
            continue
        this = pair.waiting.c.turn == turn
        columns = [pair.waiting.c[one.name] for one in pair.target.columns]
        # several may bring the same key: in one order they wait for each other, never in a circle
        in_order = [pair.waiting.c[one.name] for one in pair.target.primary_key]
        merge_from(connection, pair.target, select(*columns).where(this).order_by(*in_order))
        connection.execute(delete(pair.waiting).where(this))
        return True
    return False
