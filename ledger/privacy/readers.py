"""Who has read what is to be erased, or was: the recipients whom somebody may have to tell."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from ledger.instants import write_public_instant
from ledger.privacy.selection import deliveries_among, positions_of, references_of
from ledger.storage.access_tables import access_log
from ledger.storage.database import chunks

READ = range(200, 300)
_WHOLE = ("events", "export of events", "export of notifications")
"""Reads of a part of the ledger: they may have held the data, or not."""


@dataclass(frozen=True, slots=True)
class ReaderOfData:
    """One token or user. Shape: `is_certain` is False where a list or an export was read."""

    name: str
    role: str
    count: int
    first_at: datetime
    last_at: datetime
    is_certain: bool

    @property
    def document(self) -> dict[str, Any]:
        """Return it for a machine."""
        instants = {
            name: write_public_instant(getattr(self, name)) for name in ("first_at", "last_at")
        }
        return asdict(self) | instants


def readers_of(connection: Connection, origin_ids: Collection[str]) -> list[ReaderOfData]:
    """Return who has read data of these origins, as the access log says."""
    deliveries = deliveries_among(connection, origin_ids)
    positions = [str(position) for position in positions_of(connection, origin_ids)]
    c = access_log.c
    readers: list[ReaderOfData] = []
    for condition, references in (
        (c.kind == "raw", deliveries),
        (c.kind == "evidence", positions),
        (c.kind.not_in(("raw", "evidence", *_WHOLE)), references_of(connection, origin_ids)),
    ):
        for chunk in chunks(sorted(references)):
            readers += _grouped(connection, and_(condition, c.reference.in_(chunk)))
    if origin_ids:
        readers += _grouped(connection, c.kind.in_(_WHOLE), is_certain=False)
    return _united(readers)


def _grouped(
    connection: Connection, condition: ColumnElement[bool], *, is_certain: bool = True
) -> list[ReaderOfData]:
    c = access_log.c
    query = (
        select(c.token_name, c.role, func.count(), func.min(c.at), func.max(c.at))
        .where(condition, c.status.between(READ.start, READ.stop - 1))
        .group_by(c.token_name, c.role)
    )
    return [
        ReaderOfData(name, role, count, first_at, last_at, is_certain)
        for name, role, count, first_at, last_at in connection.execute(query)
    ]


def _united(readers: Collection[ReaderOfData]) -> list[ReaderOfData]:
    """Return one line for each reader, by name."""
    by_name: dict[tuple[str, str, bool], list[ReaderOfData]] = {}
    for reader in readers:
        by_name.setdefault((reader.name, reader.role, reader.is_certain), []).append(reader)
    return [
        ReaderOfData(
            name,
            role,
            sum(each.count for each in same),
            min(each.first_at for each in same),
            max(each.last_at for each in same),
            is_certain,
        )
        for (name, role, is_certain), same in sorted(by_name.items())
    ]
