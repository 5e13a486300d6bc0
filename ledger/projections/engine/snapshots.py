"""Read everything as of one moment, alone or together with others."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from ledger.storage.database import Database


@contextmanager
def snapshot(database: Database, shared_name: str | None = None) -> Iterator[Connection]:
    """Read everything as of one moment, while others go on writing.

    Shape: with the name of what somebody shares, as of the moment of their snapshot.
    """
    options = {} if database.is_sqlite else {"isolation_level": "REPEATABLE READ"}
    connection = database.engine.connect().execution_options(**options)
    with connection, connection.begin() as transaction:
        if shared_name is not None:
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{shared_name}'")
        yield connection
        transaction.rollback()


def share(connection: Connection) -> str:
    """Let others on PostgreSQL read as of this moment, as long as this snapshot is held."""
    return str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
