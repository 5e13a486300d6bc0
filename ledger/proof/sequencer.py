"""Gives every origin its entry in the log: with dense indexes, in the order of commits.

Entries and how far they reach are written in one transaction, so that whoever is killed goes on
where it was; of two that work at once, one writes nothing.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ledger.instants import utc_now
from ledger.proof.entry import START, entry_bytes
from ledger.proof.log import Log, LogEntry, newest_log
from ledger.proof.origin_fields import SOURCES
from ledger.proof.origins import log_entry, opened_rows, rows_after
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.high_water_mark import passed_barrier
from ledger.storage.log_tables import log_progress

BATCH = 500
FIRST_LOG = 1


class Sequencer:
    """Follows the origins of one ledger."""

    def __init__(
        self, database: Database, sealing: Sealing, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self._sealing = sealing
        self._now = clock

    def catch_up(self) -> int:
        """Write the entries of everything that is committed by now; return how many.

        Errors: SettingsError without the master keys.
        """
        written = 0
        if not self._has_news():
            return 0  # the barrier makes writers wait
        ends = self.complete_places()
        if ends is None:
            return 0
        while number := self.step(ends):
            written += number
        return written

    def _has_news(self) -> bool:
        with self._database.connect() as connection:
            places = progress(connection, newest_log(connection) or 0)
            return any(newest > places.get(kind, 0) for kind, newest in _newest(connection).items())

    def complete_places(self) -> dict[str, int] | None:
        """Return up to which place each kind of origin is complete for ever.

        Shape: None when writers held on for too long.
        """
        with passed_barrier(self._database) as connection:
            if connection is None:
                return None
            return _newest(connection)

    def step(self, ends: dict[str, int]) -> int:
        """Write one batch of entries; return how many, 0 when all up to these ends is written."""
        with self._database.connect() as connection:
            log = newest_log(connection)
            places = progress(connection, log or 0)
            for kind in SOURCES:
                place = places.get(kind, 0)
                rows = rows_after(connection, kind, place, ends[kind], BATCH)
                if rows:
                    break
            else:
                return 0
            origins = opened_rows(connection, self._sealing, kind, rows)
        entries = [log_entry(origins, row, {}) for row in rows]
        try:
            with self._database.begin() as connection:
                return self._append(connection, log, kind, (place, rows[-1].place), entries)
        except IntegrityError:  # another one was faster
            return 0

    def _append(
        self,
        connection: Connection,
        log: int | None,
        kind: str,
        moves: tuple[int, int],
        new_entries: list[LogEntry],
    ) -> int:
        if log is None:
            log = FIRST_LOG
            begin_log(
                connection, log, LogEntry(START, None, entry_bytes(START, {"at": self._now()}))
            )
        c = log_progress.c
        before, after = moves
        moved = (
            update(log_progress)
            .where(c.log == log, c.source == kind, c.place == before)
            .values(place=after)
            .returning(c.place)
        )
        if connection.execute(moved).one_or_none() is None:
            return 0  # another one has moved it
        Log(connection, log).append(new_entries)
        return len(new_entries)


def _newest(connection: Connection) -> dict[str, int]:
    return {
        kind: connection.scalar(select(func.max(table.c.place))) or 0
        for kind, table in SOURCES.items()
    }


def begin_log(connection: Connection, log: int, start: LogEntry) -> None:
    """Begin a log with its first entry."""
    rows = [{"log": log, "source": kind, "place": 0} for kind in SOURCES]
    connection.execute(insert(log_progress), rows)
    Log(connection, log).append([start])


def progress(connection: Connection, log: int) -> dict[str, int]:
    """Return up to which place the origins of each kind have their entries; no kind before the
    first entry."""
    c = log_progress.c
    query = select(c.source, c.place).where(c.log == log)
    return {row.source: row.place for row in connection.execute(query)}
