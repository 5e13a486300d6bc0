"""Keeps what could not be read or verified in quarantine, as far as there is room for it."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from ledger.ipn.card_data_fields import NEVER_KEPT, kinds_in_body
from ledger.ipn.delivery import Delivery, Limits
from ledger.ipn.parse import claim_of
from ledger.recording.group_commit import GroupCommit
from ledger.recording.inbox_rows import quarantined_row
from ledger.recording.receipt import Receipt, receipt_of
from ledger.recording.retries import available
from ledger.storage.database import Database
from ledger.storage.inbox import InboxRecord
from ledger.storage.quarantine import Quarantine

_log = structlog.get_logger(__name__)


class Quarantining:
    """The refused side: one delivery after the other, or many in one commit while there is room."""

    def __init__(self, database: Database, quarantine: Quarantine, limits: Limits) -> None:
        self._database = database
        self._quarantine = quarantine
        self._limits = limits
        self._group_commit: GroupCommit[InboxRecord, Receipt] = GroupCommit(
            self._add_many, lambda record: self._add_many([record])[0]
        )

    def refuse(self, delivery: Delivery, reason: str) -> Receipt:
        """Keep a delivery in quarantine, without its body if that holds card data.

        Errors: UnavailableError.
        """
        record = quarantined_row(delivery, reason, claim_of(delivery, self._limits))
        kinds = kinds_in_body(delivery, self._limits)
        if kinds & NEVER_KEPT:
            record = replace(record, body=b"")
        return replace(self._keep(record), suspected=tuple(sorted(kinds)))

    def _keep(self, record: InboxRecord) -> Receipt:
        if self._quarantine.take_room(record):
            return self._group_commit.submit(record)
        with available(), self._database.begin() as connection:
            evicted = self._quarantine.add_and_evict(connection, record)
        for leaving in evicted:
            _log.warning("quarantine.evicted", notification_id=leaving.id, reason=leaving.reason)
        return receipt_of(record, reason=record.reason)

    def _add_many(self, refused: Sequence[InboxRecord]) -> list[Receipt]:
        with available(), self._database.single(writes=True) as connection:
            self._quarantine.add_many(connection, refused)
        return [receipt_of(record, reason=record.reason) for record in refused]
