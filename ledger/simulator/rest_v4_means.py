"""Write the means of payment of a `kr-answer`: card, authorisation, capture, authentication.

Source: rest-v4 reference, section 3.6.
"""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from ledger.simulator.payment_lives import CREDIT, VERIFICATION, Call, Payment

Node = dict[str, Any]

DETAILS = "V4/PaymentMethod/Details"
_CARDS = f"{DETAILS}/Cards"
_AUTHENTICATE = "V4/Charge/Authenticate"


def empty(field_names: str, kind: str) -> Node:
    """Return an object in which every field is null. Shape: `field_names` separated by blanks."""
    return dict.fromkeys(field_names.split()) | {"_type": kind}


_3DS1 = empty(
    "transactionCondition enrolled status eci xid cavvAlgorithm cavv signValid brand",
    f"{_CARDS}/CardAuthenticationResponse",
)


def card_details(call: Call, payment: Payment) -> Node:
    """Return the `cardDetails` of a payment, whatever its means."""
    details = _means(call, payment)
    details["pan"] = payment.means.number
    details["threeDSResponse"] = {
        "authenticationResultData": _3DS1,
        "_type": f"{_CARDS}/ThreeDSResponse",
    }
    return details | {"_type": f"{DETAILS}/CardDetails"}


def method_details(call: Call, payment: Payment) -> Node:
    """Return the `paymentMethodDetails`, the newer twin of `cardDetails`."""
    details = {"id": payment.means.number} | _means(call, payment)
    return details | {"_type": f"{DETAILS}/PaymentMethodDetails"}


def _means(call: Call, payment: Payment) -> Node:
    means, is_card = payment.means, payment.means.is_card
    details: Node = {
        "paymentSource": payment.payment_source,
        "manualValidation": "YES" if payment.is_validated_by_hand else "NO",
        "expectedCaptureDate": time_text(payment.capture_at),
        "effectiveBrand": means.brand,
        "expiryMonth": means.expiry_month,
        "expiryYear": means.expiry_year,
        "country": "FR",
        "issuerCode": 17807 if is_card else None,
        "issuerName": "Banque Exemple" if is_card else None,
        "effectiveProductCode": "F" if is_card else None,
        "legacyTransId": payment.trans_id,
        "legacyTransDate": time_text(payment.trans_date),
        "paymentMethodSource": "TOKEN" if payment.instalment_number else "NEW",
        "authorizationResponse": _authorisation(payment),
        "captureResponse": _capture(payment),
        "authenticationResponse": _authentication(payment),
        "installmentNumber": None,
        "installmentCode": None,
        "markAuthorizationResponse": _mark(payment),
        "cardHolderName": None,
        "identityDocumentNumber": None,
        "identityDocumentType": None,
        "initialIssuerTransactionIdentifier": None,
    }
    return details | ({"sequenceType": "MULTI_PAYMENT_MEAN"} if call.is_split else {})


def _authorisation(payment: Payment) -> Node:
    names = "amount currency authorizationDate authorizationNumber authorizationResult"
    response = empty(f"{names} authorizationMode", f"{_CARDS}/CardAuthorizationResponse")
    is_only_checked = (
        payment.authorisation_mode == "MARK" and payment.operation_type != VERIFICATION
    )
    if is_only_checked:
        return response | {"authorizationMode": "MARK"}
    if payment.authorisation_result is None or (
        payment.operation_type == CREDIT and payment.refusal is None
    ):
        return response
    return response | {
        "amount": payment.amount_minor,
        "currency": payment.currency,
        "authorizationDate": time_text(payment.created_at),
        "authorizationNumber": payment.authorisation_number or "",
        "authorizationResult": payment.authorisation_result,
        "authorizationMode": payment.authorisation_mode,
    }


def _mark(payment: Payment) -> Node:
    names = "amount currency authorizationDate authorizationNumber authorizationResult"
    response = empty(names, f"{_CARDS}/MarkAuthorizationResponse")
    if payment.authorisation_mode != "MARK" or payment.operation_type == VERIFICATION:
        return response
    return response | {
        "amount": 100,
        "currency": payment.currency,
        "authorizationDate": time_text(payment.created_at),
        "authorizationNumber": payment.authorisation_number,
        "authorizationResult": payment.authorisation_result,
    }


def _capture(payment: Payment) -> Node:
    names = "refundAmount refundCurrency captureDate captureFileNumber"
    amounts = "effectiveRefundAmount effectiveRefundCurrency"
    response = empty(f"{names} {amounts}", f"{_CARDS}/CardCaptureResponse")
    if payment.captured_at is None:
        return response
    return response | {
        "captureDate": time_text(payment.captured_at),
        "captureFileNumber": payment.remittance_number,
    }


def _authentication(payment: Payment) -> Node | None:
    """Return a successful 3-D Secure 2 authentication; its ids are made of the payment's."""
    if payment.authentication is None or payment.operation_type == CREDIT:
        return None
    server, directory = (_dashed(f"{word}:{payment.uuid}") for word in ("server", "directory"))
    return {
        "id": server,
        "operationSessionId": hashlib.sha256(payment.uuid.encode()).hexdigest()[:32],
        "protocol": {
            "name": "THREEDS",
            "version": "2.1.0",
            "network": "VISA",
            "challengePreference": "NO_PREFERENCE",
            "simulation": True,
            "_type": f"{_AUTHENTICATE}/Protocol",
        },
        "value": _authentication_value(payment.authentication, server, directory),
        "_type": "V4/AuthenticationResponseData",
    }


def _authentication_value(kind: str, server: str, directory: str) -> Node:
    return {
        "authenticationType": kind,
        "authenticationId": {
            "authenticationIdType": "dsTransId",
            "value": directory,
            "_type": f"{_AUTHENTICATE}/AuthenticationId",
        },
        "authenticationValue": {
            "authenticationValueType": "CAVV",
            "value": "c3ludGhldGljLWNhdnYtdmFsdWU=",
            "_type": f"{_AUTHENTICATE}/AuthenticationValue",
        },
        "status": "SUCCESS",
        "commerceIndicator": "05",
        "extension": {
            "authenticationType": "THREEDS_V2",
            "threeDSServerTransID": server,
            "dsTransID": directory,
            "_type": f"{_AUTHENTICATE}/AuthenticationResultExtensionThreedsV2",
        },
        "reason": {"_type": f"{_AUTHENTICATE}/AuthenticationResultReason"},
        "_type": f"{_AUTHENTICATE}/AuthenticationResult",
    }


def _dashed(seed: str) -> str:
    return str(UUID(hashlib.sha256(seed.encode()).hexdigest()[:32]))


def time_text(at: datetime) -> str:
    """Return a time as the REST format writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%S+00:00}"
