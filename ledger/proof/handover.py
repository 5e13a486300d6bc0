"""Lets another key sign the log from now on, and follows keys from one to the next.

The entry that names both keys is signed by the old one before the new one signs anything. The one
step after it replaces the key file whole, so that whoever is killed before begins at no loss.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError
from ulid import ULID

from ledger.errors import ConflictError, NotFoundError, SettingsError
from ledger.proof.bundle import Bundle, BundledOrigin
from ledger.proof.checkpoints import sign_checkpoint, sign_up_to_now
from ledger.proof.entry import HANDOVER, entry_bytes, read_entry
from ledger.proof.log import Log, LogEntry, StoredCheckpoint, current_log
from ledger.proof.note import SigningKey, VerifierKey
from ledger.proof.signed_log import SignedLog, signed_log
from ledger.proof.signer import LogSigner, replace_key
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.log_tables import checkpoints

TRIES = 10


@dataclass(frozen=True, slots=True)
class Handover:
    """An entry by which one key names the next."""

    id: str
    index: int
    old_key: VerifierKey
    new_key: VerifierKey


def hand_over(
    database: Database,
    sealing: Sealing,
    signer: LogSigner,
    new_key: SigningKey,
    now: Callable[[], datetime],
) -> LogSigner:
    """Let another key sign this log from now on; done once more, it finishes what was begun.

    Errors: SettingsError for a key of another log, or one that has signed this one before;
    NotFoundError before anything is signed; ConflictError; those of signing.
    """
    verifier = new_key.verifier
    if verifier.name != signer.verifier.name:
        raise SettingsError(
            f"the new key is of the log {verifier.name}, and this one is {signer.verifier.name}"
        )
    if verifier.public_key in {each.public_key for each in signer.earlier}:
        raise SettingsError("the new key has signed this log before: make another one")
    if verifier == signer.verifier:
        if not any(each.new_key == verifier for each in stored_handovers(database)):
            raise SettingsError("the new key is the log's own already")
        return signer
    sign_up_to_now(database, sealing, signer, now)
    with database.connect() as connection:
        signed_log(connection)
    if not any(_joins(each, signer.verifier, verifier) for each in stored_handovers(database)):
        _append(database, _entry(signer.verifier, verifier, now()))
    sign_checkpoint(database, signer, now)
    return replace_key(signer, new_key)


def stored_handovers(database: Database) -> list[Handover]:
    """Return by which entries keys have followed each other, oldest first."""
    with database.connect() as connection:
        return handovers(current_log(connection))


def handovers(log: Log) -> list[Handover]:
    """Return the entries of a log by which keys have followed each other; none that is damaged."""
    read = []
    for logged in log.entries_of(HANDOVER):
        try:
            fields = read_entry(logged.entry)
            keys = [VerifierKey.parse(fields[name]) for name in ("old_key", "new_key")]
        except (ValueError, KeyError, AttributeError):
            continue  # an audit finds that it is not what was signed
        read.append(Handover(str(logged.origin_id), logged.index, *keys))
    return read


class SuccessiveKeys:
    """Follows checkpoints by growing size from the first key of a log to its newest.

    Another key counts only behind an entry that names it, under a checkpoint of the key before.
    """

    def __init__(self, handed_over: Sequence[Handover], newest_key: VerifierKey) -> None:
        self._handed_over = handed_over
        self._key, bound = newest_key, None
        while before := self._before(bound):
            self._key, bound = before.old_key, before.index
        self._signed_size = 0

    def _before(self, bound: int | None) -> Handover | None:
        """Return the last handover to the key at hand, before an earlier one that was followed."""
        for handover in reversed(self._handed_over):
            if handover.new_key == self._key and (bound is None or handover.index < bound):
                return handover
        return None

    def has_signed(self, size: int, note: str) -> bool:
        """Return True if the key of its time has signed the next checkpoint."""
        following = [
            handover.new_key
            for handover in self._handed_over
            if handover.old_key == self._key and handover.index < self._signed_size
        ]
        for verifier in (self._key, *following):
            if verifier.is_signed(note):
                self._key, self._signed_size = verifier, size
                return True
        return False


def handover_bundle(connection: Connection, verifier: VerifierKey) -> Bundle:
    """Return what proves to whoever has the old key that it has named this one.

    Shape: it is checked as any bundle, with the old key. Errors: NotFoundError.
    """
    log = current_log(connection)
    handover = next((each for each in reversed(handovers(log)) if each.new_key == verifier), None)
    if handover is None:
        raise NotFoundError("no other key of this log has named this one")
    checkpoint = _first_checkpoint(connection, log, handover)
    logged, hashes, _ = SignedLog(log, checkpoint).proven(handover.id)
    origin = BundledOrigin(handover.id, logged.entry, logged.index, hashes)
    return Bundle(f"handover-{handover.id}", checkpoint.note, checkpoint.public_key, [origin])


def _first_checkpoint(connection: Connection, log: Log, handover: Handover) -> StoredCheckpoint:
    c = checkpoints.c
    query = select(c.size, c.note, c.public_key, c.signed_at).where(
        c.log == log.number, c.size > handover.index, c.public_key == handover.old_key.line
    )
    row = connection.execute(query.order_by(c.size).limit(1)).one_or_none()
    if row is None:
        raise NotFoundError("the old key has not signed yet that it hands over")
    return StoredCheckpoint(*row)


def _joins(handover: Handover, old_key: VerifierKey, new_key: VerifierKey) -> bool:
    return (handover.old_key, handover.new_key) == (old_key, new_key)


def _entry(old_key: VerifierKey, new_key: VerifierKey, now: datetime) -> LogEntry:
    id_ = str(ULID.from_datetime(now))
    fields = {"id": id_, "recorded_at": now, "old_key": old_key.line, "new_key": new_key.line}
    return LogEntry(HANDOVER, id_, entry_bytes(HANDOVER, fields))


def _append(database: Database, handover: LogEntry) -> None:
    """Append it, although a running service may append something else at the same moment."""
    for _ in range(TRIES):
        try:
            with database.begin() as connection:
                current_log(connection).append([handover])
        except IntegrityError:
            continue
        return
    raise ConflictError("the log grows too fast: stop the service, and try once more")
