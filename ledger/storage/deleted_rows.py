"""What deleted rows leave in the files of a database, and how it goes."""

from time import sleep

from sqlalchemy import Connection

from ledger.storage.database import Database

TRIES = 50
PAUSE_SECONDS = 0.02


def delete_securely(connection: Connection) -> None:
    """Let what is deleted in this transaction be overwritten, on SQLite."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON").all()


def remove_traces(database: Database, table: str) -> None:
    """Remove what deleted rows of a table have left in files of the database itself.

    Errors: DBAPIError on PostgreSQL for whoever is not the owner of the table.
    """
    with database.engine.connect() as connection:
        apart = connection.execution_options(isolation_level="AUTOCOMMIT")
        if not database.is_sqlite:
            apart.exec_driver_sql(f"VACUUM {table}")
            return
        for _ in range(TRIES):  # a reader keeps what it reads
            is_busy, *_ = apart.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            if not is_busy:
                return
            sleep(PAUSE_SECONDS)
