"""What an OpenID Connect provider says about somebody: fetched, and verified before it is believed.

Source: OpenID Connect Core 1.0 (authorisation code flow), RFC 7636 (PKCE), RFC 9207 (`iss`).
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore
from typing import Any, TypeVar

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from requests import RequestException

from ledger.settings import RoleRule, Settings

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures that only the provider can make: neither `none` nor one by a shared secret."""

CALLS_MAX = 2
"""Sign-ins that talk to the provider at once: a slow one must not take every thread."""

TIMEOUT_SECONDS = 5
LEEWAY_SECONDS = 60
METADATA_SECONDS_MAX = 3_600
SUBJECT_MAX = 255

# headers that the library does not know say nothing about the signature
_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)

_Fetched = TypeVar("_Fetched")


class NotProvenError(Exception):
    """The provider does not vouch for somebody; `reason` is a word for the log, in kebab-case."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderAwayError(Exception):
    """The provider does not answer, not as one, or too many ask it at once."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that has begun. Each part is random and belongs to one browser."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whom the provider vouches for. Shape: `claim_values` are those of the role claim."""

    subject: str
    name: str
    claim_values: tuple[str, ...]


class Provider:
    """The provider of the settings, asked over http. May be used by several threads at once."""

    def __init__(self, settings: Settings, return_path: str) -> None:
        self._settings = settings
        self._return_address = settings.public_url + return_path
        self._places = BoundedSemaphore(CALLS_MAX)
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at: datetime | None = None

    def begin(self, now: datetime) -> tuple[str, Attempt]:
        """Return where to send somebody, and what proves that it is they who come back.

        Errors: ProviderAwayError.
        """
        attempt = Attempt(*(secrets.token_urlsafe(32) for _ in range(3)))
        with self._place(), self._session(self._read_metadata(now)) as session:
            address, _ = session.create_authorization_url(
                self._metadata["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(address), attempt

    def identify(
        self, attempt: Attempt, *, code: str, issuer: str | None, now: datetime
    ) -> Identity:
        """Return who came back with this code. Shape: `issuer` is the parameter `iss`, if any.

        Errors: NotProvenError, ProviderAwayError.
        """
        with self._place(), self._session(self._read_metadata(now)) as session:
            is_named = self._metadata.get("authorization_response_iss_parameter_supported", False)
            if issuer != self._settings.oidc_issuer and (is_named or issuer is not None):
                raise NotProvenError("other-issuer")
            token = _fetched(
                lambda: session.fetch_token(
                    self._metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                )
            )
            claims = self._verified_claims(token, attempt.nonce, now)
            values = claim_of(claims, self._settings.oidc_role_claim)
            if values is None and "userinfo_endpoint" in self._metadata:
                claims = self._with_userinfo(session, claims)
                values = claim_of(claims, self._settings.oidc_role_claim)
        subject = str(claims["sub"])
        name = claims.get(self._settings.oidc_name_claim)
        shown = name if isinstance(name, str) and name.strip() else subject
        return Identity(subject, shown, _words(values))

    def _verified_claims(
        self, token: Mapping[str, Any], nonce: str, now: datetime
    ) -> dict[str, Any]:
        try:
            decoded = self._decoded(token["id_token"])
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self._settings.oidc_issuer},
                    "aud": {"essential": True, "value": self._settings.oidc_client_id},
                },
                {
                    "nonce": nonce,
                    "client_id": self._settings.oidc_client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
        except JoseError as error:
            claim = getattr(error, "claim", None)
            raise NotProvenError(f"{claim or error.error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise NotProvenError("no-id-token") from error
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_MAX:
            raise NotProvenError("sub")
        if not subject.isprintable():
            raise NotProvenError("sub")
        return dict(claims)

    def _decoded(self, id_token: str) -> jwt.Token:
        keys = self._keys or self._fetch_keys()
        try:
            return jwt.decode(id_token, keys, registry=_REGISTRY)
        except InvalidKeyIdError:  # the provider has another key since
            return jwt.decode(id_token, self._fetch_keys(), registry=_REGISTRY)

    def _with_userinfo(self, session: OAuth2Session, claims: dict[str, Any]) -> dict[str, Any]:
        """Add what the provider tells on demand; what is signed in the ID token counts first."""
        more = _json(lambda: session.get(self._metadata["userinfo_endpoint"]))
        if more.get("sub") != claims["sub"]:
            raise NotProvenError("other-subject")
        return more | claims

    def _fetch_keys(self) -> KeySet:
        with self._session(self._metadata) as session:
            address = self._metadata["jwks_uri"]
            key_set: Any = _json(lambda: session.get(address, withhold_token=True))
        try:
            self._keys = keys = KeySet.import_key_set(key_set)
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise ProviderAwayError("no-keys") from error
        return keys

    def _read_metadata(self, now: datetime) -> dict[str, Any]:
        """Read what the provider says about itself, at most once an hour."""
        age = None if self._read_at is None else (now - self._read_at).total_seconds()
        if age is None or not 0 <= age < METADATA_SECONDS_MAX:
            issuer = self._settings.oidc_issuer
            address = issuer.rstrip("/") + "/.well-known/openid-configuration"
            with self._session({}) as session:
                metadata = _json(lambda: session.get(address, withhold_token=True))
            _check_metadata(metadata, issuer)
            self._metadata, self._keys, self._read_at = metadata, None, now
        return self._metadata

    def _session(self, metadata: Mapping[str, Any]) -> OAuth2Session:
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        settings = self._settings
        method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        return OAuth2Session(
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret or None,
            token_endpoint_auth_method=method if settings.oidc_client_secret else "none",
            scope=settings.oidc_scopes,
            redirect_uri=self._return_address,
            code_challenge_method="S256",
            leeway=0,  # a token that holds for a minute is used within it
            default_timeout=TIMEOUT_SECONDS,
        )

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise ProviderAwayError("too-many-at-once")
        try:
            yield
        finally:
            self._places.release()


def role_of(identity: Identity, rules: tuple[RoleRule, ...]) -> RoleRule | None:
    """Return the role of somebody, by the first rule that fits; None when none does.

    Shape: the shops are those of all fitting rules of this role; one without shops means all.
    """
    fitting = [rule for rule in rules if rule.claim_value in identity.claim_values]
    if not fitting:
        return None
    same_role = [rule for rule in fitting if rule.role == fitting[0].role]
    if any(rule.shops is None for rule in same_role):
        return RoleRule(fitting[0].claim_value, fitting[0].role)
    shops = dict.fromkeys(shop for rule in same_role for shop in rule.shops or ())
    return RoleRule(fitting[0].claim_value, fitting[0].role, tuple(shops))


def claim_of(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim by its name, or by a path to it such as `realm_access.roles`."""
    if name in claims:
        return claims[name]
    nested: Any = claims
    for part in name.split("."):
        nested = nested.get(part) if isinstance(nested, Mapping) else None
    return nested


def _words(claim_value: Any) -> tuple[str, ...]:
    """Return the words of a claim: a list of texts, or a single text that is taken whole."""
    listed = claim_value if isinstance(claim_value, list) else [claim_value]
    return tuple(value for value in listed if isinstance(value, str))


def _check_metadata(metadata: Mapping[str, Any], issuer: str) -> None:
    """Refuse metadata of another provider, and endpoints that anybody on the way could read."""
    if metadata.get("issuer") != issuer:
        raise ProviderAwayError("metadata-of-another-issuer")
    scheme = issuer.partition("://")[0]
    needed = ["authorization_endpoint", "token_endpoint", "jwks_uri"]
    for name in needed + [name for name in ("userinfo_endpoint",) if name in metadata]:
        if not str(metadata.get(name)).startswith(("https://", f"{scheme}://")):
            raise ProviderAwayError(f"no-{name.replace('_', '-')}")


def _json(fetch: Callable[[], Any]) -> dict[str, Any]:
    response = _fetched(fetch)
    try:
        response.raise_for_status()
        document = response.json()
    except (RequestException, ValueError) as error:
        raise ProviderAwayError("no-document") from error
    if not isinstance(document, dict):
        raise ProviderAwayError("no-document")
    return document


def _fetched(fetch: Callable[[], _Fetched]) -> _Fetched:
    """Return what the provider answers. Errors: NotProvenError, ProviderAwayError."""
    try:
        return fetch()
    except OAuthError as error:  # it refuses the code, or us
        raise NotProvenError("code-refused") from error
    except (RequestException, ValueError) as error:
        raise ProviderAwayError("no-answer") from error
