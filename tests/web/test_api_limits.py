"""How often the query API may be asked, by whom, and the headers that protect its answers."""

from typing import Any

import pytest

from ledger.settings import Settings
from tests.builders import UUID
from tests.web.asking import AT, Asking, asking


def limited(api: Asking, **settings: Any) -> Asking:
    return asking(api.ledger.database, settings=Settings(database_url="unused", **settings))


def test_a_token_may_ask_only_so_often(api_on_sqlite: Asking) -> None:
    api = limited(api_on_sqlite, rate_per_token="2/minute")

    responses = [api.call("/api/v1/projections") for _ in range(3)]
    other = api.call("/api/v1/projections", "operator")

    assert [response.status_code for response in (*responses, other)] == [200, 200, 429, 200]
    assert 0 < int(responses[-1].headers["Retry-After"]) <= 60
    assert responses[-1].get_json()["code"] == "too-many-requests"


def test_an_address_may_ask_only_so_often_but_may_always_notify(api_on_sqlite: Asking) -> None:
    api = limited(api_on_sqlite, rate_per_address="2/minute")

    headers = [{"Authorization": f"Bearer {secret}"} for secret in "abc"]
    statuses = [api.call("/api/v1/events", None, headers=each).status_code for each in headers]
    notified = [api.client.post("/ipn", data=b"x").status_code for _ in range(5)]

    assert statuses == [401, 401, 429]
    assert 429 not in notified


@pytest.mark.parametrize(
    ("addresses", "allowed"),
    [
        ([f"2001:db8:1:2::{number:x}" for number in range(40)], 2),
        ([f"2001:db8:1:{number:x}::1" for number in range(40)], 20),
        ([f"2001:db8:{number:x}::1" for number in range(40)], 40),
        ([f"192.0.2.{number}" for number in range(40)], 40),
    ],
)
def test_addresses_of_one_network_ask_together(
    api_on_sqlite: Asking, addresses: list[str], allowed: int
) -> None:
    api = limited(api_on_sqlite, rate_per_address="2/hour")

    statuses = [
        api.client.get("/api/v1/events", environ_overrides={"REMOTE_ADDR": address}).status_code
        for address in addresses
    ]

    assert (statuses.count(401), statuses.count(429)) == (allowed, len(addresses) - allowed)


def test_answers_carry_what_protects_them(api_on_sqlite: Asking) -> None:
    api_on_sqlite.receive_a_payment()
    for path in (f"{AT}/transactions/{UUID}", "/docs", "/api/v1/nowhere"):
        headers = api_on_sqlite.call(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in headers


def test_pages_of_other_sites_may_ask_only_when_named(api_on_sqlite: Asking) -> None:
    named = limited(api_on_sqlite, cors_origins=("https://audit.example.com",))
    headers = {"Origin": "https://audit.example.com", "Access-Control-Request-Method": "GET"}

    preflights = [
        api.client.options("/api/v1/events", headers=headers) for api in (api_on_sqlite, named)
    ]

    assert [response.headers.get("Access-Control-Allow-Origin") for response in preflights] == [
        None,
        "https://audit.example.com",
    ]
    other = named.call("/api/v1/projections", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
