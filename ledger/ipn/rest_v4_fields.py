"""The fields of REST V4 answers by dotted path: which are facts, which are about a person.

Source: rest-v4 reference, sections 3 to 6.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ledger.ipn.currencies import currency_code
from ledger.ipn.field_values import (
    FactTable,
    Reader,
    Values,
    check_declared,
    names_read,
    split_personal,
)
from ledger.ipn.rest_v4_json import flatten
from ledger.ipn.snapshots import TRANSACTION_FACTS, Fact, Pairs
from ledger.ipn.storable import storable_pairs

ORDER = "orderDetails."
DETAILS = "transactionDetails."
CARD = DETAILS + "cardDetails."
METHOD = DETAILS + "paymentMethodDetails."


def _of_means(fact_name: str, path: str, reader: Reader) -> FactTable:
    return tuple((fact_name, means + path, reader) for means in (CARD, METHOD))


def _refunded(field_values: Values, name: str) -> int | None:
    """Read what was refunded, if that is in the currency of the transaction.

    Source: rest-v4 reference, section 3.6.
    """
    currencies = [
        currency_code(field_values.raw(path))
        for path in ("currency", name.replace("refundAmount", "refundCurrency"))
        if field_values.raw(path)
    ]
    return field_values.whole_number(name, is_odd=len(set(currencies)) > 1)


TRANSACTION_FIELDS: FactTable = (
    ("operation_type", "operationType", Values.operation),
    ("status", "detailedStatus", Values.status),
    ("amount_minor", "amount", Values.amount),
    ("currency", "currency", Values.currency),
    ("created_at", "creationDate", Values.instant),
    *_of_means("capture_at", "expectedCaptureDate", Values.instant),
    *_of_means("captured_at", "captureResponse.captureDate", Values.instant),
    *_of_means("trans_id", "legacyTransId", Values.text),
    *_of_means("trans_date", "legacyTransDate", Values.instant),
    ("sequence_number", "transactionDetails.sequenceNumber", Values.count),
    ("occurrence_type", "transactionDetails.occurrenceType", Values.text),
    *_of_means("payment_method", "effectiveBrand", Values.text),
    ("wallet", "transactionDetails.wallet", Values.text),
    *_of_means("payment_source", "paymentSource", Values.text),
    ("contract", "transactionDetails.mid", Values.text),
    ("network", "transactionDetails.acquirerNetwork", Values.text),
    *_of_means("authorisation_number", "authorizationResponse.authorizationNumber", Values.text),
    *_of_means(
        "authorisation_result", "authorizationResponse.authorizationResult", Values.answer_code
    ),
    ("authorisation_result", "detailedErrorCode", Values.answer_code),
    ("liability_shift", "transactionDetails.liabilityShift", Values.liability_shift),
    *_of_means("refunded_minor", "captureResponse.refundAmount", _refunded),
    ("alias", "paymentMethodToken", Values.text),
    ("subscription_id", "transactionDetails.subscriptionDetails.subscriptionId", Values.text),
    ("parent_uuid", "transactionDetails.parentTransactionUuid", Values.text),
)
ORDER_FIELDS: FactTable = (  # what was asked: the whole order
    ("requested_amount_minor", "orderTotalAmount", Values.amount),
    ("requested_currency", "orderCurrency", Values.currency),
    ("order_id", "orderId", Values.text),
)
REFUND_FIELDS: FactTable = (  # a refund asks for itself, not for the order
    ("requested_amount_minor", "transactionDetails.effectiveAmount", Values.amount),
    ("requested_currency", "transactionDetails.effectiveCurrency", Values.currency),
)
check_declared(TRANSACTION_FACTS, TRANSACTION_FIELDS, ORDER_FIELDS, REFUND_FIELDS)


def _names_of(*fact_names: str) -> frozenset[str]:
    every: FactTable = (*TRANSACTION_FIELDS, *ORDER_FIELDS)
    return names_read(tuple(row for row in every if row[0] in fact_names))


FACTS_OF_ORDER = names_read(ORDER_FIELDS)
ALIAS_NAMES = _names_of("alias", "order_id", "payment_method", "created_at")
SUBSCRIPTION_NAMES = _names_of("alias", "order_id", "subscription_id")
_READ = names_read(TRANSACTION_FIELDS)
_IDENTITY = frozenset({"uuid", "shopId"})
_READ_OF_ORDER = names_read(ORDER_FIELDS) | {"mode"}
_PERSONAL = re.compile(
    r"transactionDetails\.(userInfo|acquirerDetails\..*|(cardDetails|paymentMethodDetails)\."
    r"(pan|id|expiryMonth|expiryYear|cardHolderName|identityDocument.*))"
)
_TOP_LEVEL = frozenset(
    {
        "shopId",
        "orderCycle",
        "orderStatus",
        "serverDate",
        "orderDetails",
        "customer",
        "transactions",
        "_type",
    }
)


def unread_fields(field_values: Values) -> tuple[Pairs, Pairs]:
    """Return every field that no fact expresses. Shape: details, what is about a person.

    Twins of card details in the newer object are left out while they say the same.
    """
    flat = field_values.value_by_name
    read = (_READ & field_values.expressed) | _IDENTITY
    unread = [
        (name, value)
        for name, value in flat.items()
        if (name not in read or name in field_values.odd)
        and not (name.startswith(METHOD) and flat.get(CARD + name.removeprefix(METHOD)) == value)
    ]
    return split_personal(unread, _is_personal)


@lru_cache(maxsize=1024)
def _is_personal(name: str) -> bool:
    return bool(_PERSONAL.fullmatch(name))


@dataclass(frozen=True, slots=True)
class Order:
    """What an answer says beside its transactions, and so of each of them."""

    fields: Mapping[str, str]
    details: Pairs
    personal: Pairs

    def details_beside(self, own: Pairs) -> Pairs:
        """Return the details, those under `kr-answer` whose paths a transaction has itself."""
        paths = {path for path, _ in own}
        return [
            [f"kr-answer.{path}" if path in paths else path, text] for path, text in self.details
        ]


def order_of(answer: Mapping[str, Any]) -> Order:
    """Return what an answer says beside its transactions."""
    fields = dict(flatten(answer.get("orderDetails")))
    details = flatten({name: answer.get(name) or None for name in ("orderCycle", "orderStatus")})
    unread = (name for name in fields if name not in _READ_OF_ORDER)
    details += [(ORDER + name, fields[name]) for name in unread]
    unknown = (name for name in answer if name not in _TOP_LEVEL)
    details += flatten({name: answer[name] for name in unknown})
    customer = flatten({"customer": answer.get("customer")})
    return Order(fields, storable_pairs(details), storable_pairs(customer))


def odd_of_order(order_values: Values) -> tuple[tuple[str, ...], Pairs]:
    """Return what is odd in the order. Shape: names; the facts among them verbatim, by path."""
    _, verbatim = order_values.odd_fields(FACTS_OF_ORDER)
    return order_values.odd_names(), [[ORDER + name, text] for name, text in verbatim]


def derived_facts(facts: Mapping[str, Fact], field_values: Values) -> dict[str, Fact]:
    """Return the currency of an amount that has none: that asked for, if nothing was converted.

    Source: rest-v4 reference, section 3.4, the note on conversion.
    """
    is_payment = "amount_minor" in facts and facts.get("operation_type") != "VERIFICATION"
    amounts = {field_values.raw("amount"), field_values.raw(DETAILS + "effectiveAmount")} - {""}
    effective_currency = currency_code(field_values.raw(DETAILS + "effectiveCurrency"))
    currencies = {facts.get("requested_currency"), effective_currency} - {None}
    if "currency" in facts or not is_payment or len(amounts) != 1 or len(currencies) != 1:
        return {}
    return {"currency": str(currencies.pop())}


def terms_of_order(order: Order) -> Pairs:
    """Return what the order asked for, beside a transaction that asks for something else."""
    names = (name for name in ("orderTotalAmount", "orderCurrency") if name in order.fields)
    return storable_pairs([(ORDER + name, order.fields[name]) for name in names])
