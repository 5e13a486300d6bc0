"""Imported deliveries: copies of what is stored leave no second row, and what is refused none."""

from collections.abc import Sequence
from dataclasses import replace

from ledger.ipn.delivery import Delivery, Limits
from ledger.ipn.parse import Proven, claim_of
from ledger.recording.receipt import Receipt, receipt_of
from ledger.recording.retries import available
from ledger.storage.database import Database
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.outcomes import Outcome


def with_known_imports(
    database: Database, outcomes: Sequence[Proven | Receipt]
) -> list[Proven | Receipt]:
    """Answer imported deliveries whose signed content is in the inbox; leave the others proven.

    A file is no delivery of its own but a copy of one, so reading it again adds nothing.
    Errors: UnavailableError.
    """
    tags = [
        each.notification.signed_tag
        for each in outcomes
        if isinstance(each, Proven) and each.notification.delivery.is_imported
    ]
    if not tags:
        return list(outcomes)
    with available(), database.connect() as connection:
        records = Inbox(connection).signed_before(tags)
    return [_answered(each, records) if isinstance(each, Proven) else each for each in outcomes]


def unkept(delivery: Delivery, reason: str, limits: Limits) -> Receipt:
    """Answer an imported delivery that is refused and not kept."""
    claim = claim_of(delivery, limits)
    return Receipt(
        delivery.id,
        Outcome.QUARANTINED,
        reason,
        claim.format,
        claim.shop_id,
        claim.mode,
        is_kept=False,
    )


def _answered(proven: Proven, records: dict[str, InboxRecord]) -> Proven | Receipt:
    record = records.get(proven.notification.signed_tag)
    if record is None or not proven.notification.delivery.is_imported:
        return proven
    if record.outcome == Outcome.UNDECIDED:
        return receipt_of(record, reason=record.reason)
    return replace(receipt_of(record, record.positions), outcome=Outcome.REPEATED)
