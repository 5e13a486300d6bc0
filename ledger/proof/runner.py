"""Keeps the log up to date from a thread of the service: entries by one, signatures by its key.

Several services may run: whoever holds the lease writes entries, and whoever has the key signs.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from time import monotonic

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ledger.application import Ledger
from ledger.errors import LedgerError
from ledger.instants import utc_now
from ledger.projections.engine.leases import new_holder, release_leases, take_lease
from ledger.proof.checkpoints import sign_checkpoint
from ledger.proof.sequencer import Sequencer
from ledger.proof.signer import LogBehindError, LogForgottenError, LogForkedError, LogSigner
from ledger.storage.read_only import Patience
from ledger.storage.sealed_rows import add_months

LEASE = "log"
LEASE_SECONDS = 10
POLL_SECONDS = 1.0
CHECKPOINT_SECONDS = 10.0
HOUR_SECONDS = 3600.0
BUSY = 50
"""Entries in one round, of about a second, above which calls come before all that can wait."""
PAUSE_SECONDS = 5.0
REFUSED_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class LogRunner:
    """Sequences and signs until it is stopped.

    Shape: without a signer it only sequences. The one process that sequences also does what is
    `hourly`, and calls `followers` behind the log, each for a part of its work, unless it is busy.
    """

    def __init__(
        self,
        ledger: Ledger,
        signer: LogSigner | None,
        *,
        followers: Sequence[Callable[[], None]] = (),
        hourly: Sequence[Callable[[], object]] = (),
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._ledger = ledger
        self._signer = signer
        self._followers = followers
        self._hourly = hourly
        self._checkpoint_seconds = checkpoint_seconds
        self._now = clock
        self._sequencer = Sequencer(ledger.database, ledger.sealing, clock=clock)
        self._holder = new_holder()
        self._sign_at = self._hour_at = self._renew_at = 0.0
        self._leads = False
        self._patience = Patience(_log)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand, sign it, and release the lease."""
        self._stopped.set()
        self._thread.join(timeout=30)

    def run_once(self, *, must_sign: bool = False) -> int:
        """Write the entries of what is new, and sign when it is time; return how many were written.

        Errors: LedgerError; those of the database.
        """
        written = 0
        if monotonic() >= self._renew_at:
            with self._ledger.database.begin() as connection:
                self._leads = take_lease(connection, LEASE, self._holder, seconds=LEASE_SECONDS)
            self._renew_at = monotonic() + LEASE_SECONDS / 4
        if self._leads:
            written = self._sequencer.catch_up()
            self._tidy_up()
        if self._signer is not None and (must_sign or monotonic() >= self._sign_at):
            self._sign(self._signer)
        for follow in self._followers if self._leads and written < BUSY else ():
            follow()
        return written

    def _sign(self, signer: LogSigner) -> None:
        """Sign; what must not be signed is said once in a while, and goes on being logged."""
        self._sign_at = monotonic() + self._checkpoint_seconds
        try:
            current = LogSigner.open(signer.file)  # it may have handed over, or have another name
            sign_checkpoint(self._ledger.database, current, self._now)
        except (LogBehindError, LogForkedError, LogForgottenError) as refusal:
            self._sign_at = monotonic() + REFUSED_SECONDS
            _log.error("log.not_signed", code=refusal.code, reason=str(refusal))

    def _tidy_up(self) -> None:
        if monotonic() >= self._hour_at:
            add_months(self._ledger.database, self._now())
            self._hour_at = monotonic() + HOUR_SECONDS  # what fails is tried again in an hour
            for act in self._hourly:
                act()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._stopped.wait(POLL_SECONDS if self._attempt() else PAUSE_SECONDS)
        self._attempt(must_sign=True)
        with suppress(SQLAlchemyError), self._ledger.database.begin() as connection:
            release_leases(connection, self._holder)

    def _attempt(self, *, must_sign: bool = False) -> bool:
        try:
            self.run_once(must_sign=must_sign)
        except LedgerError as error:
            _log.error("log.stopped", code=error.code, reason=str(error))
        except Exception as error:  # noqa: BLE001  nobody else in this process would go on
            self._patience.note(error, "log")
        else:
            self._patience.end()
            return True
        return False
