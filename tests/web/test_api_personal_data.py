"""Personal data in the query API, and the line that each read of it leaves."""

from typing import Any

import pytest

from tests.builders import SHOP_ID, UUID, a_form, a_form_call, a_rest_call, receive
from tests.web.asking import AT, FOR_ALL, PERSONAL, Asking


@pytest.fixture
def api(api: Asking) -> Asking:
    api.receive_a_payment()
    return api


NOTHING_PERSONAL = ["jo@example.org", "Jo Doe", "497010XXXXXX0055", "192.0.2.7"]


def test_an_auditor_sees_no_personal_data_anywhere(api_on_sqlite: Asking) -> None:
    api_on_sqlite.receive_a_payment()
    secrets = [value for name, value in a_form().items() if name.startswith("vads_cust_")]
    secrets += [a_form()["vads_card_number"], *NOTHING_PERSONAL]

    for path in FOR_ALL:
        text = api_on_sqlite.call(api_on_sqlite.path_of(path)).text
        assert [word for word in secrets if len(word) > 3 and f'"{word}"' in text] == [], path


def test_fields_about_a_person_stay_closed_and_are_said_to_be_there(api: Asking) -> None:
    hidden = api.get(f"{AT}/transactions/{UUID}")
    plain = api.get(f"{AT}/transactions/{UUID}", "auditor-personal")

    assert plain["personal"]["vads_cust_email"] == "jo@example.org"
    assert (plain["sealed"], hidden["sealed"], hidden["personal"]) == ("opened", "closed", {})
    assert hidden["details"].items() <= plain["details"].items()
    closed = ("personal", "details", "sealed")
    assert {name: value for name, value in hidden.items() if name not in closed} == {
        name: value for name, value in plain.items() if name not in closed
    }


UNEXPECTED = {
    "ext_info_contact": "jo@example.org",
    "ext_info_browser": "203.0.113.9",
    "ext_info_phone": "0601020304",
    "ext_info_card": "497010XXXXXX0055",
}


def test_a_person_in_an_unexpected_field_is_masked_too(api_on_sqlite: Asking) -> None:
    receive(api_on_sqlite.ledger, a_form_call(**UNEXPECTED))

    for path in (
        f"{AT}/transactions/{UUID}",
        f"{AT}/transactions/{UUID}/history",
        "/api/v1/events?details=true",
    ):
        hidden = api_on_sqlite.call(path).text
        plain = api_on_sqlite.call(path, "auditor-personal").text
        for text in UNEXPECTED.values():
            assert text not in hidden
            assert text in plain


@pytest.mark.parametrize("name", ["order_id", "identifier"])
def test_an_order_or_alias_that_names_a_person_is_masked_everywhere(
    api_on_sqlite: Asking, name: str
) -> None:
    fields = {name: "jo.doe@example.org", "ext_info_contact": "jo.other@example.org"}
    receive(api_on_sqlite.ledger, a_form_call(**fields))
    api_on_sqlite.follow()
    lists = ("transactions", "aliases", "orders", "audit-trail", "exports/events?format=jsonl")

    for path in (
        f"{AT}/transactions/{UUID}",
        f"{AT}/transactions/{UUID}/history",
        "/api/v1/events?details=true",
        *(f"/api/v1/{name}" for name in lists),
        "/api/v1/exports/transactions?format=csv",
        "/api/v1/exports/events?format=csv",
    ):
        hidden = api_on_sqlite.call(path)
        assert (hidden.status_code, "jo." in hidden.text) == (200, False), path
    for path in (f"{AT}/transactions/{UUID}", "/api/v1/transactions"):
        assert "jo.doe@example.org" in api_on_sqlite.call(path, "auditor-personal").text


def test_rest_personal_data_stays_closed_too(api_on_sqlite: Asking) -> None:
    receive(api_on_sqlite.ledger, a_rest_call())

    hidden = api_on_sqlite.get(f"{AT}/transactions/{UUID}")

    assert (hidden["sealed"], hidden["personal"]) == ("closed", {})


# -- the access log -------------------------------------------------------------------------------


def accesses(api: Asking) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get("/api/v1/access-log", "operator")["items"]
    return items


@pytest.mark.parametrize("role", ["auditor-personal", "operator"])
def test_every_read_of_personal_or_raw_data_leaves_a_line(api: Asking, role: str) -> None:
    paths = [*FOR_ALL[:4], "/api/v1/events?details=true", *PERSONAL]

    for path in paths:
        api.call(api.path_of(path), role)

    log = accesses(api)
    assert [line["kind"] for line in reversed(log)] == [
        "transaction",
        "transaction-history",
        "order",
        "order-history",
        "events",
        "raw",
        "evidence",
    ]
    assert {(line["role"], line["status"], line["method"]) for line in log} == {(role, 200, "GET")}
    assert (log[-1]["shop_id"], log[-1]["mode"], log[-1]["reference"]) == (SHOP_ID, "test", UUID)


def test_what_holds_no_personal_data_leaves_none(api: Asking) -> None:
    for path in FOR_ALL:
        api.call(api.path_of(path), "auditor")
    for path in ("/api/v1/events", "/api/v1/notifications", "/api/v1/projections"):
        api.call(path, "operator")

    assert accesses(api) == []


def test_an_attempt_that_the_role_does_not_allow_leaves_a_line(api: Asking) -> None:
    api.call(f"{AT}/events/1/evidence", "auditor")

    (line,) = accesses(api)

    assert (line["kind"], line["status"], line["role"]) == ("refused", 403, "auditor")


def test_what_cannot_be_logged_is_not_told(api_on_sqlite: Asking) -> None:
    api_on_sqlite.receive_a_payment()
    api_on_sqlite.token("operator")
    with api_on_sqlite.ledger.database.begin() as connection:
        connection.exec_driver_sql("DROP TABLE access_log")

    response = api_on_sqlite.call(f"{AT}/transactions/{UUID}", "operator")

    assert response.status_code >= 500
    assert "jo@example.org" not in response.text


def test_a_line_of_the_access_log_outlives_its_address(api: Asking) -> None:
    api.get(f"{AT}/transactions/{UUID}", "operator")
    (before,) = accesses(api)

    with api.ledger.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM access_addresses")

    (after,) = accesses(api)
    assert before["peer"] == "127.0.0.1"
    assert after == before | {"peer": None}


def test_the_access_log_is_read_page_by_page(api: Asking) -> None:
    for _ in range(3):
        api.get(f"{AT}/transactions/{UUID}", "operator")

    first = api.call("/api/v1/access-log?limit=2", "operator")
    second = api.call(first.headers["Link"].split(">")[0][1:], "operator").get_json()

    assert len(first.get_json()["items"]) == 2
    assert (len(second["items"]), second["next_cursor"]) == (1, None)
