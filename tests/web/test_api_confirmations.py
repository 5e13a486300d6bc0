"""Doubtful transactions over HTTP: marked wherever they are, and confirmed by operators alone."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.queries.readable import find_delivery
from ledger.settings import read_settings
from tests.builders import OTHER_SHOP_ID, UUID, a_form_call, receive
from tests.projections.helpers import follow
from tests.web.asking import AT, Asking

PATH = f"{AT}/transactions/{UUID}"


@pytest.fixture
def doubting(api_on_sqlite: Asking) -> Asking:
    """A ledger that has heard of a payment from a doubtful form alone."""
    receive(api_on_sqlite.ledger, a_form_call(never_documented="x"), is_from_named_range=False)
    follow(api_on_sqlite.ledger)
    return api_on_sqlite


def confirm(api: Asking, role: str = "operator", **body: Any) -> TestResponse:
    whole = {"reason": "seen in the Back Office", "version": 1, "dry_run": False} | body
    return api.call(f"{PATH}/confirm", role, method="POST", json=whole)


def test_a_doubtful_transaction_is_marked_wherever_it_is(doubting: Asking) -> None:
    why = ["name-unknown vads_never_documented"]

    (event,) = doubting.get(f"{PATH}/history")["events"]
    (item,) = doubting.get("/api/v1/transactions?doubtful=true")["items"]
    (line,) = doubting.get("/api/v1/audit-trail?doubtful=true")["items"]
    (balance,) = doubting.get("/api/v1/orders")["items"][0]["balances"]

    assert event["data"]["doubtful"] == why
    assert doubting.get(PATH)["doubtful"] is True
    assert (item["doubtful"], item["amount_minor"]) == (True, None)
    assert line["is_doubtful"] is True
    assert (balance["doubtful"], balance["authorised_minor"]) == (1, 0)
    assert doubting.get("/api/v1/totals")["items"] == []


def test_an_operator_looks_first_and_then_confirms(doubting: Asking) -> None:
    preview = confirm(doubting, dry_run=True).get_json()
    assert preview["facts"]["amount_minor"] == 2990
    assert preview["positions"] == []
    assert doubting.get(PATH)["doubtful"] is True

    answer = confirm(doubting).get_json()

    follow(doubting.ledger)
    assert answer["positions"] == [2]
    state = doubting.get(PATH)
    assert (state["doubtful"], state["uuid"]) == (False, UUID)
    (balance,) = doubting.get("/api/v1/orders")["items"][0]["balances"]
    assert (balance["doubtful"], balance["authorised_minor"]) == (0, 2990)
    event = doubting.get(f"{PATH}/history", "operator")["events"][-1]
    assert event["type"] == "transaction.confirmed-by-operator"
    assert event["data"]["details"] == {
        "reason": "seen in the Back Office",
        "operator": "a operator",
    }
    assert confirm(doubting).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"version": 2}, 404),
        ({"reason": ""}, 422),
        ({"reason": "x" * 501}, 422),
        ({"dry_run": 1}, 422),
        ({"all": True}, 422),
    ],
)
def test_nothing_is_confirmed_unseen(doubting: Asking, body: dict[str, Any], status: int) -> None:
    assert confirm(doubting, **body).status_code == status
    assert doubting.get(PATH)["doubtful"] is True


@pytest.mark.parametrize("role", ["auditor", "auditor-personal"])
def test_only_operators_confirm(doubting: Asking, role: str) -> None:
    assert confirm(doubting, role).status_code == 403
    body = {"reason": "x", "version": 1, "dry_run": False}
    elsewhere = doubting.call(
        f"{PATH}/confirm", "operator", method="POST", json=body, shops=(OTHER_SHOP_ID,)
    )
    assert elsewhere.status_code == 403


@pytest.mark.parametrize(
    ("setting", "is_named"),
    [
        ("", False),
        ("any", False),
        ("0.0.0.0/0", False),
        ("any 127.0.0.1", False),
        ("127.0.0.0/8", True),
        ("127.0.0.0/8 ::1", True),
    ],
)
def test_a_delivery_keeps_whether_it_came_from_a_named_range(
    api_on_sqlite: Asking, setting: str, is_named: bool
) -> None:
    settings = read_settings({"LEDGER_ALLOWED_SOURCES": setting})
    asking = Asking(api_on_sqlite.ledger, settings)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    response = asking.client.post("/ipn", data=a_form_call(), headers=headers)

    id_ = response.text.split()[-1]
    record = find_delivery(asking.ledger, id_)
    assert record is not None
    assert record.is_from_named_range == is_named
