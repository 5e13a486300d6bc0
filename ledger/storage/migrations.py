"""Brings the durable tables to the shape this version expects, and says what is missing."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, inspect, select

from ledger.errors import SettingsError
from ledger.storage.database import Database

MIGRATION_LOCK = 0x1ED6_0001
"""PostgreSQL advisory lock: one process migrates, the others wait and find nothing to do."""


def migrate(database: Database) -> list[str]:
    """Upgrade to the newest revision in one transaction. Shape: revisions applied, oldest first.

    Errors: SettingsError when a newer version of this service has migrated the database.
    """
    with database.begin() as connection:
        if not database.is_sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        missing = _pending(connection)
        if missing:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return missing


def pending(database: Database) -> list[str]:
    """List the revisions that are missing, oldest first. Errors: SettingsError, as `migrate`."""
    with database.connect() as connection:
        return _pending(connection)


def is_empty(database: Database) -> bool:
    """Return True if nothing was ever stored or migrated here."""
    with database.connect() as connection:
        return not inspect(connection).get_table_names()


def _pending(connection: Connection) -> list[str]:
    applied = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config())
    newest_first = [script.revision for script in scripts.walk_revisions()]
    if applied is None:
        return newest_first[::-1]
    if applied not in newest_first:
        raise SettingsError(
            f"the database is at revision {applied}, which this version does not know: "
            "a newer version has migrated it"
        )
    return newest_first[: newest_first.index(applied)][::-1]


def _config() -> Config:
    package = Path(__file__).resolve().parents[1]
    installed = package / "migrations"  # where a wheel carries them
    location = installed if installed.is_dir() else package.parent / "alembic"
    config = Config()
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    return config
