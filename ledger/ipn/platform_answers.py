"""The platform's answers to our own questions, read by the same translator as its calls.

An answer carries no signature: that it is the platform's rests on who was asked, and how. So it is
never taken where calls are, and what it says is marked.

Source: rest-v4 reference, section 8; delivery reference, section 13.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ledger.errors import MalformedNotificationError
from ledger.instants import read_platform_instant
from ledger.ipn import notification_rules as rules
from ledger.ipn.card_data_fields import without_card_data
from ledger.ipn.delivery import Delivery, Limits, Notification
from ledger.ipn.rest_v4 import translate
from ledger.ipn.rest_v4_json import parse_answer
from ledger.ipn.snapshots import NotificationContent

NAME = "rest-answer"
"""The name of this format beside those of calls."""

CONTENT_TYPE = "application/json"
NOT_FOUND, TOO_MANY, TOO_OFTEN, WRONG_CREDENTIALS = "PSP_010", "PSP_015", "PSP_099", "INT_905"
"""Codes of refused questions that mean something to whoever asks."""

_BESIDE = ("orderDetails", "customer")
"""What an element of an answer holds itself, and a call beside its transactions."""
_SAME_AS_UUID = "paymentId"


class Service(StrEnum):
    """The services of the platform that are asked: each only reads."""

    ORDER = "Order/Get"
    TRANSACTION = "Transaction/Get"

    @property
    def parameter(self) -> str:
        """Return the name under which a question says what it is about."""
        return "orderId" if self is Service.ORDER else "uuid"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the platform. Shape: `mode` in capitals; `subject` is an order or a uuid."""

    shop_id: str
    mode: str
    service: Service
    subject: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer as it came, taken apart. Shape: `code` is None unless the question was refused."""

    code: str | None
    mode: str
    answer: Mapping[str, Any]
    told_at: datetime | None


class OtherAnswerError(MalformedNotificationError):
    """An answer is about another shop, mode or object than was asked for."""


def read_envelope(body: bytes, limits: Limits) -> Envelope:
    """Take an answer apart. Errors: MalformedNotificationError."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedNotificationError("invalid-utf-8", "the answer is no UTF-8") from error
    envelope = parse_answer(text, limits.json_depth_max)
    answer, status = envelope.get("answer"), envelope.get("status")
    if not isinstance(answer, dict) or status not in ("SUCCESS", "ERROR"):
        raise MalformedNotificationError("answer-unreadable", "there is no answer in it")
    code = answer.get("errorCode") if status == "ERROR" else None
    if status == "ERROR" and not isinstance(code, str):
        raise MalformedNotificationError("answer-unreadable", "it was refused without a code")
    server_date, mode = envelope.get("serverDate"), envelope.get("mode")
    return Envelope(
        code,
        mode if isinstance(mode, str) else "",
        answer,
        read_platform_instant(server_date) if isinstance(server_date, str) else None,
    )


def read_content(question: Question, delivery: Delivery, envelope: Envelope) -> NotificationContent:
    """Read everything that an answer says of what was asked for.

    Shape: one snapshot for each of its transactions. Errors: OtherAnswerError;
    MalformedNotificationError.
    """
    notification = Notification(
        delivery, NAME, question.shop_id, question.mode, None, key_fingerprint="", signed_tag=""
    )
    parts = [
        without_card_data(translate(notification, call)) for call in _as_calls(question, envelope)
    ]
    content = NotificationContent(
        shop_id=question.shop_id,
        mode=question.mode,
        source=None,
        rule=None,
        rule_certainty=rules.INFERRED,
        told_at=envelope.told_at,
        transactions=tuple(each for part in parts for each in part.transactions),
        aliases=tuple(each for part in parts for each in part.aliases),
        subscriptions=tuple(each for part in parts for each in part.subscriptions),
        is_asked=True,
    )
    _check_objects(question, content)
    return content


def _as_calls(question: Question, envelope: Envelope) -> Iterator[Mapping[str, Any]]:
    """Yield each transaction as a call would tell it: its order and its buyer beside it."""
    elements = [envelope.answer]
    if question.service is Service.ORDER:
        elements = envelope.answer.get("transactions") or []
        if not isinstance(elements, list) or not all(isinstance(each, dict) for each in elements):
            raise MalformedNotificationError("identity-unreadable", "transactions is no list")
    for element in elements:
        order = element.get("orderDetails")
        mode = order.get("mode") if isinstance(order, dict) else None
        if element.get("shopId") != question.shop_id:
            raise OtherAnswerError("other-shop", "the answer is about another shop")
        if {question.mode} != {mode or question.mode, envelope.mode or question.mode}:
            raise OtherAnswerError("other-mode", "the answer is about the other mode")
        beside = {name: element[name] for name in _BESIDE if name in element}
        own = {name: below for name, below in element.items() if name not in _BESIDE}
        if own.get(_SAME_AS_UUID) == own.get("uuid"):
            own.pop(_SAME_AS_UUID, None)
        yield {"shopId": question.shop_id, "transactions": [own], **beside}


def _check_objects(question: Question, content: NotificationContent) -> None:
    is_order = question.service is Service.ORDER
    name = "order_id" if is_order else "uuid"
    for payment in content.transactions:
        said = payment.facts.get("order_id") if is_order else payment.uuid
        if said != question.subject:
            raise OtherAnswerError("other-object", f"the answer has another {name}")
