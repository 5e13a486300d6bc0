"""An answer to our own question says the same as the call about the same transaction."""

import json
from typing import Any

import pytest

from ledger.errors import MalformedNotificationError
from ledger.ipn.delivery import Limits
from ledger.ipn.platform_answers import (
    OtherAnswerError,
    Question,
    Service,
    read_content,
    read_envelope,
)
from ledger.ipn.snapshots import NotificationContent
from tests.asking.answering import about, as_element, as_order, envelope
from tests.builders import SHOP_ID, a_delivery, an_answer, example, examples, rest_body
from tests.ipn.reading import content_of

CALLS = [
    name
    for format_, name in examples()
    if format_ == "rest-v4" and example("rest-v4", name)["answer"].get("transactions")
]


def read(question: Question, body: bytes) -> NotificationContent:
    return read_content(question, a_delivery(body), read_envelope(body, Limits()))


def element_content(element: dict[str, Any], **names_asked: Any) -> NotificationContent:
    order = element.get("orderDetails") or {}
    own = {"shop_id": SHOP_ID, "mode": order.get("mode", "TEST"), "subject": element["uuid"]}
    names = {**own, "service": Service.TRANSACTION, **names_asked}
    return read(Question(**names), envelope(element, mode=str(names["mode"])))


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_says_what_the_call_said(name: str) -> None:
    call = example("rest-v4", name)["answer"]
    said = content_of(rest_body(call))

    for number, transaction in enumerate(call["transactions"]):
        own = element_content(as_element(call, number), shop_id=said.shop_id)
        (answered,) = own.transactions
        expected = next(each for each in said.transactions if each.uuid == transaction["uuid"])
        assert answered.facts == expected.facts
        assert sorted(answered.personal) == sorted(expected.personal)
        assert own.is_asked


def test_there_are_many_such_calls() -> None:
    assert len(CALLS) > 40


def test_what_is_about_the_buyer_is_personal_and_no_detail() -> None:
    element = as_element(an_answer(whole={"customer": {"email": "jane@example.com"}}))

    (answered,) = element_content(element).transactions

    assert ["customer.email", "jane@example.com"] in answered.personal
    assert not [name for name, _ in answered.details if name.startswith("customer")]


def test_an_order_is_answered_with_a_snapshot_of_each_transaction() -> None:
    calls = [
        an_answer(uuid=letter * 32, sequenceNumber=number) for number, letter in enumerate("ab")
    ]
    order = calls[0]["orderDetails"]["orderId"]

    content = read(about(order, Service.ORDER), envelope(as_order(*calls)))

    assert [each.uuid for each in content.transactions] == ["a" * 32, "b" * 32]
    assert {each.facts["order_id"] for each in content.transactions} == {order}


@pytest.mark.parametrize(
    ("whole", "reason"),
    [
        ({"shopId": "11111111"}, "other-shop"),
        ({"orderDetails": {"mode": "PRODUCTION"}}, "other-mode"),
        ({"uuid": "f" * 32}, "other-object"),
    ],
)
def test_what_is_about_something_else_is_not_taken(whole: dict[str, Any], reason: str) -> None:
    element = as_element(an_answer())
    body = envelope(element | whole)

    with pytest.raises(OtherAnswerError) as refusal:
        read(about(element["uuid"]), body)

    assert refusal.value.reason == reason


def test_an_envelope_of_the_other_mode_is_not_taken() -> None:
    element = as_element(an_answer())

    with pytest.raises(OtherAnswerError):
        read(about(element["uuid"]), envelope(element, mode="PRODUCTION"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"status":"SUCCESS"}',
        b"\xff",
        b'{"status":"ERROR","answer":{}}',
    ],
)
def test_what_is_no_answer_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(MalformedNotificationError):
        read_envelope(body, Limits())


def test_a_call_is_never_an_answer_and_an_answer_never_a_call() -> None:
    from ledger.ipn.parse import verify
    from tests.builders import shops

    body = envelope(as_element(an_answer()))
    for content_type in ("application/json", "application/x-www-form-urlencoded", ""):
        with pytest.raises(MalformedNotificationError):
            verify(a_delivery(body, content_type=content_type), shops(), Limits())
    with pytest.raises(MalformedNotificationError):
        read_envelope(rest_body(json.dumps({"shopId": SHOP_ID})), Limits())
