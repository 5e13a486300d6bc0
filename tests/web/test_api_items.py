"""Objects and their histories over HTTP: as they stand, and as they stood."""

from tests.builders import SHOP_ID, UUID, a_form_call, example, form_body, receive
from tests.web.asking import AT, Asking

TRANSACTION = f"{AT}/transactions/{UUID}"


def test_a_transaction_is_told_as_it_stands(paid_sqlite: Asking) -> None:
    state = paid_sqlite.get(TRANSACTION)

    assert {name: state[name] for name in ("uuid", "shop_id", "mode", "status", "version")} == {
        "uuid": UUID,
        "shop_id": SHOP_ID,
        "mode": "test",
        "status": "CAPTURED",
        "version": 2,
    }
    assert (state["amount_minor"], state["currency"]) == (2990, "EUR")
    assert state["links"] == {"self": TRANSACTION, "history": f"{TRANSACTION}/history"}


def test_it_is_told_as_it_was_known_at_an_instant(paid: Asking) -> None:
    state = {
        as_of: paid.call(TRANSACTION, query_string={"as_of": as_of}).get_json().get("status")
        for as_of in (
            "2026-11-23T11:59:59Z",
            "2026-11-23T12:00:00Z",
            "2026-11-23T13:00:00.500+01:00",
            "2026-11-23T12:00:01",
            "2026-11-23",
        )
    }

    assert list(state.values()) == [404, "AUTHORISED", "AUTHORISED", "CAPTURED", "CAPTURED"]


def test_a_plus_sign_that_became_a_blank_is_understood(paid_sqlite: Asking) -> None:
    assert (
        paid_sqlite.get(f"{TRANSACTION}?as_of=2026-11-23T13:00:00+01:00")["status"] == "AUTHORISED"
    )


def test_it_is_told_as_of_a_version(paid_sqlite: Asking) -> None:
    assert paid_sqlite.get(f"{TRANSACTION}?version=1")["status"] == "AUTHORISED"
    assert paid_sqlite.call(f"{TRANSACTION}?version=3").status_code == 404


def test_what_cannot_be_understood_is_refused_field_by_field(paid_sqlite: Asking) -> None:
    for question in ("as_of=yesterday", "version=0", "version=x", "asof=2026-01-01"):
        response = paid_sqlite.call(f"{TRANSACTION}?{question}")

        assert response.status_code == 422
        assert response.content_type == "application/problem+json"
        (problem,) = response.get_json()["errors"]
        assert problem["parameter"] == question.partition("=")[0]
        assert response.get_json()["detail"] == f"{problem['parameter']} {problem['message']}"


UNKNOWN = (
    f"/api/v1/shops/{SHOP_ID}/production/transactions/{UUID}",
    f"/api/v1/shops/99999999/test/transactions/{UUID}",
    f"/api/v1/shops/{SHOP_ID}/prod/transactions/{UUID}",
    f"/api/v1/shops/1234567%00/test/transactions/{UUID}",
    f"{AT}/transactions/unknown",
    f"{AT}/transactions/unknown/history",
    f"{AT}/transactions/unknown%00",
    f"{AT}/aliases/unknown",
    f"{AT}/subscriptions/unknown",
    f"{AT}/subscriptions/unknown%00",
    f"{AT}/orders/unknown",
    f"{AT}/orders/unknown%00",
    f"{AT}/orders/unknown%00/history",
    f"{AT}/nothing/unknown",
)


def test_what_is_unknown_is_a_problem(paid: Asking) -> None:
    for path in UNKNOWN:
        response = paid.call(path)

        refusal = (response.status_code, response.content_type, response.get_json()["code"])
        assert refusal == (404, "application/problem+json", "not-found"), path


def test_a_mode_is_one_of_two_in_any_case(paid_sqlite: Asking) -> None:
    states = [paid_sqlite.get(TRANSACTION.replace("/test/", f"/{mode}/")) for mode in MODES]
    refusal = paid_sqlite.call(TRANSACTION.replace("/test/", "/prod/")).get_json()

    assert states[1:] == states[:-1]
    assert (refusal["code"], refusal["detail"]) == ("not-found", "mode is test or production")


MODES = ("test", "TEST", "Test")


def test_what_one_has_already_is_not_sent_again(paid_sqlite: Asking) -> None:
    tag = paid_sqlite.call(TRANSACTION).headers["ETag"]
    again = paid_sqlite.call(TRANSACTION, headers={"If-None-Match": tag})
    other_role = paid_sqlite.call(TRANSACTION, "operator", headers={"If-None-Match": tag})
    receive(
        paid_sqlite.ledger, a_form_call("AUTHORISED", source="MERCH_BO", effective_amount="1500")
    )
    changed = paid_sqlite.call(TRANSACTION, headers={"If-None-Match": tag})

    assert tag.startswith("W/"), "how far the log goes is shown too, and is not in the tag"
    assert (again.status_code, again.data) == (304, b"")
    assert [other_role.status_code, changed.status_code] == [200, 200]


COLLECTIONS = [
    *("transactions", "aliases", "subscriptions", "orders", "totals", "audit-trail"),
    *("events", "notifications", "access-log", "projections"),
]


def test_every_answer_says_how_far_the_log_goes(paid: Asking) -> None:
    paid.follow()
    paths = [TRANSACTION, f"{TRANSACTION}/history", *(f"/api/v1/{name}" for name in COLLECTIONS)]

    newest = {path: paid.get(path, "operator")["newest_position"] for path in paths}

    assert newest == dict.fromkeys(paths, 2)
    assert paid.get("/api/v1/transactions")["as_of_position"] == 2


# -- histories ------------------------------------------------------------------------------------


def test_a_history_tells_what_each_event_changed(paid: Asking) -> None:
    first, second = paid.get(f"{TRANSACTION}/history")["events"]

    assert first["changes"][0] == {"name": "uuid", "before": None, "after": UUID}
    assert second["changes"] == [{"name": "status", "before": "AUTHORISED", "after": "CAPTURED"}]
    assert (second["type"], second["sentence"]) == ("transaction.captured", "Captured")
    assert (second["position"], second["version"]) == (2, 2)
    assert (second["late"], second["contradiction"]) == (False, False)
    assert (second["rule"], second["data"]["source"]) == ("acquirer-status", "BATCH")
    assert second["recorded_at"] == "2026-11-23T12:00:01Z"


def test_a_history_marks_what_came_late_or_contradicts(paid_sqlite: Asking) -> None:
    receive(paid_sqlite.ledger, a_form_call("CANCELLED", source="MERCH_BO"))

    *_, last = paid_sqlite.get(f"{TRANSACTION}/history")["events"]

    assert last["contradiction"]
    assert last["changes"] == []
    assert paid_sqlite.get(TRANSACTION)["contradictions"] == 1


def test_a_history_can_be_told_as_of_a_day_and_a_version(paid: Asking) -> None:
    for question in ("version=1", "as_of=2026-11-23T12:00:00Z"):
        assert len(paid.get(f"{TRANSACTION}/history?{question}")["events"]) == 1


def test_links_of_an_event_lead_to_its_delivery_and_evidence(paid_sqlite: Asking) -> None:
    *_, last = paid_sqlite.get(f"{TRANSACTION}/history", "operator")["events"]

    delivery = paid_sqlite.get(last["links"]["notification"], "operator")
    proof = paid_sqlite.get(last["links"]["evidence"], "operator")

    assert delivery["id"] == last["notification_id"] == proof["notification"]["id"]
    assert delivery["positions"] == [last["position"]]


# -- aliases and subscriptions --------------------------------------------------------------------

PLAN = example("form-v2", "subscription-created")["fields"]


def test_an_alias_is_found_whatever_its_name_holds(paid: Asking) -> None:
    name = "jo/doe?\r\n é%"
    receive(paid.ledger, a_form_call(identifier=name, identifier_status="CREATED"))

    path = f"{AT}/aliases/jo%2Fdoe%3F%0D%0A%20%C3%A9%25"

    assert paid.get(path)["alias"] == name
    assert paid.get(f"{path}/history")["events"][0]["type"] == "alias.registered"
    assert paid.get(paid.get(path)["links"]["history"])["events"]


def test_a_subscription_id_of_several_needs_an_alias(paid: Asking) -> None:
    for alias, digit in (("one", "a"), ("two", "b")):
        fields = PLAN | {"vads_identifier": alias, "vads_hash": digit * 64}
        receive(paid.ledger, form_body(fields | {"vads_trans_uuid": digit * 32}))
    path = f"{AT}/subscriptions/{PLAN['vads_subscription']}"

    refused = paid.call(path)

    assert (refused.status_code, refused.content_type) == (409, "application/problem+json")
    assert refused.get_json()["aliases"] == ["one", "two"]
    assert paid.get(f"{path}?alias=two")["alias"] == "two"
    assert paid.get(f"{path}/history?alias=two")["events"]
    assert paid.call(f"{path}?alias=three").status_code == 404


def test_a_subscription_has_its_instalments(paid: Asking) -> None:
    instalment = example("form-v2", "subscription-installment-accepted")["fields"]
    for fields in (PLAN, instalment):
        receive(paid.ledger, form_body(fields))

    state = paid.get(f"{AT}/subscriptions/{PLAN['vads_subscription']}")

    (attempt,) = state["instalments"]
    assert attempt["transaction_uuid"] == instalment["vads_trans_uuid"]
    assert set(attempt) >= {"number", "status", "amount_minor", "currency"}
