"""What a token may see, what there is to ask, and how often."""

from datetime import timedelta
from typing import Any

import pytest

from ledger import __version__
from ledger.proof.signer import LogSigner
from ledger.settings import Settings
from tests.builders import NOON, OTHER_SHOP_ID, SHOP_ID
from tests.proof.logged import sign
from tests.web.asking import Asking, asking


def test_the_api_begins_with_links_that_all_lead_somewhere(
    paid_sqlite: Asking, signer: LogSigner
) -> None:
    paid_sqlite.follow()
    sign(paid_sqlite.ledger, signer)

    index = paid_sqlite.get("/api/v1", "operator")

    assert index["version"] == __version__
    names = {"self", "me", "shops", "transactions", "events", "audit_trail", "access_log"}
    assert names | {"exports_events", "openapi", "docs"} <= set(index["links"])
    for path in index["links"].values():
        with paid_sqlite.call(path, "operator") as answer:
            assert answer.status_code == 200, path


def test_nothing_of_it_is_told_without_a_token(api_on_sqlite: Asking) -> None:
    for path in ("/api/v1", "/api/v1/me", "/api/v1/shops"):
        assert api_on_sqlite.call(path, None).status_code == 401


def test_a_token_says_what_it_is(api_on_sqlite: Asking) -> None:
    auditor = api_on_sqlite.get("/api/v1/me")
    limited = api_on_sqlite.get("/api/v1/me", "operator", shops=(SHOP_ID,))

    assert auditor.pop("id")
    assert auditor == {
        "name": "a auditor",
        "role": "auditor",
        "shops": None,
        "expires_at": None,
        "sees_personal": False,
    }
    assert (limited["role"], limited["shops"], limited["sees_personal"]) == (
        "operator",
        [SHOP_ID],
        True,
    )


def test_a_token_says_when_it_expires(api_on_sqlite: Asking) -> None:
    secret = api_on_sqlite.token("auditor", None, expires_at=NOON + timedelta(days=1))

    answer = api_on_sqlite.call("/api/v1/me", None, headers={"Authorization": f"Bearer {secret}"})

    assert answer.get_json()["expires_at"] == "2026-11-24T12:00:00Z"


def test_a_token_learns_which_shops_it_may_see(api_on_sqlite: Asking) -> None:
    whole = api_on_sqlite.get("/api/v1/shops")
    own = api_on_sqlite.get("/api/v1/shops", shops=(OTHER_SHOP_ID, "99999999"))

    assert [shop["shop_id"] for shop in whole["items"]] == sorted([SHOP_ID, OTHER_SHOP_ID])
    known, gone = own["items"]
    assert known["shop_id"] == OTHER_SHOP_ID
    assert {"mode": "test", "ipn_path": f"/ipn/{OTHER_SHOP_ID}/test"} in known["modes"]
    assert gone == {"shop_id": "99999999", "name": None, "modes": []}


# -- how often ------------------------------------------------------------------------------------


def limited(api: Asking, **settings: Any) -> Asking:
    return asking(api.ledger.database, settings=Settings(database_url="unused", **settings))


def test_an_answer_says_how_often_more_one_may_ask(api_on_sqlite: Asking) -> None:
    api = limited(api_on_sqlite, rate_per_token="2/minute")

    answers = [api.call("/api/v1/me") for _ in range(3)]

    assert [each.headers["RateLimit-Limit"] for each in answers] == ["2", "2", "2"]
    assert [each.headers["RateLimit-Remaining"] for each in answers] == ["1", "0", "0"]
    assert all(0 < int(each.headers["RateLimit-Reset"]) <= 60 for each in answers)
    assert answers[2].status_code == 429
    assert answers[2].headers["Retry-After"] == answers[2].headers["RateLimit-Reset"]
    assert answers[2].get_json()["detail"] == "too many calls: at most 2 per 1 minute are answered"
    assert "Retry-After" not in answers[0].headers


@pytest.mark.parametrize("path", ["/healthz", "/sign-in", "/docs"])
def test_the_limits_are_those_of_the_api(api_on_sqlite: Asking, path: str) -> None:
    assert "RateLimit-Limit" not in api_on_sqlite.call(path, None).headers


def test_a_browser_that_asks_first_is_answered_without_a_token(api_on_sqlite: Asking) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}

    answer = api_on_sqlite.client.options("/api/v1/events", headers=headers)

    assert answer.status_code == 204
    assert not [
        name for name, _ in answer.headers.to_wsgi_list() if name.startswith("Access-Control")
    ]
