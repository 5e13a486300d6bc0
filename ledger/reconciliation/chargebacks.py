"""Says which payments of this ledger files list as taken back by the buyer's bank.

There is no call about a chargeback: a file is the only source, and what it lists stays a claim
beside the payment, whose status, amount and totals do not change.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger.reconciliation.journal_rows import JournalKind
from ledger.reconciliation.listed import ListedRow, Names, listed_of_names

Chargeback = dict[str, Any]
"""A chargeback under its public names."""


def chargebacks_of(
    connection: Connection, payment_names: Names, *, recorded_until: datetime | None = None
) -> list[Chargeback]:
    """Return the chargebacks that files list of the payments of these names.

    Shape: by day, one for each row, and where several payments can be meant one for each of them,
    marked as ambiguous. With `recorded_until` as files said by then.
    Errors: ViewNotBuiltError, only where a file lists any.
    """
    rows = listed_of_names(
        connection, payment_names, JournalKind.UNPAID, recorded_until=recorded_until
    )
    return [
        chargeback_data(row, known.reference, known.currency)
        for row in rows
        for known in row.match.known_transactions
        if known.reference in payment_names.references
    ]


def chargeback_data(
    listed_row: ListedRow, reference: str | None, currency: str | None
) -> Chargeback:
    """Return a chargeback under its public names.

    Units: `amount_minor` in minor units of `currency`, which is that of the payment where the row
    says none.
    """
    return {
        "reference": reference,
        "day": listed_row.moved_on.isoformat(),
        "amount_minor": listed_row.claim.unpaid_amount_minor,
        "currency": listed_row.claim.currency or currency,
        "certainty": listed_row.match.certainty,
        "file_id": listed_row.kept_file.id,
        "file_name": listed_row.kept_file.file_name,
        "line": listed_row.claim.line_number,
    }
