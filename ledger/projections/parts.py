"""The units of work that a rebuild is divided into, which any process can do."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy import delete

from ledger.projections import generations as g
from ledger.projections.filling import create_waiting, merge_turn, pairs_of, write_unmerged
from ledger.projections.follower import Follower
from ledger.projections.reading import Shard
from ledger.projections.registry import projection
from ledger.projections.writing import group_all, write_rows
from ledger.storage.database import FILLING, SORTING, Database, Work

BATCH = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """Which generation is worked at, on any machine that reaches the database."""

    database_url: str
    generation_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Part:
    """One shard of the log, up to a position."""

    place: Place
    shard: int
    shards: int
    until: int


def fill_part(part: Part) -> int:
    """Fill one shard of a generation up to a position, from wherever it stands."""
    gc.set_threshold(100_000, 50, 50)  # rows by the thousand, and no cycles among them
    with opened(part.place, FILLING) as database:
        with database.connect() as connection:
            every = g.all_generations(connection)
        generation = next(one for one in every if one.id == part.place.generation_id)
        view = projection(part.place.name)
        pairs = pairs_of(view, generation.id, part.shard)
        with database.begin() as connection:
            create_waiting(connection, pairs)
        shard = Shard(part.shard, part.shards)
        write = partial(write_unmerged, pairs=pairs)
        follower = Follower(database, generation, view, shard, write=write)
        while (position := follower.step(part.until, BATCH)) < part.until:
            pass
        return position


def make_keys(place: Place, shards: int = 1) -> None:
    """Give the tables of a filled generation their keys."""
    view = projection(place.name)
    targets = g.tables_of(view, place.generation_id).values()
    waiting = [
        pair for one in range(shards) for pair in pairs_of(view, place.generation_id, one).values()
    ]
    with opened(place, SORTING) as database:
        for index in (*map(g.key_index, targets), *(pair.turns for pair in waiting)):
            with database.begin() as connection:  # in turns, for whoever receives
                g.create_index(connection, index)


def merge_waiting(place: Place, shard: int = 0) -> None:
    """Merge the rows of one shard that wait for the keys, in their order."""
    pairs = pairs_of(projection(place.name), place.generation_id, shard)
    with opened(place, FILLING) as database:
        is_left = True
        while is_left:
            with database.begin() as connection:
                g.stop_at(connection, place.generation_id, shard)  # nobody else merges the same
                is_left = merge_turn(connection, pairs)


def make_groups(place: Place) -> None:
    """Make a generation's grouped tables from nothing, over all shards."""
    view = projection(place.name)
    tables = g.tables_of(view, place.generation_id)
    with opened(place, FILLING) as database:
        if not database.is_sqlite:
            with database.begin() as connection:
                group_all(connection, view, tables)
            return
        for one in view.groupings:  # in turns, so that whoever receives need not wait for all
            with database.begin() as connection:
                connection.execute(delete(tables[one.table]))
            with database.connect() as reader:
                found = reader.execute(one.select(tables[one.source])).mappings()
                for rows in found.partitions(BATCH):
                    told = [dict(row) for row in rows]
                    with database.begin() as connection:
                        write_rows(connection, tables[one.table], told, new=told)


def make_index(place: Place, name: str) -> str:
    """Make one secondary index of a generation, if it is not there yet; its name."""
    with opened(place, SORTING) as database, database.begin() as connection:
        indexes = g.secondary_indexes(projection(place.name), place.generation_id)
        g.create_index(connection, indexes[name])
    return name


@contextmanager
def opened(place: Place, work: Work) -> Iterator[Database]:
    database = Database(place.database_url, pool_size=1, work=work)
    try:
        yield database
    finally:
        database.dispose()
