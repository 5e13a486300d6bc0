"""Say what a ledger should hold once the calls of a life have arrived in their order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ledger.simulator.payment_lives import VERIFICATION, Payment
from ledger.simulator.rest_v4 import status_of
from ledger.simulator.signed_calls import SignedCall
from ledger.simulator.stories import FORM, REST

Facts = dict[str, str | int]

TRANSACTION = "transaction"
ABANDONMENT = "abandonment"
ALIAS = "alias"
SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class ExpectedObject:
    """One object and its facts at the end, under the names of the API.

    Shape: `id` is the uuid, the alias or the subscription id; None for an abandonment. A fact
    that no call showed is missing. `instalments` belong to subscriptions.
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


def expected(signed_calls: Sequence[SignedCall]) -> list[ExpectedObject]:
    """Return what one life should leave behind, in the order of first appearance."""
    return [
        *_transactions(signed_calls),
        *_abandonments(signed_calls),
        *_aliases(signed_calls),
        *_subscriptions(signed_calls),
    ]


def _transactions(signed_calls: Sequence[SignedCall]) -> list[ExpectedObject]:
    facts_by_uuid: dict[str, Facts] = {}
    for signed_call in signed_calls:
        for payment in signed_call.shown_payments:
            facts = facts_by_uuid.setdefault(payment.uuid, {})
            facts.update(transaction_facts(signed_call, payment))
    return [ExpectedObject(TRANSACTION, uuid, facts) for uuid, facts in facts_by_uuid.items()]


def transaction_facts(signed_call: SignedCall, payment: Payment) -> Facts:
    """Return what one call says about one payment."""
    shown_facts: dict[str, str | int | None] = {
        "operation_type": payment.operation_type,
        "status": status_of(payment) if signed_call.format == REST else payment.status,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "order_id": payment.order_id,
        "alias": payment.alias if not signed_call.call.is_split else None,
    }
    if payment.requested_currency != payment.currency:
        shown_facts["requested_amount_minor"] = payment.requested_amount_minor
        shown_facts["requested_currency"] = payment.requested_currency
    if signed_call.format == REST:
        shown_facts["parent_uuid"] = payment.parent_uuid
    return {name: value for name, value in shown_facts.items() if value is not None}


def _abandonments(signed_calls: Sequence[SignedCall]) -> list[ExpectedObject]:
    abandonments = []
    for signed_call in signed_calls:
        if signed_call.is_abandonment:
            request = signed_call.call.request
            facts: Facts = {"status": "ABANDONED"}
            if request.order_id is not None:
                facts["order_id"] = request.order_id
            if signed_call.format == FORM and request.trans_id is not None:
                facts["trans_id"] = request.trans_id
            abandonments.append(ExpectedObject(ABANDONMENT, None, facts))
    return abandonments


def _aliases(signed_calls: Sequence[SignedCall]) -> list[ExpectedObject]:
    """Follow each alias: unless a call says more, its first check makes it, others change it."""
    facts_by_alias: dict[str, Facts] = {}
    checks_by_alias: dict[str, set[str]] = {}
    for signed_call in signed_calls:
        alias = alias_of(signed_call)
        if alias is None:
            continue
        checks = {payment.uuid for payment in signed_call.shown_payments if _makes_alias(payment)}
        is_change = bool(checks - checks_by_alias.get(alias, checks))
        checks_by_alias.setdefault(alias, set()).update(checks)
        status = signed_call.call.alias_status
        if status in ("CREATED", "UPDATED") and not signed_call.lacks_field("identifier_status"):
            is_known = signed_call.call.is_known_means and alias in facts_by_alias
            facts_by_alias.setdefault(alias, {}).update({} if is_known else {"status": status})
        elif checks:
            facts_by_alias.setdefault(alias, {}).update({"status": "UPDATED"} if is_change else {})
    return [ExpectedObject(ALIAS, alias, facts) for alias, facts in facts_by_alias.items()]


def alias_of(signed_call: SignedCall) -> str | None:
    """Return the alias that a call is about, or that its payment was made with."""
    used_aliases = (payment.alias for payment in signed_call.shown_payments)
    return signed_call.call.alias or next(used_aliases, None)


def _makes_alias(payment: Payment) -> bool:
    return payment.operation_type == VERIFICATION and payment.status == "ACCEPTED"


def _subscriptions(signed_calls: Sequence[SignedCall]) -> list[ExpectedObject]:
    facts_by_id: dict[str, Facts] = {}
    for signed_call in signed_calls:
        subscription_id = _subscription_id(signed_call)
        if subscription_id is None:
            continue
        facts = facts_by_id.setdefault(subscription_id, {})
        alias = alias_of(signed_call)
        if alias is not None:
            facts["alias"] = alias
        status = signed_call.call.subscription_status
        if status is not None and not signed_call.lacks_field("recurrence_status"):
            facts["status"] = status
    return [
        ExpectedObject(
            SUBSCRIPTION, subscription_id, facts, _instalments(signed_calls, subscription_id)
        )
        for subscription_id, facts in facts_by_id.items()
    ]


def _subscription_id(signed_call: SignedCall) -> str | None:
    ids = (payment.subscription_id for payment in signed_call.shown_payments)
    return signed_call.call.subscription_id or next(ids, None)


def _instalments(signed_calls: Iterable[SignedCall], subscription_id: str) -> list[Facts]:
    facts_by_uuid: dict[str, Facts] = {}
    for signed_call in signed_calls:
        for payment in signed_call.shown_payments:
            if payment.subscription_id != subscription_id or payment.instalment_number is None:
                continue
            facts = facts_by_uuid.setdefault(payment.uuid, {"transaction_uuid": payment.uuid})
            facts["status"] = payment.status
            facts["amount_minor"] = payment.amount_minor
            facts["currency"] = payment.currency
            if signed_call.format == FORM:
                facts["number"] = payment.instalment_number
    return list(facts_by_uuid.values())
