"""The answer to one delivery."""

from dataclasses import dataclass

from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one delivery. Units: `duration_seconds` covers decision and commit."""

    id: str
    outcome: Outcome
    reason: str | None = None
    format: str | None = None
    shop_id: str | None = None
    mode: str | None = None
    positions: tuple[int, ...] = ()
    duration_seconds: float = 0.0


def receipt_of(row: InboxRecord, positions: tuple[int, ...]) -> Receipt:
    """Acknowledge a verified delivery."""
    return Receipt(row.id, row.outcome, None, row.format, row.shop_id, row.mode, positions)


def refusal_of(row: InboxRecord, reason: str | None = None) -> Receipt:
    """Answer a delivery that is in quarantine; a newer reason replaces the stored one."""
    return Receipt(
        row.id, Outcome.QUARANTINED, reason or row.reason, row.format, row.shop_id, row.mode
    )
