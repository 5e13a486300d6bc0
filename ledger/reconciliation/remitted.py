"""Says in which remittances the payments of an order or a transaction are, as files list them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger.reconciliation.journal_rows import JournalKind
from ledger.reconciliation.listed import ListedRow, Names, listed_of_names
from ledger.reconciliation.remittances import key_of, line_of
from ledger.reconciliation.settlement_data import key_data, line_data


def remitted_of(
    connection: Connection, payment_names: Names, *, recorded_until: datetime | None = None
) -> list[dict[str, Any]]:
    """Return the rows of bank journals about payments of these names, or of their order.

    Shape: as the lines of a settlement, each with its remittance; by day. With `recorded_until` as
    files said by then. Errors: ViewNotBuiltError, only where a file lists any.
    """
    rows = listed_of_names(
        connection, payment_names, JournalKind.BANK, recorded_until=recorded_until
    )
    return [_data(row) for row in rows if _is_about(row, payment_names)]


def sums_of(remitted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what rows say of each currency, and what this ledger knows of the same payments.

    Units: debits less credits, in minor units of `currency`.
    """
    sums: dict[str, dict[str, Any]] = {}
    for line in remitted:
        if line["currency"] is None or line["gross_minor"] is None:
            continue
        own = sums.setdefault(line["currency"], {"listed_minor": 0, "known_minor": 0})
        own["listed_minor"] += line["gross_minor"]
        own["known_minor"] += line["known_minor"]
    return [
        {"currency": currency, **own, "difference_minor": own["listed_minor"] - own["known_minor"]}
        for currency, own in sorted(sums.items())
    ]


def _is_about(listed_row: ListedRow, payment_names: Names) -> bool:
    """Return True if a row is about one of the payments, or about an unknown one of the order."""
    known_transactions = listed_row.match.known_transactions
    if known_transactions:
        return any(known.reference in payment_names.references for known in known_transactions)
    return payment_names.is_order and listed_row.claim.order_id in payment_names.order_ids


def _data(listed_row: ListedRow) -> dict[str, Any]:
    line = line_of(listed_row)
    return key_data(key_of(listed_row)) | line_data(line) | {"known_minor": line.known_minor}
