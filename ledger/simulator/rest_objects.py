"""Answer what the platform knows of an object, as its reading web services word it.

Source: rest-v4 reference, sections 3 and 8; delivery reference, section 13.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from ledger.simulator.payment_lives import Call, Means
from ledger.simulator.platform_truth import TransactionState, transactions_of
from ledger.simulator.rest_v4 import customer, order_details, order_status, transaction
from ledger.simulator.rest_v4_means import Node, time_text
from ledger.simulator.signed_calls import SignedCall

_RESULTS_MAX = 30
_ALIAS_MADE = ("CREATED", "UPDATED")


class RefusedRequestError(Exception):
    """The platform answers a request with an error of its own.

    Shape: `code` as in section 8.1 of the rest-v4 reference.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class _Alias:
    """A stored means of payment: what it is now, and since when there is one."""

    created_at: datetime
    means: Means
    call: Call


@dataclass(frozen=True, slots=True)
class PlatformObjects:
    """Everything that one shop and mode has at the platform, as it stands in the end."""

    shop_id: str
    mode: str
    states: Mapping[str, TransactionState]
    aliases: Mapping[str, _Alias]
    subscription_calls: Mapping[str, Sequence[Call]]

    def transaction_answer(self, uuid: str) -> Node:
        """Answer `Transaction/Get`. Errors: RefusedRequestError."""
        if uuid not in self.states:
            raise RefusedRequestError("PSP_010", "transaction not found")
        call = self.states[uuid].call
        return _element(self.states[uuid]) | {
            "orderStatus": order_status(call),
            "orderCycle": "OPEN" if call.may_retry else "CLOSED",
        }

    def order_answer(self, order_id: str, direction: str | None) -> Node:
        """Answer `Order/Get`, with one direction or with all. Errors: RefusedRequestError."""
        states = [
            state
            for state in self.states.values()
            if state.payment.order_id == order_id
            and direction in (None, state.payment.operation_type)
        ]
        if not states:
            raise RefusedRequestError("PSP_010", "transaction not found")
        if len(states) > _RESULTS_MAX:
            raise RefusedRequestError("PSP_015", "too many results")
        return {
            "shopId": self.shop_id,
            "orderId": order_id,
            "transactions": [_element(state) for state in states],
            "_type": "V4/OrderTransactions",
        }

    def token_answer(self, alias_id: str) -> Node:
        """Answer `Token/Get`. Errors: RefusedRequestError."""
        if alias_id not in self.aliases:
            raise RefusedRequestError("PSP_030", "token not found")
        alias = self.aliases[alias_id]
        means = alias.means
        return {
            "paymentMethodToken": alias_id,
            "paymentMethodType": means.kind,
            "status": "ACTIVE",
            "creationDate": time_text(alias.created_at),
            "cancellationDate": None,
            "customer": customer(alias.call),
            "tokenDetails": {
                "paymentSource": "EC",
                "pan": means.number,
                "expiryMonth": means.expiry_month,
                "expiryYear": means.expiry_year,
                "effectiveBrand": means.brand,
                "country": "FR",
                "mid": means.contract,
                "_type": "V4/TokenDetails",
            },
            "_type": "V4/Token",
        }

    def subscription_answer(self, alias_id: str, subscription_id: str) -> Node:
        """Answer `Subscription/Get`; it has no status. Errors: RefusedRequestError."""
        if alias_id not in self.aliases:
            raise RefusedRequestError("PSP_030", "token not found")
        calls = self.subscription_calls.get(subscription_id, ())
        if alias_id not in {_alias_of(call) for call in calls}:
            raise RefusedRequestError("PSP_032", "subscription not found")
        instalments = {
            call.payment.uuid: call.payment
            for call in calls
            if call.payment is not None and call.payment.instalment_number is not None
        }
        return {
            "subscriptionId": subscription_id,
            "shopId": self.shop_id,
            "paymentMethodToken": alias_id,
            "orderId": calls[0].request.order_id,
            "metadata": dict(calls[0].request.metadata) or None,
            "cancelDate": None,
            "pastPaymentsNumber": len(instalments),
            "totalPaymentsNumber": None,
            "description": None,
            **_plan(calls),
            "_type": "V4/Subscription",
        }

    def payment_order_answer(self, payment_order_id: str) -> Node:
        """Answer `Charge/PaymentOrder/Get`. Errors: RefusedRequestError."""
        states = [
            state
            for state in self.states.values()
            if state.payment.payment_order_id == payment_order_id
        ]
        if not states:
            raise RefusedRequestError("PSP_010", "payment order not found")
        first = states[0]
        return {
            "paymentOrderId": payment_order_id,
            "paymentOrderStatus": order_status(first.call),
            "paymentURL": f"https://platform.invalid/t/{payment_order_id[:8]}",
            "amount": first.payment.requested_amount_minor,
            "currency": first.payment.requested_currency,
            "orderId": first.payment.order_id,
            "creationDate": time_text(first.since),
            "channelDetails": {"channelType": "URL", "_type": "V4/PaymentOrderChannel"},
            "transactions": [_element(state) for state in states],
            "_type": "V4/PaymentOrder",
        }


def platform_objects(
    shop_id: str, mode: str, signed_calls: Iterable[SignedCall]
) -> PlatformObjects:
    """Return what the platform has after these lives, whether or not a call was delivered."""
    played = list(signed_calls)
    true_transactions = transactions_of((signed_call, True) for signed_call in played)
    calls = [signed_call.call for signed_call in played]
    subscription_calls: dict[str, list[Call]] = {}
    for call in calls:
        subscription_id = call.subscription_id or (call.payment and call.payment.subscription_id)
        if subscription_id:
            subscription_calls.setdefault(subscription_id, []).append(call)
    states = {each.uuid: each.states[-1] for each in true_transactions}
    return PlatformObjects(shop_id, mode, states, _aliases(calls), subscription_calls)


def _element(true_state: TransactionState) -> Node:
    """Return a transaction as the services have it: with its own order and buyer."""
    return transaction(true_state.call, true_state.payment) | {
        "orderDetails": order_details(true_state.call),
        "customer": customer(true_state.call),
        "paymentId": true_state.payment.uuid,
        "_type": "V4/Transaction",
    }


def _alias_of(call: Call) -> str | None:
    return call.alias or (call.payment.alias if call.payment else None)


def _aliases(calls: Iterable[Call]) -> dict[str, _Alias]:
    aliases: dict[str, _Alias] = {}
    for call in calls:
        alias_id = _alias_of(call)
        means = call.payment.means if call.payment else call.means
        if alias_id is None or means is None:
            continue
        known = aliases.get(alias_id)
        if known is None or call.alias_status in _ALIAS_MADE:
            created_at = known.created_at if known else call.sent_at
            aliases[alias_id] = _Alias(created_at, means, call)
    return aliases


def _plan(calls: Sequence[Call]) -> Node:
    """Return when and how much, of which the platform says nothing without a plan."""
    plan = next((call.plan for call in calls if call.plan is not None), None)
    names = "effectDate initialAmount initialAmountNumber amount currency rrule"
    if plan is None:
        return dict.fromkeys(names.split())
    return {
        "effectDate": time_text(datetime.combine(plan.effect_on, time(), UTC)),
        "initialAmount": plan.initial_amount_minor,
        "initialAmountNumber": plan.initial_amount_number,
        "amount": plan.amount_minor,
        "currency": plan.currency,
        "rrule": plan.schedule,
    }
