"""Keep generations: sets of a read model's tables, each set with a state and a position."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from ledger.errors import NotFoundError
from ledger.projections.definition import Projection, indexes_of
from ledger.projections.engine.folding import Poison
from ledger.projections.engine.registry import PROJECTIONS, fingerprint, projection
from ledger.projections.engine.writing import Tables, upsert_into
from ledger.storage.tables import generation_positions, generations, leases, poison_events

BUILDING = "building"  # being filled, beside the one that is read
BUILT = "built"  # complete and compared, not read by anybody
LIVE = "live"  # read, and followed by the servers of its code
RETIRED = "retired"  # replaced by a newer one of the same code

PART_LENGTH = 100_000
FOLLOWING = 0
"""The part of the log that a generation follows once it is filled: all of it."""
STATISTICS_TARGET = 30
"""Of 300 times as many rows; PostgreSQL's own default is 100."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One set of tables of one read model.

    Shape: it is loaded in parts of `part_length` positions, and what is staged meanwhile is divided
    by key into `shards`.
    """

    id: int
    name: str
    fingerprint: str
    state: str
    created_at: datetime
    changed_at: datetime
    shards: int
    part_length: int

    @property
    def is_current(self) -> bool:
        """Return True if the code that runs here is the code it was made by."""
        return self.name in PROJECTIONS and self.fingerprint == fingerprint(self.model)

    @property
    def model(self) -> Projection:
        return projection(self.name)

    @property
    def tables(self) -> Tables:
        """Return its tables. Shape: declared table -> the same under a name of its own."""
        return tables_of(self.model, self.id)

    @property
    def lease_name(self) -> str:
        """Return the name of the lease that whoever follows or builds it holds."""
        return f"generation:{self.id}"


@lru_cache(maxsize=64)  # so that statements on them are compiled once
def tables_of(model: Projection, generation_id: int) -> Tables:
    metadata = MetaData()
    return {
        table: table.to_metadata(metadata, name=f"{table.name}_g{generation_id}")
        for table in model.all_tables
    }


def all_generations(connection: Connection, **columns: str) -> list[Generation]:
    """Return every generation with these values in its columns, oldest first."""
    query = select(generations).filter_by(**columns).order_by(generations.c.id)
    return [Generation(**row) for row in connection.execute(query).mappings()]


def _sorted_by_bytes(table: Table) -> Table:
    """Return the table as it is created: its text sorts by its bytes, wherever the server is."""
    copy = table.to_metadata(MetaData())
    for column in copy.columns:
        if isinstance(column.type, Text):
            column.type = _TEXT
    return copy


_TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def without_key(table: Table, *more_columns: Column[Any], name: str) -> Table:
    """Return a table of another name with the same columns, and more, and no primary key."""
    columns = [
        Column(column.name, column.type, nullable=column.nullable) for column in table.columns
    ]
    return Table(name, MetaData(), *columns, *more_columns)


def live_generations(connection: Connection) -> dict[str, Generation]:
    """Return the newest live generations that this code has made, by name, in registry order."""
    live = all_generations(connection, state=LIVE)
    current = {generation.name: generation for generation in live if generation.is_current}
    return {name: current[name] for name in PROJECTIONS if name in current}


def live_generation(connection: Connection, model: Projection) -> Generation | None:
    """Return the generation that this code reads, when there is one."""
    return live_generations(connection).get(model.name)


def outdated_views(connection: Connection) -> list[str]:
    """Return the read models that other code has built and this code not yet.

    One that nobody has built is not among them: the service creates it when it starts.
    """
    built = {generation.name for generation in all_generations(connection, state=LIVE)}
    return [name for name in PROJECTIONS if name in built - live_generations(connection).keys()]


def decide_alone(connection: Connection) -> None:
    """Let nobody else make or switch generations until this transaction ends."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        connection.exec_driver_sql("LOCK TABLE generations IN SHARE ROW EXCLUSIVE MODE")


def create_generation(
    connection: Connection,
    model: Projection,
    *,
    state: str,
    shards: int = 1,
    part_length: int = PART_LENGTH,
    is_keyed: bool = False,
) -> Generation:
    """Create a generation with empty tables; a live one gets its keys and indexes at once.

    Shape: the tables of one that is to be built get them after the bulk load, unless `is_keyed`:
    then it is filled with nothing, and follows from there.
    """
    now = datetime.now(UTC)
    is_loaded_in_parts = state == BUILDING and not is_keyed
    stored = insert(generations).values(
        name=model.name,
        fingerprint=fingerprint(model),
        state=state,
        created_at=now,
        changed_at=now,
        shards=shards,
        part_length=part_length,
    )
    row = connection.execute(stored.returning(generations)).mappings().one()
    generation = Generation(**row)
    for table in generation.tables.values():
        created = _sorted_by_bytes(table)
        if is_loaded_in_parts:
            created = without_key(created, name=table.name)
        connection.execute(CreateTable(created))
    if not is_loaded_in_parts:
        follow_from(connection, generation.id, 0)
    if state == LIVE or is_keyed:
        for index in secondary_indexes(generation).values():
            connection.execute(CreateIndex(index))
    return generation


def secondary_indexes(generation: Generation) -> dict[str, Index]:
    """Return the indexes of a generation's tables, by name; created after the bulk load."""
    tables = generation.tables.values()
    return {str(index.name): index for table in tables for index in indexes_of(table)}


def gather_statistics(connection: Connection, generation: Generation) -> None:
    """Let PostgreSQL know what was loaded, before the first list is planned on a guess.

    Others wait for it, so it looks at fewer rows than the server does when it finds the time.
    SQLite would read every index whole for it, and its lists are planned without.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL default_statistics_target = {STATISTICS_TARGET}")
        for table in generation.tables.values():
            connection.exec_driver_sql(f'ANALYZE "{table.name}"')


def drop_generation(connection: Connection, generation: Generation) -> None:
    """Drop a generation with its tables, also those of a read model that no longer exists."""
    # read from the database what is there: old code may have had other tables than ours
    for table in inspect(connection).get_table_names():
        if table.endswith(f"_g{generation.id}"):
            connection.execute(DropTable(Table(table, MetaData()), if_exists=True))
    for bookkeeping in (generation_positions, poison_events):
        connection.execute(delete(bookkeeping).filter_by(generation_id=generation.id))
    connection.execute(delete(leases).filter_by(name=generation.lease_name))
    connection.execute(delete(generations).filter_by(id=generation.id))


def change_state(connection: Connection, generation: Generation, state: str) -> None:
    """Move a generation on; when it becomes live, the one before it of the same code retires."""
    now = datetime.now(UTC)
    if state == LIVE:
        same_code = {"name": generation.name, "fingerprint": generation.fingerprint}
        retire = update(generations).filter_by(state=LIVE, **same_code)
        retire = retire.where(generations.c.id != generation.id)
        connection.execute(retire.values(state=RETIRED, changed_at=now))
    move = update(generations).filter_by(id=generation.id)
    connection.execute(move.values(state=state, changed_at=now))


def positions(connection: Connection, generation_id: int) -> dict[int, int]:
    """Return the position of each part. Shape: part -> position."""
    c = generation_positions.c
    query = select(c.part, c.position).where(c.generation_id == generation_id)
    return dict(connection.execute(query.order_by(c.part)).all())


def reached_positions(connection: Connection) -> dict[int, int]:
    """Return how far every filled generation has come. Shape: generation id -> position."""
    c = generation_positions.c
    query = select(c.generation_id, c.position).where(c.part == FOLLOWING)
    return dict(connection.execute(query).all())


def last_moves(connection: Connection) -> dict[int, datetime]:
    """Return when each generation last moved, by id."""
    c = generation_positions.c
    query = select(c.generation_id, func.max(c.moved_at)).group_by(c.generation_id)
    return dict(connection.execute(query).all())


def position_of(connection: Connection, generation: Generation, part: int = FOLLOWING) -> int:
    """Return the position of a part. Errors: NotFoundError when the generation was dropped."""
    position_by_part = positions(connection, generation.id)
    if part not in position_by_part:
        raise NotFoundError(f"generation {generation.id} of {generation.name} is no more")
    return position_by_part[part]


def lock_position(connection: Connection, generation_id: int) -> int:
    """Return the position of a generation; nobody moves it until this transaction ends."""
    query = select(generation_positions.c.position)
    query = query.filter_by(generation_id=generation_id, part=FOLLOWING)
    return connection.scalar(query.with_for_update()) or 0


def advance(
    connection: Connection, generation_id: int, part: int, *, from_position: int, to_position: int
) -> bool:
    """Move a position on; return False when somebody else has moved it."""
    ours = {"generation_id": generation_id, "part": part, "position": from_position}
    statement = update(generation_positions).filter_by(**ours)
    statement = statement.values(position=to_position, moved_at=datetime.now(UTC))
    return connection.scalar(statement.returning(generation_positions.c.position)) is not None


def follow_from(connection: Connection, generation_id: int, position: int) -> None:
    """Let a generation follow from a position on, to which all of its parts are loaded."""
    c = generation_positions.c
    connection.execute(delete(generation_positions).where(c.generation_id == generation_id))
    start = {"generation_id": generation_id, "part": FOLLOWING, "position": position}
    connection.execute(insert(generation_positions), start | {"moved_at": datetime.now(UTC)})


def note_poison(connection: Connection, generation_id: int, skipped: Iterable[Poison]) -> None:
    """Store which events a generation has skipped."""
    now = datetime.now(UTC)
    rows = [
        {"generation_id": generation_id, "found_at": now, **asdict(poison)} for poison in skipped
    ]
    if rows:
        connection.execute(upsert_into(connection, poison_events).on_conflict_do_nothing(), rows)


def poison_of(connection: Connection, generation_id: int) -> list[Poison]:
    """Return the events that a generation has skipped."""
    c = poison_events.c
    query = select(c.position, c.topic, c.error).where(c.generation_id == generation_id)
    return [Poison(*row) for row in connection.execute(query.order_by(c.position))]
