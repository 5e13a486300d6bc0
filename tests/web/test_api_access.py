"""Who gets what from the query API, and the trace that a read of personal data leaves."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.access.readers import ROLES
from ledger.access.tokens import all_tokens, revoke_token
from ledger.masking import MASKED
from ledger.queries.filters import NotificationFilter
from ledger.queries.notifications import list_notifications
from ledger.recording.receipt import Receipt
from ledger.settings import Settings
from tests.builders import (
    NOON,
    OTHER_SHOP_ID,
    SHOP_ID,
    UUID,
    a_form,
    a_form_call,
    a_rest_call,
    receive,
)
from tests.web.asking import AT, Asking, asking

OPEN = ["/docs", "/api/v1/openapi.json", "/healthz"]
FOR_ALL = [
    f"{AT}/transactions/{UUID}",
    f"{AT}/transactions/{UUID}/history",
    f"{AT}/orders/CMD-2026-0001",
    f"{AT}/orders/CMD-2026-0001/history",
    "/api/v1/events",
    "/api/v1/events?details=true",
    "/api/v1/notifications",
    "/api/v1/notifications/{id}",
    "/api/v1/projections",
]
PERSONAL = ["/api/v1/notifications/{id}/raw", f"{AT}/events/1/evidence"]
FOR_OPERATORS = ["/api/v1/access-log"]
POSTS = ["/api/v1/notifications/readmit", "/api/v1/notifications/{id}/readmit"]


@pytest.fixture
def api(api: Asking) -> Asking:
    told(api)
    return api


def told(api: Asking) -> Receipt:
    receipt = receive(api.ledger, a_form_call(cust_email="jo@example.org", cust_name="Jo Doe"))
    api.follow()
    return receipt


def path_of(api: Asking, path: str) -> str:
    with api.ledger.database.connect() as connection:
        (row,) = list_notifications(connection, NotificationFilter(), limit=1)
    return path.replace("{id}", row.id)


TABLE = [
    *[(path, "GET", set(ROLES)) for path in FOR_ALL],
    *[(path, "GET", {"auditor-personal", "operator"}) for path in PERSONAL],
    *[(path, "GET", {"operator"}) for path in FOR_OPERATORS],
    *[(path, "POST", {"operator"}) for path in POSTS],
]


@pytest.mark.parametrize(("path", "method", "roles"), TABLE)
def test_each_route_is_for_its_roles(
    api_on_sqlite: Asking, path: str, method: str, roles: set[str]
) -> None:
    told(api_on_sqlite)
    path = path_of(api_on_sqlite, path)
    body = {"reason": "no-key"} if path.endswith("notifications/readmit") else {}
    more: dict[str, Any] = {"json": body} if method == "POST" else {}

    found = {
        role: api_on_sqlite.call(path, role, method=method, **more).status_code for role in ROLES
    }

    # a verified delivery is not in quarantine
    done = 404 if path.endswith("/readmit") and "reason" not in body else 200
    assert found == {role: done if role in roles else 403 for role in ROLES}


@pytest.mark.parametrize("path", [path for path, *_ in TABLE])
def test_without_a_token_nothing_is_told(api_on_sqlite: Asking, path: str) -> None:
    method = "POST" if path in POSTS else "GET"

    response = api_on_sqlite.call(path, None, method=method)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.content_type == "application/problem+json"
    assert response.get_json()["code"] == "unauthorized"


@pytest.mark.parametrize("path", OPEN)
def test_documents_need_no_token(api_on_sqlite: Asking, path: str) -> None:
    assert api_on_sqlite.call(path, None).status_code == 200


@pytest.mark.parametrize("told", ["Basic eDp5", "Bearer", "Bearer ", "Bearer ipnl_wrong", "ipnl_"])
def test_another_way_to_say_who_one_is_is_refused(api_on_sqlite: Asking, told: str) -> None:
    response = api_on_sqlite.call("/api/v1/events", None, headers={"Authorization": told})

    assert response.status_code == 401


def test_a_token_expires(api: Asking) -> None:
    token = api.token("auditor", None, expires_at=NOON + timedelta(hours=1))
    headers = {"Authorization": f"Bearer {token}"}
    before = api.call("/api/v1/events", None, headers=headers).status_code

    api.now = NOON + timedelta(hours=1)

    assert (before, api.call("/api/v1/events", None, headers=headers).status_code) == (200, 401)


def test_a_revoked_token_opens_nothing_any_more(api: Asking) -> None:
    api.get("/api/v1/projections")
    with api.ledger.database.begin() as connection:
        (token,) = all_tokens(connection)
        revoke_token(connection, token.id, now=NOON)

    assert api.call("/api/v1/projections").status_code == 401


def test_only_the_hash_of_a_token_is_kept(api: Asking) -> None:
    token = api.token("auditor")

    with api.ledger.database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM tokens").all()

    assert token.startswith("ipnl_")
    assert token not in str(rows)
    assert token.removeprefix("ipnl_") not in str(rows)


def test_the_last_use_is_noted_at_most_once_a_minute(api: Asking) -> None:
    def last_used() -> Any:
        with api.ledger.database.connect() as connection:
            return all_tokens(connection)[0].last_used_at

    api.get("/api/v1/projections")
    first = last_used()
    api.now = NOON + timedelta(seconds=59)
    api.get("/api/v1/projections")
    second = last_used()
    api.now = NOON + timedelta(seconds=60)
    api.get("/api/v1/projections")

    assert (first, second, last_used()) == (NOON, NOON, NOON + timedelta(seconds=60))


# -- shops ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [UUID, "no-such-transaction"])
def test_another_shop_is_refused_whether_there_is_something_or_not(api: Asking, name: str) -> None:
    response = api.call(f"{AT}/transactions/{name}", shops=(OTHER_SHOP_ID,))

    assert (response.status_code, response.get_json()["code"]) == (403, "forbidden")


def test_lists_hold_only_what_is_of_the_tokens_shops(api: Asking) -> None:
    mine = receive(api.ledger, a_form_call(site_id=OTHER_SHOP_ID))

    events = api.get("/api/v1/events", shops=(OTHER_SHOP_ID,))
    deliveries = api.get("/api/v1/notifications", shops=(OTHER_SHOP_ID,))

    assert {one["shop_id"] for one in events["items"]} == {OTHER_SHOP_ID}
    assert events["next_after"] == mine.positions[-1]
    assert [one["id"] for one in deliveries["items"]] == [mine.id]


def test_a_delivery_of_another_shop_does_not_exist(api: Asking) -> None:
    path = path_of(api, "/api/v1/notifications/{id}")

    for one in (path, f"{path}/raw"):
        assert api.call(one, "operator", shops=(OTHER_SHOP_ID,)).status_code == 404
    readmit = api.call(f"{path}/readmit", "operator", method="POST", shops=(OTHER_SHOP_ID,))
    assert readmit.status_code == 404


# -- personal data --------------------------------------------------------------------------------

NOTHING_PERSONAL = ["jo@example.org", "Jo Doe", "497010XXXXXX0055", "192.0.2.7"]


@pytest.mark.parametrize("path", FOR_ALL)
def test_an_auditor_sees_no_personal_data_anywhere(api_on_sqlite: Asking, path: str) -> None:
    told(api_on_sqlite)
    secret = [value for name, value in a_form().items() if name.startswith("vads_cust_")]
    secret += [a_form()["vads_card_number"], *NOTHING_PERSONAL]

    text = api_on_sqlite.call(path_of(api_on_sqlite, path)).text

    assert [one for one in secret if len(one) > 3 and f'"{one}"' in text] == []


def test_fields_about_a_person_are_named_and_masked(api: Asking) -> None:
    hidden = api.get(f"{AT}/transactions/{UUID}")
    plain = api.get(f"{AT}/transactions/{UUID}", "auditor-personal")

    assert plain["personal"]["vads_cust_email"] == "jo@example.org"
    assert set(hidden["personal"]) == set(plain["personal"])
    assert set(hidden["personal"].values()) == {MASKED}
    assert {name: one for name, one in hidden.items() if name != "personal"} == {
        name: one for name, one in plain.items() if name != "personal"
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ext_info_contact", "jo@example.org"),
        ("ext_info_browser", "203.0.113.9"),
        ("ext_info_phone", "0601020304"),
        ("ext_info_card", "497010XXXXXX0055"),
    ],
)
def test_a_person_in_an_unexpected_field_is_masked_too(
    api_on_sqlite: Asking, name: str, value: str
) -> None:
    receive(api_on_sqlite.ledger, a_form_call(**{name: value}))

    for path in (
        f"{AT}/transactions/{UUID}",
        f"{AT}/transactions/{UUID}/history",
        "/api/v1/events?details=true",
    ):
        assert value not in api_on_sqlite.call(path).text
        assert value in api_on_sqlite.call(path, "auditor-personal").text


@pytest.mark.parametrize("name", ["order_id", "identifier"])
def test_an_order_or_alias_that_names_a_person_is_masked_everywhere(
    api_on_sqlite: Asking, name: str
) -> None:
    told = {name: "jo.doe@example.org", "ext_info_contact": "jo.other@example.org"}
    receive(api_on_sqlite.ledger, a_form_call(**told))
    api_on_sqlite.follow()
    lists = ("transactions", "aliases", "orders", "audit-trail", "exports/events?format=jsonl")

    for path in (
        f"{AT}/transactions/{UUID}",
        f"{AT}/transactions/{UUID}/history",
        "/api/v1/events?details=true",
        *(f"/api/v1/{one}" for one in lists),
        "/api/v1/exports/transactions?format=csv",
        "/api/v1/exports/events?format=csv",
    ):
        hidden = api_on_sqlite.call(path)
        assert (hidden.status_code, "jo." in hidden.text) == (200, False), path
    for path in (f"{AT}/transactions/{UUID}", "/api/v1/transactions"):
        assert "jo.doe@example.org" in api_on_sqlite.call(path, "auditor-personal").text


def test_rest_personal_data_is_masked_too(api_on_sqlite: Asking) -> None:
    receive(api_on_sqlite.ledger, a_rest_call())

    hidden = api_on_sqlite.get(f"{AT}/transactions/{UUID}")

    assert hidden["personal"]
    assert set(hidden["personal"].values()) == {MASKED}


# -- the access log -------------------------------------------------------------------------------


def accesses(api: Asking) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get("/api/v1/access-log", "operator")["items"]
    return items


@pytest.mark.parametrize("role", ["auditor-personal", "operator"])
def test_every_read_of_personal_or_raw_data_leaves_a_line(api: Asking, role: str) -> None:
    paths = [*FOR_ALL[:4], "/api/v1/events?details=true", *PERSONAL]

    for path in paths:
        api.call(path_of(api, path), role)

    log = accesses(api)
    assert [one["kind"] for one in reversed(log)] == [
        "transaction",
        "transaction-history",
        "order",
        "order-history",
        "events",
        "raw",
        "evidence",
    ]
    assert {(one["role"], one["status"], one["method"]) for one in log} == {(role, 200, "GET")}
    assert (log[-1]["shop_id"], log[-1]["mode"], log[-1]["reference"]) == (SHOP_ID, "test", UUID)


def test_what_holds_no_personal_data_leaves_none(api: Asking) -> None:
    for path in FOR_ALL:
        api.call(path_of(api, path), "auditor")
    for path in ("/api/v1/events", "/api/v1/notifications", "/api/v1/projections"):
        api.call(path, "operator")

    assert accesses(api) == []


def test_an_attempt_that_the_role_does_not_allow_leaves_a_line(api: Asking) -> None:
    api.call(f"{AT}/events/1/evidence", "auditor")

    (line,) = accesses(api)

    assert (line["kind"], line["status"], line["role"]) == ("refused", 403, "auditor")


def test_what_cannot_be_logged_is_not_told(api_on_sqlite: Asking) -> None:
    told(api_on_sqlite)
    api_on_sqlite.token("operator")
    with api_on_sqlite.ledger.database.begin() as connection:
        connection.exec_driver_sql("DROP TABLE access_log")

    response = api_on_sqlite.call(f"{AT}/transactions/{UUID}", "operator")

    assert response.status_code >= 500
    assert "jo@example.org" not in response.text


def test_the_access_log_is_read_page_by_page(api: Asking) -> None:
    for _ in range(3):
        api.get(f"{AT}/transactions/{UUID}", "operator")

    first = api.call("/api/v1/access-log?limit=2", "operator")
    second = api.call(first.headers["Link"].split(">")[0][1:], "operator").get_json()

    assert len(first.get_json()["items"]) == 2
    assert (len(second["items"]), second["next_cursor"]) == (1, None)


# -- limits and headers ---------------------------------------------------------------------------


def limited(api: Asking, **settings: Any) -> Asking:
    return asking(api.ledger.database, settings=Settings(database_url="unused", **settings))


def test_a_token_may_ask_only_so_often(api_on_sqlite: Asking) -> None:
    api = limited(api_on_sqlite, rate_per_token="2/minute")

    found = [api.call("/api/v1/projections") for _ in range(3)]
    other = api.call("/api/v1/projections", "operator")

    assert [one.status_code for one in (*found, other)] == [200, 200, 429, 200]
    assert 0 < int(found[-1].headers["Retry-After"]) <= 60
    assert found[-1].get_json()["code"] == "too-many-requests"


def test_an_address_may_ask_only_so_often_but_may_always_notify(api_on_sqlite: Asking) -> None:
    api = limited(api_on_sqlite, rate_per_address="2/minute")

    found = [
        api.call("/api/v1/events", None, headers={"Authorization": f"Bearer {one}"}).status_code
        for one in "abc"
    ]
    notified = [api.client.post("/ipn", data=b"x").status_code for _ in range(5)]

    assert found == [401, 401, 429]
    assert 429 not in notified


def test_answers_carry_what_protects_them(api: Asking) -> None:
    for path in (f"{AT}/transactions/{UUID}", "/docs", "/api/v1/nowhere"):
        headers = api.call(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in headers


def test_pages_of_other_sites_may_ask_only_when_named(api_on_sqlite: Asking) -> None:
    named = limited(api_on_sqlite, cors_origins=("https://audit.example.com",))
    asked = {"Origin": "https://audit.example.com", "Access-Control-Request-Method": "GET"}

    preflights = [
        one.client.options("/api/v1/events", headers=asked) for one in (api_on_sqlite, named)
    ]

    assert [one.headers.get("Access-Control-Allow-Origin") for one in preflights] == [
        None,
        "https://audit.example.com",
    ]
    other = named.call("/api/v1/projections", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
