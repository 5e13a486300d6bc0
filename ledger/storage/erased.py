"""What was erased: which secrets, by which erasure or expiry, and of which transactions all."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Table, bindparam, case, func, select, union_all
from sqlalchemy.dialects import postgresql, sqlite

from ledger.storage.database import padded
from ledger.storage.erasure_tables import erased_origins, erased_streams, erasures, expiries
from ledger.storage.log_tables import log_entries
from ledger.storage.sealed_rows import SealedOrigin
from ledger.storage.tables import stream_names

BODY, PERSONAL = "body", "personal"
INTENT, DONE = "intent", "done"


class ErasureMark(NamedTuple):
    """Why something cannot be read any more.

    Shape: `id` is that of the erasure or of the expiry; `entry_index` where the log says so, None
    while it does not yet.
    """

    id: str
    recorded_at: datetime
    entry_index: int | None

    @property
    def words(self) -> str:
        """Return it in words, for a person."""
        where = "" if self.entry_index is None else f", entry {self.entry_index}"
        return f"erased {self.recorded_at:%Y-%m-%d}{where}"


def erased_names(connection: Connection, name_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the erasures of transactions. Shape: by those of these streams and names of streams
    that lead to an erased one."""
    if not name_ids or connection.scalar(_HAS_ERASED) is None:  # most ledgers have none
        return {}
    rows = connection.execute(_ERASED_NAMES, {"ids": padded(sorted(name_ids))})
    return {row[0]: row.erasure_id for row in rows}


def add_erased(
    connection: Connection, erasure_by_origin: Mapping[str, str], what: Sequence[str]
) -> None:
    """Note that the secrets of these origins are destroyed, or never stored."""
    rows = [
        {"origin_id": id_, "what": each, "erasure_id": erasure_id}
        for id_, erasure_id in erasure_by_origin.items()
        for each in what
    ]
    insert_missing(connection, erased_origins, rows)


def add_unreadable(
    connection: Connection,
    sealed_origins: Iterable[SealedOrigin],
    erasure_by_origin: Mapping[str, str],
) -> None:
    """Note which secrets of new origins are not stored: they are about erased transactions."""
    for each in sealed_origins:
        secrets = {BODY: each.body_secret, PERSONAL: each.personal_secret}
        what = [name for name, secret in secrets.items() if secret is not None]
        add_erased(connection, {each.origin_id: erasure_by_origin[each.origin_id]}, what)


def insert_missing(
    connection: Connection, table: Table, table_rows: Sequence[Mapping[str, Any]]
) -> None:
    """Add those of these rows whose keys are not in the table."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    if table_rows:
        connection.execute(insert(table).on_conflict_do_nothing(), list(table_rows))


def erasure_marks(
    connection: Connection, origin_ids: Collection[str], what: str
) -> dict[str, ErasureMark]:
    """Return why the secrets of origins are gone; those without an erasure or expiry are left out.

    Shape: `what` is `body` or `personal`; by origin.
    """
    if not origin_ids:
        return {}
    rows = connection.execute(_BY_ERASURE, {"ids": padded(sorted(origin_ids)), "what": what})
    marks = {row.origin_id: ErasureMark(*row[1:]) for row in rows}
    missing = sorted({*origin_ids} - marks.keys())
    if missing:
        expired = connection.execute(_EXPIRIES[what], {"first": missing[0]}).all()
        for id_ in missing:
            first = next((row for row in expired if row.until > id_), None)
            if first is not None:
                marks[id_] = ErasureMark(*first[1:])
    return marks


_HAS_ERASED = select(erased_streams.c.erasure_id).limit(1)
_ERASED_NAMES = union_all(
    select(erased_streams.c.originator_id, erased_streams.c.erasure_id).where(
        erased_streams.c.originator_id.in_(bindparam("ids", expanding=True))
    ),
    select(stream_names.c.name_id, erased_streams.c.erasure_id)
    .join(erased_streams, erased_streams.c.originator_id == stream_names.c.originator_id)
    .where(stream_names.c.name_id.in_(bindparam("ids", expanding=True))),
)
_LOG = select(func.max(log_entries.c.log)).scalar_subquery()


def _entry_of(table: Table) -> Any:
    return (
        select(log_entries.c.entry_index)
        .where(log_entries.c.log == _LOG, log_entries.c.origin_id == table.c.id)
        .scalar_subquery()
    )


_BY_ERASURE = (
    select(
        erased_origins.c.origin_id,
        erasures.c.erasure_id,
        erasures.c.recorded_at,
        _entry_of(erasures),
    )
    .join(erasures, erasures.c.erasure_id == erased_origins.c.erasure_id)
    .where(
        erased_origins.c.origin_id.in_(bindparam("ids", expanding=True)),
        erased_origins.c.what == bindparam("what"),
    )
    .order_by(case((erasures.c.phase == DONE, 1), else_=0))
)
"""The later row counts: that of what is done, as soon as it is there."""
_EXPIRIES = {
    what: select(
        expiries.c[f"{what}_until"].label("until"),
        expiries.c.id,
        expiries.c.recorded_at,
        _entry_of(expiries),
    )
    .where(expiries.c[f"{what}_until"] > bindparam("first"))
    .order_by(expiries.c.place)
    for what in (BODY, PERSONAL)
}
