"""Keeps what could not be read or verified in quarantine, as far as there is room for it."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from ledger.ipn.card_data_fields import NEVER_KEPT, kinds_in_body
from ledger.ipn.delivery import Delivery, Limits
from ledger.ipn.parse import claim_of
from ledger.ipn.refusal_reasons import TOO_LARGE
from ledger.recording.group_commit import GroupCommit
from ledger.recording.inbox_rows import quarantined_row
from ledger.recording.receipt import Receipt, receipt_of
from ledger.recording.retries import available
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.quarantine import Quarantine, Refused

_log = structlog.get_logger(__name__)


class Quarantining:
    """The refused side: one delivery after the other, or many in one commit while there is room."""

    def __init__(
        self, database: Database, sealing: Sealing, quarantine: Quarantine, limits: Limits
    ) -> None:
        self._database = database
        self._sealing = sealing
        self._quarantine = quarantine
        self._limits = limits
        self._group_commit: GroupCommit[Refused, Receipt] = GroupCommit(
            self._add_many, lambda refused: self._add_many([refused])[0]
        )

    def refuse(self, delivery: Delivery, reason: str) -> Receipt:
        """Keep a delivery in quarantine, without its body if that holds card data.

        Errors: UnavailableError.
        """
        record = quarantined_row(delivery, reason, claim_of(delivery, self._limits))
        kinds = kinds_in_body(delivery, self._limits)
        has_body = not kinds & NEVER_KEPT and reason != TOO_LARGE
        body = delivery.body if has_body else None
        sealed = self._sealing.seal(delivery.id, body)
        receipt = self._keep(Refused(record, sealed, len(body or b"")))
        return replace(receipt, suspected=tuple(sorted(kinds)))

    def _keep(self, refused: Refused) -> Receipt:
        if self._quarantine.take_room(refused):
            return self._group_commit.submit(refused)
        with available(), self._database.begin() as connection:
            evicted = self._quarantine.add_and_evict(connection, refused)
        for leaving in evicted:
            _log.warning("quarantine.evicted", notification_id=leaving.id, reason=leaving.reason)
        return receipt_of(refused.record, reason=refused.record.reason)

    def _add_many(self, refused: Sequence[Refused]) -> list[Receipt]:
        with available(), self._database.single(writes=True) as connection:
            self._quarantine.add_many(connection, refused)
        return [receipt_of(each.record, reason=each.record.reason) for each in refused]
