"""The one vocabulary of both formats: what a notification can say, whichever way it said it.

A fact that is not in a snapshot was not reported; it is never "cleared".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

Fact = str | int
"""A reported value. Instants are text in UTC, `2026-03-10T09:15:47Z`, so that they sort."""

Pairs = list[list[str]]
"""The platform's own names with their values, verbatim, in the platform's order."""

TRANSACTION_FACTS: dict[str, str] = {
    "operation_type": "direction: DEBIT, CREDIT, VERIFICATION",
    "status": "the platform's detailed status in its form spelling",
    "amount_minor": "what this transaction moves, in minor units of `currency`",
    "currency": "ISO 4217 letters of the currency of capture",
    "requested_amount_minor": "what was asked for, in minor units of `requested_currency`",
    "requested_currency": "ISO 4217 letters of the currency asked for",
    "created_at": "when the platform recorded the transaction",
    "capture_at": "when capture is planned",
    "captured_at": "when it was captured",
    "order_id": "the merchant's order reference",
    "trans_id": "the platform's short number, unique per shop and UTC day",
    "trans_date": "when the payment form was made",
    "sequence_number": "attempt or instalment number",
    "occurrence_type": "place in a series of payments",
    "payment_method": "brand or method used",
    "wallet": "wallet used",
    "payment_source": "channel: EC, MOTO, ...",
    "contract": "merchant contract with the acquirer",
    "network": "acquirer network",
    "authorisation_number": "authorisation number",
    "authorisation_result": "answer code of the issuer",
    "liability_shift": "YES if the payment is guaranteed, NO if not, UNKNOWN if nobody could say",
    "refunded_minor": "what of it was refunded so far, in minor units of `currency`",
    "alias": "stored means of payment used or made",
    "subscription_id": "subscription it belongs to",
    "instalment_number": "number of the instalment of the subscription",
    "instalment": "YES or NO: an instalment of its subscription, where no other fact says so",
    "parent_uuid": "the transaction it refunds or repeats, when the platform says so",
}
ALIAS_FACTS: dict[str, str] = {
    "request": "what was asked and came of it: CREATED, UPDATED, NOT_CREATED, NOT_UPDATED",
    "payment_method": "brand or method behind the alias",
    "order_id": "the merchant's order reference",
    "transaction_uuid": "the transaction it was reported with",
    "made_at": "when the platform recorded that transaction",
}
SUBSCRIPTION_FACTS: dict[str, str] = {
    "request": "what was asked and came of it: CREATED, NOT_CREATED",
    "order_id": "the merchant's order reference of the subscription",
    "effect_on": "first day, YYYY-MM-DD",
    "schedule": "iCalendar recurrence rule",
    "amount_minor": "amount of each instalment, in minor units of `currency`",
    "currency": "ISO 4217 letters",
    "initial_amount_minor": "amount of the first instalments",
    "initial_amount_number": "how many instalments have the initial amount",
    "transaction_uuid": "the transaction made while subscribing",
}
INSTALMENT_FACTS: dict[str, str] = {
    "transaction_uuid": "the transaction of this attempt",
    "number": "number of the instalment, when the platform gives one",
    "status": "status of that transaction",
    "amount_minor": "what it moves, in minor units of `currency`",
    "currency": "ISO 4217 letters",
    "created_at": "when the platform recorded it",
}


def undeclared(names: Iterable[str], declared: Mapping[str, str]) -> list[str]:
    """Return the names that are not among the declared facts. Shape: sorted, without repeats."""
    return sorted(set(names).difference(declared))


# what became of a request to make or change an alias or a subscription
CREATED = "CREATED"
UPDATED = "UPDATED"
NOT_CREATED = "NOT_CREATED"
NOT_UPDATED = "NOT_UPDATED"
ABANDONED = "ABANDONED"
REQUEST_REFUSED = frozenset({NOT_CREATED, NOT_UPDATED})

# whether a transaction is an instalment, where its other facts leave that open or say otherwise
YES = "YES"
NO = "NO"


@dataclass(frozen=True, slots=True)
class TransactionSnapshot:
    """How one transaction stands.

    Shape: `uuid` is None when the platform gave none; `reference` then identifies it, else it is
    the uuid. `details` holds every other field of the object, `personal` those about a person.
    `suspected` says in which field which card data seems to be. `derived` names the facts that
    other fields stand in for: they fill a gap, and no more.
    """

    uuid: str | None
    reference: str
    facts: Mapping[str, Fact]
    details: Pairs = field(default_factory=list)
    personal: Pairs = field(default_factory=list)
    odd: tuple[str, ...] = ()
    suspected: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AliasSnapshot:
    """How one stored means of payment stands.

    Shape: `was_asked` is True for a request to register or change it, False for its mere use in a
    payment; `is_known_means` says that the same card was already behind this alias. `details` holds
    what is odd, verbatim; of a call without a transaction all that no fact expresses.
    """

    alias: str
    facts: Mapping[str, Fact]
    was_asked: bool
    is_accepted: bool
    is_known_means: bool = False
    details: Pairs = field(default_factory=list)
    personal: Pairs = field(default_factory=list)
    odd: tuple[str, ...] = ()
    suspected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionSnapshot:
    """That a subscription was opened or refused; instalments are known by their transactions.

    Shape: `details` holds what is odd, verbatim; of a call without a transaction all that no fact
    expresses, and `personal` what is about a person.
    """

    subscription_id: str
    alias: str
    facts: Mapping[str, Fact]
    details: Pairs = field(default_factory=list)
    odd: tuple[str, ...] = ()
    suspected: tuple[str, ...] = ()
    personal: Pairs = field(default_factory=list)


Snapshot = TransactionSnapshot | AliasSnapshot | SubscriptionSnapshot
"""How one thing stands, whichever it is."""


@dataclass(frozen=True, slots=True)
class NotificationContent:
    """Everything one notification says, in one vocabulary.

    Shape: `told_at` is the platform's own time of the message (REST only). `rule` is None when
    the call does not name its rule; `rule_certainty` says how far to trust it. `doubts` say why
    it may be no call of the platform although its signature verifies; empty for a call. `is_asked`
    says that it is no call, but an answer to our own question.
    """

    shop_id: str
    mode: str
    source: str | None
    rule: str | None
    rule_certainty: str
    told_at: datetime | None
    transactions: tuple[TransactionSnapshot, ...] = ()
    aliases: tuple[AliasSnapshot, ...] = ()
    subscriptions: tuple[SubscriptionSnapshot, ...] = ()
    doubts: tuple[str, ...] = ()
    is_asked: bool = False


def is_instalment(facts: Mapping[str, Fact]) -> bool:
    """Return True if a transaction is an instalment, not the payment that opened a subscription.

    Shape: a number says so, then what the call itself told by its other fields, then the place in
    the series. Source: form-v2 reference, sections 3.5 and 6.4; rest-v4 reference, section 6.
    """
    if facts.get("operation_type") == "CREDIT":
        return False  # a refund of one repeats its names
    if "instalment_number" in facts or "instalment" in facts:
        return "instalment_number" in facts or facts["instalment"] == YES
    return (
        facts.get("operation_type") != "VERIFICATION"
        and "subscription_id" in facts
        and facts.get("occurrence_type") in ("RECURRENT_INTERMEDIAIRE", "RECURRENT_FINAL")
    )


def with_instalment(facts: Mapping[str, Fact], is_told: bool | None) -> dict[str, Fact]:
    """Add to facts what a call tells of being an instalment, unless they lead to the same.

    Shape: `is_told` is None for a call that leaves it open.
    """
    marked = {**facts, "instalment": YES if is_told else NO}
    is_new = is_told is not None and is_instalment(marked) != is_instalment(facts)
    return marked if is_new else dict(facts)
