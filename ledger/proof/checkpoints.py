"""Signs the log as it stands, and stores what was signed."""

from collections.abc import Callable
from datetime import datetime

from ledger.proof.log import Log, StoredCheckpoint, add_checkpoint, current_log, newest_checkpoint
from ledger.proof.note import Checkpoint
from ledger.proof.sequencer import Sequencer
from ledger.proof.signer import LogBehindError, LogForgottenError, LogForkedError, LogSigner
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.read_only import refuse_read_only


def sign_checkpoint(database: Database, signer: LogSigner, now: Callable[[], datetime]) -> str:
    """Sign all that has an entry by now; return the note, which is that of before without news.

    Errors: LogBehindError, LogForkedError, LogForgottenError; SettingsError when the memory cannot
    be written; ReadOnlyError on a standby.
    """
    with database.connect() as connection:
        refuse_read_only(connection)  # before anything is signed that could not be stored
        log = current_log(connection)
        size = log.size()
        last = newest_checkpoint(connection, log.number)
        _refuse_forgotten(signer, last)
        if last is not None and last.size == size and signer.last_note() == last.note:
            return last.note
        try:
            note = signer.sign(size, log.root(size), lambda old: log.consistency(old, size))
        except ValueError as missing:
            raise LogForkedError(size) from missing
    if size:
        with database.begin() as connection:
            key = signer.key_of(note, signer.verifier.name) or signer.verifier
            checkpoint = StoredCheckpoint(size, note, key.line, now())
            add_checkpoint(connection, log.number, checkpoint)
    return note


def sign_up_to_now(
    database: Database, sealing: Sealing, signer: LogSigner, now: Callable[[], datetime]
) -> str:
    """Write what is committed by now into the log, sign it, and return the note.

    Errors: as `sign_checkpoint`; SettingsError without the master keys.
    """
    Sequencer(database, sealing).catch_up()
    return sign_checkpoint(database, signer, now)


def refuse_unlike_memory(database: Database, signer: LogSigner) -> None:
    """Compare the log with what was signed last, and sign nothing.

    Errors: LogBehindError, LogForkedError, LogForgottenError; SettingsError when the memory cannot
    be read.
    """
    last = signer.last()
    with database.connect() as connection:
        log = current_log(connection)
        _refuse_forgotten(signer, newest_checkpoint(connection, log.number))
        if last is not None and last.origin == signer.signing_key.name:
            refuse_unlike(log, log.size(), last)


def _refuse_forgotten(signer: LogSigner, stored_checkpoint: StoredCheckpoint | None) -> None:
    """Refuse a signer that has signed this log, and does not know up to where."""
    line = None if stored_checkpoint is None else stored_checkpoint.public_key
    if (
        line in {key.line for key in (signer.verifier, *signer.earlier)}
        and signer.last_note() is None
    ):
        raise LogForgottenError(signer.memory)


def refuse_unlike(log: Log, size: int, earlier: Checkpoint) -> None:
    """Refuse a log of this size that is not what a checkpoint says. Errors: LogBehindError,
    LogForkedError."""
    if size < earlier.size:
        raise LogBehindError(size, earlier.size)
    if not log.has_root(earlier.size, earlier.root):
        raise LogForkedError(earlier.size)
