"""What was signed of the log, how far behind it is, and the proof of each entry in it."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from ledger.errors import NotFoundError
from ledger.proof.log import (
    Log,
    StoredCheckpoint,
    StoredLogEntry,
    current_log,
    newest_checkpoint,
)
from ledger.proof.note import tlog_proof
from ledger.proof.origin_fields import RECORDED_AT, SOURCES
from ledger.proof.sequencer import progress


class ProvenEntry(NamedTuple):
    """An entry, with the hashes that lead from it to the root of a signed checkpoint."""

    logged: StoredLogEntry
    hashes: list[bytes]
    checkpoint: StoredCheckpoint

    @property
    def proof(self) -> str:
        """Return the proof as text. Source: C2SP tlog-proof."""
        return tlog_proof(self.logged.index, self.hashes, self.checkpoint.note)


@dataclass(frozen=True, slots=True)
class SignedLog:
    """A log as far as its newest checkpoint goes."""

    log: Log
    checkpoint: StoredCheckpoint

    @property
    def size(self) -> int:
        """Return how many entries were signed."""
        return self.checkpoint.size

    def proven(self, origin_id: str) -> ProvenEntry:
        """Return the entry of an origin with its proof.

        Errors: NotFoundError when it has none, or none that was signed by now.
        """
        index = self.log.index_of(origin_id)
        if index is None or index >= self.size:
            raise NotFoundError("it has no entry in the signed log yet, or is of no such kind")
        (logged,) = self.log.entries(index, index + 1)
        return ProvenEntry(logged, self.log.inclusion(index, self.size), self.checkpoint)

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """Return the proof that the log has only grown from one size to another.

        Errors: NotFoundError when it was never signed so far.
        """
        if not 0 < old_size <= new_size <= self.size:
            raise NotFoundError(f"sizes of this log are from 1 to {self.size}, the smaller first")
        return self.log.consistency(old_size, new_size)


class LogStatus(NamedTuple):
    """How far the log is. Shape: `waiting_since` is when the oldest of what has no entry yet was
    recorded."""

    size: int
    checkpoint: StoredCheckpoint | None
    waiting: int
    waiting_since: datetime | None

    @property
    def signed_at(self) -> datetime | None:
        """Return when it was signed last."""
        return None if self.checkpoint is None else self.checkpoint.signed_at


def signed_log(connection: Connection) -> SignedLog:
    """Return the log that goes on, as far as it is signed. Errors: NotFoundError."""
    log = current_log(connection)
    newest = newest_checkpoint(connection, log.number)
    if newest is None:
        raise NotFoundError("nothing was signed yet: `ledger serve` and `ledger proof` sign")
    return SignedLog(log, newest)


def log_status(connection: Connection) -> LogStatus:
    """Return how far the log is."""
    log = current_log(connection)
    places = progress(connection, log.number)
    waiting, since = 0, []
    for kind, table in SOURCES.items():
        recorded_at = table.c[RECORDED_AT[kind]]
        behind = select(func.count(), func.min(recorded_at)).where(
            table.c.place > places.get(kind, 0)
        )
        count, oldest = connection.execute(behind).one()
        waiting += count
        since += [oldest] if oldest is not None else []
    newest = newest_checkpoint(connection, log.number)
    return LogStatus(log.size(), newest, waiting, min(since, default=None))
