"""Waits until a signed checkpoint covers what has to be in the log before anything goes on."""

from collections.abc import Callable
from datetime import datetime
from time import monotonic, sleep

from sqlalchemy import Connection

from ledger.application import Ledger
from ledger.errors import NotSignedError
from ledger.proof.checkpoints import sign_checkpoint
from ledger.proof.log import current_log, newest_checkpoint
from ledger.proof.sequencer import Sequencer
from ledger.proof.signer import LogSigner

PAUSE_SECONDS = 0.2
WAIT_SECONDS = 60.0
"""A running service signs every ten seconds."""


def cover(
    ledger: Ledger,
    signer: LogSigner | None,
    row_id: str,
    *,
    now: Callable[[], datetime],
    wait_seconds: float = WAIT_SECONDS,
) -> None:
    """Return once a checkpoint covers the entry of a row: signed here, or by the running service.

    Errors: NotSignedError when nobody signs it in time; those of signing.
    """
    deadline = monotonic() + wait_seconds
    sequencer = Sequencer(ledger.database, ledger.sealing, clock=now)
    while True:
        sequencer.catch_up()
        if signer is not None:
            sign_checkpoint(ledger.database, signer, now)
        with ledger.database.connect() as connection:
            if is_covered(connection, row_id):
                return
        if monotonic() > deadline:
            raise NotSignedError(
                "no signed checkpoint covers it yet: run this again where the log key is"
                " (LEDGER_LOG_KEY_FILE), or while a service runs that has it; it goes on then"
            )
        sleep(PAUSE_SECONDS)


def is_covered(connection: Connection, row_id: str) -> bool:
    """Return True if a signed checkpoint covers the entry of a row."""
    log = current_log(connection)
    index, checkpoint = log.index_of(row_id), newest_checkpoint(connection, log.number)
    return index is not None and checkpoint is not None and checkpoint.size > index
