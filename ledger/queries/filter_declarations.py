"""Declares every filter once: its name, column, comparison, meaning and choices.

The SQL conditions, the parameters of the API, the options of the command line and the form of the
pages are derived from these declarations; none of them names a filter again.
"""

# ruff: noqa: RUF009  # each call returns a field of a dataclass

from dataclasses import dataclass
from datetime import date, datetime

from ledger.aggregates.basis import ASKED, TOLD
from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.ipn.field_values import OPERATIONS
from ledger.ipn.kinds import KINDS
from ledger.ipn.notification_rules import RULES
from ledger.ipn.refusal_reasons import REASONS
from ledger.projections.money_outcomes import OUTCOMES
from ledger.projections.suspect_rules import SuspectRule, Suspicion
from ledger.queries.filter_conditions import (
    Filter,
    Words,
    among,
    at_least,
    at_most,
    contains,
    equal,
    first_day,
    is_set,
    last_day,
    positive,
    since,
    until,
)
from ledger.queries.filter_words import CURRENCY, STATUS
from ledger.storage.outcomes import Outcome

DELIVERY_FORMATS = ("form-v2", "rest-v4")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFilter(Filter):
    """Narrows by when the ledger first heard of an object, and when that last changed."""

    first_seen_from: datetime | None = since("first_seen_at", "first heard of")
    first_seen_until: datetime | None = until("first_seen_at", "first heard of")
    changed_from: datetime | None = since("last_changed_at", "last changed")
    # What was last changed before an instant was first seen before it, too.
    changed_until: datetime | None = until(
        "last_changed_at", "last changed", bounds_too="first_seen_at"
    )


_ORDER = "the merchant's order"
_STATUS = "status in capitals; one that is not known yet is looked for too"
_METHOD = "brand or method"
_BASIS = "what proves it: told by a signed call, or asked by our own question"
_CURRENCY = "letters (in any case) or number of ISO 4217"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFilter(SeenFilter):
    """Narrows the list of transactions."""

    search: str | None = contains(
        "part of an order, trans_id or alias, in any case of A to Z; or how a uuid begins",
        "order_id",
        "trans_id",
        "alias",
        beginning="uuid",
    )
    operation_type: Words = among(
        "operation_type", "DEBIT, CREDIT or VERIFICATION", choices=tuple(sorted(OPERATIONS))
    )
    order_id: str | None = equal("order_id", _ORDER)
    alias: str | None = equal("alias", "alias")
    subscription_id: str | None = equal("subscription_id", "subscription")
    trans_id: str | None = equal(
        "trans_id",
        "the platform's short number in any case, unique per shop and UTC day",
        is_any_case=True,
    )
    payment_method: Words = among("payment_method", _METHOD, is_upper=True)
    status: Words = among("status", _STATUS, **STATUS)
    authorisation_result: str | None = equal(
        "authorisation_result", "what the issuer answered, as 51"
    )
    authorisation_number: str | None = equal(
        "authorisation_number",
        "the number under which the issuer authorised it, in any case",
        is_any_case=True,
    )
    currency: str | None = equal("currency", _CURRENCY, **CURRENCY)
    amount_min: int | None = at_least("amount_minor", "at least, in minor units")
    amount_max: int | None = at_most("amount_minor", "at most, in minor units")
    created_from: datetime | None = since(
        "created_at", "recorded by the platform", is_platform_time=True
    )
    created_until: datetime | None = until(
        "created_at", "recorded by the platform", is_platform_time=True
    )
    doubtful: bool = is_set("is_doubtful", "only what doubtful forms alone have reported")
    basis: Words = among("basis", _BASIS, choices=(TOLD, ASKED))
    contradiction: bool = positive("contradiction_count", "only those with contradicting news")
    late: bool = positive("late_count", "only those that had late news")


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasFilter(SeenFilter):
    """Narrows the list of stored means of payment."""

    search: str | None = contains(
        "part of an alias or order, or how the uuid of its transaction begins",
        "alias",
        "order_id",
        beginning="transaction_uuid",
    )
    status: Words = among("status", _STATUS, **STATUS)
    payment_method: Words = among("payment_method", _METHOD, is_upper=True)
    alias: str | None = equal("alias", "alias")
    order_id: str | None = equal("order_id", _ORDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFilter(SeenFilter):
    """Narrows the list of subscriptions."""

    search: str | None = contains(
        "part of a subscription's id, its alias or order", "subscription_id", "alias", "order_id"
    )
    status: Words = among("status", _STATUS, **STATUS)
    subscription_id: str | None = equal("subscription_id", "subscription")
    alias: str | None = equal("alias", "alias")
    order_id: str | None = equal("order_id", _ORDER)
    currency: str | None = equal("currency", _CURRENCY, **CURRENCY)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter(SeenFilter):
    """Narrows the list of orders."""

    search: str | None = contains("part of an order's id", "order_id")
    order_id: str | None = equal("order_id", _ORDER)
    currency: str | None = equal("currency", _CURRENCY, **CURRENCY)
    open: bool = positive("open_minor", "only those with money authorised or waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter(Filter):
    """Narrows the audit trail, the feed and the export of events."""

    type: Words = among(
        "type", "stored name, as transaction.payment-accepted", choices=tuple(sorted(EVENT_CLASSES))
    )
    kind: str | None = equal("kind", "kind of object", choices=KINDS)
    rule: str | None = equal("rule", "Back Office rule it was sent under", choices=tuple(RULES))
    reference: str | None = equal("reference", "uuid, alias, subscription or other reference")
    currency: str | None = equal("currency", _CURRENCY, **CURRENCY)
    amount_min: int | None = at_least("amount_minor", "at least, in minor units")
    amount_max: int | None = at_most("amount_minor", "at most, in minor units")
    surprising: bool = is_set(
        "is_surprising", "only what is late, contradicting, odd, doubtful or suspected"
    )
    late: bool = is_set("is_late", "only late news")
    contradiction: bool = is_set("is_contradiction", "only what contradicts what was known")
    odd: bool = is_set("is_odd", "only events with odd fields")
    suspected: bool = is_set("is_suspected", "only events in which card data seems to be")
    doubtful: bool = is_set("is_doubtful", "only events of doubtful forms")
    basis: Words = among("basis", _BASIS, choices=(TOLD, ASKED))
    recorded_from: datetime | None = since("recorded_at", "recorded")
    recorded_until: datetime | None = until("recorded_at", "recorded")
    occurred_from: datetime | None = since("occurred_at", "happened")
    occurred_until: datetime | None = until("occurred_at", "happened")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectFilter(Filter):
    """Narrows the list of what was probably not told."""

    rule: Words = among(
        "rule", "by what it gives itself away", choices=tuple(rule.value for rule in SuspectRule)
    )
    certainty: Words = among(
        "certainty", "how sure it is", choices=tuple(degree.value for degree in Suspicion)
    )
    due_from: datetime | None = since("due_at", "news was due")
    due_until: datetime | None = until("due_at", "news was due")


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalFilter(Filter):
    """Narrows the daily totals. Shape: days are in UTC, both included."""

    day_from: date | None = first_day("day", "first day, in UTC")
    day_until: date | None = last_day("day", "last day, included")
    currency: str | None = equal("currency", _CURRENCY, **CURRENCY)
    payment_method: Words = among("payment_method", _METHOD, is_upper=True)
    outcome: Words = among("outcome", "outcome", choices=tuple(sorted(OUTCOMES)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFilter(Filter):
    """Narrows verified notifications and those in quarantine, where shop and mode are claims."""

    outcome: Words = among(
        "outcome", "outcome", choices=tuple(outcome.value for outcome in Outcome)
    )
    reason: Words = among("reason", "reason of a refusal", choices=tuple(sorted(REASONS)))
    format: str | None = equal("format", "format of the notification", choices=DELIVERY_FORMATS)
    source: str | None = equal("source", "the platform's word for what made it send")
    received_from: datetime | None = since("received_at", "received")
    received_until: datetime | None = until("received_at", "received")
