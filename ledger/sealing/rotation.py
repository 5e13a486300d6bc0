"""Locks all secrets anew under the newest master key, so that an older one can be destroyed."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from ledger.errors import NotFoundError
from ledger.sealing.master_keys import MasterKeys
from ledger.sealing.origin_secret import BODY, PERSONAL, secret_name
from ledger.storage.database import Database
from ledger.storage.deleted_rows import delete_securely, remove_traces
from ledger.storage.tables import origin_secrets, wrapped_keys

BATCH = 5_000
_RELOCK = text("UPDATE wrapped_keys SET master = :master, wrapped = :wrapped WHERE name = :name")
_COLUMNS = {"body_secret": BODY, "personal_secret": PERSONAL}


def rotate_secrets(database: Database, masters: MasterKeys) -> int:
    """Lock every secret under the newest master key; return how many rows there are.

    The rows go to a new table, and the old one is dropped: nothing else removes what a deleted row
    leaves in its file. Nothing is received meanwhile, which takes some seconds for a million.
    Errors: MasterKeyMissingError for one that still locks something; then nothing is changed.
    """
    with database.begin() as connection:
        delete_securely(connection)
        if not database.is_sqlite:
            connection.execute(text("LOCK TABLE origin_secrets IN ACCESS EXCLUSIVE MODE"))
        _rename_aside(connection)
        count = 0
        for rows in _batches(connection):
            connection.execute(insert(origin_secrets), [_rewrapped(row, masters) for row in rows])
            count += len(rows)
        connection.execute(text("DROP TABLE origin_secrets_before"))
        for row in connection.execute(select(wrapped_keys)).all():
            key = masters.unwrap(row.name, row.master, bytes(row.wrapped))
            master, wrapped = masters.wrap(row.name, key)
            connection.execute(_RELOCK, {"name": row.name, "master": master, "wrapped": wrapped})
    remove_traces(database, "wrapped_keys")
    return count


def masters_in_use(connection: Connection) -> set[str]:
    """Return the ids of the master keys that lock something."""
    return {
        *connection.scalars(select(origin_secrets.c.master).distinct()),
        *connection.scalars(select(wrapped_keys.c.master).distinct()),
    }


def refuse_in_use(connection: Connection, id_: str, masters: MasterKeys) -> None:
    """Refuse to destroy a master key that is unknown, or still locks something.

    Errors: NotFoundError.
    """
    if id_ not in masters.key_by_id:
        raise NotFoundError(f"there is no master key {id_} in the file")
    if id_ in masters_in_use(connection) or id_ == masters.newest:
        raise NotFoundError(
            f"the master key {id_} still locks something: run `ledger privacy keys rotate` first"
        )


def _rename_aside(connection: Connection) -> None:
    """Put an empty table in the place of the one that holds the secrets, with the same rights."""
    if connection.dialect.name == "sqlite":
        made = connection.scalar(
            text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'origin_secrets'")
        )
        connection.execute(text("ALTER TABLE origin_secrets RENAME TO origin_secrets_before"))
        connection.exec_driver_sql(str(made))
        return
    for statement in (
        "ALTER TABLE origin_secrets RENAME TO origin_secrets_before",
        "ALTER TABLE origin_secrets_before RENAME CONSTRAINT pk_origin_secrets TO pk_before",
        "CREATE TABLE origin_secrets (LIKE origin_secrets_before)",
        "ALTER TABLE origin_secrets ADD CONSTRAINT pk_origin_secrets PRIMARY KEY (origin_id)",
    ):
        connection.execute(text(statement))
    rights = connection.execute(
        text(
            "SELECT grantee, string_agg(privilege_type, ', ') AS rights"
            " FROM information_schema.role_table_grants"
            " WHERE table_name = 'origin_secrets_before' AND table_schema = current_schema()"
            " AND grantee <> current_user GROUP BY grantee"
        )
    ).all()
    quote = connection.dialect.identifier_preparer.quote_identifier
    for grantee, granted in rights:
        connection.execute(text(f"GRANT {granted} ON origin_secrets TO {quote(grantee)}"))


def _batches(connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    columns = "origin_id, master, body_secret, personal_secret"
    query = text(
        f"SELECT {columns} FROM origin_secrets_before WHERE origin_id > :after"  # noqa: S608  names of our own columns
        " ORDER BY origin_id LIMIT :limit"
    )
    after = ""
    while rows := connection.execute(query, {"after": after, "limit": BATCH}).all():
        yield rows
        after = rows[-1].origin_id


def _rewrapped(row: Row[Any], masters: MasterKeys) -> dict[str, Any]:
    values: dict[str, Any] = {"origin_id": row.origin_id, "master": masters.newest}
    for column, what in _COLUMNS.items():
        wrapped = getattr(row, column)
        values[column] = None
        if wrapped is not None:
            name = secret_name(row.origin_id, what)
            secret = masters.unwrap(name, row.master, bytes(wrapped))
            values[column] = masters.wrap(name, secret)[1]
    return values
