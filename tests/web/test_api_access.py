"""Who gets what from the query API, and the trace that a read of personal data leaves."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.access.roles import ROLES
from ledger.access.tokens import all_tokens, revoke_token
from tests.builders import (
    NOON,
    OTHER_SHOP_ID,
    UUID,
    a_form_call,
    receive,
)
from tests.web.asking import AT, FOR_ALL, PERSONAL, Asking

OPEN = ["/docs", "/api/v1/openapi.json", "/healthz"]
FOR_OPERATORS = ["/api/v1/access-log"]
POSTS = ["/api/v1/notifications/readmit", "/api/v1/notifications/{id}/readmit"]


@pytest.fixture
def api(api: Asking) -> Asking:
    api.receive_a_payment()
    return api


TABLE = [
    *[(path, "GET", set(ROLES)) for path in FOR_ALL],
    *[(path, "GET", {"auditor-personal", "operator"}) for path in PERSONAL],
    *[(path, "GET", {"operator"}) for path in FOR_OPERATORS],
    *[(path, "POST", {"operator"}) for path in POSTS],
]


def test_each_route_is_for_its_roles(api_on_sqlite: Asking) -> None:
    api_on_sqlite.receive_a_payment()

    for template, method, roles in TABLE:
        path = api_on_sqlite.path_of(template)
        body = {"reason": "no-key"} if path.endswith("notifications/readmit") else {}
        body_option: dict[str, Any] = {"json": body} if method == "POST" else {}
        statuses = {
            role: api_on_sqlite.call(path, role, method=method, **body_option).status_code
            for role in ROLES
        }
        # a verified notification is not in quarantine
        done = 404 if path.endswith("/readmit") and "reason" not in body else 200
        assert statuses == {role: done if role in roles else 403 for role in ROLES}, path


def test_without_a_token_nothing_is_shown(api_on_sqlite: Asking) -> None:
    for path, method, _ in TABLE:
        response = api_on_sqlite.call(path, None, method=method)
        assert response.status_code == 401, path
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.content_type == "application/problem+json"
        assert response.get_json()["code"] == "unauthorized"


def test_documents_need_no_token(api_on_sqlite: Asking) -> None:
    for path in OPEN:
        assert api_on_sqlite.call(path, None).status_code == 200, path


def test_other_credentials_are_refused(api_on_sqlite: Asking) -> None:
    for credentials in ("Basic eDp5", "Bearer", "Bearer ", "Bearer ipnl_wrong", "ipnl_"):
        headers = {"Authorization": credentials}
        response = api_on_sqlite.call("/api/v1/events", None, headers=headers)
        assert response.status_code == 401, credentials


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
    notifications = api.get("/api/v1/notifications", shops=(OTHER_SHOP_ID,))

    assert {event["shop_id"] for event in events["items"]} == {OTHER_SHOP_ID}
    assert events["next_after"] == mine.positions[-1]
    assert [item["id"] for item in notifications["items"]] == [mine.id]


def test_a_delivery_of_another_shop_does_not_exist(api: Asking) -> None:
    path = api.path_of("/api/v1/notifications/{id}")

    for own in (path, f"{path}/raw"):
        assert api.call(own, "operator", shops=(OTHER_SHOP_ID,)).status_code == 404
    readmit = api.call(f"{path}/readmit", "operator", method="POST", shops=(OTHER_SHOP_ID,))
    assert readmit.status_code == 404
