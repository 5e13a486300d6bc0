"""The shapes of objects, the same in a list and alone, and of the pages of lists."""

from marshmallow import Schema, fields

from ledger.aggregates.basis import ASKED, TOLD
from ledger.aggregates.event_fields import FieldKind, Output, fields_in
from ledger.ipn.kinds import KINDS, Kind
from ledger.ipn.modes import PUBLIC_MODES
from ledger.ipn.snapshots import (
    ALIAS_FACTS,
    INSTALMENT_FACTS,
    SUBSCRIPTION_FACTS,
    TRANSACTION_FACTS,
)
from ledger.projections.aliases import aliases
from ledger.projections.subscriptions import subscriptions
from ledger.projections.suspect_rules import SuspectRule, Suspicion
from ledger.projections.transactions import transactions
from ledger.queries.order_findings import OrderRule
from ledger.queries.suspects import EXPECTED, REMEDIES
from ledger.storage.outcomes import Sealed
from web.api.answer_fields import (
    Fields,
    answer_schema,
    by_schema,
    day,
    facts,
    flag,
    instant,
    many,
    nested,
    number,
    only_alone,
    text,
    texts,
    words,
)
from web.api.event_schemas import EVENT_LINKS, field_schema
from web.api.fact_schemas import AMOUNTS
from web.api.listed_answers import LISTED
from web.api.summary_answers import COMPARISON, SUMMARY
from web.api.vocabulary import (
    ALIAS_STATUSES,
    LINK_CERTAINTIES,
    SEALED,
    SUBSCRIPTION_STATUSES,
    TOTAL_OUTCOMES,
)

CURSOR = text("asks for the next page, as `cursor`; null on the last one", none=True)
NEWEST = number("position of the log up to which nothing can appear any more")
STANDING: Fields = {
    "as_of_position": number("how far the read model had followed the events"),
    "lag": number("how many positions it was behind them"),
    "newest_position": NEWEST,
}
UNDECIDED = "notifications that name it and are not decided yet, the newest first"
ORDER = "order"


def page(name: str, item: type[Schema]) -> type[Schema]:
    """Return the schema of a page of a list that a read model holds."""
    return answer_schema(
        name,
        items=many(item),
        next_cursor=CURSOR,
        **STANDING,
    )


# -- what all objects have ----------------------------------------------------------------------

Links = answer_schema("Links", self=text(), history=text())


def _known(kind: str) -> Fields:
    return {
        "kind": text(choices=(kind,)),
        "shop_id": text(),
        "mode": text(choices=PUBLIC_MODES),
        "first_seen_at": instant("when this ledger first heard of it"),
        "last_changed_at": instant("when this ledger last heard something new"),
        "links": nested(Links),
        **only_alone(
            {
                "position": number("of its newest event"),
                "newest_position": number("of the log: nothing can appear up to it any more"),
                "undecided": texts(UNDECIDED),
                "comparison": COMPARISON,
            }
        ),
    }


def _object(kind: str) -> Fields:
    return {
        **_known(kind),
        "doubtful": flag(
            "true while doubtful forms alone have reported it: it counts nowhere, and a list shows"
            " no amount of it"
        ),
        "basis": text(
            "asked while something of it was only answered to our own question, and told by no"
            " signed call; else told",
            choices=(TOLD, ASKED),
        ),
        "version": number("how many events made it what it is"),
        **only_alone(
            {
                "unconfirmed": texts("the facts that were answered, and told by no signed call"),
                "details": words("the platform's other fields, each as it last came"),
                "personal": words("fields about a person; none for the role auditor"),
                "sealed": text(SEALED, choices=tuple(Sealed)),
            }
        ),
    }


def _counts() -> Fields:
    return {
        "contradictions": number("events that contradict what was known"),
        "late_news": number("events that came later than newer ones"),
    }


# -- objects ------------------------------------------------------------------------------------
Original = answer_schema(
    "Original",
    uuid=text("of the debit that a refund gives back"),
    certainty=text(choices=LINK_CERTAINTIES),
)
Transaction = answer_schema(
    "Transaction",
    **_object(Kind.TRANSACTION),
    **_counts(),
    **only_alone(facts(TRANSACTION_FACTS), listed=map(str, transactions.columns.keys())),
    uuid=text("null when the platform gave none", none=True),
    reference=text("the uuid, or what stands in for it"),
    **only_alone(
        {
            "listed": LISTED,
            "summary": SUMMARY,
            "original": nested(
                Original,
                "of a refund, in an order: null when none or several can be meant",
                none=True,
            ),
        }
    ),
)
Alias = answer_schema(
    "Alias",
    **_object(Kind.ALIAS),
    **only_alone(_counts()),
    **only_alone(facts(ALIAS_FACTS), listed=map(str, aliases.columns.keys())),
    alias=text(),
    status=text(vocabulary=ALIAS_STATUSES),
)
Instalment = answer_schema("Instalment", **facts(INSTALMENT_FACTS))
Subscription = answer_schema(
    "Subscription",
    **_object(Kind.SUBSCRIPTION),
    **only_alone(_counts()),
    **only_alone(facts(SUBSCRIPTION_FACTS), listed=map(str, subscriptions.columns.keys())),
    subscription_id=text(),
    alias=text(none=True),
    status=text(vocabulary=SUBSCRIPTION_STATUSES),
    instalments=many(Instalment, "every attempt, refused ones too, in their order"),
)
Balance = answer_schema(
    "Balance",
    currency=text("ISO 4217 letters", none=True),
    transactions=number("how many"),
    doubtful=number("how many of them are doubtful, and in no sum"),
    authorised_minor=number(f"debits authorised and not released, in minor units: {AMOUNTS}"),
    captured_minor=number("debits captured"),
    refunded_minor=number("credits that count"),
    open_minor=number("debits authorised or waiting, not captured yet"),
    balance_minor=number("debits that count less credits that count"),
)
OrderFinding = answer_schema(
    "OrderFinding",
    rule=text("what does not add up", vocabulary=tuple(OrderRule)),
    currency=text(none=True),
    amount_minor=number(
        "given back too much, or what a file lists, in minor units of `currency`", none=True
    ),
    trans_id=text("the platform's short number", none=True),
    sequence_number=number("the attempt that nobody has told of", none=True),
    status=text("what a file lists", none=True),
    reference=text("the transaction that a file lists otherwise", none=True),
    file_id=text("the file that lists it; a claim, which changes nothing of the order", none=True),
    file_name=text(none=True),
    line=number("the line in the file, from 1", none=True),
)
Order = answer_schema(
    "Order",
    **_known(ORDER),
    order_id=text(),
    balances=many(
        Balance,
        "one for each currency, of all transactions, whichever page is shown; a list has the order"
        " once for each currency, with the balance and the moments of that one",
    ),
    **only_alone(
        {
            "view_position": number(
                "how far the read model that names its transactions had followed"
            ),
            "version": number("how many events of its transactions made it what it is"),
            "findings": many(
                OrderFinding,
                "what does not add up, by what was told or by the newest reports on files",
            ),
            "transactions": many(Transaction, "a page of them, as they were first seen"),
            "next_cursor": text("asks for more transactions, as `cursor`", none=True),
            "listed": LISTED,
            "summary": SUMMARY,
        }
    ),
)

# -- what only lists have -----------------------------------------------------------------------

DailyTotal = answer_schema(
    "DailyTotal",
    day=day("in UTC, on which the platform recorded the transactions"),
    shop_id=text(),
    mode=text(choices=PUBLIC_MODES),
    currency=text("ISO 4217 letters", none=True),
    payment_method=text("brand or method", none=True),
    outcome=text(choices=TOTAL_OUTCOMES),
    count=number("how many transactions"),
    amount_minor=number(f"their sum, also of refunds; in minor units of `currency`: {AMOUNTS}"),
)
AuditTrailItem = answer_schema(
    "AuditTrailItem",
    **{
        f"is_{field.name}": flag(f"its list `{field.name}` is not empty: {field.meaning}")
        for field in fields_in(Output.TRAIL)
        if field.kind is FieldKind.WORDS
    },
    **{
        field.name: by_schema(field_schema(field))
        for field in fields_in(Output.TRAIL)
        if field.kind is not FieldKind.WORDS
    },
    amount_minor=number(f"that it reports, in minor units of `currency`: {AMOUNTS}", none=True),
    currency=text("ISO 4217 letters", none=True),
    is_surprising=flag("late, contradicting, odd, doubtful or suspected"),
    links=by_schema(EVENT_LINKS),
)

# -- what was probably not told ------------------------------------------------------------------

SuspectAnswer = answer_schema(
    "SuspectAnswer",
    rule=text("by what it gives itself away", vocabulary=tuple(SuspectRule)),
    certainty=text("how sure it is that news was never told", choices=tuple(Suspicion)),
    shop_id=text(),
    mode=text(choices=PUBLIC_MODES),
    kind=text("of the object that gives it away", choices=(*KINDS, ORDER)),
    reference=text("of that object"),
    alias=text("of a subscription, where it has one", none=True),
    parent_uuid=text("the transaction that it names, when it names one", none=True),
    status=text("as it was last told; null for other objects than transactions", none=True),
    missing_count=number("of numbers; null where no number is missing", none=True),
    first_seen_at=instant("when this ledger first heard of the object"),
    due_at=instant("by when the news should have come"),
    expected=text("the news that is missing", vocabulary=tuple(dict.fromkeys(EXPECTED))),
    remedies=fields.List(
        fields.String(metadata={"x-extensible-enum": list(REMEDIES)}),
        required=True,
        metadata={"description": "what brings the news, or shows that there is none"},
    ),
    links=nested(Links),
)

# -- pages --------------------------------------------------------------------------------------

TransactionPage = page("TransactionPage", Transaction)
AliasPage = page("AliasPage", Alias)
SubscriptionPage = page("SubscriptionPage", Subscription)
OrderPage = page("OrderPage", Order)
TotalPage = page("TotalPage", DailyTotal)
SuspectPage = page("SuspectPage", SuspectAnswer)
AuditTrailPage = page("AuditTrailPage", AuditTrailItem)
