"""Roles of people of an identity provider: they follow a claim at each sign-in."""

from typing import Any

import pytest

from tests.builders import OTHER_SHOP_ID, SHOP_ID
from tests.web.pages.at_provider import (
    access,
    is_in,
    other_browser,
    sign_in,
)
from tests.web.pages.fake_provider import FakeProvider
from tests.web.pages.visiting import Visiting


@pytest.mark.parametrize("groups", [None, [], ["lunch"], ["Accounting"], "lunch", [7], {"a": 1}])
def test_who_has_no_group_with_a_role_reads_so(
    site: Visiting, provider: FakeProvider, groups: Any
) -> None:
    provider.groups = groups

    refused = sign_in(site, provider)

    assert refused.status_code == 403
    assert "none of your groups has a role here" in refused.text
    assert "no-role" in refused.text
    assert access(site) == []
    assert not is_in(site)


@pytest.mark.parametrize(
    ("groups", "role", "shops"),
    [
        ("accounting", "auditor", None),
        (["accounting", "treasury"], "operator", None),
        (["shop-a"], "auditor-personal", (SHOP_ID,)),
        (["shop-b", "accounting", "shop-a"], "auditor-personal", (SHOP_ID, OTHER_SHOP_ID)),
    ],
)
def test_the_first_rule_that_fits_gives_the_role_and_all_of_that_role_the_shops(
    site: Visiting,
    provider: FakeProvider,
    groups: Any,
    role: str,
    shops: tuple[str, ...] | None,
) -> None:
    provider.groups = groups
    sign_in(site, provider)

    assert access(site) == [("Jo Doe", role, shops)]


def test_the_role_follows_the_group_at_each_sign_in(site: Visiting, provider: FakeProvider) -> None:
    provider.groups = ["treasury"]
    sign_in(site, provider)
    before = site.get("/test/access").status_code

    provider.groups, provider.name = ["shop-a"], "Jo Smith"
    sign_in(other_browser(site), provider)

    assert (before, site.get("/test/access").status_code) == (200, 403)
    assert access(site) == [("Jo Doe", "auditor-personal", (SHOP_ID,))]


def test_who_has_lost_their_group_loses_their_sessions(
    site: Visiting, provider: FakeProvider
) -> None:
    sign_in(site, provider)
    before = is_in(site)

    provider.groups = []
    sign_in(other_browser(site), provider)

    assert (before, is_in(site)) == (True, False)


def test_a_person_may_be_in_hundreds_of_groups(site: Visiting, provider: FakeProvider) -> None:
    """Directories write each as 36 characters, or as a whole path."""
    provider.groups = [f"{number:036}" for number in range(500)] + ["accounting"]

    assert sign_in(site, provider).status_code == 303


def test_a_claim_may_lie_deeper(site: Visiting, provider: FakeProvider) -> None:
    provider.groups, provider.forged = None, {"realm_access": {"roles": ["treasury"]}}
    other = other_browser(site, oidc_role_claim="realm_access.roles")

    assert sign_in(other, provider).status_code == 303
    assert access(site) == [("Jo Doe", "operator", None)]


def test_groups_may_be_told_on_demand_only(site: Visiting, provider: FakeProvider) -> None:
    provider.groups, provider.userinfo = None, {"sub": "1234", "groups": ["accounting"]}

    assert sign_in(site, provider).status_code == 303
    assert access(site) == [("Jo Doe", "auditor", None)]


def test_groups_of_somebody_else_do_not_count(site: Visiting, provider: FakeProvider) -> None:
    provider.groups, provider.userinfo = None, {"sub": "other", "groups": ["treasury"]}

    assert sign_in(site, provider).status_code == 403
    assert access(site) == []
