"""Says why a database can only be read: it is a standby, or somebody has set it read-only."""

from typing import Any

from sqlalchemy import Connection, text

from ledger.errors import ReadOnlyError
from ledger.storage.database import Database
from ledger.storage.database_errors import is_read_only

STANDBY, READ_ONLY = "standby", "read-only"
MEANING = (
    "the database can only be read: it is a standby, or was set read-only;"
    " what writes runs where the primary is"
)

_STATE = text(
    "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' WHEN coalesce(("
    " SELECT split_part(setting, '=', 2)::boolean"
    " FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) setting"
    " WHERE setting LIKE 'default\\_transaction\\_read\\_only=%' AND s.setdatabase IN"
    " (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
    " AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))"
    " ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1"
    "), current_setting('default_transaction_read_only')::boolean) THEN 'read-only' END"
)
"""What holds for a connection that is made now: one that was made earlier goes on as it began."""


def read_only_state(connection: Connection) -> str | None:
    """Return `standby` or `read-only`; None where it can be written to, as always on SQLite."""
    if connection.dialect.name == "sqlite":
        return None
    state: str | None = connection.scalar(_STATE)
    return state


def read_only_state_of(database: Database) -> str | None:
    """Return what `read_only_state` says of a database."""
    with database.connect() as connection:
        return read_only_state(connection)


def refuse_read_only(connection: Connection) -> None:
    """Refuse to begin what would have to be written here. Errors: ReadOnlyError."""
    if read_only_state(connection) is not None:
        raise ReadOnlyError(MEANING)


class Patience:
    """Says once in words why whoever writes waits, and again after it was able to go on."""

    def __init__(self, logger: Any) -> None:
        self._log = logger
        self._is_told = False

    def note(self, error: Exception, worker: str, **names: str) -> None:
        """Log what interrupted the work: in words if the database can only be read."""
        if not is_read_only(error):
            self._log.warning(f"{worker}.interrupted", error=type(error).__name__, **names)
        elif not self._is_told:
            self._is_told = True
            self._log.warning(f"{worker}.waiting", reason=MEANING, **names)

    def end(self) -> None:
        """Go on: what comes next is to be said again."""
        self._is_told = False
