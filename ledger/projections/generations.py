"""Generations: sets of a view's tables side by side, each with its state and its position."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    inspect,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from ledger.errors import NotFoundError
from ledger.projections.folding import Poison
from ledger.projections.registry import fingerprint, projection
from ledger.projections.view import Projection, indexes_of
from ledger.projections.writing import Tables
from ledger.storage.tables import (
    generation_positions,
    generations,
    leases,
    poison_events,
)

BUILDING = "building"  # being filled, beside the one that is read
BUILT = "built"  # complete and compared, not read by anybody
LIVE = "live"  # read, and followed by the servers of its code
RETIRED = "retired"  # replaced by a newer one of the same code

STATISTICS_TARGET = 30
"""Of 300 times as many rows; PostgreSQL's own default is 100."""

LEASE_SECONDS_MAX = 120
"""Longer than any lease, and than clocks of machines that write to one database may differ."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One set of tables of one view. Shape: `shards` is among how many its filling is divided."""

    id: int
    name: str
    fingerprint: str
    state: str
    created_at: datetime
    changed_at: datetime
    shards: int

    @property
    def is_current(self) -> bool:
        """Whether the code that runs here is the code it was made by."""
        return self.fingerprint == fingerprint(projection(self.name))


@lru_cache(maxsize=64)  # so that statements on them are compiled once
def tables_of(view: Projection, generation_id: int) -> Tables:
    """The tables of one generation. Shape: declared table -> the same under a name of its own."""
    metadata = MetaData()
    return {
        table: table.to_metadata(metadata, name=f"{table.name}_g{generation_id}")
        for table in view.all_tables
    }


def all_generations(connection: Connection, name: str | None = None) -> list[Generation]:
    """Every generation, oldest first."""
    query = select(generations).order_by(generations.c.id)
    if name is not None:
        query = query.where(generations.c.name == name)
    return [Generation(**row) for row in connection.execute(query).mappings()]


def _by_bytes(table: Table) -> Table:
    """A table as it is made: its text sorts by its bytes, wherever the server stands."""
    made = table.to_metadata(MetaData())
    for column in made.columns:
        if isinstance(column.type, Text):
            column.type = _TEXT
    return made


_TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def without_key(table: Table, *, name: str | None = None) -> Table:
    """The columns of a table, and nothing that says how rows are told apart."""
    columns = [Column(one.name, one.type, nullable=one.nullable) for one in table.columns]
    return Table(name or table.name, MetaData(), *columns)


def key_index(table: Table) -> Index:
    """What makes a table that was filled without a key as if it had had one."""
    return Index(f"key_{table.name}", *table.primary_key, unique=True)


def live_generation(connection: Connection, view: Projection) -> Generation | None:
    """The generation that this code reads, when there is one."""
    return live_among(all_generations(connection, view.name), view)


def live_among(found: Iterable[Generation], view: Projection) -> Generation | None:
    """The newest live one that the code which runs here has made."""
    mine = fingerprint(view)
    live = [one for one in found if one.name == view.name and one.state == LIVE]
    return next((one for one in reversed(live) if one.fingerprint == mine), None)


def decide_alone(connection: Connection) -> None:
    """Let nobody else make or switch generations until this transaction ends."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        connection.exec_driver_sql("LOCK TABLE generations IN SHARE ROW EXCLUSIVE MODE")


def create_generation(
    connection: Connection, view: Projection, *, state: str, shards: int = 1
) -> Generation:
    """Make a new set of empty tables; a live one gets its indexes at once.

    Shape: those that are to be filled have no keys until they are: see `filling`.
    """
    now = datetime.now(UTC)
    values = {
        "name": view.name,
        "fingerprint": fingerprint(view),
        "state": state,
        "created_at": now,
        "changed_at": now,
        "shards": shards,
    }
    id_ = connection.scalar(insert(generations).returning(generations.c.id), values)
    assert id_ is not None
    for table in tables_of(view, id_).values():
        made = _by_bytes(table)
        connection.execute(CreateTable(without_key(made) if state == BUILDING else made))
    positions = [{"generation_id": id_, "shard": one, "position": 0} for one in range(shards)]
    connection.execute(insert(generation_positions), positions)
    if state == LIVE:
        for index in secondary_indexes(view, id_).values():
            create_index(connection, index)
    return Generation(id=id_, **values)  # type: ignore[arg-type]  # the values just stored


def secondary_indexes(view: Projection, generation_id: int) -> dict[str, Index]:
    """The indexes of a generation's tables, by name; made after a rebuild has filled them."""
    made = [
        one.made_on(table, number)
        for declared, table in tables_of(view, generation_id).items()
        for number, one in enumerate(indexes_of(declared))
    ]
    return {str(one.name): one for one in made}


def create_index(connection: Connection, index: Index) -> None:
    """Make a secondary index, if it is not there yet."""
    connection.execute(CreateIndex(index, if_not_exists=True))


def gather_statistics(connection: Connection, view: Projection, generation_id: int) -> None:
    """Let PostgreSQL know what was filled in, before the first list is planned on a guess.

    Others wait for it, so it looks at fewer rows than the server does when it finds the time.
    SQLite would read every index whole for it, and its lists are planned without.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL default_statistics_target = {STATISTICS_TARGET}")
        for table in tables_of(view, generation_id).values():
            connection.exec_driver_sql(f'ANALYZE "{table.name}"')


def drop_generation(connection: Connection, generation: Generation) -> None:
    """Drop a generation with its tables; of a view that no longer exists, the tables by name."""
    for table in _tables_to_drop(connection, generation):
        connection.execute(DropTable(table, if_exists=True))
    for bookkeeping in (generation_positions, poison_events):
        same = bookkeeping.c.generation_id == generation.id
        connection.execute(delete(bookkeeping).where(same))
    connection.execute(delete(leases).where(leases.c.name == lease_name(generation)))
    connection.execute(delete(generations).where(generations.c.id == generation.id))


def _tables_to_drop(connection: Connection, generation: Generation) -> list[Table]:
    """Read from the database what is there: old code may have had other tables than ours."""
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
        others = [generations.c.state == LIVE, generations.c.id != generation.id]
        retire = update(generations).where(*same_code, *others)
        connection.execute(retire.values(state=RETIRED, changed_at=now))
    mine = update(generations).where(generations.c.id == generation.id)
    connection.execute(mine.values(state=state, changed_at=now))


def positions(connection: Connection, generation_id: int) -> dict[int, int]:
    """How far each shard is. Shape: shard -> position."""
    c = generation_positions.c
    query = select(c.shard, c.position).where(c.generation_id == generation_id)
    return {row.shard: row.position for row in connection.execute(query.order_by(c.shard))}


def positions_of(connection: Connection, found: Sequence[Generation]) -> dict[Generation, int]:
    """How far each of some undivided generations is; those that were dropped are left out."""
    c = generation_positions.c
    query = select(c.generation_id, c.position).where(c.shard == 0)
    position_by_id = {row.generation_id: row.position for row in connection.execute(query)}
    return {one: position_by_id[one.id] for one in found if one.id in position_by_id}


def position_of(connection: Connection, generation: Generation, shard: int = 0) -> int:
    """How far one shard is. Errors: NotFoundError when the generation was dropped."""
    reached = positions(connection, generation.id)
    if shard not in reached:
        raise NotFoundError(f"generation {generation.id} of {generation.name} is no more")
    return reached[shard]


def stop_at(connection: Connection, generation_id: int, shard: int = 0) -> int:
    """How far it is, and will be until this transaction ends."""
    c = generation_positions.c
    query = select(c.position).where(c.generation_id == generation_id, c.shard == shard)
    return connection.scalar(query.with_for_update()) or 0


def advance(
    connection: Connection, generation_id: int, shard: int, *, before: int, after: int
) -> bool:
    """Move a position on; False when somebody else has moved it."""
    c = generation_positions.c
    mine = [c.generation_id == generation_id, c.shard == shard, c.position == before]
    statement = update(generation_positions).where(*mine).values(position=after)
    return connection.scalar(statement.returning(c.position)) is not None


def unite_shards(connection: Connection, generation_id: int) -> int:
    """Follow from one position, once every shard has come to the same one."""
    reached = positions(connection, generation_id)
    assert len(set(reached.values())) == 1, "every shard must have come to the same position"
    c = generation_positions.c
    others = [c.generation_id == generation_id, c.shard != 0]
    connection.execute(delete(generation_positions).where(*others))
    return reached[0]


def note_poison(connection: Connection, generation_id: int, found: Iterable[Poison]) -> None:
    """Note events that were passed over."""
    now = datetime.now(UTC)
    rows = [
        {
            "generation_id": generation_id,
            "position": one.position,
            "topic": one.topic,
            "error": one.error,
            "found_at": now,
        }
        for one in found
    ]
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(poison_events).on_conflict_do_nothing(), rows)


def poison_of(connection: Connection, generation_id: int) -> list[Poison]:
    """The events that a generation has passed over."""
    c = poison_events.c
    query = select(c.position, c.topic, c.error).where(c.generation_id == generation_id)
    return [Poison(*row) for row in connection.execute(query.order_by(c.position))]


def lease_name(generation: Generation) -> str:
    return f"generation:{generation.id}"


def take_lease(connection: Connection, name: str, holder: str, *, seconds: float) -> bool:
    """Become, or stay, the one who does this; False while somebody else is.

    A lease saves work; what keeps rows exact is that positions move only from where they were.
    """
    assert seconds < LEASE_SECONDS_MAX
    now = datetime.now(UTC)
    until = now + timedelta(seconds=seconds)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(leases).values(name=name, holder=holder, expires_at=until)
    statement = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": holder, "expires_at": until},
        where=or_(leases.c.holder == holder, not_(_is_valid(now))),
    )
    taken_by = connection.scalar(statement.returning(leases.c.holder))
    return taken_by is not None


def give_leases_back(connection: Connection, holder: str, *, besides: Iterable[str] = ()) -> None:
    """Let somebody else go on at once."""
    others = leases.c.name.not_in(list(besides))
    connection.execute(delete(leases).where(leases.c.holder == holder, others))


def is_leased(connection: Connection, name: str) -> bool:
    """Whether somebody holds this lease now."""
    now = datetime.now(UTC)
    query = select(leases.c.holder).where(leases.c.name == name, _is_valid(now))
    return connection.scalar(query) is not None


def _is_valid(now: datetime) -> ColumnElement[bool]:
    """Whether a lease holds now. One that would hold for longer than any is taken for was written
    by a clock that has been set back since: it binds nobody."""
    return leases.c.expires_at.between(now, now + timedelta(seconds=LEASE_SECONDS_MAX))
