"""Signing in at a real identity provider, which runs in a process of its own."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from ledger.access.users import all_users, disable_user
from ledger.settings import RoleRule, Settings
from tests.web.pages.real_provider import RealProvider, running_provider
from tests.web.pages.visiting import Visiting
from web.pages.provider_sign_in import RETURN_PATH

PUBLIC_URL = "https://ledger.example.com"
RETURN_TO = PUBLIC_URL + RETURN_PATH
PAGE = "/test/search"
SECRET = "S3cretOfNobody"  # watched: it must not show up anywhere


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProvider]:
    folder = tmp_path_factory.mktemp("provider")
    with running_provider(folder, return_to=RETURN_TO, client_secret=SECRET) as provider:
        yield provider


@pytest.fixture
def visit(own_pages: Visiting, provider: RealProvider) -> Visiting:
    settings = Settings(
        database_url="unused",
        secret_key=own_pages.settings.secret_key,
        public_url=PUBLIC_URL,
        oidc_issuer=provider.issuer,
        oidc_client_id="ledger",
        oidc_client_secret=SECRET,
        oidc_roles=(RoleRule("treasury", "operator"), RoleRule("accounting", "auditor")),
    )
    return Visiting(own_pages.ledger, settings, own_pages.now)


def other_browser(visit: Visiting, **settings: Any) -> Visiting:
    return Visiting(visit.ledger, replace(visit.settings, **settings), visit.now)


def address_of(visit: Visiting) -> str:
    gone = visit.get(f"/sign-in/provider?{urlencode({'next': PAGE})}")
    assert gone.status_code == 303, gone.text
    return gone.location


def come_back(visit: Visiting, query: dict[str, str]) -> TestResponse:
    return visit.get(f"{RETURN_PATH}?{urlencode(query)}")


def sign_in(visit: Visiting, provider: RealProvider, login: str) -> TestResponse:
    return come_back(visit, provider.sign_in(address_of(visit), login, return_to=RETURN_TO))


@pytest.mark.parametrize("is_eager", [True, False])
def test_somebody_of_a_group_signs_in(
    visit: Visiting, provider: RealProvider, is_eager: bool
) -> None:
    issuer = provider.eager_issuer if is_eager else provider.issuer
    visit = other_browser(visit, oidc_issuer=issuer)

    back = sign_in(visit, provider, "treasury")

    assert (back.status_code, back.location) == (303, PAGE)
    assert "treasury of the provider" in visit.get(PAGE).text
    assert visit.get("/test/access").status_code == 200
    with visit.ledger.database.connect() as connection:
        (user,) = [user for user in all_users(connection) if user.issuer is not None]
    assert (user.issuer, user.subject, user.role) == (issuer, "treasury", "operator")


def test_each_signs_in_as_themselves_again(visit: Visiting, provider: RealProvider) -> None:
    for login in ("treasury", "accounting", "treasury"):
        sign_in(other_browser(visit), provider, login)

    with visit.ledger.database.connect() as connection:
        users = [user for user in all_users(connection) if user.issuer is not None]
    assert sorted((user.subject, user.role) for user in users) == [
        ("accounting", "auditor"),
        ("treasury", "operator"),
    ]


def test_who_is_in_no_group_with_a_role_is_refused(visit: Visiting, provider: RealProvider) -> None:
    refused = sign_in(visit, provider, "stranger")

    assert refused.status_code == 403
    assert "none of your groups has a role here" in refused.text
    assert visit.get(PAGE).status_code == 303


def test_who_leaves_the_provider_is_not_signed_in(visit: Visiting, provider: RealProvider) -> None:
    refused = come_back(visit, provider.leave(address_of(visit), return_to=RETURN_TO))

    assert refused.status_code == 403
    assert "did not let you in" in refused.text


def test_a_code_opens_one_session(visit: Visiting, provider: RealProvider) -> None:
    query = provider.sign_in(address_of(visit), "accounting", return_to=RETURN_TO)
    cookie = visit.client.get_cookie("ledger")
    assert cookie is not None
    first = come_back(visit, query)
    other = other_browser(visit)
    other.client.set_cookie("ledger", cookie.value)

    again = come_back(other, query)

    assert (first.status_code, again.status_code) == (303, 403)
    assert other.get(PAGE).status_code == 303


def test_a_code_of_another_sign_in_opens_nothing(visit: Visiting, provider: RealProvider) -> None:
    """The provider itself refuses it: the code belongs to the verifier of one browser."""
    stolen = provider.sign_in(address_of(visit), "treasury", return_to=RETURN_TO)
    thief = other_browser(visit)
    own = provider.sign_in(address_of(thief), "accounting", return_to=RETURN_TO)

    refused = come_back(thief, own | {"code": stolen["code"]})

    assert refused.status_code == 403
    assert thief.get(PAGE).status_code == 303


def test_a_service_with_another_secret_learns_nothing(
    visit: Visiting, provider: RealProvider
) -> None:
    other = other_browser(visit, oidc_client_secret="another")

    assert sign_in(other, provider, "treasury").status_code == 403


def test_who_is_disabled_here_stays_outside(visit: Visiting, provider: RealProvider) -> None:
    sign_in(visit, provider, "treasury")
    before = visit.get(PAGE).status_code
    with visit.ledger.database.begin() as connection:
        disable_user(connection, "treasury of the provider", now=visit.now)

    assert (before, visit.get(PAGE).status_code) == (200, 303)
    assert sign_in(visit, provider, "treasury").status_code == 403
