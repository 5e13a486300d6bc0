"""People of an identity provider: their names, and how their sessions end."""

from typing import Any

import pytest

from ledger.access.users import add_user, change_password, disable_user
from ledger.errors import BadUserError
from tests.web.pages.at_provider import (
    PAGE,
    access,
    is_in,
    other_browser,
    sign_in,
)
from tests.web.pages.fake_provider import FakeProvider
from tests.web.pages.visiting import PASSWORD, Visiting, csrf_token


def test_who_is_disabled_is_out_at_once_and_is_not_let_in_again(
    site: Visiting, provider: FakeProvider
) -> None:
    sign_in(site, provider)
    before = is_in(site)
    with site.ledger.database.begin() as connection:
        disable_user(connection, "Jo Doe", now=site.now)

    refused = sign_in(site, provider)

    assert (before, is_in(site)) == (True, False)
    assert refused.status_code == 403
    assert "switched off your access" in refused.text


def test_sessions_end_when_the_provider_is_no_longer_trusted(
    site: Visiting, provider: FakeProvider
) -> None:
    sign_in(site, provider)
    cookie = site.client.get_cookie("ledger")
    assert cookie is not None
    other = other_browser(site, oidc_issuer="https://another.example")
    other.client.set_cookie("ledger", cookie.value)

    assert (is_in(site), is_in(other)) == (True, False)


def test_nobody_of_a_provider_has_a_password(site: Visiting, provider: FakeProvider) -> None:
    sign_in(site, provider)
    tried = [other_browser(site).sign_in("Jo Doe", word).status_code for word in ("", PASSWORD)]

    assert tried == [422, 422]
    with site.ledger.database.begin() as connection, pytest.raises(BadUserError):
        change_password(connection, "Jo Doe", PASSWORD, now=site.now)


@pytest.mark.parametrize("name", ["operator", "OPERATOR", " ｏperator "])
def test_a_name_that_somebody_has_is_no_way_to_become_them(
    site: Visiting, provider: FakeProvider, name: str
) -> None:
    provider.name = name
    sign_in(site, provider)

    ((given, role, _),) = access(site)
    assert (given.casefold(), role) == ("operator (1234)", "auditor")
    assert site.get("/test/access").status_code == 403
    assert other_browser(site).sign_in("operator").status_code == 303


@pytest.mark.parametrize("name", ["", " ", "\u202e", "x" * 5_000, "a\x00b", 7, None])
def test_whatever_the_provider_calls_somebody_they_get_a_name(
    site: Visiting, provider: FakeProvider, name: Any
) -> None:
    provider.forged = {"preferred_username": name}

    assert sign_in(site, provider).status_code == 303
    ((given, _, _),) = access(site)
    assert given.strip()
    assert given.isprintable()


def test_the_access_log_names_who_came_by_the_provider(
    site: Visiting, provider: FakeProvider
) -> None:
    provider.groups = ["treasury"]
    sign_in(site, provider)
    site.post("/test/access/tokens", "/test/access", name="x", role="auditor")

    assert "Jo Doe" in site.get("/test/access-log?kind=token-created").text


def test_passwords_can_be_switched_off(site: Visiting, provider: FakeProvider) -> None:
    only = other_browser(site, local_passwords="off")
    site.sign_in("auditor")
    form = {"csrf_token": csrf_token(site.get(PAGE).text), "name": "auditor", "password": PASSWORD}
    cookie = site.client.get_cookie("ledger")
    assert cookie is not None
    only.client.set_cookie("ledger", cookie.value)

    page = only.get("/sign-in").text
    refused = only.client.post("/sign-in", data=form)

    assert 'name="password"' not in page
    assert refused.status_code == 403
    assert (is_in(site), is_in(only)) == (True, False)
    assert sign_in(only, provider).status_code == 303


def test_two_of_one_name_are_two(site: Visiting, provider: FakeProvider) -> None:
    sign_in(site, provider)
    provider.subject, provider.groups = "5678", ["treasury"]
    sign_in(other_browser(site), provider)

    assert access(site) == [("Jo Doe", "auditor", None), ("Jo Doe (5678)", "operator", None)]


def test_a_local_person_is_not_taken_for_one_of_the_provider(
    site: Visiting, provider: FakeProvider
) -> None:
    with site.ledger.database.begin() as connection:
        add_user(connection, name="1234", password=PASSWORD, role="operator", now=site.now)
    provider.name = ""

    sign_in(site, provider)

    ((given, role, _),) = access(site)
    assert (given, role) == ("1234 (1234)", "auditor")


def test_a_second_factor_is_the_providers_business(site: Visiting, provider: FakeProvider) -> None:
    required = other_browser(site, second_factor_roles=("auditor",))
    sign_in(required, provider)

    page = required.get("/second-factor").text
    posted = required.post("/second-factor", PAGE, code="000000")

    assert is_in(required)
    assert "is set up there" in page
    assert "<svg" not in page + posted.text
