"""Finds the stream of a transaction by any of its names: by its uuid, or by what it is without."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from ledger.storage.prepared import PreparedQuery, insert_rows
from ledger.storage.tables import stream_names


def add_names(connection: Connection, stream_by_name: Mapping[UUID, UUID]) -> None:
    """Store which streams names lead to.

    Errors: IntegrityError when another writer has stored one of them.
    """
    insert_rows(connection, stream_names, name_rows(stream_by_name))


def name_rows(stream_by_name: Mapping[UUID, UUID]) -> list[dict[str, UUID]]:
    """Return the rows of some names."""
    return [{"name_id": name, "originator_id": id_} for name, id_ in stream_by_name.items()]


def streams_by_name(connection: Connection, name_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return the streams that names lead to; names that nobody has used are left out."""
    if not name_ids:
        return {}
    return dict(_STREAMS.rows(connection, ids=name_ids))


def stream_named(connection: Connection, name_id: UUID) -> UUID:
    """Return the stream that a name leads to; one that nobody has used would begin its own."""
    return streams_by_name(connection, [name_id]).get(name_id, name_id)


_STREAMS = PreparedQuery(
    select(stream_names).where(stream_names.c.name_id.in_(bindparam("ids", expanding=True)))
)
