"""Sealed contents and the locked secrets that open them; nothing here can open either.

Contents of old months may lie elsewhere: whoever reads them here need not know.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import BindParameter, Connection, bindparam, delete, func, select

from ledger.storage.archives import archived_bodies, month_after
from ledger.storage.database import Database, padded
from ledger.storage.prepared import insert_rows
from ledger.storage.tables import bodies, origin_secrets

MONTHS_AHEAD = 3


@dataclass(frozen=True, slots=True)
class SealedOrigin:
    """What one origin seals, and the secrets that open it, locked by a master key.

    Shape: `body` and `body_secret` are None where no delivery came, `personal` and
    `personal_secret` where its events have no sealed part.
    """

    origin_id: str
    master: str
    body_secret: bytes | None = None
    personal_secret: bytes | None = None
    body: bytes | None = None
    personal: bytes | None = None


class LockedFrame(NamedTuple):
    """A sealed content. Shape: without `secret` it was destroyed, without `frame` there is none."""

    origin_id: str
    frame: bytes | None
    master: str | None
    secret: bytes | None


def add_sealed(
    connection: Connection,
    sealed_origins: Sequence[SealedOrigin],
    erased_ids: Collection[str] = (),
) -> None:
    """Store what origins seal, with their secrets, but for those of erased ones."""
    if sealed_origins:
        rows = [_values(each, _CONTENTS) for each in sealed_origins]
        insert_rows(connection, bodies, rows)
        readable = [each for each in sealed_origins if each.origin_id not in erased_ids]
        add_secrets(connection, readable)


def add_secrets(connection: Connection, sealed_origins: Sequence[SealedOrigin]) -> None:
    """Store the secrets alone of what is sealed elsewhere."""
    rows = [_values(each, _SECRETS) for each in sealed_origins]
    insert_rows(connection, origin_secrets, rows)


def body_frames(connection: Connection, ids: Collection[str]) -> list[LockedFrame]:
    """Read the sealed raw bodies of deliveries of the inbox, in no order.

    Errors: ArchiveError when one lies elsewhere and cannot be read; MissingExtraError.
    """
    return _frames(connection, "body", ids)


def personal_frames(connection: Connection, ids: Collection[str]) -> list[LockedFrame]:
    """Read what the events of origins say besides what is harmless, in no order.

    Errors: as `body_frames`.
    """
    return _frames(connection, "personal", ids)


def body_secrets(connection: Connection, ids: Collection[str]) -> list[LockedFrame]:
    """Read the secrets of raw bodies, without the bodies: they stand where these would."""
    secrets = _locked_secrets(connection, "body", ids)
    return [LockedFrame(id_, secret, master, secret) for id_, (master, secret) in secrets.items()]


def destroy_secrets(connection: Connection, ids: Collection[str]) -> None:
    """Destroy all secrets of origins: what they sealed can never be read again."""
    connection.execute(delete(origin_secrets).where(origin_secrets.c.origin_id.in_(padded([*ids]))))


def add_months(database: Database, now: datetime) -> list[str]:
    """Make the parts of `bodies` that the next months need. Shape: the months that were added.

    A month that was forgotten goes to the part for all others, so nothing waits for this.
    """
    if database.is_sqlite:
        return []
    start = now.astimezone(UTC).date().replace(day=1)
    months = [month_after(start, number) for number in range(-1, MONTHS_AHEAD)]
    with database.begin() as connection:
        return [
            f"{month:%Y-%m}"
            for month in months
            if connection.scalar(select(func.ledger_add_month_of_bodies(month)))
        ]


def _values(sealed: SealedOrigin, names: Sequence[str]) -> dict[str, object]:
    return {name: getattr(sealed, name) for name in names}


def _frames(connection: Connection, what: str, ids: Collection[str]) -> list[LockedFrame]:
    if not ids:
        return []
    rows = connection.execute(_FRAME_QUERIES[what], {"ids": padded(sorted(ids))})
    frames = [LockedFrame(*row) for row in rows]
    missing = {*ids} - {locked.origin_id for locked in frames}
    archived = archived_bodies(connection, missing)
    secrets = _locked_secrets(connection, what, [each.origin_id for each in archived])
    return frames + [
        LockedFrame(each.origin_id, getattr(each, what), *secrets.get(each.origin_id, (None, None)))
        for each in archived
    ]


def _locked_secrets(
    connection: Connection, what: str, ids: Collection[str]
) -> dict[str, tuple[str | None, bytes | None]]:
    """Return the master and the locked secret of each origin that has any."""
    rows = connection.execute(_SECRET_QUERIES[what], {"ids": padded(sorted(ids))}) if ids else ()
    return {row[0]: (row[1], row[2]) for row in rows}


_CONTENTS = ("origin_id", "body", "personal")
_SECRETS = ("origin_id", "master", "body_secret", "personal_secret")
_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_WITH_SECRETS = bodies.outerjoin(origin_secrets, origin_secrets.c.origin_id == bodies.c.origin_id)
_SECRET_BY_CONTENT = {"body": "body_secret", "personal": "personal_secret"}
_FRAME_QUERIES = {
    what: select(
        bodies.c.origin_id, bodies.c[what], origin_secrets.c.master, origin_secrets.c[secret]
    )
    .select_from(_WITH_SECRETS)
    .where(bodies.c.origin_id.in_(_IDS))
    for what, secret in _SECRET_BY_CONTENT.items()
}
_SECRET_QUERIES = {
    what: select(
        origin_secrets.c.origin_id, origin_secrets.c.master, origin_secrets.c[secret]
    ).where(origin_secrets.c.origin_id.in_(_IDS))
    for what, secret in _SECRET_BY_CONTENT.items()
}
