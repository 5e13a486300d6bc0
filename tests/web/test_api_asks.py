"""Questions to the platform over HTTP: operators ask, and reading asks nobody."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.ipn.asking_access import AskingAccess
from ledger.simulator.rest_objects import platform_objects
from ledger.simulator.rest_services import Credentials, RestServices
from ledger.simulator.signed_calls import SignedCall
from ledger.storage.database import Database
from tests.asking.conftest import PASSWORD, certificate, played_calls, tls  # noqa: F401  fixtures
from tests.builders import SHOP_ID, a_ledger, a_shop, shops
from tests.web.asking import AT, FOR_ALL, Asking

ASKS = f"{AT}/asks"


@pytest.fixture
def services(
    played_calls: list[SignedCall],  # noqa: F811
    tls: ssl.SSLContext,  # noqa: F811
) -> Iterator[RestServices]:
    objects = platform_objects(SHOP_ID, "TEST", played_calls)
    with RestServices({Credentials(SHOP_ID, PASSWORD): objects}, tls=tls) as running:
        yield running


@pytest.fixture
def api(database: Database, services: RestServices, certificate: Path) -> Asking:  # noqa: F811
    access = AskingAccess(SHOP_ID, "TEST", services.host, PASSWORD, authorities_file=certificate)
    shop = replace(a_shop(), asking=(access,))
    return Asking(a_ledger(database, shops(shop)))


@pytest.fixture
def uuid(services: RestServices, played_calls: list[SignedCall]) -> str:  # noqa: F811
    payment = next(call.call.payment for call in played_calls if call.story == "paid-and-refunded")
    assert payment is not None
    return str(payment.uuid)


def test_an_operator_asks_and_everybody_sees_the_answer(api: Asking, uuid: str) -> None:
    body = {"service": "Transaction/Get", "subject": uuid}

    made = api.call(ASKS, "operator", method="POST", json=body)

    assert (made.status_code, made.get_json()["outcome"]) == (200, "recorded")
    (listed,) = api.get("/api/v1/asks")["items"]
    assert listed == made.get_json()
    transaction = api.get(f"{AT}/transactions/{uuid}")
    assert (transaction["basis"], "status" in transaction["unconfirmed"]) == ("asked", True)
    (event,) = api.get(f"{AT}/transactions/{uuid}/history")["events"]
    assert event["basis"] == "asked"
    evidence = api.call(event["links"]["evidence"], "operator").get_json()
    assert (evidence["signature"], evidence["is_digest_same"]) == ("asked", True)
    notification = api.get(event["links"]["notification"])
    assert notification["format"] == "rest-answer"
    events = api.get("/api/v1/events?basis=asked")["items"]
    assert {each["basis"] for each in events} == {"asked"}
    assert api.get("/api/v1/events?basis=told")["items"] == []


def test_nobody_else_asks(api: Asking, services: RestServices, uuid: str) -> None:
    body = {"service": "Transaction/Get", "subject": uuid}

    refused = [api.call(ASKS, role, method="POST", json=body) for role in ("auditor",)]

    assert [each.status_code for each in refused] == [403]
    assert services.requests == []


def test_a_shop_that_was_asked_about_just_now_waits(api: Asking, uuid: str) -> None:
    body = {"service": "Transaction/Get", "subject": uuid}
    api.call(ASKS, "operator", method="POST", json=body)

    again = api.call(ASKS, "operator", method="POST", json=body)

    assert (again.status_code, again.get_json()["code"]) == (409, "not-allowed-yet")


def test_a_service_that_changes_something_has_no_name(api: Asking, services: RestServices) -> None:
    body = {"service": "Transaction/Refund", "subject": "a" * 32}

    refused = api.call(ASKS, "operator", method="POST", json=body)

    assert refused.status_code == 422
    assert services.requests == []


def test_a_shop_that_has_not_chosen_it_is_not_asked_about(api: Asking) -> None:
    body = {"service": "Transaction/Get", "subject": "a" * 32}

    refused = api.call(ASKS.replace("/test/", "/production/"), "operator", method="POST", json=body)

    assert refused.status_code == 404


def test_reading_asks_nobody(api: Asking, services: RestServices) -> None:
    for path in [*(each for each in FOR_ALL if "{" not in each), "/api/v1/asks", "/metrics", "/"]:
        api.call(path, "operator")

    assert services.requests == []
