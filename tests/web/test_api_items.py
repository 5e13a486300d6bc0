"""Objects, histories, orders and evidence over HTTP: as they stand, and as they stood."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from tests.builders import (
    NOON,
    SHOP_ID,
    UUID,
    a_form_call,
    a_rest_call,
    example,
    form_body,
    minutes,
    receive,
    shops,
)
from tests.web.asking import AT, Asking

TRANSACTION = f"{AT}/transactions/{UUID}"


@pytest.fixture
def api(api: Asking) -> Asking:
    """A payment authorised, captured a second later, then cancelled in contradiction."""
    receive(api.ledger, a_form_call("AUTHORISED"))
    receive(api.ledger, a_form_call("CAPTURED", source="BATCH"))
    return api


def test_a_transaction_is_told_as_it_stands(api: Asking) -> None:
    told = api.get(TRANSACTION)

    assert {name: told[name] for name in ("uuid", "shop_id", "mode", "status", "version")} == {
        "uuid": UUID,
        "shop_id": SHOP_ID,
        "mode": "test",
        "status": "CAPTURED",
        "version": 2,
    }
    assert (told["amount_minor"], told["currency"]) == (2990, "EUR")
    assert told["links"] == {"self": TRANSACTION, "history": f"{TRANSACTION}/history"}


def test_it_is_told_as_it_was_known_at_an_instant(api: Asking) -> None:
    told = {
        as_of: api.call(TRANSACTION, query_string={"as_of": as_of}).get_json().get("status")
        for as_of in (
            "2026-11-23T11:59:59Z",
            "2026-11-23T12:00:00Z",
            "2026-11-23T13:00:00.500+01:00",
            "2026-11-23T12:00:01",
            "2026-11-23",
        )
    }

    assert list(told.values()) == [404, "AUTHORISED", "AUTHORISED", "CAPTURED", "CAPTURED"]


def test_a_plus_sign_that_became_a_blank_is_understood(api: Asking) -> None:
    assert api.get(f"{TRANSACTION}?as_of=2026-11-23T13:00:00+01:00")["status"] == "AUTHORISED"


def test_it_is_told_as_of_a_version(api: Asking) -> None:
    assert api.get(f"{TRANSACTION}?version=1")["status"] == "AUTHORISED"
    assert api.call(f"{TRANSACTION}?version=3").status_code == 404


@pytest.mark.parametrize("asked", ["as_of=yesterday", "version=0", "version=x", "asof=2026-01-01"])
def test_what_cannot_be_understood_is_refused_field_by_field(api: Asking, asked: str) -> None:
    response = api.call(f"{TRANSACTION}?{asked}")

    assert response.status_code == 422
    assert response.content_type == "application/problem+json"
    assert list(response.get_json()["errors"]["query"]) == [asked.partition("=")[0]]


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/shops/{SHOP_ID}/production/transactions/{UUID}",
        f"/api/v1/shops/99999999/test/transactions/{UUID}",
        f"/api/v1/shops/{SHOP_ID}/TEST/transactions/{UUID}",
        f"{AT}/transactions/unknown",
        f"{AT}/transactions/unknown/history",
        f"{AT}/aliases/unknown",
        f"{AT}/subscriptions/unknown",
        f"{AT}/subscriptions/unknown%00",
        f"{AT}/orders/unknown",
        f"{AT}/orders/unknown%00",
        f"{AT}/nothing/unknown",
    ],
)
def test_what_is_unknown_is_a_problem(api: Asking, path: str) -> None:
    response = api.call(path)

    assert (response.status_code, response.content_type) == (404, "application/problem+json")
    assert response.get_json()["code"] == "not-found"


def test_what_one_has_already_is_not_sent_again(api: Asking) -> None:
    tag = api.call(TRANSACTION).headers["ETag"]
    again = api.call(TRANSACTION, headers={"If-None-Match": tag})
    other_role = api.call(TRANSACTION, "operator", headers={"If-None-Match": tag})
    receive(api.ledger, a_form_call("AUTHORISED", source="MERCH_BO", effective_amount="1500"))
    changed = api.call(TRANSACTION, headers={"If-None-Match": tag})

    assert not tag.startswith("W/")
    assert (again.status_code, again.data) == (304, b"")
    assert [other_role.status_code, changed.status_code] == [200, 200]


# -- histories ------------------------------------------------------------------------------------


def test_a_history_tells_what_each_event_changed(api: Asking) -> None:
    first, second = api.get(f"{TRANSACTION}/history")["events"]

    assert first["changes"][0] == {"name": "uuid", "before": None, "after": UUID}
    assert second["changes"] == [{"name": "status", "before": "AUTHORISED", "after": "CAPTURED"}]
    assert (second["type"], second["sentence"]) == ("transaction.captured", "Captured")
    assert (second["position"], second["version"]) == (2, 2)
    assert (second["late"], second["contradiction"]) == (False, False)
    assert (second["rule"], second["data"]["source"]) == ("acquirer-status", "BATCH")
    assert second["recorded_at"] == "2026-11-23T12:00:01Z"


def test_a_history_marks_what_came_late_or_contradicts(api: Asking) -> None:
    receive(api.ledger, a_form_call("CANCELLED", source="MERCH_BO"))

    *_, last = api.get(f"{TRANSACTION}/history")["events"]

    assert last["contradiction"]
    assert last["changes"] == []
    assert api.get(TRANSACTION)["contradictions"] == 1


def test_a_history_can_be_told_as_of_a_day_and_a_version(api: Asking) -> None:
    for asked in ("version=1", "as_of=2026-11-23T12:00:00Z"):
        assert len(api.get(f"{TRANSACTION}/history?{asked}")["events"]) == 1


def test_links_of_an_event_lead_to_its_delivery_and_evidence(api: Asking) -> None:
    *_, last = api.get(f"{TRANSACTION}/history", "operator")["events"]

    delivery = api.get(last["links"]["notification"], "operator")
    proof = api.get(last["links"]["evidence"], "operator")

    assert delivery["id"] == last["notification_id"] == proof["notification"]["id"]
    assert delivery["positions"] == [last["position"]]


# -- aliases and subscriptions --------------------------------------------------------------------

PLAN = example("form-v2", "subscription-created")["fields"]


def test_an_alias_is_found_whatever_its_name_holds(api: Asking) -> None:
    name = "jo/doe?\r\n é%"
    receive(api.ledger, a_form_call(identifier=name, identifier_status="CREATED"))

    path = f"{AT}/aliases/jo%2Fdoe%3F%0D%0A%20%C3%A9%25"

    assert api.get(path)["alias"] == name
    assert api.get(f"{path}/history")["events"][0]["type"] == "alias.registered"
    assert api.get(api.get(path)["links"]["history"])["events"]


def test_a_subscription_id_of_several_needs_an_alias(api: Asking) -> None:
    for alias, digit in (("one", "a"), ("two", "b")):
        fields = PLAN | {"vads_identifier": alias, "vads_hash": digit * 64}
        receive(api.ledger, form_body(fields | {"vads_trans_uuid": digit * 32}))
    path = f"{AT}/subscriptions/{PLAN['vads_subscription']}"

    refused = api.call(path)

    assert (refused.status_code, refused.content_type) == (409, "application/problem+json")
    assert refused.get_json()["aliases"] == ["one", "two"]
    assert api.get(f"{path}?alias=two")["alias"] == "two"
    assert api.get(f"{path}/history?alias=two")["events"]
    assert api.call(f"{path}?alias=three").status_code == 404


def test_a_subscription_has_its_instalments(api: Asking) -> None:
    instalment = example("form-v2", "subscription-installment-accepted")["fields"]
    for fields in (PLAN, instalment):
        receive(api.ledger, form_body(fields))

    told = api.get(f"{AT}/subscriptions/{PLAN['vads_subscription']}")

    (one,) = told["instalments"]
    assert one["transaction_uuid"] == instalment["vads_trans_uuid"]
    assert set(one) >= {"number", "status", "amount_minor", "currency"}


# -- orders ---------------------------------------------------------------------------------------

ORDER = f"{AT}/orders/CMD-2026-0001"


def a_refund(amount: int, digit: str = "b", status: str = "CAPTURED", **more: Any) -> bytes:
    uuid = digit * 32
    return a_form_call(
        status,
        source="MERCH_BO",
        trans_uuid=uuid,
        operation_type="CREDIT",
        effective_amount=str(amount),
        amount=str(amount),
        **more,
    )


def test_an_order_has_its_transactions_and_balances(api: Asking) -> None:
    receive(api.ledger, a_refund(1000))
    api.follow()

    told = api.get(ORDER)

    (balance,) = told["balances"]
    assert [one["operation_type"] for one in told["transactions"]] == ["DEBIT", "CREDIT"]
    assert (balance["currency"], balance["transactions"]) == ("EUR", 2)
    assert (balance["captured_minor"], balance["refunded_minor"]) == (2990, 1000)
    assert balance["balance_minor"] == 1990
    assert told["view_position"] == told["position"] == 3


def test_a_refund_is_linked_when_only_one_debit_can_be_meant(api: Asking) -> None:
    receive(api.ledger, a_refund(2000, "b"))
    receive(api.ledger, a_refund(2000, "c"))  # more than is left
    api.follow()

    _, first, second = api.get(ORDER)["transactions"]

    assert first["original"] == {"uuid": UUID, "certainty": "inferred"}
    assert second["original"] is None


def test_nothing_is_guessed_among_several_debits(api: Asking) -> None:
    receive(api.ledger, a_form_call("CAPTURED", trans_uuid="d" * 32))
    receive(api.ledger, a_refund(1000))
    api.follow()

    assert api.get(ORDER)["transactions"][-1]["original"] is None


def test_a_refund_that_names_its_original_is_linked_as_told(api: Asking) -> None:
    refund = a_rest_call(
        "CAPTURED",
        minutes(9),
        "MERCH_BO",
        uuid="b" * 32,
        operationType="CREDIT",
        amount=500,
        transactionDetails={"parentTransactionUuid": UUID},
    )
    receive(api.ledger, refund)
    api.follow()

    *_, told = api.get(ORDER)["transactions"]

    assert told["original"] == {"uuid": UUID, "certainty": "told"}


def test_an_order_is_told_as_of_any_instant(api: Asking) -> None:
    receive(api.ledger, a_refund(1000))
    api.follow()

    before = api.get(f"{ORDER}?as_of=2026-11-23T12:00:00Z")

    assert [one["status"] for one in before["transactions"]] == ["AUTHORISED"]
    assert before["balances"][0]["captured_minor"] == 0
    assert api.call(f"{ORDER}?as_of=2026-11-22").status_code == 404


def test_the_history_of_an_order_is_in_the_order_we_heard_of_it(api: Asking) -> None:
    receive(api.ledger, a_refund(1000))
    receive(api.ledger, a_form_call("CANCELLED", source="MERCH_BO"))
    api.follow()

    events = api.get(f"{ORDER}/history")["events"]

    assert [one["position"] for one in events] == [1, 2, 3, 4]
    assert [one["reference"] for one in events] == [UUID, UUID, "b" * 32, UUID]


def test_an_order_that_its_view_does_not_know_yet_is_unknown(api: Asking) -> None:
    assert api.call(ORDER).status_code == 404


def test_without_its_view_an_order_is_not_guessed(api: Asking) -> None:
    with api.ledger.database.begin() as connection:
        connection.execute(text("UPDATE generations SET state = 'retired'"))

    response = api.call(ORDER)

    assert (response.status_code, response.get_json()["code"]) == (503, "unavailable")
    assert "Retry-After" in response.headers


# -- evidence -------------------------------------------------------------------------------------

EVIDENCE = f"{AT}/events/1/evidence"


def test_evidence_is_the_body_verified_again(api: Asking) -> None:
    told = api.get(EVIDENCE, "auditor-personal")

    assert told["signature"] == "verified"
    assert told["is_digest_same"]
    assert told["is_linked"]
    assert told["digest"] == told["digest_now"]
    assert UUID in told["body_text"]
    raw = api.call(told["notification"]["links"]["raw"], "operator")
    assert raw.text == told["body_text"]


def test_evidence_says_when_the_key_is_gone(api: Asking) -> None:
    api.ledger.shops = shops()
    api.ledger.shops = replace(api.ledger.shops, shop_by_id={})

    assert api.get(EVIDENCE, "operator")["signature"] == "key-gone"


def test_evidence_is_verified_although_the_window_of_its_key_is_over(api: Asking) -> None:
    (shop,) = shops().shop_by_id.values()
    keys = tuple(replace(key, not_after=NOON) for key in shop.keys)
    api.ledger.shops = shops(replace(shop, keys=keys))

    assert api.get(EVIDENCE, "operator")["signature"] == "verified"


def test_evidence_shows_a_body_that_was_changed_behind_our_back(sqlite_asking: Asking) -> None:
    with sqlite_asking.ledger.database.begin() as connection:
        connection.execute(text("DROP TRIGGER notifications_refuse_update"))
        connection.execute(
            text("UPDATE notifications SET body = CAST(replace(body, '2990', '1990') AS BLOB)")
        )

    told = sqlite_asking.get(EVIDENCE, "operator")

    assert (told["signature"], told["is_digest_same"]) == ("failed", False)
    assert told["digest"] != told["digest_now"]


@pytest.fixture
def sqlite_asking(api_on_sqlite: Asking) -> Asking:
    receive(api_on_sqlite.ledger, a_form_call("AUTHORISED"))
    return api_on_sqlite


@pytest.mark.parametrize(
    "path",
    [
        f"{AT}/events/99/evidence",
        f"{AT}/events/0/evidence",
        f"/api/v1/shops/{SHOP_ID}/production/events/1/evidence",
        "/api/v1/shops/87654321/test/events/1/evidence",
        f"{AT}/events/99999999999999999999999/evidence",
    ],
)
def test_evidence_is_only_where_its_event_is(api: Asking, path: str) -> None:
    assert api.call(path, "operator").status_code == 404
