"""Replaces connections that can only read once the database can be written to again."""

from time import monotonic

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from ledger.storage.database_errors import READ_ONLY

READ_ONLY_SECONDS = 0.5
"""A standby refuses every call: its connections are not made anew for each."""


class ReadOnlySessions:
    """Lets a pool replace connections that were made before a write was refused as read-only.

    A session goes on as it began: after a database was set read-only and back, or where another
    server has become the primary, only new connections can write.
    """

    def __init__(self) -> None:
        self._refused_at = 0.0

    def listen(self, engine: Engine) -> None:
        """Watch every connection of an engine."""
        event.listen(engine, "connect", self._note_age)
        event.listen(engine, "handle_error", self._note_refusal)
        event.listen(engine, "checkout", self._replace)

    def _note_age(self, _connection: object, pooled: ConnectionPoolEntry) -> None:
        pooled.info["made_at"] = monotonic()

    def _note_refusal(self, failed: ExceptionContext) -> None:
        sqlstate = getattr(failed.original_exception, "sqlstate", None)
        if sqlstate == READ_ONLY and monotonic() - self._refused_at > READ_ONLY_SECONDS:
            self._refused_at = monotonic()

    def _replace(self, _connection: object, pooled: ConnectionPoolEntry, _proxy: object) -> None:
        if pooled.info.get("made_at", 0.0) < self._refused_at:
            raise DisconnectionError("it began while nothing could be written")
