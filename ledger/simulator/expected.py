"""What a ledger should hold once a life was told, as far as the messages told it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ledger.simulator.lives import VERIFICATION, Payment
from ledger.simulator.rest_v4 import status_of
from ledger.simulator.stories import FORM, REST
from ledger.simulator.telling import Telling

Facts = dict[str, str | int]

TRANSACTION = "transaction"
ABANDONMENT = "abandonment"
ALIAS = "alias"
SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class Expected:
    """One thing and its facts at the end, under the names of the API.

    Shape: `id` is the uuid, the alias or the subscription id; None for an abandonment. A fact
    that is missing was not told. `instalments` belong to subscriptions.
    """

    kind: str
    id: str | None
    facts: Facts
    instalments: list[Facts] = field(default_factory=list)

    def __str__(self) -> str:
        status = self.facts.get("status", "?")
        if self.kind == TRANSACTION:
            return f"{self.facts['operation_type']} {status}"
        if self.kind == ABANDONMENT:
            return str(status)
        if self.kind == ALIAS:
            return f"alias {status}"
        return f"subscription {status}, {len(self.instalments)} instalments"


def expected(tellings: Sequence[Telling]) -> list[Expected]:
    """What one life should leave behind, in the order it was first told."""
    return [
        *_transactions(tellings),
        *_abandonments(tellings),
        *_aliases(tellings),
        *_subscriptions(tellings),
    ]


def _transactions(tellings: Sequence[Telling]) -> list[Expected]:
    facts: dict[str, Facts] = {}
    for telling in tellings:
        for payment in telling.shown:
            facts.setdefault(payment.uuid, {}).update(transaction_facts(telling, payment))
    return [Expected(TRANSACTION, uuid, told) for uuid, told in facts.items()]


def transaction_facts(telling: Telling, payment: Payment) -> Facts:
    """What one message tells of one payment."""
    told: dict[str, str | int | None] = {
        "operation_type": payment.operation_type,
        "status": status_of(payment) if telling.format == REST else payment.status,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "order_id": payment.order_id,
        "alias": payment.alias if not telling.call.is_split else None,
    }
    if payment.requested_currency != payment.currency:
        told["requested_amount_minor"] = payment.requested_amount_minor
        told["requested_currency"] = payment.requested_currency
    if telling.format == REST:
        told["parent_uuid"] = payment.parent_uuid
    return {name: value for name, value in told.items() if value is not None}


def _abandonments(tellings: Sequence[Telling]) -> list[Expected]:
    found = []
    for telling in tellings:
        if telling.is_abandonment:
            order = telling.call.order
            told: Facts = {"status": "ABANDONED"}
            if order.order_id is not None:
                told["order_id"] = order.order_id
            if telling.format == FORM and order.trans_id is not None:
                told["trans_id"] = order.trans_id
            found.append(Expected(ABANDONMENT, None, told))
    return found


def _aliases(tellings: Sequence[Telling]) -> list[Expected]:
    """Where a message does not say what was asked, the first check makes, others change."""
    facts: dict[str, Facts] = {}
    checks: dict[str, set[str]] = {}
    for telling in tellings:
        alias = alias_of(telling)
        if alias is None:
            continue
        uuids = {payment.uuid for payment in telling.shown if _makes_alias(payment)}
        is_change = bool(uuids - checks.get(alias, uuids))
        checks.setdefault(alias, set()).update(uuids)
        status = telling.call.alias_status
        if status in ("CREATED", "UPDATED") and not telling.lacks("identifier_status"):
            again = telling.call.is_known_means and alias in facts
            facts.setdefault(alias, {}).update({} if again else {"status": status})
        elif uuids:
            facts.setdefault(alias, {}).update({"status": "UPDATED"} if is_change else {})
    return [Expected(ALIAS, alias, told) for alias, told in facts.items()]


def alias_of(telling: Telling) -> str | None:
    """The alias that a message is about, or that its payment was made with."""
    shown = (payment.alias for payment in telling.shown)
    return telling.call.alias or next(shown, None)


def _makes_alias(payment: Payment) -> bool:
    return payment.operation_type == VERIFICATION and payment.status == "ACCEPTED"


def _subscriptions(tellings: Sequence[Telling]) -> list[Expected]:
    facts: dict[str, Facts] = {}
    for telling in tellings:
        reference = _subscription_id(telling)
        if reference is None:
            continue
        told = facts.setdefault(reference, {})
        alias = alias_of(telling)
        if alias is not None:
            told["alias"] = alias
        status = telling.call.subscription_status
        if status is not None and not telling.lacks("recurrence_status"):
            told["status"] = status
    return [
        Expected(SUBSCRIPTION, reference, told, _instalments(tellings, reference))
        for reference, told in facts.items()
    ]


def _subscription_id(telling: Telling) -> str | None:
    shown = (payment.subscription_id for payment in telling.shown)
    return telling.call.subscription_id or next(shown, None)


def _instalments(tellings: Iterable[Telling], reference: str) -> list[Facts]:
    found: dict[str, Facts] = {}
    for telling in tellings:
        for payment in telling.shown:
            if payment.subscription_id == reference and payment.instalment_number is not None:
                told = found.setdefault(payment.uuid, {"transaction_uuid": payment.uuid})
                told["status"] = payment.status
                told["amount_minor"] = payment.amount_minor
                told["currency"] = payment.currency
                if telling.format == FORM:
                    told["number"] = payment.instalment_number
    return list(found.values())
