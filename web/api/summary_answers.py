"""What the query API answers about what came of a payment or an order."""

from marshmallow import fields

from ledger.queries.summaries import DOUBTFUL, Capture, Proof
from web.api.answer_fields import (
    answer_schema,
    by_schema,
    flag,
    instant,
    many,
    nested,
    number,
    text,
)
from web.api.vocabulary import KNOWN, TOTAL_OUTCOMES

SummaryPart = answer_schema(
    "SummaryPart",
    currency=text("ISO 4217 letters", none=True),
    outcome=text(
        "what came of the transaction that decides: the one that is paid, else the one that may"
        " still be, else the newest; doubtful while doubtful forms alone have reported it",
        vocabulary=(*TOTAL_OUTCOMES, DOUBTFUL),
    ),
    operation_type=text("of that transaction", none=True, vocabulary=KNOWN["operation_type"]),
    status=text("of that transaction", none=True, vocabulary=KNOWN["status"]),
    reason=text("the issuer's answer to that transaction, when it was refused", none=True),
    amount_minor=number("of that transaction", none=True),
    created_at=instant("of that transaction, as the platform says", none=True),
    paid_minor=number("debits that count: authorised or captured, and not to be validated"),
    payments=number("how many of these"),
    paid_at=instant("when the newest of these was created", none=True),
    capture=text(
        "what was notified of their capture: not-notified says nothing of whether there was one,"
        " for no rule tells of captures of ordinary cards; null when nothing is paid",
        none=True,
        choices=tuple(Capture),
    ),
    captured_minor=number("debits whose capture was notified"),
    captured_at=instant("when the newest of these was captured", none=True),
    capture_at=instant("for when the last other capture is, or was, planned", none=True),
    refunded_minor=number(
        "credits that count; of a payment also what the platform states itself. Null when its"
        " refunds are not known here: their read model is not built, or there are too many",
        none=True,
    ),
    refunds=number("how many credits"),
    refunded_at=instant("when the newest of these was created", none=True),
    net_minor=number(
        "`paid_minor` less `refunded_minor`; chargebacks are not notified, and not in it", none=True
    ),
    doubtful=number("transactions that are in no sum"),
)
Summary = answer_schema(
    "Summary",
    text=text("all of it in an English sentence, with days and times in UTC"),
    parts=many(SummaryPart, "one for each currency; of a transaction one alone"),
    first_seen_at=instant("when this ledger first heard of it"),
    last_changed_at=instant("when this ledger last heard something new"),
    proof=text(
        "signature: verified when each notification arrived; queried: some of it was only"
        " answered to our own question; doubtful: signed, but perhaps no call of the platform",
        choices=tuple(Proof),
    ),
    is_erased=flag("what a transaction reported besides was erased, as far as a reader sees that"),
)
SUMMARY = nested(Summary, "what came of it, as known then, from the events alone")

Difference = answer_schema(
    "Difference",
    of=text("the transaction, currency or instalment it is of; null for the object", none=True),
    name=text("of the fact, or of the sum of an order"),
    before=by_schema({"description": "as known at the earlier instant; null for nothing"}),
    after=by_schema({"description": "as known at the later instant; null for nothing"}),
    currency=text("of an amount", none=True),
)
COMPARISON = nested(
    answer_schema(
        "Comparison",
        earlier_at=instant("the earlier of both instants, whichever was `against`", none=True),
        later_at=instant("the later one; null is now", none=True),
        changes=many(Difference, "the facts that differ, and no others"),
        positions=fields.List(
            fields.Integer(),
            required=True,
            metadata={"description": "of the events that became known between both"},
        ),
        left_out=number("changes and events that are too many to be named"),
    ),
    "what was known otherwise at `against`; only where that is asked for",
)
