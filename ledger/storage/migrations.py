"""Brings the durable tables to the shape this version expects, and says what is missing.

Old and new code run side by side while a release rolls out: a migration only expands, and says in
`schema_revisions` which code may go on serving beside it.
"""

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, inspect, select

from ledger.errors import SettingsError
from ledger.storage.database import Database
from ledger.storage.short_locks import tried_until_free, wait_shortly
from ledger.storage.tables import schema_revisions

MIGRATION_LOCK = 0x1ED6_0001
"""PostgreSQL advisory lock: one process migrates, the others wait and find nothing to do."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """What the tables lack, or have beyond what this code knows.

    Shape: `missing` revisions, oldest first; `newer` is the revision of a newer version that lets
    this code go on serving, None where the tables are this code's or older.
    """

    missing: list[str]
    newer: str | None = None


def migrate(database: Database) -> list[str]:
    """Upgrade to the newest revision in one transaction. Shape: revisions applied, oldest first.

    Errors: SettingsError when a newer version of this service has migrated the database and lets no
    code as old as this serve, or when somebody holds a table for as long as this waits.
    """

    def attempt() -> list[str]:
        with database.begin() as connection:
            return _migrate(connection)

    return tried_until_free(
        attempt,
        SettingsError(
            "a table is held by somebody who reads or writes for long: see"
            " pg_stat_activity, then run `ledger migrate` again; nothing was changed"
        ),
    )


def pending(database: Database) -> list[str]:
    """List the revisions that are missing, oldest first. Errors: SettingsError, as `revisions`."""
    return revisions(database).missing


def revisions(database: Database) -> Revisions:
    """Compare the tables with what this code expects.

    Errors: SettingsError when a newer version has migrated them and lets no code as old as this
    serve.
    """
    with database.connect() as connection:
        return _revisions(connection)


def is_empty(database: Database) -> bool:
    """Return True if nothing was ever stored or migrated here."""
    with database.connect() as connection:
        return not inspect(connection).get_table_names()


def _migrate(connection: Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        wait_shortly(connection)
        connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    missing = _revisions(connection).missing
    if missing:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return missing


def _revisions(connection: Connection) -> Revisions:
    applied = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config())
    newest_first = [script.revision for script in scripts.walk_revisions()]
    if applied is None:
        return Revisions(newest_first[::-1])
    if applied in newest_first:
        return Revisions(newest_first[: newest_first.index(applied)][::-1])
    oldest_code = select(schema_revisions.c.oldest_code).filter_by(revision=applied)
    if connection.scalar(oldest_code) not in newest_first:
        raise SettingsError(
            f"the database is at revision {applied}, which this version does not know: "
            "a newer version has migrated it, beside which no code as old as this may run"
        )
    return Revisions([], newer=applied)


def _config() -> Config:
    package = Path(__file__).resolve().parents[1]
    installed = package / "migrations"  # where a wheel carries them
    location = installed if installed.is_dir() else package.parent / "alembic"
    config = Config()
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    return config
