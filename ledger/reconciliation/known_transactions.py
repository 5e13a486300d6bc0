"""Describe what the ledger knows of a transaction, as far as a file can be compared with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ledger.instants import read_instant, read_platform_instant

COMPARED_FACTS = (
    *("operation_type", "status", "amount_minor", "currency", "created_at", "order_id"),
    *("trans_id", "trans_date", "sequence_number", "payment_method", "contract"),
)
TRANSACTION_COLUMNS = ("uuid", "reference", *COMPARED_FACTS, "first_seen_at", "last_changed_at")
"""The columns of the read model that `transaction_of` reads."""


@dataclass(frozen=True, slots=True)
class KnownTransaction:
    """One transaction as it stood at one position.

    Shape: `reference` is its uuid, or what identifies it without one; `paid_on` is the UTC day of
    its creation, else of its payment form, else of its first news, and then `is_day_sure` is False.
    Units: amounts in minor units of `currency`.
    """

    reference: str
    uuid: str | None = None
    trans_id: str | None = None
    order_id: str | None = None
    contract: str | None = None
    direction: str | None = None
    sequence_number: int | None = None
    payment_method: str | None = None
    paid_on: date | None = None
    paid_at: datetime | None = None
    is_day_sure: bool = True
    status: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    last_changed_at: datetime | None = None

    @property
    def is_payment(self) -> bool:
        """Return True if a file may list it: who left without paying has a number, no payment."""
        return self.uuid is not None or self.status != "ABANDONED"


def transaction_of(transaction_columns: Mapping[str, str | int | None]) -> KnownTransaction:
    """Read a transaction from its facts by name, with `uuid`, `reference` and when it was seen."""
    created_at = _instant(transaction_columns["created_at"])
    paid_at = created_at or _instant(transaction_columns["trans_date"])
    moment = paid_at or _own_instant(transaction_columns["first_seen_at"])
    return KnownTransaction(
        reference=str(transaction_columns["reference"]),
        uuid=_text(transaction_columns["uuid"]),
        trans_id=_text(transaction_columns["trans_id"]),
        order_id=_text(transaction_columns["order_id"]),
        contract=_text(transaction_columns["contract"]),
        direction=_text(transaction_columns["operation_type"]),
        sequence_number=_number(transaction_columns["sequence_number"]),
        payment_method=_text(transaction_columns["payment_method"]),
        paid_on=None if moment is None else moment.date(),
        paid_at=created_at,
        is_day_sure=paid_at is not None,
        status=_text(transaction_columns["status"]),
        amount_minor=_number(transaction_columns["amount_minor"]),
        currency=_text(transaction_columns["currency"]),
        last_changed_at=_own_instant(transaction_columns["last_changed_at"]),
    )


def _instant(fact: str | int | None) -> datetime | None:
    instant = None if fact is None else read_platform_instant(str(fact))
    return None if instant is None else instant.astimezone(UTC)


def _own_instant(fact: str | int | None) -> datetime | None:
    """Read what our own clock said: nobody else has written it."""
    return None if fact is None else read_instant(str(fact))


def _text(fact: str | int | None) -> str | None:
    return None if fact is None else str(fact)


def _number(fact: str | int | None) -> int | None:
    return fact if isinstance(fact, int) else None
