"""How often one address or one token may ask; the platform is never limited."""

from typing import Any

from flask import Flask, request
from flask_limiter import Limiter

from ledger.access.tokens import hash_of
from web.addresses import peer
from web.authentication import bearer_secret
from web.context import context_of


def make_limiter(app: Flask) -> Limiter:
    """Return what counts calls; each process counts for itself."""
    limiter = Limiter(peer, app=app, storage_uri="memory://", default_limits=[])
    limiter.request_filter(lambda: request.blueprint == "receiver")
    return limiter


def limit_addresses(app: Flask, limiter: Limiter, *blueprints: Any) -> None:
    """Limit how often one address may ask."""
    for blueprint in blueprints:
        limiter.limit(context_of(app).settings.rate_per_address, key_func=peer)(blueprint)


def limit_tokens(app: Flask, limiter: Limiter, *blueprints: Any) -> None:
    """Limit how often one token may ask."""
    for blueprint in blueprints:
        limiter.limit(context_of(app).settings.rate_per_token, key_func=_token_key)(blueprint)


def _token_key() -> str:
    secret = bearer_secret()
    return "none" if secret is None else hash_of(secret)
