"""Answer one request to the platform's web services: its envelope, success or error.

Source: rest-v4 reference, section 8; delivery reference, section 13.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ledger.simulator.rest_objects import PlatformObjects, RefusedRequestError
from ledger.simulator.rest_v4_means import Node, time_text


class Fault(StrEnum):
    """What goes wrong with one request."""

    NOT_FOUND = "PSP_010"
    TOO_MANY = "PSP_015"
    TOO_OFTEN = "PSP_099"
    WRONG_CREDENTIALS = "INT_905"
    BROKEN = "http-500"
    SLOW = "slow"
    CUT = "cut"
    OTHER_SHOP = "other-shop"
    OTHER_MODE = "other-mode"
    OTHER_UUID = "other-uuid"
    REDIRECT = "redirect"
    BIG = "big"


_MESSAGES = {
    Fault.NOT_FOUND: "transaction not found",
    Fault.TOO_MANY: "too many results",
    Fault.TOO_OFTEN: "too many requests",
    Fault.WRONG_CREDENTIALS: "invalid credentials",
}


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it came. Shape: `service` is empty outside of the path of the services.

    `headers` are all but the credentials, by lower-case name; `mode` is what the password opens,
    None when it opens nothing.
    """

    method: str
    service: str
    body: bytes
    headers: Mapping[str, str]
    has_credentials: bool
    mode: str | None

    @property
    def host(self) -> str:
        """Return the name of the machine that was called, without its port."""
        return self.headers.get("host", "").partition(":")[0]

    @property
    def is_reading(self) -> bool:
        """Return True if it cannot change anything at the platform."""
        return self.service in READING_SERVICES


Reading = Callable[[PlatformObjects, Mapping[str, str]], Node]

READING_SERVICES: Mapping[str, Reading] = {
    "Transaction/Get": lambda objects, request_fields: objects.transaction_answer(
        request_fields["uuid"]
    ),
    "Order/Get": lambda objects, request_fields: objects.order_answer(
        request_fields["orderId"], request_fields.get("operationType")
    ),
    "Subscription/Get": lambda objects, request_fields: objects.subscription_answer(
        request_fields["paymentMethodToken"], request_fields["subscriptionId"]
    ),
    "Token/Get": lambda objects, request_fields: objects.token_answer(
        request_fields["paymentMethodToken"]
    ),
    "Charge/PaymentOrder/Get": lambda objects, request_fields: objects.payment_order_answer(
        request_fields["paymentOrderId"]
    ),
}
"""The services that are played, by their names; whatever else is requested changes nothing."""


def envelope(
    request: RecordedRequest,
    objects: PlatformObjects | None,
    fault: Fault | None,
    *,
    number: int,
    server_date: datetime,
    padding_bytes: int = 0,
) -> Node:
    """Return the whole answer to a request; `objects` is None when its password opens nothing.

    Shape: `number` makes the ticket; `padding_bytes` makes an answer of that size.
    """
    try:
        answer_node, status = _answer(request, objects, fault), "SUCCESS"
    except RefusedRequestError as error:
        answer_node, status = _error_answer(objects, error.code, error.message), "ERROR"
    mode = objects.mode if objects else "TEST"
    return {
        "webService": request.service,
        "version": "V4",
        "applicationVersion": "6.30.0",
        "status": status,
        "answer": answer_node,
        "ticket": f"{number:032x}",
        "serverDate": time_text(server_date),
        "applicationProvider": "SYNTHETIC",
        "metadata": {"padding": "x" * padding_bytes} if padding_bytes else None,
        "mode": _other_mode(mode) if fault is Fault.OTHER_MODE else mode,
        "serverUrl": "https://platform.invalid",
        "_type": "V4/WebService/Response",
    }


def _answer(request: RecordedRequest, objects: PlatformObjects | None, fault: Fault | None) -> Node:
    if fault in _MESSAGES:
        raise RefusedRequestError(fault, _MESSAGES[fault])
    if objects is None:
        raise RefusedRequestError("INT_905", _MESSAGES[Fault.WRONG_CREDENTIALS])
    if not request.is_reading:
        raise RefusedRequestError("INT_009", "this platform only reads")
    answer_node = _read(READING_SERVICES[request.service], objects, request.body)
    return _altered(answer_node, fault, objects)


def _other_mode(mode: str) -> str:
    return "PRODUCTION" if mode == "TEST" else "TEST"


def _read(reading: Reading, objects: PlatformObjects, body: bytes) -> Node:
    try:
        request_fields: Mapping[str, str] = json.loads(body)
        return reading(objects, request_fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedRequestError("INT_902", "invalid input") from error


def _altered(answer_node: Node, fault: Fault | None, objects: PlatformObjects) -> Node:
    """Return an answer about another shop, mode or transaction than was requested."""
    replacements: dict[str, Any] = {}
    if fault is Fault.OTHER_SHOP:
        replacements = {"shopId": f"{(int(objects.shop_id) + 1) % 10**8:08d}"}
    elif fault is Fault.OTHER_MODE:
        replacements = {"mode": _other_mode(objects.mode)}
    elif fault is Fault.OTHER_UUID:
        replacements = {"uuid": "f" * 32}
    return dict(_changed(answer_node, replacements)) if replacements else answer_node


def _changed(answer_node: Any, replacements: Mapping[str, str]) -> Any:
    if isinstance(answer_node, list):
        return [_changed(each, replacements) for each in answer_node]
    if not isinstance(answer_node, dict):
        return answer_node
    return {
        name: replacements.get(name, _changed(each, replacements))
        for name, each in answer_node.items()
    }


def _error_answer(objects: PlatformObjects | None, code: str, message: str) -> Node:
    return {
        "errorCode": code,
        "errorMessage": message,
        "detailedErrorCode": None,
        "detailedErrorMessage": None,
        "ticket": "null",
        "shopId": objects.shop_id if objects else None,
        "_type": "V4/WebService/WebServiceError",
    }
