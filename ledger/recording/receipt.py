"""The answer to one delivery."""

from dataclasses import dataclass

from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one delivery. Units: `duration_seconds` covers decision and commit.

    Shape: `suspected` are the kinds of card data that it seems to hold. `is_kept` is False for an
    imported one that was refused: the file that it came from is all there is of it.
    """

    id: str
    outcome: Outcome
    reason: str | None = None
    format: str | None = None
    shop_id: str | None = None
    mode: str | None = None
    positions: tuple[int, ...] = ()
    duration_seconds: float = 0.0
    suspected: tuple[str, ...] = ()
    is_kept: bool = True


def receipt_of(
    record: InboxRecord, positions: tuple[int, ...] = (), *, reason: str | None = None
) -> Receipt:
    """Answer a delivery as its row says. Shape: `reason` is why it is in quarantine."""
    return Receipt(
        record.id, record.outcome, reason, record.format, record.shop_id, record.mode, positions
    )
