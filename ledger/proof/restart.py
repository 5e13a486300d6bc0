"""Begins the log anew where a restore has lost entries, and lets the loss be signed."""

from datetime import datetime

from sqlalchemy import Connection, insert

from ledger.errors import NotFoundError
from ledger.proof.checkpoints import refuse_unlike_memory, sign_checkpoint
from ledger.proof.entry import START, entry_bytes
from ledger.proof.log import Log, LogEntry, newest_checkpoint, newest_log
from ledger.proof.note import Checkpoint, parse_checkpoint
from ledger.proof.sequencer import progress
from ledger.proof.signer import LogBehindError, LogForkedError, LogSigner, rename_log
from ledger.storage.database import Database
from ledger.storage.log_tables import log_progress

COPIED_AT_ONCE = 1_000


def restart_log(
    database: Database, signer: LogSigner, reason: str, now: datetime
) -> tuple[LogSigner, str]:
    """Begin the next log with the entries that are left; return its signer and its checkpoint.

    Errors: NotFoundError when nothing that was signed is missing; those of signing.
    """
    last = signer.last()
    try:
        refuse_unlike_memory(database, signer)
    except (LogBehindError, LogForkedError):
        assert last is not None, "something was signed"
    else:
        raise NotFoundError("nothing that was signed is missing: there is no reason to restart")
    with database.connect() as connection:
        number = newest_log(connection) or 0
        size = _common_size(connection, number, last)
    with database.begin() as connection:
        _begin_next(connection, number, _start(signer, last, size, reason, now))
    renamed = rename_log(signer, _next_name(last.origin))
    return renamed, sign_checkpoint(database, renamed, lambda: now)


def _common_size(connection: Connection, number: int, last: Checkpoint) -> int:
    """Return how many entries are certainly those that were signed: as the newest checkpoint says
    that came back with the database."""
    checkpoint = newest_checkpoint(connection, number)
    if checkpoint is None or checkpoint.size > last.size:
        return 0
    log, kept = Log(connection, number), parse_checkpoint(checkpoint.note)
    is_left = log.size() >= kept.size and log.has_root(kept.size, kept.root)
    return kept.size if is_left else 0


def _start(signer: LogSigner, last: Checkpoint, size: int, reason: str, now: datetime) -> LogEntry:
    fields = {
        "at": now,
        "reason": reason,
        "previous": signer.last_note(),
        "common_size": size,
        "missing": last.size - size,
    }
    return LogEntry(START, None, entry_bytes(START, fields))


def _begin_next(connection: Connection, number: int, start: LogEntry) -> None:
    """Copy what is left, byte for byte, behind another first entry."""
    old, new = Log(connection, number), Log(connection, number + 1)
    new.append([start])
    for first in range(1, old.size(), COPIED_AT_ONCE):
        new.append(
            [
                LogEntry(each.kind, each.origin_id, each.entry)
                for each in old.entries(first, first + COPIED_AT_ONCE)
            ]
        )
    rows = [
        {"log": new.number, "source": source, "place": place}
        for source, place in progress(connection, number).items()
    ]
    connection.execute(insert(log_progress), rows)


def _next_name(name: str) -> str:
    """Return the name of the log that follows another: `shop`, `shop/2`, `shop/3`."""
    first, _, last = name.rpartition("/")
    is_numbered = bool(first) and last.isascii() and last.isdigit()
    return f"{first}/{int(last) + 1}" if is_numbered else f"{name}/2"
