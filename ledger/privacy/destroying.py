"""Destroys secrets, and what is left of them in the files of the database."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from ledger.errors import UnavailableError
from ledger.privacy.persons import forget
from ledger.privacy.records import Erasure
from ledger.privacy.selection import notes_of, with_belongings
from ledger.storage.database import Database, chunks
from ledger.storage.deleted_rows import delete_securely, remove_traces
from ledger.storage.erased import BODY, PERSONAL, add_erased, insert_missing
from ledger.storage.erasure_tables import erased_streams
from ledger.storage.high_water_mark import passed_barrier
from ledger.storage.listed_money import forget_listed
from ledger.storage.sealed_rows import destroy_secrets
from ledger.storage.tables import origin_secrets

WAIT_SECONDS = 10.0
PAUSE_SECONDS = 0.02
_OLDER_STATEMENTS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND state = 'active' AND query_start < :at"
)


def destroy(database: Database, erasure: Erasure) -> None:
    """Destroy the secrets of an erasure, and leave its tombstones, all of it or nothing.

    The index of persons, and what files list, forget what they sealed in the same transaction.
    """
    with database.begin() as connection:
        rows = [
            {"originator_id": id_, "erasure_id": erasure.id}
            for id_ in sorted(erasure.selection.stream_ids)
        ]
        insert_missing(connection, erased_streams, rows)
        _destroy(connection, erasure.selection.origin_ids, erasure.id)
    remove_secret_traces(database)


def sweep(database: Database, erasure: Erasure) -> set[str]:
    """Destroy what those inserted who did not see the tombstones yet; return all that is erased."""
    _wait_for_older_statements(database)
    stream_ids = erasure.selection.stream_ids
    origin_ids = set(erasure.selection.origin_ids)
    with _completed(database) as connection:
        late = with_belongings(connection, (), stream_ids)
        late = (late | notes_of(connection, late, stream_ids)) - origin_ids
        late = {*_with_secrets(connection, late)}
    if late:
        with database.begin() as connection:
            _destroy(connection, late, erasure.id)
        remove_secret_traces(database)
    return origin_ids | late


def remove_secret_traces(database: Database) -> None:
    """Remove what destroyed secrets leave in the files of the database itself.

    On PostgreSQL only the owner of the table may; else its own cleaning does it a little later.
    """
    with suppress(DBAPIError):
        remove_traces(database, "origin_secrets")


def _destroy(connection: Connection, origin_ids: Collection[str], erasure_id: str) -> None:
    delete_securely(connection)
    for chunk in chunks(sorted(origin_ids)):
        destroy_secrets(connection, chunk)
        add_erased(connection, dict.fromkeys(chunk, erasure_id), (BODY, PERSONAL))
    forget(connection, origin_ids)
    forget_listed(connection, origin_ids)


def _with_secrets(connection: Connection, origin_ids: Collection[str]) -> list[str]:
    c = origin_secrets.c
    return [
        id_
        for chunk in chunks(sorted(origin_ids))
        for id_ in connection.scalars(select(c.origin_id).where(c.origin_id.in_(chunk)))
    ]


@contextmanager
def _completed(database: Database) -> Iterator[Connection]:
    """Read once every insert has ended that had begun before. Errors: UnavailableError."""
    deadline = monotonic() + WAIT_SECONDS
    while True:
        with passed_barrier(database) as connection:
            if connection is not None:
                yield connection
                return
        if monotonic() > deadline:
            raise UnavailableError("a writer holds on: run this again")
        sleep(PAUSE_SECONDS)


def _wait_for_older_statements(database: Database) -> None:
    """Wait for statements that began before this, and may not see the tombstones.

    Errors: UnavailableError.
    """
    if database.is_sqlite:
        return
    deadline = monotonic() + WAIT_SECONDS
    with database.single() as connection:
        at = connection.scalar(select(func.clock_timestamp()))
        while connection.scalar(_OLDER_STATEMENTS, {"at": at}):
            if monotonic() > deadline:
                raise UnavailableError("an old statement goes on: run this again")
            sleep(PAUSE_SECONDS)
