"""Has checkpoints stamped by an outside authority, and keeps its tokens."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, insert, select

from ledger.errors import LedgerError, SettingsError
from ledger.proof.log import Log, StoredCheckpoint, newest_log
from ledger.proof.signed_log import signed_log
from ledger.proof.timestamps import (
    TimestampMismatchError,
    ask,
    checked_reply,
    query,
    verify_token,
)
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.log_tables import checkpoints, timestamps

STAMP_EVERY = timedelta(days=1)

_log = structlog.get_logger(__name__)


class StoredTimestamp(NamedTuple):
    """A token as it is kept, with the checkpoint that it is over, and who gave it as PEM."""

    checkpoint: StoredCheckpoint
    reply: bytes
    authority: str
    stamped_at: datetime


def stamp_checkpoint(
    database: Database, url: str, authority_pem: bytes, now: datetime
) -> StoredTimestamp:
    """Ask an authority about the newest checkpoint, and keep what it says once it is verified.

    Errors: NotFoundError before anything is signed; TimestampError.
    """
    checkpoint = newest_signed(database)
    question = query(checkpoint.note)
    reply = ask(url, question)
    checked_reply(reply, checkpoint.note, query=question)
    return _keep(database, checkpoint, reply, authority_pem, now)


def stamp_daily(database: Database, settings: Settings, now: datetime) -> None:
    """Have a checkpoint stamped if an authority is set, unless one of the last day was.

    Shape: what goes wrong is logged, and tried again by whoever calls this every hour.
    """
    if not settings.tsa_url:
        return
    with database.connect() as connection:
        newest = newest_timestamp(connection)
    if newest is not None and now - newest.stamped_at < STAMP_EVERY:
        return
    try:
        stamp_checkpoint(database, settings.tsa_url, read_authority(settings), now)
    except LedgerError as error:
        _log.warning("log.not_stamped", code=error.code, reason=str(error))


def keep_reply(
    database: Database, reply: bytes, authority_pem: bytes, now: datetime
) -> StoredTimestamp:
    """Keep a reply that was fetched elsewhere, for the checkpoint that it is about.

    Errors: TimestampError, when it is about none of this log.
    """
    with database.connect() as connection:
        log = signed_log(connection).log
        for checkpoint in _newest_first(connection, log):
            try:
                checked_reply(reply, checkpoint.note)
            except TimestampMismatchError:
                continue
            break
        else:
            raise TimestampMismatchError("the reply is about no checkpoint of this log")
    return _keep(database, checkpoint, reply, authority_pem, now)


def read_authority(settings: Settings) -> bytes:
    """Read the certificates by which tokens are verified. Errors: SettingsError."""
    file = settings.tsa_certificates_file
    if file is None:
        raise SettingsError(
            "LEDGER_TSA_CERTIFICATES_FILE is not set: it names the certificates of the time"
            " stamping authority in PEM, up to its root"
        )
    try:
        return file.read_bytes()
    except OSError as error:
        raise SettingsError(f"the certificates {file}: {error.strerror}") from error


def newest_signed(database: Database) -> StoredCheckpoint:
    """Return the newest checkpoint. Errors: NotFoundError."""
    with database.connect() as connection:
        return signed_log(connection).checkpoint


def newest_timestamp(connection: Connection) -> StoredTimestamp | None:
    """Return the newest token that is kept for the log that goes on; None while there is none."""
    c, of = checkpoints.c, timestamps.c
    query_ = (
        select(c.size, c.note, c.public_key, c.signed_at, of.token, of.authority, of.stamped_at)
        .join_from(timestamps, checkpoints, (c.log == of.log) & (c.size == of.size))
        .where(of.log == newest_log(connection))
        .order_by(of.stamped_at.desc(), of.id.desc())
        .limit(1)
    )
    row = connection.execute(query_).one_or_none()
    if row is None:
        return None
    return StoredTimestamp(StoredCheckpoint(*row[:4]), bytes(row.token), *row[5:])


def _keep(
    database: Database,
    checkpoint: StoredCheckpoint,
    reply: bytes,
    authority_pem: bytes,
    now: datetime,
) -> StoredTimestamp:
    stamped_at = verify_token(reply, checkpoint.note, authority_pem).at
    stored = StoredTimestamp(checkpoint, reply, authority_pem.decode(), stamped_at)
    with database.begin() as connection:
        log = signed_log(connection).log.number
        row = {
            "log": log,
            "size": checkpoint.size,
            "token": reply,
            "authority": stored.authority,
            "stamped_at": stamped_at,
            "stored_at": now,
        }
        connection.execute(insert(timestamps), row)
    return stored


def _newest_first(connection: Connection, log: Log) -> Iterator[StoredCheckpoint]:
    c = checkpoints.c
    query_ = select(c.size, c.note, c.public_key, c.signed_at).where(c.log == log.number)
    for row in connection.execute(query_.order_by(c.size.desc())):
        yield StoredCheckpoint(*row)
