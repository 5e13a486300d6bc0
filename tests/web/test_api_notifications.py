"""Deliveries over HTTP: listed, shown, fetched raw, and readmitted from quarantine."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.recording.receipt import Receipt
from tests.builders import (
    NOON,
    OTHER_SHOP_ID,
    SHOP_ID,
    a_form_call,
    a_rest_call,
    a_shop,
    minutes,
    receive,
    shops,
)
from tests.web.asking import Asking

PATH = "/api/v1/notifications"


def a_waiting(api: Asking, body: bytes) -> Receipt:
    """A delivery that came before its key."""
    known, api.ledger.shops = api.ledger.shops, shops(a_shop(kinds=()))
    receipt = receive(api.ledger, body)
    api.ledger.shops = known
    assert receipt.reason == "no-key"
    return receipt


def ids(api: Asking, filters: str = "", role: str = "auditor") -> list[str]:
    return [item["id"] for item in api.get(f"{PATH}?{filters}", role)["items"]]


def test_a_delivery_is_told_with_what_became_of_it(api: Asking) -> None:
    body = a_form_call()
    receipt = receive(api.ledger, body)
    repeat = receive(api.ledger, body)

    answer = api.get(f"{PATH}/{receipt.id}")

    assert {name: answer[name] for name in ("outcome", "format", "shop_id", "mode", "source")} == {
        "outcome": "recorded",
        "format": "form-v2",
        "shop_id": SHOP_ID,
        "mode": "test",
        "source": "PAY",
    }
    assert (answer["positions"], answer["reason"], len(answer["digest"])) == ([1], None, 64)
    assert answer["peer"] == "192.0.2.0/24"
    assert api.get(f"{PATH}/{repeat.id}")["outcome"] == "repeated"
    assert api.get(f"{PATH}/{receipt.id}", "operator")["peer"] == "192.0.2.7"


def test_an_imported_delivery_is_marked(api: Asking) -> None:
    imported = receive(api.ledger, a_form_call(), is_imported=True)
    called = receive(api.ledger, a_form_call("CAPTURED"))

    assert api.get(f"{PATH}/{imported.id}")["is_imported"] is True
    assert api.get(f"{PATH}/{called.id}")["is_imported"] is False


def test_deliveries_are_listed_newest_first_and_filtered(api: Asking) -> None:
    bodies = a_form_call(), a_rest_call(at=minutes(1))
    form, rest = (receive(api.ledger, body, received_at=NOON) for body in bodies)
    of_other = a_form_call("CAPTURED", "BATCH", site_id=OTHER_SHOP_ID)
    other = receive(api.ledger, of_other, received_at=NOON)
    refused = receive(api.ledger, b"", received_at=NOON + timedelta(days=1))

    assert ids(api) == [refused.id, other.id, rest.id, form.id]
    assert ids(api, "outcome=quarantined") == ids(api, "reason=empty-body") == [refused.id]
    assert ids(api, "format=rest-v4") == [rest.id]
    assert ids(api, "source=BATCH") == ids(api, f"shop_id={OTHER_SHOP_ID}") == [other.id]
    assert ids(api, "mode=production") == []
    assert ids(api, "received_from=2026-11-24T00:00:00Z") == [refused.id]
    assert ids(api, "received_until=2026-11-24T00:00:00Z") == [other.id, rest.id, form.id]


def test_deliveries_are_read_page_by_page(api: Asking) -> None:
    received = [
        receive(api.ledger, body).id for body in (a_form_call(), b"", a_form_call(), b"x=1")
    ]

    first = api.call(f"{PATH}?limit=3")
    second = api.call(first.headers["Link"].split(">")[0][1:])

    listed = [item["id"] for page in (first, second) for item in page.get_json()["items"]]
    assert listed == received[::-1]
    assert second.get_json()["next_cursor"] is None
    assert "Link" not in second.headers


def test_a_raw_body_is_told_byte_for_byte_and_shown_by_no_browser(api: Asking) -> None:
    body = b"<script>alert(1)</script>\x00\xff"
    receipt = receive(api.ledger, body)

    response = api.call(f"{PATH}/{receipt.id}/raw", "auditor-personal")

    assert response.data == body
    assert response.content_type == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["unknown", "%00", "readmit", "x" * 3000])
def test_an_unknown_delivery_is_a_problem(api: Asking, name: str) -> None:
    for tail in ("", "/raw"):
        assert api.call(f"{PATH}/{name}{tail}", "operator").status_code == 404


# -- readmission ----------------------------------------------------------------------------------


def post(api: Asking, path: str, body: Any = None) -> Any:
    response = api.call(f"{PATH}{path}", "operator", method="POST", json=body)
    assert response.status_code == 200, response.text
    return response.get_json()


def test_a_delivery_is_readmitted_once_its_key_is_there(api: Asking) -> None:
    waiting = a_waiting(api, a_form_call())

    answer = post(api, f"/{waiting.id}/readmit")

    assert answer == {"id": waiting.id, "outcome": "recorded", "reason": None, "positions": [1]}
    assert api.get(f"{PATH}/{waiting.id}")["reason"] == "no-key"
    again = api.call(f"{PATH}/{waiting.id}/readmit", "operator", method="POST")
    assert again.status_code == 404


def test_what_cannot_be_verified_yet_stays_with_its_reason(api: Asking) -> None:
    refused = receive(api.ledger, b"")

    answer = post(api, f"/{refused.id}/readmit")

    assert (answer["outcome"], answer["reason"]) == ("quarantined", "empty-body")


def test_all_of_a_reason_are_counted_first_and_then_readmitted_in_order(api: Asking) -> None:
    waiting = [a_waiting(api, a_form_call(trans_uuid=letter * 32)) for letter in "abc"]
    receive(api.ledger, b"")

    counted = post(api, "/readmit", {"reason": "no-key"})
    done = post(api, "/readmit", {"reason": "no-key", "dry_run": False})

    assert (counted["dry_run"], counted["matching"], counted["items"]) == (True, 3, [])
    assert (done["matching"], done["readmitted"], done["refused"], done["remaining"]) == (
        3,
        3,
        0,
        0,
    )
    assert [item["id"] for item in done["items"]] == [receipt.id for receipt in waiting]
    assert post(api, "/readmit", {"reason": "no-key"})["matching"] == 0


def test_one_call_readmits_only_so_many(
    api_on_sqlite: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.api.notifications.READMIT_MAX", 2)
    for letter in "abc":
        a_waiting(api_on_sqlite, a_form_call(trans_uuid=letter * 32))

    answer = post(api_on_sqlite, "/readmit", {"reason": "no-key", "dry_run": False})

    assert (answer["readmitted"], answer["remaining"]) == (2, 1)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "x",
        {"reason": "because"},
        {"reason": 1},
        {"reason": "no-key", "dry_run": "no"},
        {"reason": "no-key", "dry_run": 0},
        {"reason": "no-key", "\ud800": 1},
    ],
)
def test_a_readmission_that_is_not_clear_is_refused(api_on_sqlite: Asking, body: Any) -> None:
    response = api_on_sqlite.call(f"{PATH}/readmit", "operator", method="POST", json=body)

    assert (response.status_code, response.content_type) == (422, "application/problem+json")
    assert all({"pointer", "message"} == set(each) for each in response.get_json()["errors"])
    assert response.get_json()["errors"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"reason=no-key", "application/x-www-form-urlencoded", 422),
        (b" " * 100_000, "application/json", 413),
    ],
)
def test_a_body_that_is_no_question_is_a_problem(
    api_on_sqlite: Asking, body: bytes, kind: str, status: int
) -> None:
    response = api_on_sqlite.call(
        f"{PATH}/readmit", "operator", method="POST", data=body, content_type=kind
    )

    assert (response.status_code, response.content_type) == (status, "application/problem+json")
