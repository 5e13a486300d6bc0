"""Signing in and out: what opens the pages, what ends a session, and what a cookie is like."""

from datetime import timedelta

import pytest

from ledger.access.users import change_password, disable_user, enable_user
from ledger.settings import Settings
from tests.builders import a_form_call
from tests.web.pages.visiting import PASSWORD, Visiting, csrf_token
from web.pages.session import LASTS
from web.pages.signing_in import local_path


def is_in(pages: Visiting) -> bool:
    return pages.get("/test/search").status_code == 200


def test_a_stranger_is_led_to_the_door_and_back(pages: Visiting) -> None:
    led = pages.get("/test/search?status=CAPTURED")
    signed_in = pages.sign_in("auditor", next="/test/search?status=CAPTURED")

    assert (led.status_code, led.location) == (
        303,
        "/sign-in?next=%2Ftest%2Fsearch%3Fstatus%3DCAPTURED",
    )
    assert (signed_in.status_code, signed_in.location) == (303, "/test/search?status=CAPTURED")
    assert is_in(pages)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("auditor", "wrong"),
        ("nobody", PASSWORD),
        ("", ""),
        ("audit\x00or", PASSWORD),
        ("auditor", "x" * 9_999),
    ],
)
def test_who_does_not_know_a_password_stays_outside(
    pages: Visiting, name: str, password: str
) -> None:
    refused = pages.sign_in(name, password)

    assert refused.status_code == 422
    assert "Name or password incorrect" in refused.text
    assert not is_in(pages)


def test_a_name_is_known_in_whatever_case(pages: Visiting) -> None:
    assert pages.sign_in("AuDiToR").status_code == 303


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "evil",
        "",
        "/a\nb",
    ],
)
def test_one_is_led_on_only_within_the_pages(address: str) -> None:
    assert local_path(address) == "/"


def test_every_session_ends_when_somebody_signs_out(own_pages_anywhere: Visiting) -> None:
    other = Visiting(own_pages_anywhere.ledger)
    own_pages_anywhere.sign_in("auditor")
    other.sign_in("auditor")

    left = own_pages_anywhere.post("/sign-out", "/test/search")

    assert (left.status_code, left.location) == (303, "/sign-in")
    assert not is_in(own_pages_anywhere)
    assert not is_in(other)


@pytest.mark.parametrize("is_disabled", [True, False])
def test_a_session_ends_at_once_when_its_ground_is_gone(
    own_pages_anywhere: Visiting, is_disabled: bool
) -> None:
    own_pages_anywhere.sign_in("operator")
    before = is_in(own_pages_anywhere)

    with own_pages_anywhere.ledger.database.begin() as connection:
        if is_disabled:
            disable_user(connection, "operator", now=own_pages_anywhere.now)
        else:
            change_password(connection, "operator", PASSWORD, now=own_pages_anywhere.now)

    assert (before, is_in(own_pages_anywhere)) == (True, False)
    assert own_pages_anywhere.sign_in("operator").status_code == (422 if is_disabled else 303)


def test_an_old_session_stays_ended_when_somebody_is_enabled_again(own_pages: Visiting) -> None:
    own_pages.sign_in("operator")

    with own_pages.ledger.database.begin() as connection:
        disable_user(connection, "operator", now=own_pages.now)
        enable_user(connection, "operator")

    assert not is_in(own_pages)
    assert own_pages.sign_in("operator").status_code == 303


def test_a_session_lasts_a_working_day(pages: Visiting) -> None:
    began = pages.now
    pages.sign_in("auditor")

    pages.now = began + LASTS - timedelta(seconds=5)
    before = is_in(pages)
    pages.now = began + LASTS + timedelta(seconds=5)

    assert (before, is_in(pages)) == (True, False)


def test_signing_in_leaves_nothing_of_the_session_before(pages: Visiting) -> None:
    pages.get("/sign-in?lang=fr")
    before = csrf_token(pages.get("/sign-in").text)
    pages.sign_in("auditor")

    refused = pages.client.post(
        "/sign-out", data={"csrf_token": before}, headers={"Accept": "text/html"}
    )

    assert refused.status_code == 400
    assert '<html lang="fr"' in pages.get("/test/search").text


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
@pytest.mark.parametrize("token", [{}, {"csrf_token": "forged"}])
def test_a_form_of_another_site_does_nothing(
    pages: Visiting, path: str, token: dict[str, str]
) -> None:
    pages.sign_in("auditor")

    refused = pages.client.post(path, data=token | {"name": "auditor", "password": PASSWORD})

    assert refused.status_code == 400
    assert "no valid token" in refused.text
    assert is_in(pages)


def test_signing_in_again_and_again_is_no_guessing(own_pages: Visiting) -> None:
    statuses = set()
    for _ in range(22):
        statuses.add(own_pages.sign_in("auditor").status_code)
        own_pages.post("/sign-out", "/test/search")

    assert statuses == {303}


# -- without a key ------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "short"])
def test_without_a_key_pages_say_what_to_set_and_all_else_works(
    own_pages: Visiting, key: str
) -> None:
    without = Visiting(own_pages.ledger, Settings(database_url="unused", secret_key=key))

    for path in ("/", "/sign-in", "/test/search", "/nowhere"):
        response = without.get(path)
        assert response.status_code == 503
        assert "LEDGER_SECRET_KEY" in response.text
        assert "Set-Cookie" not in response.headers
    assert without.get("/healthz").status_code == 200
    assert without.client.get("/api/v1/events").status_code == 401
    assert without.client.post("/ipn", data=a_form_call()).status_code in (200, 415)
