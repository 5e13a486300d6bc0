"""Asks from a thread of the service what is due, about the shops whose owners have chosen that."""

import threading

import structlog

from ledger.application import Ledger
from ledger.asking.asker import Asker
from ledger.errors import LedgerError
from ledger.ipn.asking_access import AskingAccess
from ledger.storage.read_only import Patience

POLL_SECONDS = 30.0

_log = structlog.get_logger(__name__)


class AskingRunner:
    """Asks until it is stopped. Of several services one at a time asks about a shop."""

    def __init__(self, ledger: Ledger, *, asker: Asker | None = None) -> None:
        self._asker = asker or Asker(ledger)
        self._accesses = [
            access
            for shop in ledger.shops.shop_by_id.values()
            for access in shop.asking
            if access.is_in_service
        ]
        self._patience = Patience(_log)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="asking", daemon=True)

    def start(self) -> None:
        """Begin, if there is a shop to ask about."""
        if self._accesses:
            self._thread.start()

    def stop(self) -> None:
        """Wait for the question under way, and ask no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=90)

    def run_once(self) -> None:
        """Ask one question about each shop and mode for which one is due and allowed."""
        for access in self._accesses:
            self._ask(access)

    def _run(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            self.run_once()

    def _ask(self, access: AskingAccess) -> None:
        names = {"shop_id": access.shop_id, "mode": access.mode.lower()}
        try:
            exchange = self._asker.ask_due(access)
        except LedgerError as error:
            _log.warning("asking.failed", code=error.code, reason=str(error), **names)
        except Exception as error:  # noqa: BLE001  nobody else in this process would go on
            self._patience.note(error, "asking", **names)
        else:
            self._patience.end()
            if exchange is not None:
                answer = exchange.answer
                assert answer is not None, "it was recorded"
                _log.info(
                    "asking.answered",
                    service=exchange.question.question.service.value,
                    outcome=answer.outcome,
                    reason=answer.reason,
                    notification=answer.id,
                    **names,
                )
