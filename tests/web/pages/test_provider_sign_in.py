"""Signing in at an identity provider: who is let in, with what role, and every forged proof."""

import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson
import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey
from werkzeug.test import TestResponse

from ledger.access.users import add_user, all_users, change_password, disable_user
from ledger.errors import BadUserError
from ledger.settings import RoleRule, Settings
from tests.builders import OTHER_SHOP_ID, SHOP_ID
from tests.web.pages.fake_provider import CLIENT_ID, CLIENT_SECRET, Claims, FakeProvider
from tests.web.pages.visiting import PASSWORD, Visiting, csrf_token, served
from web.openid_connect import CALLS_MAX
from web.pages.provider_sign_in import ATTEMPT_SECONDS_MAX, RETURN_PATH

PUBLIC_URL = "https://ledger.example.com"
PAGE = "/test/search"
RULES = (
    RoleRule("treasury", "operator"),
    RoleRule("shop-a", "auditor-personal", (SHOP_ID,)),
    RoleRule("shop-b", "auditor-personal", (OTHER_SHOP_ID,)),
    RoleRule("accounting", "auditor"),
)


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "first"})


@pytest.fixture
def provider(key: RSAKey) -> Iterator[FakeProvider]:
    provider = FakeProvider(key)
    with served(provider.app()) as url:
        provider.url = url
        yield provider


@pytest.fixture
def visit(own_pages: Visiting, provider: FakeProvider) -> Visiting:
    settings = Settings(
        database_url="unused",
        secret_key=own_pages.settings.secret_key,
        public_url=PUBLIC_URL,
        oidc_issuer=provider.url,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_roles=RULES,
    )
    return Visiting(own_pages.ledger, settings, own_pages.now)


def begin(visit: Visiting, next_: str = PAGE) -> str:
    """Go to the provider. Shape: the address there."""
    gone = visit.get(f"/sign-in/provider?{urlencode({'next': next_})}")
    assert gone.status_code == 303, gone.text
    return gone.location


def come_back(visit: Visiting, query: dict[str, str]) -> TestResponse:
    return visit.get(f"{RETURN_PATH}?{urlencode(query)}")


def sign_in(visit: Visiting, provider: FakeProvider, next_: str = PAGE) -> TestResponse:
    return come_back(visit, provider.grant(begin(visit, next_)))


def is_in(visit: Visiting) -> bool:
    return visit.get(PAGE).status_code == 200


def other_browser(visit: Visiting, **settings: Any) -> Visiting:
    return Visiting(visit.ledger, replace(visit.settings, **settings), visit.now)


def access(visit: Visiting) -> list[tuple[str, str, tuple[str, ...] | None]]:
    """Who was let in by the provider. Shape: name, role, shops."""
    with visit.ledger.database.connect() as connection:
        users = [user for user in all_users(connection) if user.issuer is not None]
    return sorted((user.name, user.role, user.shops) for user in users)


def test_somebody_signs_in_with_the_role_of_their_group(
    visit: Visiting, provider: FakeProvider
) -> None:
    back = sign_in(visit, provider, f"{PAGE}?status=CAPTURED")

    assert (back.status_code, back.location) == (303, f"{PAGE}?status=CAPTURED")
    assert "Jo Doe" in visit.get(PAGE).text
    assert access(visit) == [("Jo Doe", "auditor", None)]
    assert visit.get("/test/access").status_code == 403


def test_the_page_leads_to_the_provider_and_shows_no_secret(visit: Visiting) -> None:
    page = visit.get(f"/sign-in?next={PAGE}").text

    assert f'href="/sign-in/provider?next={PAGE}"' in page
    assert 'name="password"' in page
    assert CLIENT_SECRET not in page


def test_the_way_there_holds_what_protects_the_way_back(
    visit: Visiting, provider: FakeProvider
) -> None:
    queries = [parse_qs(urlsplit(begin(visit)).query) for _ in range(2)]

    for query in queries:
        assert query["response_type"] == ["code"]
        assert query["code_challenge_method"] == ["S256"]
        assert query["redirect_uri"] == [PUBLIC_URL + RETURN_PATH]
        assert query["scope"] == ["openid profile"]
    for name in ("state", "nonce", "code_challenge"):
        (first,), (second,) = (query[name] for query in queries)
        assert first != second
        assert len(first) >= 43


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
        {"Forwarded": "host=evil.example"},
    ],
)
def test_the_address_to_return_to_is_nobodys_choice(
    visit: Visiting, headers: dict[str, str]
) -> None:
    gone = visit.get("/sign-in/provider", headers=headers)

    assert parse_qs(urlsplit(gone.location).query)["redirect_uri"] == [PUBLIC_URL + RETURN_PATH]


@pytest.mark.parametrize("next_", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_nobody_is_led_elsewhere_afterwards(
    visit: Visiting, provider: FakeProvider, next_: str
) -> None:
    assert sign_in(visit, provider, next_).location == "/"


# -- the state belongs to one browser and one sign-in ---------------------------------------------


@pytest.mark.parametrize("state", ["wrong", "", None])
def test_an_answer_with_another_state_is_refused(
    visit: Visiting, provider: FakeProvider, state: str | None
) -> None:
    query = provider.grant(begin(visit)) | {"state": state or ""}
    if state is None:
        del query["state"]

    refused = come_back(visit, query)

    assert refused.status_code == 400
    assert "attempt-unknown" in refused.text
    assert "/token" not in provider.calls
    assert not is_in(visit)


def test_an_answer_for_another_browser_is_refused(visit: Visiting, provider: FakeProvider) -> None:
    """Otherwise a link could sign somebody in as its author, and show what they then enter."""
    query = provider.grant(begin(visit))

    assert come_back(other_browser(visit), query).status_code == 400
    assert come_back(visit, query).status_code == 303


def test_an_answer_counts_once(visit: Visiting, provider: FakeProvider) -> None:
    query = provider.grant(begin(visit))
    first = come_back(visit, query)
    visit.post("/sign-out", PAGE)

    again = come_back(visit, query)

    assert (first.status_code, again.status_code) == (303, 400)
    assert not is_in(visit)


def test_an_old_cookie_does_not_make_an_answer_count_again(
    visit: Visiting, provider: FakeProvider
) -> None:
    query = provider.grant(begin(visit))
    cookie = visit.client.get_cookie("ledger")
    assert cookie is not None
    come_back(visit, query)
    other = other_browser(visit)
    other.client.set_cookie("ledger", cookie.value)

    again = come_back(other, query)

    assert again.status_code == 403
    assert not is_in(other)


def test_an_answer_that_comes_late_is_refused(visit: Visiting, provider: FakeProvider) -> None:
    query = provider.grant(begin(visit))
    visit.now += timedelta(seconds=ATTEMPT_SECONDS_MAX + 5)

    assert come_back(visit, query).status_code == 400


def test_an_answer_of_another_provider_is_refused(visit: Visiting, provider: FakeProvider) -> None:
    refused = come_back(visit, provider.grant(begin(visit)) | {"iss": "https://evil.example"})
    accepted = come_back(visit, provider.grant(begin(visit)) | {"iss": provider.url})

    assert (refused.status_code, accepted.status_code) == (403, 303)


def test_a_provider_that_names_itself_must_do_so(visit: Visiting, provider: FakeProvider) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": True}

    assert sign_in(visit, provider).status_code == 403


def test_a_refusal_of_the_provider_is_shown_as_one(visit: Visiting, provider: FakeProvider) -> None:
    state = provider.grant(begin(visit))["state"]

    refused = come_back(visit, {"error": "<script>", "state": state})

    assert refused.status_code == 403
    assert "did not let you in" in refused.text
    assert "script>" not in refused.text.split("<main")[1]


# -- what the ID token must prove ------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": ["another"], "azp": CLIENT_ID},
        {"aud": None},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": 99_999_999_999},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\x00b"},
        {"sub": "x" * 256},
        {"at_hash": "another"},
    ],
    ids=str,
)
def test_a_claim_that_does_not_hold_lets_nobody_in(
    visit: Visiting, provider: FakeProvider, change: Claims
) -> None:
    provider.change = change

    refused = sign_in(visit, provider)

    assert refused.status_code == 403
    assert "identity-not-proven" in refused.text
    assert not is_in(visit)
    assert access(visit) == []


def unsigned(provider: FakeProvider, claims: Claims) -> str:
    parts = ({"alg": "none"}, claims)
    return (
        ".".join(urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=") for part in parts) + "."
    )


def by_client_secret(provider: FakeProvider, claims: Claims) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET * 3))


def by_public_key(provider: FakeProvider, claims: Claims) -> str:
    public = provider.key.as_pem(private=False)
    header = {"alg": "HS256", "kid": provider.key.kid}
    key = OctKey.import_key(urlsafe_b64encode(public).decode())
    return jws.serialize_compact(header, orjson.dumps(claims), key, algorithms=["HS256"])


def by_a_stranger(provider: FakeProvider, claims: Claims) -> str:
    return provider.signed(claims, RSAKey.generate_key(2048, {"kid": provider.key.kid}))


def by_an_unknown_key(provider: FakeProvider, claims: Claims) -> str:
    return provider.signed(claims, RSAKey.generate_key(2048, {"kid": "unknown"}))


def with_its_own_key(provider: FakeProvider, claims: Claims) -> str:
    key = RSAKey.generate_key(2048, {"kid": "brought"})
    header = {"alg": "RS256", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key)


def cut(provider: FakeProvider, claims: Claims) -> str:
    return provider.signed(claims).rpartition(".")[0] + "."


def no_token(provider: FakeProvider, claims: Claims) -> str:
    return "no token"


@pytest.mark.parametrize(
    "sign",
    [
        unsigned,
        by_client_secret,
        by_public_key,
        by_a_stranger,
        by_an_unknown_key,
        with_its_own_key,
        cut,
        no_token,
    ],
)
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    visit: Visiting, provider: FakeProvider, sign: Any
) -> None:
    provider.sign = sign
    provider.metadata = {"id_token_signing_alg_values_supported": ["none", "HS256", "RS256"]}

    refused = sign_in(visit, provider)

    assert refused.status_code == 403
    assert "identity-not-proven" in refused.text
    assert not is_in(visit)


def test_a_new_key_of_the_provider_is_fetched(visit: Visiting, provider: FakeProvider) -> None:
    sign_in(visit, provider)
    provider.key = RSAKey.generate_key(2048, {"kid": "second"})

    assert sign_in(other_browser(visit), provider).status_code == 303
    assert sign_in(visit, provider).status_code == 303


# -- roles -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [None, [], ["lunch"], ["Accounting"], "lunch", [7], {"a": 1}])
def test_who_has_no_group_with_a_role_reads_so(
    visit: Visiting, provider: FakeProvider, groups: Any
) -> None:
    provider.groups = groups

    refused = sign_in(visit, provider)

    assert refused.status_code == 403
    assert "none of your groups has a role here" in refused.text
    assert "no-role" in refused.text
    assert access(visit) == []
    assert not is_in(visit)


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
    visit: Visiting,
    provider: FakeProvider,
    groups: Any,
    role: str,
    shops: tuple[str, ...] | None,
) -> None:
    provider.groups = groups
    sign_in(visit, provider)

    assert access(visit) == [("Jo Doe", role, shops)]


def test_the_role_follows_the_group_at_each_sign_in(
    visit: Visiting, provider: FakeProvider
) -> None:
    provider.groups = ["treasury"]
    sign_in(visit, provider)
    before = visit.get("/test/access").status_code

    provider.groups, provider.name = ["shop-a"], "Jo Smith"
    sign_in(other_browser(visit), provider)

    assert (before, visit.get("/test/access").status_code) == (200, 403)
    assert access(visit) == [("Jo Doe", "auditor-personal", (SHOP_ID,))]


def test_who_has_lost_their_group_loses_their_sessions(
    visit: Visiting, provider: FakeProvider
) -> None:
    sign_in(visit, provider)
    before = is_in(visit)

    provider.groups = []
    sign_in(other_browser(visit), provider)

    assert (before, is_in(visit)) == (True, False)


def test_a_person_may_be_in_hundreds_of_groups(visit: Visiting, provider: FakeProvider) -> None:
    """Directories write each as 36 characters, or as a whole path."""
    provider.groups = [f"{number:036}" for number in range(500)] + ["accounting"]

    assert sign_in(visit, provider).status_code == 303


def test_a_claim_may_lie_deeper(visit: Visiting, provider: FakeProvider) -> None:
    provider.groups, provider.change = None, {"realm_access": {"roles": ["treasury"]}}
    other = other_browser(visit, oidc_role_claim="realm_access.roles")

    assert sign_in(other, provider).status_code == 303
    assert access(visit) == [("Jo Doe", "operator", None)]


def test_groups_may_be_told_on_demand_only(visit: Visiting, provider: FakeProvider) -> None:
    provider.groups, provider.userinfo = None, {"sub": "1234", "groups": ["accounting"]}

    assert sign_in(visit, provider).status_code == 303
    assert access(visit) == [("Jo Doe", "auditor", None)]


def test_groups_of_somebody_else_do_not_count(visit: Visiting, provider: FakeProvider) -> None:
    provider.groups, provider.userinfo = None, {"sub": "other", "groups": ["treasury"]}

    assert sign_in(visit, provider).status_code == 403
    assert access(visit) == []


# -- sessions end like others ----------------------------------------------------------------------


def test_who_is_disabled_is_out_at_once_and_is_not_let_in_again(
    visit: Visiting, provider: FakeProvider
) -> None:
    sign_in(visit, provider)
    before = is_in(visit)
    with visit.ledger.database.begin() as connection:
        disable_user(connection, "Jo Doe", now=visit.now)

    refused = sign_in(visit, provider)

    assert (before, is_in(visit)) == (True, False)
    assert refused.status_code == 403
    assert "switched off your access" in refused.text


def test_sessions_end_when_the_provider_is_no_longer_trusted(
    visit: Visiting, provider: FakeProvider
) -> None:
    sign_in(visit, provider)
    cookie = visit.client.get_cookie("ledger")
    assert cookie is not None
    other = other_browser(visit, oidc_issuer="https://another.example")
    other.client.set_cookie("ledger", cookie.value)

    assert (is_in(visit), is_in(other)) == (True, False)


def test_nobody_of_a_provider_has_a_password(visit: Visiting, provider: FakeProvider) -> None:
    sign_in(visit, provider)
    tried = [other_browser(visit).sign_in("Jo Doe", word).status_code for word in ("", PASSWORD)]

    assert tried == [422, 422]
    with visit.ledger.database.begin() as connection, pytest.raises(BadUserError):
        change_password(connection, "Jo Doe", PASSWORD, now=visit.now)


@pytest.mark.parametrize("name", ["operator", "OPERATOR", " ｏperator "])
def test_a_name_that_somebody_has_is_no_way_to_become_them(
    visit: Visiting, provider: FakeProvider, name: str
) -> None:
    provider.name = name
    sign_in(visit, provider)

    ((given, role, _),) = access(visit)
    assert (given.casefold(), role) == ("operator (1234)", "auditor")
    assert visit.get("/test/access").status_code == 403
    assert other_browser(visit).sign_in("operator").status_code == 303


@pytest.mark.parametrize("name", ["", " ", "\u202e", "x" * 5_000, "a\x00b", 7, None])
def test_whatever_the_provider_calls_somebody_they_get_a_name(
    visit: Visiting, provider: FakeProvider, name: Any
) -> None:
    provider.change = {"preferred_username": name}

    assert sign_in(visit, provider).status_code == 303
    ((given, _, _),) = access(visit)
    assert given.strip()
    assert given.isprintable()


def test_the_access_log_names_who_came_by_the_provider(
    visit: Visiting, provider: FakeProvider
) -> None:
    provider.groups = ["treasury"]
    sign_in(visit, provider)
    visit.post("/test/access/tokens", "/test/access", name="x", role="auditor")

    assert "Jo Doe" in visit.get("/test/access-log?kind=token-created").text


def test_passwords_can_be_switched_off(visit: Visiting, provider: FakeProvider) -> None:
    only = other_browser(visit, local_passwords="off")
    visit.sign_in("auditor")
    form = {"csrf_token": csrf_token(visit.get(PAGE).text), "name": "auditor", "password": PASSWORD}
    cookie = visit.client.get_cookie("ledger")
    assert cookie is not None
    only.client.set_cookie("ledger", cookie.value)

    page = only.get("/sign-in").text
    refused = only.client.post("/sign-in", data=form)

    assert 'name="password"' not in page
    assert refused.status_code == 403
    assert (is_in(visit), is_in(only)) == (True, False)
    assert sign_in(only, provider).status_code == 303


def test_two_of_one_name_are_two(visit: Visiting, provider: FakeProvider) -> None:
    sign_in(visit, provider)
    provider.subject, provider.groups = "5678", ["treasury"]
    sign_in(other_browser(visit), provider)

    assert access(visit) == [("Jo Doe", "auditor", None), ("Jo Doe (5678)", "operator", None)]


def test_a_local_person_is_not_taken_for_one_of_the_provider(
    visit: Visiting, provider: FakeProvider
) -> None:
    with visit.ledger.database.begin() as connection:
        add_user(connection, name="1234", password=PASSWORD, role="operator", now=visit.now)
    provider.name = ""

    sign_in(visit, provider)

    ((given, role, _),) = access(visit)
    assert (given, role) == ("1234 (1234)", "auditor")


# -- a provider that does not work -----------------------------------------------------------------


def test_a_provider_that_is_away_says_so(visit: Visiting, provider: FakeProvider) -> None:
    address = begin(visit)
    provider.is_away = True

    back = come_back(visit, provider.grant(address))
    gone = other_browser(visit).get("/sign-in/provider")

    assert (back.status_code, gone.status_code) == (503, 503)
    assert "does not answer" in gone.text


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "ftp://evil.example"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
    ids=str,
)
def test_metadata_that_is_not_the_providers_own_is_not_used(
    visit: Visiting, provider: FakeProvider, metadata: Claims
) -> None:
    provider.metadata = metadata

    assert visit.get("/sign-in/provider").status_code == 503


def test_a_slow_provider_takes_few_threads(visit: Visiting, provider: FakeProvider) -> None:
    visitors = [other_browser(visit) for _ in range(CALLS_MAX)]
    for visitor in visitors:
        visitor.app = visit.app
        visitor.client = visit.app.test_client()
    addresses = [begin(visitor) for visitor in visitors]
    provider.waits_for = threading.Event()
    waiting = [
        threading.Thread(target=come_back, args=(visitor, provider.grant(address)))
        for visitor, address in zip(visitors, addresses, strict=True)
    ]
    for thread in waiting:
        thread.start()
    while provider.calls.count("/token") < CALLS_MAX:
        threading.Event().wait(0.01)

    refused = visit.get("/sign-in/provider")
    provider.waits_for.set()
    for thread in waiting:
        thread.join()

    assert refused.status_code == 503
    assert [is_in(visitor) for visitor in visitors] == [True] * CALLS_MAX


def test_without_a_provider_there_is_no_way_to_it(own_pages: Visiting) -> None:
    assert own_pages.get("/sign-in/provider").status_code == 404
    assert own_pages.get(RETURN_PATH).status_code == 404
    assert "/sign-in/provider" not in own_pages.get("/sign-in").text
