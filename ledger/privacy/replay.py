"""Erases again, after a restore, what certificates that were kept outside say was erased."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from ledger.errors import NotFoundError
from ledger.privacy.erasure import Eraser
from ledger.privacy.records import Erasure, erasure_phases
from ledger.privacy.selection import Selection, in_one_snapshot, select_origins
from ledger.proof.origins import salted_hash
from ledger.storage.asking_tables import ORIGINS_OF_EVENTS
from ledger.storage.erased import DONE
from ledger.storage.tables import events


def replay(eraser: Eraser, document: dict[str, Any], *, by_whom: str) -> Erasure | None:
    """Erase what a certificate names; return None where nothing of it is left, or ever was.

    Errors: those of erasing.
    """
    eraser.finish()
    with in_one_snapshot(eraser.ledger.database) as connection:
        if _is_done(connection, str(document["erasure"])):
            return None
        selection = certified_selection(connection, document)
    if not any(selection):
        return None
    reason = f"{document['reason']}, again after a restore (erasure {document['erasure']})"
    return eraser.erase(selection, reason=reason, by_whom=by_whom)


def certified_selection(connection: Connection, document: dict[str, Any]) -> Selection:
    """Return what the salted hashes of a certificate mean here."""
    salt = str(document["salt"])
    ids = (id_ for table in ORIGINS_OF_EVENTS for id_ in connection.scalars(select(table.c.id)))
    first = select(events.c.originator_id).where(events.c.originator_version == 1)
    streams = (id_.hex for id_ in connection.scalars(first))
    return select_origins(
        connection,
        _meant(salt, ids, document["origins"]),
        {UUID(id_) for id_ in _meant(salt, streams, document["streams"])},
    )


def _meant(salt: str, ids: Iterable[str], hashes: Collection[str]) -> set[str]:
    wanted = {*hashes}
    return {id_ for id_ in ids if salted_hash(salt, [id_]) in wanted}


def _is_done(connection: Connection, erasure_id: str) -> bool:
    try:
        return DONE in erasure_phases(connection, erasure_id)
    except NotFoundError:
        return False
