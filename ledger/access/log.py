"""The access log: who has read personal or raw data, or tried to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from ledger.storage.access_tables import access_addresses, access_log

LOOKED_AT = 2_000
"""Lines in which a form looks for what it offers: the log has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One read of personal or raw data, or the attempt, by a token or a person (`user-…`).

    Shape: no `peer` where there was no network, or once its address has expired.
    """

    at: datetime
    token_id: str
    token_name: str
    role: str
    method: str
    route: str
    kind: str
    shop_id: str | None
    mode: str | None
    reference: str | None
    status: int
    peer: str | None
    id: int | None = None


def note_access(connection: Connection, access: Access) -> None:
    """Write one line of the access log, and its address, which goes earlier, beside it."""
    columns = asdict(access)
    del columns["id"]  # given by the database
    peer = columns.pop("peer")
    written = insert(access_log).values(columns).returning(access_log.c.id)
    id_ = connection.execute(written).scalar_one()
    if peer:
        connection.execute(insert(access_addresses), {"access_id": id_, "peer": peer})


def words_seen(
    connection: Connection, name: str, *, shops: Sequence[str] | None = None
) -> list[str]:
    """Return the values of a column in the newest LOOKED_AT lines, in their order."""
    c = access_log.c
    newest = select(c[name]).where(c[name].is_not(None)).order_by(c.id.desc()).limit(LOOKED_AT)
    if shops is not None:
        newest = newest.where(c.shop_id.in_(shops))
    rows = newest.subquery()
    return list(connection.scalars(select(rows.c[name]).distinct().order_by(rows.c[name])))


def accesses(
    connection: Connection,
    *,
    limit: int,
    before_id: int | None = None,
    shops: Sequence[str] | None = None,
    **equal: str | None,
) -> list[Access]:
    """Read the access log, newest first; `equal` are columns with the value they must have."""
    c, of = access_log.c, access_addresses.c
    source = access_log.outerjoin(access_addresses, of.access_id == c.id)
    query = select(access_log, of.peer).select_from(source).order_by(c.id.desc()).limit(limit)
    query = query.where(*(c[name] == value for name, value in equal.items() if value is not None))
    if shops is not None:
        query = query.where(c.shop_id.in_(shops))
    if before_id is not None:
        query = query.where(c.id < before_id)
    return [Access(**row) for row in connection.execute(query).mappings()]
