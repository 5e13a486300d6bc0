"""What tests do who sign in at the fake provider: go there, come back, look who was let in."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from ledger.access.users import all_users
from ledger.settings import RoleRule, Settings
from tests.builders import OTHER_SHOP_ID, SHOP_ID
from tests.web.pages.fake_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider
from tests.web.pages.visiting import Visiting
from web.pages.provider_sign_in import RETURN_PATH

PUBLIC_URL = "https://ledger.example.com"
PAGE = "/test/search"
RULES = (
    RoleRule("treasury", "operator"),
    RoleRule("shop-a", "auditor-personal", (SHOP_ID,)),
    RoleRule("shop-b", "auditor-personal", (OTHER_SHOP_ID,)),
    RoleRule("accounting", "auditor"),
)


def with_provider(pages: Visiting, provider: FakeProvider) -> Visiting:
    """The same pages, where people may sign in at this provider."""
    settings = Settings(
        database_url="unused",
        secret_key=pages.settings.secret_key,
        public_url=PUBLIC_URL,
        oidc_issuer=provider.url,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_roles=RULES,
    )
    return Visiting(pages.ledger, settings, pages.now)


def begin(site: Visiting, next_: str = PAGE) -> str:
    """Go to the provider. Shape: the address there."""
    gone = site.get(f"/sign-in/provider?{urlencode({'next': next_})}")
    assert gone.status_code == 303, gone.text
    return gone.location


def come_back(site: Visiting, query: dict[str, str]) -> TestResponse:
    return site.get(f"{RETURN_PATH}?{urlencode(query)}")


def sign_in(site: Visiting, provider: FakeProvider, next_: str = PAGE) -> TestResponse:
    return come_back(site, provider.grant(begin(site, next_)))


def is_in(site: Visiting) -> bool:
    return site.get(PAGE).status_code == 200


def other_browser(site: Visiting, **settings: Any) -> Visiting:
    return Visiting(site.ledger, replace(site.settings, **settings), site.now)


def access(site: Visiting) -> list[tuple[str, str, tuple[str, ...] | None]]:
    """Who was let in by the provider. Shape: name, role, shops."""
    with site.ledger.database.connect() as connection:
        users = [user for user in all_users(connection) if user.issuer is not None]
    return sorted((user.name, user.role, user.shops) for user in users)
