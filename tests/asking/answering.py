"""Answers of the platform for tests: made of the examples of calls, as its services word them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ledger.application import Ledger
from ledger.ipn.platform_answers import Question, Service
from ledger.recording.answering import Reply
from ledger.storage.answers import Answer
from tests.builders import SHOP_ID, UUID

FINGERPRINT = "0123456789abcdef"


def as_element(whole: Mapping[str, Any], number: int = 0) -> dict[str, Any]:
    """A transaction of a call, as the services have it: with its own order and buyer."""
    return {
        **whole["transactions"][number],
        "orderDetails": whole.get("orderDetails"),
        "customer": whole.get("customer"),
        **{name: whole[name] for name in ("orderStatus", "orderCycle") if name in whole},
        "paymentId": whole["transactions"][number]["uuid"],
        "_type": "V4/Transaction",
    }


def as_order(*wholes: Mapping[str, Any]) -> dict[str, Any]:
    """Calls about one order, as `Order/Get` answers them."""
    order = wholes[0]["orderDetails"]["orderId"]
    elements = [as_element(each) for each in wholes]
    return {
        "shopId": SHOP_ID,
        "orderId": order,
        "transactions": elements,
        "_type": "V4/OrderTransactions",
    }


def envelope(
    node: Mapping[str, Any],
    *,
    status: str = "SUCCESS",
    mode: str = "TEST",
    at: datetime | None = None,
) -> bytes:
    whole = {
        "webService": "Order/Get",
        "version": "V4",
        "status": status,
        "answer": node,
        "ticket": "0" * 32,
        "serverDate": None if at is None else at.isoformat(),
        "mode": mode,
        "_type": "V4/WebService/Response",
    }
    return json.dumps(whole, ensure_ascii=False).encode()


def about(subject: str = UUID, service: Service = Service.TRANSACTION) -> Question:
    return Question(SHOP_ID, "TEST", service, subject)


def answered(ledger: Ledger, question: Question, body: bytes, **reply: Any) -> Answer:
    """Keep a question and what came back, as whoever asks does."""
    stored = ledger.answering.note_question(question, cause="operator", key_fingerprint=FINGERPRINT)
    return ledger.answering.record(stored, Reply(body, http_status=200, **reply))
