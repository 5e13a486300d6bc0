"""The cookie of a session: kept to https and to its host, and set by nobody but the pages."""

from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.web.pages.visiting import PASSWORD, Visiting, csrf_token

HTTPS = {
    "base_url": "https://ledger.example.com",
    "headers": {"Referer": "https://ledger.example.com/"},
}


def cookie(response: TestResponse) -> tuple[str, Morsel[str]]:
    (header,) = response.headers.getlist("Set-Cookie")
    ((name, morsel),) = SimpleCookie(header).items()
    return name, morsel


def test_the_cookie_is_kept_to_https_and_to_its_host(pages: Visiting) -> None:
    name, morsel = cookie(pages.client.get("/sign-in", **HTTPS))

    assert name == "__Host-ledger"
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"]) == (True, True, "Lax")
    assert (morsel["path"], morsel["domain"]) == ("/", "")


@pytest.mark.parametrize(
    ("call", "is_secure"),
    [
        ({}, False),
        ({"base_url": "http://127.0.0.1:8000"}, False),
        ({"base_url": "http://[::1]:8000"}, False),
        ({"base_url": "http://ledger.example.com"}, True),
        ({"headers": {"X-Forwarded-For": "192.0.2.1"}}, True),
        ({"headers": {"X-Forwarded-Proto": "https"}}, True),
        ({"headers": {"Origin": "https://ledger.example.com"}}, True),
        ({"environ_overrides": {"REMOTE_ADDR": "192.0.2.1"}}, True),
    ],
)
def test_only_a_browser_on_this_machine_gets_a_cookie_without_https(
    pages: Visiting, call: dict[str, Any], is_secure: bool
) -> None:
    _, morsel = cookie(pages.client.get("/sign-in", **call))

    assert bool(morsel["secure"]) is is_secure


def test_one_signs_in_through_a_proxy_with_https(pages: Visiting) -> None:
    page = pages.client.get("/sign-in", **HTTPS)
    fields = {"name": "auditor", "password": PASSWORD, "csrf_token": csrf_token(page.text)}

    pages.client.post("/sign-in", data=fields, **HTTPS)

    assert pages.client.get("/test/search", **HTTPS).status_code == 200


@pytest.mark.parametrize(
    "path", ["/ipn", "/api/v1/events", "/healthz", "/docs", "/static/ledger.css"]
)
def test_nobody_but_the_pages_sets_a_cookie(pages: Visiting, path: str) -> None:
    pages.sign_in("auditor")

    method = "POST" if path == "/ipn" else "GET"
    with pages.client.open(path, method=method) as response:
        assert "Set-Cookie" not in response.headers
        assert response.status_code not in (301, 302, 303, 307, 308)


def test_a_session_is_no_token(pages: Visiting) -> None:
    pages.sign_in("operator")

    assert pages.client.get("/api/v1/events").status_code == 401
