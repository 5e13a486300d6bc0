"""Keep generations: sets of a read model's tables, each set with a state and a position."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import (
    Column,
    Connection,
    Index,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from ledger.errors import NotFoundError
from ledger.projections.definition import Projection, indexes_of
from ledger.projections.engine.folding import Poison
from ledger.projections.engine.registry import fingerprint, projection
from ledger.projections.engine.writing import Tables
from ledger.storage.tables import generation_positions, generations, leases, poison_events

BUILDING = "building"  # being filled, beside the one that is read
BUILT = "built"  # complete and compared, not read by anybody
LIVE = "live"  # read, and followed by the servers of its code
RETIRED = "retired"  # replaced by a newer one of the same code

STATISTICS_TARGET = 30
"""Of 300 times as many rows; PostgreSQL's own default is 100."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One set of tables of one read model. Shape: its bulk load is divided among `shards`."""

    id: int
    name: str
    fingerprint: str
    state: str
    created_at: datetime
    changed_at: datetime
    shards: int

    @property
    def is_current(self) -> bool:
        """Return True if the code that runs here is the code it was made by."""
        return self.fingerprint == fingerprint(projection(self.name))

    @property
    def lease_name(self) -> str:
        """Return the name of the lease that whoever follows or builds it holds."""
        return f"generation:{self.id}"


@lru_cache(maxsize=64)  # so that statements on them are compiled once
def tables_of(model: Projection, generation_id: int) -> Tables:
    """Return a generation's tables. Shape: declared table -> the same under a name of its own."""
    metadata = MetaData()
    return {
        table: table.to_metadata(metadata, name=f"{table.name}_g{generation_id}")
        for table in model.all_tables
    }


def all_generations(connection: Connection, name: str | None = None) -> list[Generation]:
    """Return every generation, oldest first."""
    query = select(generations).order_by(generations.c.id)
    if name is not None:
        query = query.where(generations.c.name == name)
    return [Generation(**row) for row in connection.execute(query).mappings()]


def _sorted_by_bytes(table: Table) -> Table:
    """Return the table as it is created: its text sorts by its bytes, wherever the server is."""
    copy = table.to_metadata(MetaData())
    for column in copy.columns:
        if isinstance(column.type, Text):
            column.type = _TEXT
    return copy


_TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def without_key(table: Table, *, name: str | None = None) -> Table:
    """Return a table with the same columns and no primary key."""
    columns = [
        Column(column.name, column.type, nullable=column.nullable) for column in table.columns
    ]
    return Table(name or table.name, MetaData(), *columns)


def key_index(table: Table) -> Index:
    """Return the index that makes up for the primary key a table was loaded without."""
    return Index(f"key_{table.name}", *table.primary_key, unique=True)


def live_generation(connection: Connection, model: Projection) -> Generation | None:
    """Return the generation that this code reads, when there is one."""
    return live_among(all_generations(connection, model.name), model)


def live_among(candidates: Iterable[Generation], model: Projection) -> Generation | None:
    """Return the newest live generation that the code which runs here has made."""
    live = [
        generation
        for generation in candidates
        if generation.name == model.name
        and generation.state == LIVE
        and generation.fingerprint == fingerprint(model)
    ]
    return live[-1] if live else None


def decide_alone(connection: Connection) -> None:
    """Let nobody else make or switch generations until this transaction ends."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        connection.exec_driver_sql("LOCK TABLE generations IN SHARE ROW EXCLUSIVE MODE")


def create_generation(
    connection: Connection, model: Projection, *, state: str, shards: int = 1
) -> Generation:
    """Create a generation with empty tables; a live one gets its indexes at once.

    Shape: the tables of one that is to be built get their keys after the bulk load.
    """
    now = datetime.now(UTC)
    values = {
        "name": model.name,
        "fingerprint": fingerprint(model),
        "state": state,
        "created_at": now,
        "changed_at": now,
        "shards": shards,
    }
    id_ = connection.scalar(insert(generations).returning(generations.c.id), values)
    assert id_ is not None
    for table in tables_of(model, id_).values():
        created = _sorted_by_bytes(table)
        connection.execute(CreateTable(without_key(created) if state == BUILDING else created))
    starts = [{"generation_id": id_, "shard": shard, "position": 0} for shard in range(shards)]
    connection.execute(insert(generation_positions), starts)
    if state == LIVE:
        for index in secondary_indexes(model, id_).values():
            create_index(connection, index)
    return Generation(id=id_, **values)  # type: ignore[arg-type]  # the values just stored


def secondary_indexes(model: Projection, generation_id: int) -> dict[str, Index]:
    """Return the indexes of a generation's tables, by name; created after the bulk load."""
    tables = tables_of(model, generation_id).values()
    return {str(index.name): index for table in tables for index in indexes_of(table)}


def create_index(connection: Connection, index: Index) -> None:
    """Create an index, if it is not there yet."""
    connection.execute(CreateIndex(index, if_not_exists=True))


def gather_statistics(connection: Connection, model: Projection, generation_id: int) -> None:
    """Let PostgreSQL know what was loaded, before the first list is planned on a guess.

    Others wait for it, so it looks at fewer rows than the server does when it finds the time.
    SQLite would read every index whole for it, and its lists are planned without.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL default_statistics_target = {STATISTICS_TARGET}")
        for table in tables_of(model, generation_id).values():
            connection.exec_driver_sql(f'ANALYZE "{table.name}"')


def drop_generation(connection: Connection, generation: Generation) -> None:
    """Drop a generation with its tables, also those of a read model that no longer exists."""
    for table in _tables_to_drop(connection, generation):
        connection.execute(DropTable(table, if_exists=True))
    for bookkeeping in (generation_positions, poison_events):
        same = bookkeeping.c.generation_id == generation.id
        connection.execute(delete(bookkeeping).where(same))
    connection.execute(delete(leases).where(leases.c.name == generation.lease_name))
    connection.execute(delete(generations).where(generations.c.id == generation.id))


def _tables_to_drop(connection: Connection, generation: Generation) -> list[Table]:
    # read from the database what is there: old code may have had other tables than ours
    suffix = f"_g{generation.id}"
    names = [name for name in inspect(connection).get_table_names() if name.endswith(suffix)]
    return [Table(name, MetaData()) for name in names]


def change_state(connection: Connection, generation: Generation, state: str) -> None:
    """Move a generation on; when it becomes live, the one before it of the same code retires."""
    same_code = [
        generations.c.name == generation.name,
        generations.c.fingerprint == generation.fingerprint,
    ]
    now = datetime.now(UTC)
    if state == LIVE:
        is_replaced = [generations.c.state == LIVE, generations.c.id != generation.id]
        retire = update(generations).where(*same_code, *is_replaced)
        connection.execute(retire.values(state=RETIRED, changed_at=now))
    move = update(generations).where(generations.c.id == generation.id)
    connection.execute(move.values(state=state, changed_at=now))


def positions(connection: Connection, generation_id: int) -> dict[int, int]:
    """Return the position of each shard. Shape: shard -> position."""
    c = generation_positions.c
    query = select(c.shard, c.position).where(c.generation_id == generation_id)
    return {row.shard: row.position for row in connection.execute(query.order_by(c.shard))}


def positions_of(connection: Connection, followed: Sequence[Generation]) -> dict[Generation, int]:
    """Return the position of each undivided generation; those that were dropped are left out."""
    c = generation_positions.c
    query = select(c.generation_id, c.position).where(c.shard == 0)
    position_by_id = {row.generation_id: row.position for row in connection.execute(query)}
    return {
        generation: position_by_id[generation.id]
        for generation in followed
        if generation.id in position_by_id
    }


def position_of(connection: Connection, generation: Generation, shard: int = 0) -> int:
    """Return the position of a shard. Errors: NotFoundError when the generation was dropped."""
    position_by_shard = positions(connection, generation.id)
    if shard not in position_by_shard:
        raise NotFoundError(f"generation {generation.id} of {generation.name} is no more")
    return position_by_shard[shard]


def lock_position(connection: Connection, generation_id: int, shard: int = 0) -> int:
    """Return the position of a shard, and let nobody move it until this transaction ends."""
    c = generation_positions.c
    query = select(c.position).where(c.generation_id == generation_id, c.shard == shard)
    return connection.scalar(query.with_for_update()) or 0


def advance(
    connection: Connection, generation_id: int, shard: int, *, from_position: int, to_position: int
) -> bool:
    """Move a position on; return False when somebody else has moved it."""
    c = generation_positions.c
    is_ours = [c.generation_id == generation_id, c.shard == shard, c.position == from_position]
    statement = update(generation_positions).where(*is_ours).values(position=to_position)
    return connection.scalar(statement.returning(c.position)) is not None


def unite_shards(connection: Connection, generation_id: int) -> int:
    """Leave one position for all shards, once each of them has come to the same one; return it."""
    position_by_shard = positions(connection, generation_id)
    assert len(set(position_by_shard.values())) == 1, "shards must be at the same position"
    c = generation_positions.c
    is_united = [c.generation_id == generation_id, c.shard != 0]
    connection.execute(delete(generation_positions).where(*is_united))
    return position_by_shard[0]


def note_poison(connection: Connection, generation_id: int, skipped: Iterable[Poison]) -> None:
    """Store which events a generation has skipped."""
    now = datetime.now(UTC)
    rows = [
        {"generation_id": generation_id, "found_at": now, **asdict(poison)} for poison in skipped
    ]
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(poison_events).on_conflict_do_nothing(), rows)


def poison_of(connection: Connection, generation_id: int) -> list[Poison]:
    """Return the events that a generation has skipped."""
    c = poison_events.c
    query = select(c.position, c.topic, c.error).where(c.generation_id == generation_id)
    return [Poison(*row) for row in connection.execute(query.order_by(c.position))]
