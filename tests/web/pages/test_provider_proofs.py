"""What an identity provider sends must prove who somebody is: every forged proof is refused."""

from base64 import urlsafe_b64encode
from typing import Any

import orjson
import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey

from tests.web.pages.at_provider import (
    access,
    is_in,
    other_browser,
    sign_in,
)
from tests.web.pages.fake_provider import CLIENT_ID, CLIENT_SECRET, Claims, FakeProvider
from tests.web.pages.visiting import Visiting


@pytest.mark.parametrize(
    "forged",
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
    site: Visiting, provider: FakeProvider, forged: Claims
) -> None:
    provider.forged = forged

    refused = sign_in(site, provider)

    assert refused.status_code == 403
    assert "identity-not-proven" in refused.text
    assert not is_in(site)
    assert access(site) == []


def unsigned(provider: FakeProvider, claims: Claims) -> str:
    parts = ({"alg": "none"}, claims)
    return (
        ".".join(urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=") for part in parts) + "."
    )


def by_client_secret(provider: FakeProvider, claims: Claims) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET * 3))


def by_public_key(provider: FakeProvider, claims: Claims) -> str:
    public = provider.signing_key.as_pem(private=False)
    header = {"alg": "HS256", "kid": provider.signing_key.kid}
    key = OctKey.import_key(urlsafe_b64encode(public).decode())
    return jws.serialize_compact(header, orjson.dumps(claims), key, algorithms=["HS256"])


def by_a_stranger(provider: FakeProvider, claims: Claims) -> str:
    return provider.signed(claims, RSAKey.generate_key(2048, {"kid": provider.signing_key.kid}))


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
    site: Visiting, provider: FakeProvider, sign: Any
) -> None:
    provider.sign = sign
    provider.metadata = {"id_token_signing_alg_values_supported": ["none", "HS256", "RS256"]}

    refused = sign_in(site, provider)

    assert refused.status_code == 403
    assert "identity-not-proven" in refused.text
    assert not is_in(site)


def test_a_new_key_of_the_provider_is_fetched(site: Visiting, provider: FakeProvider) -> None:
    sign_in(site, provider)
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "second"})

    assert sign_in(other_browser(site), provider).status_code == 303
    assert sign_in(site, provider).status_code == 303
