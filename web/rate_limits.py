"""How often one address or one token may ask; the platform is never limited."""

from flask import Flask, request
from flask_limiter import Limiter

from ledger.access.tokens import hash_of
from web.addresses import peer
from web.authentication import bearer_secret


def make_limiter(app: Flask) -> Limiter:
    """Return what counts calls, by address by default; each process for itself."""
    limiter = Limiter(peer, app=app, storage_uri="memory://", default_limits=[])
    limiter.request_filter(lambda: request.blueprint == "receiver")
    return limiter


def token_key() -> str:
    """Return what the calls of a token are counted under."""
    secret = bearer_secret()
    return "none" if secret is None else hash_of(secret)
