"""Signing in at an identity provider: the way there, and the way back."""

from dataclasses import asdict
from typing import Any

import structlog
from flask import Flask, current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from werkzeug.exceptions import NotFound

from ledger.access.users import User, end_sessions, find_provider_user, user_from_provider
from ledger.operations.logs import network
from web.addresses import peer, peer_network
from web.context import context, context_of, ledger
from web.openid_connect import (
    Attempt,
    Identity,
    NotProvenError,
    Provider,
    ProviderAwayError,
    role_of,
)
from web.pages.languages import N_
from web.pages.rendering import render
from web.pages.signing_in import bp, complete_sign_in, local_path

RETURN_PATH = "/sign-in/provider/return"
VISITS_PER_ADDRESS = "60/15minute"
ATTEMPT_SECONDS_MAX = 600
ONWARD_MAX = 2_000
"""Letters of the address to go on at: browsers drop a cookie of more than 4 kB."""
PROVIDER = "ipn-ledger-provider"
"""The name of the provider among the extensions of an application."""

_TITLE = N_("Not signed in")
_MEANINGS = {
    "attempt-unknown": N_(
        "This sign-in did not begin in this browser, was used already, or began too long ago."
        " Begin again."
    ),
    "provider-refused": N_("The identity provider did not let you in."),
    "identity-not-proven": N_(
        "What the identity provider sent does not prove who you are. An operator finds the reason"
        " in the log."
    ),
    "no-role": N_(
        "The identity provider knows you, but none of your groups has a role here. Whoever keeps"
        " its groups can change that."
    ),
    "disabled": N_("An operator has switched off your access."),
    "provider-away": N_("The identity provider does not answer. Try again in a minute."),
}

log = structlog.get_logger("pages")


@bp.get("/sign-in/provider")
def visit_provider() -> ResponseReturnValue:
    """Send somebody to the identity provider of the settings."""
    now = context().clock()
    try:
        address, attempt = _provider().begin(now)
    except ProviderAwayError as error:
        return _refused("provider-away", 503, reason=str(error))
    onward = local_path(request.args.get("next"))
    if len(onward) > ONWARD_MAX:
        onward = "/"
    session["attempt"] = asdict(attempt) | {"onward": onward, "since": int(now.timestamp())}
    return redirect(address, 303)


@bp.get(RETURN_PATH)
def return_from_provider() -> ResponseReturnValue:
    """Begin the session of somebody whom the provider vouches for, with the role it gives them."""
    provider, begun = _provider(), session.pop("attempt", None)
    attempt = _attempt_of(begun)
    if attempt is None or request.args.get("state") != attempt.state:
        return _refused("attempt-unknown", 400, reason="state")
    if "error" in request.args or "code" not in request.args:
        return _refused("provider-refused", 403, reason="provider-refused")
    code, issuer = request.args["code"], request.args.get("iss")
    try:
        identity = provider.identify(attempt, code=code, issuer=issuer, now=context().clock())
    except NotProvenError as error:
        return _refused("identity-not-proven", 403, reason=error.reason)
    except ProviderAwayError as error:
        return _refused("provider-away", 503, reason=str(error))
    user = _admitted(identity)
    if user is None:
        return _refused("no-role", 403, reason="no-role")
    if not user.is_valid_at(context().clock()):
        return _refused("disabled", 403, reason="disabled", user=user)
    return complete_sign_in(user, local_path(begun["onward"]))


def add_provider(app: Flask, limiter: Limiter) -> None:
    """Let an application ask the provider of its settings, and no address do so too often."""
    views: dict[str, Any] = app.view_functions
    settings = context_of(app).settings
    app.extensions[PROVIDER] = Provider(settings, RETURN_PATH) if settings.oidc_issuer else None
    for endpoint in ("auth.visit_provider", "auth.return_from_provider"):
        views[endpoint] = limiter.limit(VISITS_PER_ADDRESS, key_func=peer_network)(views[endpoint])


def _provider() -> Provider:
    provider: Provider | None = current_app.extensions[PROVIDER]
    if provider is None:
        raise NotFound
    return provider


def _attempt_of(begun: dict[str, Any] | None) -> Attempt | None:
    if begun is None:
        return None
    age = context().clock().timestamp() - begun["since"]
    if not -1 <= age < ATTEMPT_SECONDS_MAX:
        return None
    return Attempt(begun["state"], begun["nonce"], begun["verifier"])


def _admitted(identity: Identity) -> User | None:
    """Return the person with the role of their claim; who has lost it loses all sessions."""
    settings, rule = context().settings, role_of(identity, context().settings.oidc_roles)
    with ledger().database.begin() as connection:
        if rule is not None:
            return user_from_provider(
                connection,
                issuer=settings.oidc_issuer,
                subject=identity.subject,
                name=identity.name,
                role=rule.role,
                shops=rule.shops,
                now=context().clock(),
            )
        known = find_provider_user(connection, settings.oidc_issuer, identity.subject)
        if known is not None:
            end_sessions(connection, known)
    return None


def _refused(
    code: str, status: int, *, reason: str, user: User | None = None
) -> ResponseReturnValue:
    log.warning(
        "sign_in.refused",
        way="provider",
        reason=reason,
        peer=network(peer()),
        user=user.id if user else None,
    )
    page = render(
        "refusal.html",
        status=status,
        code=code,
        title=_TITLE,
        meaning=_MEANINGS[code],
        back=url_for("auth.sign_in_form"),
    )
    return page, status
