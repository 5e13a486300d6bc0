"""Signing in at an identity provider: the way there, the way back, and one that does not work."""

import threading
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.web.pages.at_provider import (
    PAGE,
    PUBLIC_URL,
    access,
    begin,
    come_back,
    is_in,
    other_browser,
    sign_in,
)
from tests.web.pages.fake_provider import CLIENT_SECRET, Claims, FakeProvider
from tests.web.pages.visiting import Visiting
from web.openid_connect import CALLS_MAX
from web.pages.provider_sign_in import ATTEMPT_SECONDS_MAX, RETURN_PATH


def test_somebody_signs_in_with_the_role_of_their_group(
    site: Visiting, provider: FakeProvider
) -> None:
    back = sign_in(site, provider, f"{PAGE}?status=CAPTURED")

    assert (back.status_code, back.location) == (303, f"{PAGE}?status=CAPTURED")
    assert "Jo Doe" in site.get(PAGE).text
    assert access(site) == [("Jo Doe", "auditor", None)]
    assert site.get("/test/access").status_code == 403


def test_the_page_leads_to_the_provider_and_shows_no_secret(site: Visiting) -> None:
    page = site.get(f"/sign-in?next={PAGE}").text

    assert f'href="/sign-in/provider?next={PAGE}"' in page
    assert 'name="password"' in page
    assert CLIENT_SECRET not in page


def test_the_way_there_holds_what_protects_the_way_back(
    site: Visiting, provider: FakeProvider
) -> None:
    queries = [parse_qs(urlsplit(begin(site)).query) for _ in range(2)]

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
    site: Visiting, headers: dict[str, str]
) -> None:
    gone = site.get("/sign-in/provider", headers=headers)

    assert parse_qs(urlsplit(gone.location).query)["redirect_uri"] == [PUBLIC_URL + RETURN_PATH]


@pytest.mark.parametrize(
    "next_",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "/test?q=" + "x" * 9_999],
)
def test_nobody_is_led_elsewhere_afterwards(
    site: Visiting, provider: FakeProvider, next_: str
) -> None:
    assert sign_in(site, provider, next_).location == "/"


# -- the state belongs to one browser and one sign-in ---------------------------------------------


@pytest.mark.parametrize("state", ["wrong", "", None])
def test_an_answer_with_another_state_is_refused(
    site: Visiting, provider: FakeProvider, state: str | None
) -> None:
    query = provider.grant(begin(site)) | {"state": state or ""}
    if state is None:
        del query["state"]

    refused = come_back(site, query)

    assert refused.status_code == 400
    assert "attempt-unknown" in refused.text
    assert "/token" not in provider.paths
    assert not is_in(site)


def test_an_answer_for_another_browser_is_refused(site: Visiting, provider: FakeProvider) -> None:
    """Otherwise a link could sign somebody in as its author, and show what they then enter."""
    query = provider.grant(begin(site))

    assert come_back(other_browser(site), query).status_code == 400
    assert come_back(site, query).status_code == 303


def test_an_answer_counts_once(site: Visiting, provider: FakeProvider) -> None:
    query = provider.grant(begin(site))
    first = come_back(site, query)
    site.post("/sign-out", PAGE)

    again = come_back(site, query)

    assert (first.status_code, again.status_code) == (303, 400)
    assert not is_in(site)


def test_a_refused_answer_ends_its_attempt(site: Visiting, provider: FakeProvider) -> None:
    address = begin(site)
    provider.forged = {"nonce": "another"}
    refused = come_back(site, provider.grant(address))
    provider.forged = {}

    again = come_back(site, provider.grant(address))

    assert (refused.status_code, again.status_code) == (403, 400)
    assert not is_in(site)


def test_an_old_cookie_does_not_make_an_answer_count_again(
    site: Visiting, provider: FakeProvider
) -> None:
    query = provider.grant(begin(site))
    cookie = site.client.get_cookie("ledger")
    assert cookie is not None
    come_back(site, query)
    other = other_browser(site)
    other.client.set_cookie("ledger", cookie.value)

    again = come_back(other, query)

    assert again.status_code == 403
    assert not is_in(other)


def test_an_answer_that_comes_late_is_refused(site: Visiting, provider: FakeProvider) -> None:
    query = provider.grant(begin(site))
    site.now += timedelta(seconds=ATTEMPT_SECONDS_MAX + 5)

    assert come_back(site, query).status_code == 400


def test_an_answer_of_another_provider_is_refused(site: Visiting, provider: FakeProvider) -> None:
    refused = come_back(site, provider.grant(begin(site)) | {"iss": "https://evil.example"})
    accepted = come_back(site, provider.grant(begin(site)) | {"iss": provider.url})

    assert (refused.status_code, accepted.status_code) == (403, 303)


def test_a_provider_that_names_itself_must_do_so(site: Visiting, provider: FakeProvider) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": True}

    assert sign_in(site, provider).status_code == 403


def test_a_refusal_of_the_provider_is_shown_as_one(site: Visiting, provider: FakeProvider) -> None:
    state = provider.grant(begin(site))["state"]

    refused = come_back(site, {"error": "<script>", "state": state})

    assert refused.status_code == 403
    assert "did not let you in" in refused.text
    assert "script>" not in refused.text.split("<main")[1]


# -- a provider that does not work -----------------------------------------------------------------


def test_a_provider_that_is_away_says_so(site: Visiting, provider: FakeProvider) -> None:
    address = begin(site)
    provider.is_away = True

    back = come_back(site, provider.grant(address))
    gone = other_browser(site).get("/sign-in/provider")

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
    site: Visiting, provider: FakeProvider, metadata: Claims
) -> None:
    provider.metadata = metadata

    assert site.get("/sign-in/provider").status_code == 503


def test_a_slow_provider_takes_few_threads(site: Visiting, provider: FakeProvider) -> None:
    visitors = [other_browser(site) for _ in range(CALLS_MAX)]
    for visitor in visitors:
        visitor.app = site.app
        visitor.client = site.app.test_client()
    addresses = [begin(visitor) for visitor in visitors]
    provider.waits_for = threading.Event()
    waiting = [
        threading.Thread(target=come_back, args=(visitor, provider.grant(address)))
        for visitor, address in zip(visitors, addresses, strict=True)
    ]
    for thread in waiting:
        thread.start()
    while provider.paths.count("/token") < CALLS_MAX:
        threading.Event().wait(0.01)

    refused = site.get("/sign-in/provider")
    provider.waits_for.set()
    for thread in waiting:
        thread.join()

    assert refused.status_code == 503
    assert [is_in(visitor) for visitor in visitors] == [True] * CALLS_MAX


def test_without_a_provider_there_is_no_way_to_it(own_pages: Visiting) -> None:
    assert own_pages.get("/sign-in/provider").status_code == 404
    assert own_pages.get(RETURN_PATH).status_code == 404
    assert "/sign-in/provider" not in own_pages.get("/sign-in").text
