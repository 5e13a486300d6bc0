"""The web services answer over real HTTP as the platform does, fail on demand, and record all."""

import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from ledger.simulator.rest_answers import READING_SERVICES, Fault
from ledger.simulator.rest_objects import platform_objects
from ledger.simulator.rest_services import Credentials, RestServices
from ledger.simulator.signed_calls import SignedCall, signed_lives
from ledger.simulator.stories import STORIES
from tests.simulator.conftest import SHOP_ID
from tests.simulator.journal_reader import platform_in
from tests.simulator.service_client import PASSWORDS, envelope_of, error_of, post

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)


def played(mode: str, *story_names: str, count: int | None = None) -> list[SignedCall]:
    stories = [STORIES[name] for name in story_names] or list(STORIES.values())
    lives = signed_lives(platform_in(mode), stories, seed=7, count=count or len(stories))
    return [signed_call for life in lives for signed_call in life]


@pytest.fixture(scope="module")
def played_calls() -> list[SignedCall]:
    return played("TEST")


@pytest.fixture
def services(played_calls: list[SignedCall]) -> Iterator[RestServices]:
    objects = {
        Credentials(SHOP_ID, PASSWORDS["TEST"]): platform_objects(SHOP_ID, "TEST", played_calls),
        Credentials(SHOP_ID, PASSWORDS["PRODUCTION"]): platform_objects(
            SHOP_ID, "PRODUCTION", played("PRODUCTION", "payment-refused")
        ),
    }
    with RestServices(
        objects, server_date=lambda: NOW, slow_seconds=0.2, big_bytes=1000
    ) as running:
        yield running


def last_call(played_calls: list[SignedCall], story: str) -> SignedCall:
    return [signed_call for signed_call in played_calls if signed_call.story == story][-1]


def test_an_order_is_answered_with_every_transaction_and_its_own_order_and_buyer(
    services: RestServices, played_calls: list[SignedCall]
) -> None:
    call = last_call(played_calls, "paid-and-refunded").call

    envelope = envelope_of(services, "Order/Get", orderId=call.request.order_id)

    assert {name: envelope[name] for name in ("webService", "status", "mode", "serverDate")} == {
        "webService": "Order/Get",
        "status": "SUCCESS",
        "mode": "TEST",
        "serverDate": "2025-06-01T12:00:00+00:00",
    }
    order = envelope["answer"]
    assert set(order) == {"shopId", "orderId", "transactions", "_type"}
    assert order["_type"] == "V4/OrderTransactions"
    assert [
        (each["operationType"], each["detailedStatus"], each["_type"])
        for each in order["transactions"]
    ] == [
        ("DEBIT", "CAPTURED", "V4/Transaction"),
        ("CREDIT", "AUTHORISED", "V4/Transaction"),
        ("CREDIT", "CANCELLED", "V4/Transaction"),
    ]
    for each in order["transactions"]:
        assert each["orderDetails"]["orderId"] == call.request.order_id
        assert each["orderDetails"]["mode"] == "TEST"
        assert each["customer"]["email"] == call.buyer.email


def test_an_order_is_answered_with_one_direction(
    services: RestServices, played_calls: list[SignedCall]
) -> None:
    call = last_call(played_calls, "paid-and-refunded").call

    fields = {"orderId": call.request.order_id, "operationType": "CREDIT"}
    order = envelope_of(services, "Order/Get", **fields)["answer"]

    assert [each["operationType"] for each in order["transactions"]] == ["CREDIT", "CREDIT"]


def test_a_transaction_is_answered_as_it_stands_in_the_end(
    services: RestServices, played_calls: list[SignedCall]
) -> None:
    payment = last_call(played_calls, "changed-and-cancelled").call.payments[0]

    answer = envelope_of(services, "Transaction/Get", uuid=payment.uuid)["answer"]

    assert (answer["uuid"], answer["detailedStatus"]) == (payment.uuid, "CANCELLED")
    assert answer["amount"] == payment.amount_minor
    assert (answer["orderStatus"], answer["orderCycle"]) == ("UNPAID", "CLOSED")


def test_an_alias_a_subscription_and_a_payment_order_are_answered(
    services: RestServices, played_calls: list[SignedCall]
) -> None:
    opened = next(each.call for each in played_calls if each.story == "subscription")
    alias = opened.payments[0].alias
    link = last_call(played_calls, "payment-link").call.payments[0]

    token = envelope_of(services, "Token/Get", paymentMethodToken=alias)["answer"]
    subscription = envelope_of(
        services,
        "Subscription/Get",
        paymentMethodToken=alias,
        subscriptionId=opened.subscription_id,
    )["answer"]
    payment_order = envelope_of(
        services, "Charge/PaymentOrder/Get", paymentOrderId=link.payment_order_id
    )["answer"]

    assert token["tokenDetails"]["pan"] == opened.payments[0].means.number
    assert opened.plan is not None
    assert subscription["rrule"] == opened.plan.schedule
    assert subscription["amount"] == opened.plan.amount_minor
    assert subscription["pastPaymentsNumber"] == 4
    assert payment_order["paymentOrderStatus"] == "PAID"
    assert [each["uuid"] for each in payment_order["transactions"]] == [link.uuid]


def test_what_does_not_exist_has_the_code_of_its_service(
    services: RestServices, played_calls: list[SignedCall]
) -> None:
    alias = (
        next(each.call for each in played_calls if each.story == "subscription").payments[0].alias
    )
    pair = {"paymentMethodToken": alias, "subscriptionId": "x"}

    assert error_of(services, "Transaction/Get", uuid="0" * 32) == "PSP_010"
    assert error_of(services, "Order/Get", orderId="none") == "PSP_010"
    assert error_of(services, "Token/Get", paymentMethodToken="none") == "PSP_030"
    assert error_of(services, "Subscription/Get", **pair) == "PSP_032"
    assert error_of(services, "Charge/PaymentOrder/Get", paymentOrderId="none") == "PSP_010"
    assert error_of(services, "Transaction/Get") == "INT_902"


def test_the_password_decides_the_mode(
    services: RestServices, played_calls: list[SignedCall]
) -> None:
    uuid = last_call(played_calls, "payment-accepted").call.payments[0].uuid
    (refused,) = played("PRODUCTION", "payment-refused")[0].call.payments

    answer = envelope_of(services, "Transaction/Get", mode="PRODUCTION", uuid=refused.uuid)

    assert answer["mode"] == "PRODUCTION"
    assert error_of(services, "Transaction/Get", mode="PRODUCTION", uuid=uuid) == "PSP_010"
    assert error_of(services, "Transaction/Get", password="wrong", uuid=uuid) == "INT_905"
    assert [request.mode for request in services.requests] == ["PRODUCTION", "PRODUCTION", None]


def test_an_order_of_more_than_30_transactions_is_too_many() -> None:
    call = played("TEST", "payment-accepted")[0]
    payment = call.call.payments[0]
    objects = {}
    for count in (30, 31):
        payments = tuple(payment.changed(uuid=f"{number:032x}") for number in range(count))
        many = SignedCall(
            "many", 0, call.call.repeated("BO", *payments, sent_at=NOW, nonce="n"), "rest", b""
        )
        objects[Credentials(SHOP_ID, f"p{count}")] = platform_objects(SHOP_ID, "TEST", [many])

    with RestServices(objects) as services:
        order = envelope_of(services, "Order/Get", password="p30", orderId=payment.order_id)
        assert len(order["answer"]["transactions"]) == 30
        assert (
            error_of(services, "Order/Get", password="p31", orderId=payment.order_id) == "PSP_015"
        )


@pytest.mark.parametrize(
    "fault", [Fault.NOT_FOUND, Fault.TOO_MANY, Fault.TOO_OFTEN, Fault.WRONG_CREDENTIALS]
)
def test_an_error_is_answered_once_with_the_status_200(
    services: RestServices, played_calls: list[SignedCall], fault: Fault
) -> None:
    uuid = played_calls[0].call.payments[0].uuid
    services.fail_next(fault)

    assert error_of(services, "Transaction/Get", uuid=uuid) == fault.value
    assert envelope_of(services, "Transaction/Get", uuid=uuid)["status"] == "SUCCESS"


def test_faults_come_in_their_order_and_none_lets_one_pass(
    services: RestServices, played_calls: list[SignedCall]
) -> None:
    uuid = played_calls[0].call.payments[0].uuid
    services.fail_next(Fault.BROKEN, None, Fault.BROKEN)

    statuses = [post(services, "Transaction/Get", uuid=uuid)[0] for _ in range(4)]

    assert statuses == [500, 200, 500, 200]


def test_an_answer_can_be_late_cut_or_big(
    services: RestServices, played_calls: list[SignedCall]
) -> None:
    uuid = played_calls[0].call.payments[0].uuid
    services.fail_next(Fault.SLOW, Fault.CUT, Fault.BIG)

    with pytest.raises(TimeoutError):
        post(services, "Transaction/Get", timeout=0.05, uuid=uuid)
    with pytest.raises(http.client.IncompleteRead):
        post(services, "Transaction/Get", uuid=uuid)
    envelope = envelope_of(services, "Transaction/Get", uuid=uuid)

    assert len(envelope["metadata"]["padding"]) == 1000


@pytest.mark.parametrize(
    ("fault", "names", "expected"),
    [
        (Fault.OTHER_SHOP, ("shopId",), "12345679"),
        (Fault.OTHER_MODE, ("orderDetails", "mode"), "PRODUCTION"),
        (Fault.OTHER_UUID, ("uuid",), "f" * 32),
    ],
)
def test_an_answer_can_be_about_another_shop_mode_or_transaction(
    services: RestServices,
    played_calls: list[SignedCall],
    fault: Fault,
    names: tuple[str, ...],
    expected: str,
) -> None:
    services.fail_next(fault)

    node = envelope_of(services, "Transaction/Get", uuid=played_calls[0].call.payments[0].uuid)[
        "answer"
    ]
    for name in names:
        node = node[name]

    assert node == expected


def test_a_redirect_leads_to_another_host(
    services: RestServices, played_calls: list[SignedCall]
) -> None:
    services.fail_next(Fault.REDIRECT)

    status, _, headers = post(
        services, "Transaction/Get", uuid=played_calls[0].call.payments[0].uuid
    )

    assert status == 307
    assert headers["Location"] == f"{services.other_host_url}Transaction/Get"
    assert urlsplit(headers["Location"]).hostname != urlsplit(services.url).hostname


def test_every_request_is_recorded_without_its_password(services: RestServices) -> None:
    post(services, "Order/Get", orderId="CMD-1")

    (request,) = services.requests
    assert (request.method, request.service, request.host) == ("POST", "Order/Get", "127.0.0.1")
    assert json.loads(request.body) == {"orderId": "CMD-1"}
    assert request.has_credentials
    assert "authorization" not in request.headers
    assert PASSWORDS["TEST"] not in repr(request)
    assert services.changing_requests == []


@pytest.mark.parametrize("service", ["Transaction/Refund", "Transaction/Cancel", "Token/Cancel"])
def test_a_service_that_changes_something_is_seen_and_does_nothing(
    services: RestServices, played_calls: list[SignedCall], service: str
) -> None:
    uuid = played_calls[0].call.payments[0].uuid

    assert error_of(services, service, uuid=uuid) == "INT_009"
    assert [request.service for request in services.changing_requests] == [service]


def test_only_json_is_taken_and_only_by_post(services: RestServices) -> None:
    is_form = post(services, "Order/Get", content_type="application/x-www-form-urlencoded")
    is_get = post(services, "Order/Get", method="GET")

    assert (is_form[0], is_get[0]) == (415, 405)
    assert [request.method for request in services.requests] == ["POST", "GET"]


def test_five_services_are_played() -> None:
    assert set(READING_SERVICES) == {
        *("Transaction/Get", "Order/Get", "Subscription/Get", "Token/Get"),
        "Charge/PaymentOrder/Get",
    }
