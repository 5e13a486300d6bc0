"""Declares every filter once: its name, column, comparison, meaning and choices.

The SQL conditions, the parameters of the API, the options of the command line and the form of the
pages are derived from these declarations; none of them names a filter again.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.ipn.kinds import KINDS
from ledger.ipn.notification_rules import RULES
from ledger.ipn.refusal_reasons import REASONS
from ledger.projections.money_outcomes import OUTCOMES
from ledger.queries.filter_comparisons import (
    Comparison,
    Condition,
    Filter,
    Words,
    among,
    contains,
    equal,
    is_set,
    positive,
    since,
    until,
)
from ledger.storage.outcomes import Outcome

DELIVERY_FORMATS = ("form-v2", "rest-v4")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFilter(Filter):
    """Narrows by when the ledger first heard of an object, and when that last changed."""

    first_seen_from: Annotated[datetime | None, since("first_seen_at", "first heard of")] = None
    first_seen_until: Annotated[datetime | None, until("first_seen_at", "first heard of")] = None
    changed_from: Annotated[datetime | None, since("last_changed_at", "last changed")] = None
    # What was last changed before an instant was first seen before it, too.
    changed_until: Annotated[
        datetime | None, until("last_changed_at", "last changed", bounds_too="first_seen_at")
    ] = None


_ORDER = "the merchant's order"
_METHOD = "brand or method"
_CURRENCY = "ISO 4217 letters"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFilter(SeenFilter):
    """Narrows the list of transactions."""

    search: Annotated[
        str | None,
        contains(
            "part of an order, trans_id or alias, in any case of A to Z; or how a uuid begins",
            "order_id",
            "trans_id",
            "alias",
            beginning="uuid",
        ),
    ] = None
    operation_type: Annotated[Words, among("operation_type", "DEBIT, CREDIT or VERIFICATION")] = (
        frozenset()
    )
    order_id: Annotated[str | None, equal("order_id", _ORDER)] = None
    alias: Annotated[str | None, equal("alias", "alias")] = None
    subscription_id: Annotated[str | None, equal("subscription_id", "subscription")] = None
    trans_id: Annotated[
        str | None, equal("trans_id", "the platform's short number, unique per shop and UTC day")
    ] = None
    payment_method: Annotated[Words, among("payment_method", _METHOD, is_upper=True)] = frozenset()
    status: Annotated[Words, among("status", "status")] = frozenset()
    currency: Annotated[str | None, equal("currency", _CURRENCY, is_upper=True)] = None
    amount_min: Annotated[
        int | None, Condition(Comparison.AT_LEAST, "amount_minor", "at least, in minor units")
    ] = None
    amount_max: Annotated[
        int | None, Condition(Comparison.AT_MOST, "amount_minor", "at most, in minor units")
    ] = None
    created_from: Annotated[
        datetime | None, since("created_at", "recorded by the platform", is_platform_time=True)
    ] = None
    created_until: Annotated[
        datetime | None, until("created_at", "recorded by the platform", is_platform_time=True)
    ] = None
    contradiction: Annotated[
        bool, positive("contradiction_count", "only those with contradicting news")
    ] = False
    late: Annotated[bool, positive("late_count", "only those that had late news")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasFilter(SeenFilter):
    """Narrows the list of stored means of payment."""

    search: Annotated[
        str | None,
        contains(
            "part of an alias or order, or how the uuid of its transaction begins",
            "alias",
            "order_id",
            beginning="transaction_uuid",
        ),
    ] = None
    status: Annotated[Words, among("status", "status")] = frozenset()
    payment_method: Annotated[Words, among("payment_method", _METHOD, is_upper=True)] = frozenset()
    alias: Annotated[str | None, equal("alias", "alias")] = None
    order_id: Annotated[str | None, equal("order_id", _ORDER)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFilter(SeenFilter):
    """Narrows the list of subscriptions."""

    search: Annotated[
        str | None,
        contains(
            "part of a subscription's id, its alias or order",
            "subscription_id",
            "alias",
            "order_id",
        ),
    ] = None
    status: Annotated[Words, among("status", "status")] = frozenset()
    subscription_id: Annotated[str | None, equal("subscription_id", "subscription")] = None
    alias: Annotated[str | None, equal("alias", "alias")] = None
    order_id: Annotated[str | None, equal("order_id", _ORDER)] = None
    currency: Annotated[str | None, equal("currency", _CURRENCY, is_upper=True)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter(SeenFilter):
    """Narrows the list of orders."""

    search: Annotated[str | None, contains("part of an order's id", "order_id")] = None
    order_id: Annotated[str | None, equal("order_id", _ORDER)] = None
    currency: Annotated[str | None, equal("currency", _CURRENCY, is_upper=True)] = None
    open: Annotated[bool, positive("open_minor", "only those with money authorised or waiting")] = (
        False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter(Filter):
    """Narrows the audit trail, the feed and the export of events."""

    type: Annotated[
        Words,
        among(
            "type",
            "stored name, as transaction.payment-accepted",
            choices=tuple(sorted(EVENT_CLASSES)),
        ),
    ] = frozenset()
    kind: Annotated[str | None, equal("kind", "kind of object", choices=KINDS)] = None
    rule: Annotated[
        str | None, equal("rule", "Back Office rule it was sent under", choices=tuple(RULES))
    ] = None
    reference: Annotated[
        str | None, equal("reference", "uuid, alias, subscription or other reference")
    ] = None
    late: Annotated[bool, is_set("is_late", "only late news")] = False
    contradiction: Annotated[
        bool, is_set("is_contradiction", "only what contradicts what was known")
    ] = False
    odd: Annotated[bool, is_set("is_odd", "only events with odd fields")] = False
    recorded_from: Annotated[datetime | None, since("recorded_at", "recorded")] = None
    recorded_until: Annotated[datetime | None, until("recorded_at", "recorded")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalFilter(Filter):
    """Narrows the daily totals. Shape: days are in UTC, both included."""

    day_from: Annotated[
        date | None, Condition(Comparison.FIRST_DAY, "day", "first day, in UTC")
    ] = None
    day_until: Annotated[
        date | None, Condition(Comparison.LAST_DAY, "day", "last day, included")
    ] = None
    currency: Annotated[str | None, equal("currency", _CURRENCY, is_upper=True)] = None
    payment_method: Annotated[Words, among("payment_method", _METHOD, is_upper=True)] = frozenset()
    outcome: Annotated[Words, among("outcome", "outcome", choices=tuple(sorted(OUTCOMES)))] = (
        frozenset()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFilter(Filter):
    """Narrows verified notifications and those in quarantine, where shop and mode are claims."""

    outcome: Annotated[
        Words, among("outcome", "outcome", choices=tuple(outcome.value for outcome in Outcome))
    ] = frozenset()
    reason: Annotated[
        Words, among("reason", "reason of a refusal", choices=tuple(sorted(REASONS)))
    ] = frozenset()
    # `format` alone is that of an exported file.
    notification_format: Annotated[
        str | None, equal("format", "format of the notification", choices=DELIVERY_FORMATS)
    ] = None
    source: Annotated[str | None, equal("source", "the platform's word for what made it send")] = (
        None
    )
    received_from: Annotated[datetime | None, since("received_at", "received")] = None
    received_until: Annotated[datetime | None, until("received_at", "received")] = None
