"""The fields of REST V4 answers by dotted path: which are facts, which are about a person.

Source: rest-v4 reference, sections 3 to 6.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ledger.ipn.field_values import FactTable, Values, names_read
from ledger.ipn.rest_v4_json import flatten
from ledger.ipn.snapshots import Pairs
from ledger.ipn.storable import storable_pairs

DETAILS = "transactionDetails."
CARD = DETAILS + "cardDetails."
METHOD = DETAILS + "paymentMethodDetails."
TRANSACTION_FIELDS: FactTable = (
    ("operation_type", "operationType", Values.operation),
    ("status", "detailedStatus", Values.status),
    ("amount_minor", "amount", Values.amount),
    ("currency", "currency", Values.currency),
    ("created_at", "creationDate", Values.instant),
    ("capture_at", CARD + "expectedCaptureDate", Values.instant),
    ("capture_at", METHOD + "expectedCaptureDate", Values.instant),
    ("captured_at", CARD + "captureResponse.captureDate", Values.instant),
    ("captured_at", METHOD + "captureResponse.captureDate", Values.instant),
    ("trans_id", CARD + "legacyTransId", Values.text),
    ("trans_id", METHOD + "legacyTransId", Values.text),
    ("trans_date", CARD + "legacyTransDate", Values.instant),
    ("trans_date", METHOD + "legacyTransDate", Values.instant),
    ("sequence_number", "transactionDetails.sequenceNumber", Values.count),
    ("occurrence_type", "transactionDetails.occurrenceType", Values.text),
    ("payment_method", CARD + "effectiveBrand", Values.text),
    ("payment_method", METHOD + "effectiveBrand", Values.text),
    ("wallet", "transactionDetails.wallet", Values.text),
    ("payment_source", CARD + "paymentSource", Values.text),
    ("payment_source", METHOD + "paymentSource", Values.text),
    ("contract", "transactionDetails.mid", Values.text),
    ("network", "transactionDetails.acquirerNetwork", Values.text),
    ("authorisation_number", CARD + "authorizationResponse.authorizationNumber", Values.text),
    ("authorisation_number", METHOD + "authorizationResponse.authorizationNumber", Values.text),
    (
        "authorisation_result",
        CARD + "authorizationResponse.authorizationResult",
        Values.answer_code,
    ),
    (
        "authorisation_result",
        METHOD + "authorizationResponse.authorizationResult",
        Values.answer_code,
    ),
    ("authorisation_result", "detailedErrorCode", Values.answer_code),
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
_READ = names_read((TRANSACTION_FIELDS,)) | {"uuid", "shopId"}
_READ_OF_ORDER = names_read((ORDER_FIELDS,)) | {"mode"}
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
    }
)


def unread_fields(flat: Mapping[str, str], odd_names: Collection[str]) -> tuple[Pairs, Pairs]:
    """Return every field that did not become a fact. Shape: details, what is about a person.

    Twins of card details in the newer object are left out.
    """
    detail_pairs: list[tuple[str, str]] = []
    personal_pairs: list[tuple[str, str]] = []
    for name, value in flat.items():
        if name in _READ and name not in odd_names:
            continue
        if name.startswith(METHOD) and flat.get(CARD + name.removeprefix(METHOD)) == value:
            continue
        (personal_pairs if _is_personal(name) else detail_pairs).append((name, value))
    return storable_pairs(detail_pairs), storable_pairs(personal_pairs)


@lru_cache(maxsize=1024)
def _is_personal(name: str) -> bool:
    return bool(_PERSONAL.fullmatch(name))


@dataclass(frozen=True, slots=True)
class Order:
    """What an answer says beside its transactions, and so of each of them."""

    fields: Mapping[str, str]
    details: Pairs
    personal: Pairs


def order_of(answer: Mapping[str, Any]) -> Order:
    """Return what an answer says beside its transactions."""
    fields = dict(flatten(answer.get("orderDetails")))
    details = [
        (name, str(answer[name])) for name in ("orderCycle", "orderStatus") if answer.get(name)
    ]
    details += [
        (f"orderDetails.{name}", text)
        for name, text in fields.items()
        if name not in _READ_OF_ORDER
    ]
    details += flatten(
        {
            name: content
            for name, content in answer.items()
            if name not in _TOP_LEVEL and not name.startswith("_")
        }
    )
    customer = flatten({"customer": answer.get("customer")})
    return Order(fields, storable_pairs(details), storable_pairs(customer))
