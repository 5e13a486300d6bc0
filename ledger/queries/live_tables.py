"""Finds the table of a read model that this code reads, and how far it has followed the events."""

from sqlalchemy import Connection, Table, bindparam, func, select

from ledger.errors import ViewNotBuiltError
from ledger.projections.engine.generations import LIVE, tables_of
from ledger.projections.engine.registry import fingerprint, projection
from ledger.storage.tables import events, generation_positions, generations


def live_table(connection: Connection, view: str, table_name: str) -> tuple[Table, int, int]:
    """Return the table that this code reads, its position, and its lag behind the events.

    Errors: ViewNotBuiltError.
    """
    read_model = projection(view)
    identity = {"view": view, "fingerprint": fingerprint(read_model)}
    state = connection.execute(_STATE, identity).one_or_none()
    if state is None:
        command = f"run `ledger rebuild {view}`"
        raise ViewNotBuiltError(f"the read model {view} is not built for this version: {command}")
    position, newest = int(state.position or 0), int(state.newest or 0)
    tables = {each.name: table for each, table in tables_of(read_model, state.id).items()}
    return tables[table_name], position, max(0, newest - position)


_STATE = (
    select(
        generations.c.id,
        select(func.min(generation_positions.c.position))
        .where(generation_positions.c.generation_id == generations.c.id)
        .scalar_subquery()
        .label("position"),
        select(func.max(events.c.position)).scalar_subquery().label("newest"),
    )
    .where(
        generations.c.name == bindparam("view"),
        generations.c.fingerprint == bindparam("fingerprint"),
        generations.c.state == LIVE,
    )
    .order_by(generations.c.id.desc())
    .limit(1)
)
