"""Write a call in the REST format: a signed `kr-answer` among its `kr-*` fields.

Source: rest-v4 reference, sections 1 to 4.
"""

import json
from urllib.parse import urlencode

from ledger.ipn.shops_and_keys import Key
from ledger.simulator.payment_lives import CREDIT, Call, Payment
from ledger.simulator.rest_v4_means import (
    DETAILS,
    Node,
    card_details,
    empty,
    method_details,
    time_text,
)
from ledger.simulator.signatures import rest_signature

_PAID = frozenset({"ACCEPTED", "PRE_AUTHORISED", "AUTHORISED", "CAPTURED", "PARTIALLY_AUTHORISED"})
_UNPAID = frozenset({"REFUSED", "ERROR", "CANCELLED", "EXPIRED"})
_ISSUER_ANSWERS = {  # in the network's codes
    "05": "Do not honor",
    "14": "Invalid card number",
    "51": "Insufficient funds or over credit limit",
    "54": "Expired card",
    "55": "Incorrect PIN",
}
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def body(call: Call, key: Key) -> bytes:
    """Return the signed POST body of a call. Shape: fields in the order observed on the wire."""
    answer_text = json.dumps(answer(call), ensure_ascii=False, separators=(",", ":"))
    fields = {
        "kr-hash-key": "password",
        "kr-hash-algorithm": "sha256_hmac",
        "kr-answer": answer_text,
        "kr-answer-type": "V4/Payment",
        "kr-hash": rest_signature(answer_text, key.secret),
        "kr-src": call.source,  # outside the signature
    }
    return urlencode(fields).encode()


def answer(call: Call) -> Node:
    """Return the `V4/Payment` object of a call. Shape: the payment it is about comes first."""
    return {
        "shopId": call.request.shop_id,
        "orderCycle": "OPEN" if call.may_retry else "CLOSED",
        "orderStatus": order_status(call),
        "serverDate": time_text(call.sent_at),
        "orderDetails": order_details(call),
        "customer": customer(call),
        "transactions": [transaction(call, payment) for payment in call.payments],
        "subMerchantDetails": None,
        "_type": "V4/Payment",
        **call.unknown_fields,
    }


def status_of(payment: Payment) -> str:
    """Return the `detailedStatus` of a payment: REST has its own for technical errors."""
    if payment.refusal is not None and payment.refusal.rest_status is not None:
        return payment.refusal.rest_status
    return payment.status


def _simple_status(payment: Payment) -> str:
    status = status_of(payment)
    return "PAID" if status in _PAID else "UNPAID" if status in _UNPAID else "RUNNING"


def order_status(call: Call) -> str:
    """Return what became of the order, as this call sees it."""
    if call.is_abandoned or call.payment is None:
        return "ABANDONED"
    if call.is_split:
        statuses = {_simple_status(payment) for payment in call.payments}
        return "PAID" if statuses == {"PAID"} else "UNPAID"
    if any(_simple_status(payment) == "RUNNING" for payment in call.payments):
        return "RUNNING"
    return _simple_status(call.payment)


def order_details(call: Call) -> Node:
    """Return the `orderDetails` of a call."""
    request, total = call.request, _total(call)
    is_unpaid = order_status(call) in ("UNPAID", "ABANDONED")
    return {
        "orderTotalAmount": total,
        "orderEffectiveAmount": 0 if is_unpaid else total,
        "orderCurrency": request.currency,
        "mode": request.mode,
        "orderId": request.order_id,
        "metadata": dict(request.metadata) or None,
        "_type": "V4/OrderDetails",
    }


def _total(call: Call) -> int:
    payment = call.payment
    if payment is not None and not call.is_split and payment.operation_type != CREDIT:
        return payment.requested_amount_minor
    return 0 if call.request.trans_id is None else call.request.amount_minor


def customer(call: Call) -> Node:
    """Return the buyer of a call."""
    return {
        "billingDetails": _billing(call),
        "email": call.buyer.email,
        "reference": call.buyer.reference,
        "shippingDetails": _SHIPPING,
        "extraDetails": {
            "browserAccept": None,
            "fingerPrintId": None,
            "ipAddress": call.buyer.ip_address,
            "browserUserAgent": _AGENT,
            "_type": "V4/Customer/ExtraDetails",
        },
        "shoppingCart": {
            "insuranceAmount": None,
            "shippingAmount": None,
            "taxAmount": None,
            "cartItemInfo": None,
            "_type": "V4/Customer/ShoppingCart",
        },
        "_type": "V4/Customer/Customer",
    }


_SHIPPING = empty(
    "address address2 category city country deliveryCompanyName district firstName identityCode"
    " lastName legalName phoneNumber shippingMethod shippingSpeed state streetNumber zipCode",
    "V4/Customer/ShippingDetails",
)


def _billing(call: Call) -> Node:
    buyer = call.buyer
    unknown = "cellPhoneNumber district identityCode identityType state streetNumber legalName"
    return empty(unknown, "V4/Customer/BillingDetails") | {
        "address": buyer.street,
        "category": "PRIVATE",
        "city": buyer.city,
        "country": buyer.country,
        "firstName": buyer.first_name,
        "language": "FR",
        "lastName": buyer.last_name,
        "phoneNumber": buyer.phone,
        "title": buyer.title or None,
        "zipCode": buyer.zip_code,
    }


def transaction(call: Call, payment: Payment) -> Node:
    """Return one element of `transactions`, as a notification has it."""
    return {
        "shopId": call.request.shop_id,
        "uuid": payment.uuid,
        "amount": payment.amount_minor,
        "currency": payment.currency,
        "paymentMethodType": payment.means.kind,
        "paymentMethodToken": payment.alias,
        "status": _simple_status(payment),
        "detailedStatus": status_of(payment),
        "operationType": payment.operation_type,
        "effectiveStrongAuthentication": _strong(payment),
        "creationDate": time_text(payment.created_at),
        **_errors(payment),
        "metadata": dict(call.request.metadata) or None,
        "transactionDetails": _details(call, payment),
        "_type": "V4/PaymentTransaction",
    }


def _strong(payment: Payment) -> str | None:
    if not payment.means.is_card or payment.operation_type == CREDIT:
        return None
    return "ENABLED" if payment.authentication else "DISABLED"


def _errors(payment: Payment) -> Node:
    errors = _ERRORS.copy()
    if payment.refusal is not None:
        errors["errorCode"] = payment.refusal.rest_code
        errors["errorMessage"] = payment.refusal.rest_message
        if payment.authorisation_result in _ISSUER_ANSWERS:
            errors["detailedErrorCode"] = payment.authorisation_result
            errors["detailedErrorMessage"] = _ISSUER_ANSWERS[payment.authorisation_result]
    return errors


_ERRORS: Node = dict.fromkeys(
    ("errorCode", "errorMessage", "detailedErrorCode", "detailedErrorMessage")
)


def _details(call: Call, payment: Payment) -> Node:
    is_converted = payment.requested_currency != payment.currency
    unknown = "acquirerDetails taxAmount preTaxAmount taxRate taxRefundAmount externalTransactionId"
    return empty(f"{unknown} dcc nsu", "V4/TransactionDetails") | {
        "liabilityShift": _liability(payment),
        # the pairs stand the other way round than in the form format
        "effectiveAmount": payment.requested_amount_minor if is_converted else payment.amount_minor,
        "effectiveCurrency": payment.requested_currency,
        "creationContext": "REFUND" if payment.operation_type == CREDIT else "CHARGE",
        "cardDetails": card_details(call, payment),
        "paymentMethodDetails": method_details(call, payment),
        "fraudManagement": _fraud(payment),
        "subscriptionDetails": {
            "subscriptionId": payment.subscription_id or call.subscription_id,
            "_type": f"{DETAILS}/SubscriptionDetails",
        },
        "parentTransactionUuid": payment.parent_uuid,
        "mid": payment.means.contract,
        "sequenceNumber": payment.sequence_number,
        "tid": "001" if payment.means.is_card else None,
        "acquirerNetwork": payment.means.network,
        "userInfo": payment.user or "JS Client",
        "paymentMethodTokenPreviouslyRegistered": call.is_known_means or None,
        "occurrenceType": payment.occurrence_type,
        "wallet": payment.means.wallet,
    }


def _liability(payment: Payment) -> str | None:
    if not payment.means.is_card or payment.operation_type == CREDIT:
        return None
    return "YES" if payment.authentication and payment.refusal is None else "NO"


def _fraud(payment: Payment) -> Node:
    controls = payment.refusal.risk_control if payment.refusal else {}
    return {
        "riskControl": [{"name": name, "result": result} for name, result in controls.items()],
        "riskAnalysis": [],
        "riskAssessments": {"results": list(payment.refusal.risk_actions)}
        if payment.refusal and payment.refusal.risk_actions
        else None,
        "_type": f"{DETAILS}/FraudManagement",
    }
