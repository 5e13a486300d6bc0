"""What the query API answers about an object: a transaction, alias, subscription or order."""

from marshmallow import Schema, fields

from ledger.ipn.snapshots import (
    ALIAS_FACTS,
    INSTALMENT_FACTS,
    SUBSCRIPTION_FACTS,
    TRANSACTION_FACTS,
)
from web.api.answer_fields import facts, mode, number, text, words


class LinksAnswer(Schema):
    self = text()
    history = text()


class _Known(Schema):
    """What every object has."""

    kind = text()
    shop_id = text()
    mode = mode()
    version = number("how many events made it what it is")
    position = number("of its newest event")
    first_seen_at = text("when this ledger first heard of it")
    last_changed_at = text("when this ledger last heard something new")
    contradictions = number("events that contradict what was known")
    details = words("the platform's other fields, each as it was last told")
    personal = words("fields about a person; masked for the role auditor")
    links = fields.Nested(LinksAnswer, required=True)


class TransactionAnswer(
    _Known.from_dict(facts(TRANSACTION_FACTS), name="TransactionFacts"),  # type: ignore[misc]  # made from the one vocabulary
    _Known,
):
    """Units: amounts in minor units of the currency beside them."""

    uuid = text("None when the platform gave none", none=True)
    reference = text("the uuid, or what stands in for it")


class AliasAnswer(_Known.from_dict(facts(ALIAS_FACTS), name="AliasFacts"), _Known):  # type: ignore[misc]  # as above
    alias = text()
    status = text("CREATED, UPDATED or NOT_CREATED")


class InstalmentAnswer(Schema.from_dict(facts(INSTALMENT_FACTS), name="InstalmentFacts")):  # type: ignore[misc]  # as above
    """One attempt of an instalment."""


class SubscriptionAnswer(
    _Known.from_dict(facts(SUBSCRIPTION_FACTS), name="SubscriptionFacts"),  # type: ignore[misc]  # as above
    _Known,
):
    subscription_id = text()
    alias = text(none=True)
    status = text("CREATED or NOT_CREATED")
    instalments = fields.List(fields.Nested(InstalmentAnswer), required=True)


class OriginalAnswer(Schema):
    uuid = text("of the debit that a refund gives back")
    certainty = text(choices=("told", "inferred"))


class OrderTransactionAnswer(TransactionAnswer):
    original = fields.Nested(
        OriginalAnswer,
        allow_none=True,
        metadata={"description": "of a refund only; null when none or several can be meant"},
    )


class BalanceAnswer(Schema):
    """Units: minor units of `currency`; currencies never add up."""

    currency = text(none=True)
    transactions = number()
    authorised_minor = number("debits authorised and not released")
    captured_minor = number("debits captured")
    refunded_minor = number("credits that count")
    open_minor = number("debits authorised or waiting, not captured yet")
    balance_minor = number("debits that count less credits that count")


class OrderAnswer(Schema):
    kind = text()
    shop_id = text()
    mode = mode()
    order_id = text()
    first_seen_at = text()
    last_changed_at = text()
    position = number("of its newest event")
    view_position = number("how far the view that names its transactions had followed the log")
    balances = fields.List(fields.Nested(BalanceAnswer), required=True)
    transactions = fields.List(fields.Nested(OrderTransactionAnswer), required=True)
    links = fields.Nested(LinksAnswer, required=True)
