"""What the query API answers about rows of files beside an object."""

from ledger.reconciliation.remittances import LineResult
from web.api.answer_fields import (
    Fields,
    answer_schema,
    day,
    many,
    nested,
    number,
    optional_day,
    text,
)

_SIGNED = "a refund is negative; null when nobody can read it"


def line_fields() -> Fields:
    """Return the fields of a row of a bank journal."""
    return {
        "result": text("what came of the row", vocabulary=tuple(LineResult)),
        "certainty": text("sure, likely or ambiguous; null where nothing is known", none=True),
        "reference": text("the transaction", none=True),
        "uuid": text(none=True),
        "trans_id": text("the platform's short number", none=True),
        "order_id": text(none=True),
        "paid_on": optional_day("the UTC day of the payment"),
        "direction": text("DEBIT or CREDIT", none=True),
        "gross_minor": number(_SIGNED, none=True),
        "fee_minor": number("null where the row says none", none=True),
        "net_minor": number("null where the row says none", none=True),
        "known_amount_minor": number("what was told of the transaction, without a sign", none=True),
        "known_currency": text(none=True),
        "known_status": text(none=True),
        "file_id": text(),
        "file_name": text(),
        "line": number("the line in the file, from 1"),
    }


def chargeback_fields() -> Fields:
    """Return the fields of what an unpaid journal lists."""
    return {
        "reference": text(
            "the transaction that was taken back; null where none is known", none=True
        ),
        "day": day("in UTC, of the file"),
        "amount_minor": number(
            "in minor units of `currency`; null when nobody can read it", none=True
        ),
        "currency": text("of the row, or else of the transaction", none=True),
        "certainty": text("sure, likely, or ambiguous; null where none is known", none=True),
        "file_id": text(),
        "file_name": text(),
        "line": number("the line in the file, from 1"),
    }


Chargeback = answer_schema("Chargeback", **chargeback_fields())
Remitted = answer_schema(
    "Remitted",
    remitted_on=day("in UTC"),
    contract=text("with the bank", none=True),
    number=text("of the remittance", none=True),
    currency=text("ISO 4217 letters, of gross, fee and net", none=True),
    **line_fields(),
    known_minor=number("what is known of it, a refund negative; 0 when nothing is"),
)
ListedSum = answer_schema(
    "ListedSum",
    currency=text("ISO 4217 letters"),
    listed_minor=number("debits less credits, as files list them"),
    known_minor=number("of the same payments, as this ledger knows them"),
    difference_minor=number("what files list more"),
)
Listed = answer_schema(
    "Listed",
    chargebacks=many(Chargeback, "what unpaid journals list as taken back"),
    remitted=many(Remitted, "what bank journals list as sent to the bank, also of its order"),
    sums=many(ListedSum, "of these rows, one for each currency"),
)
LISTED = nested(
    Listed,
    "what files of the platform list about it: a claim, which changes nothing else here, nor the"
    " `ETag`; null while the read model of transactions is not built",
    none=True,
)
