"""How often one network or one token may ask; the platform is never limited."""

import math
import time
from functools import partial
from typing import Any

from flask import Blueprint, Flask, Response, request
from flask_limiter import Limiter

from ledger.access.tokens import hash_of
from web.addresses import peer_network, peer_site
from web.authentication import bearer_secret, caller
from web.searching import asks_for_person

PERSON_SEARCHES = "20/minute;200/hour"
"""So often one reader may search for a person, in each process: enough to help, not to harvest."""
SITE_TIMES = 10
"""So much more often may all networks of one site ask; for IPv4 these are the same."""


def make_limiter(app: Flask) -> Limiter:
    """Return what counts calls, by network by default; each process for itself."""
    limiter = Limiter(peer_network, app=app, storage_uri="memory://", default_limits=[])
    limiter.request_filter(lambda: request.blueprint == "receiver")
    app.after_request(partial(_tell, limiter))
    return limiter


def limit_by_address(limiter: Limiter, rate: str, blueprint: Blueprint) -> None:
    """Let one caller ask the views of a blueprint so often, whatever addresses they take."""
    count, period = rate.split("/")
    limiter.limit(rate)(blueprint)
    limiter.limit(f"{SITE_TIMES * int(count)}/{period}", key_func=peer_site)(blueprint)


def limit_persons(app: Flask, limiter: Limiter, endpoint: str) -> None:
    """Let one reader search for persons so often, by one view that takes other texts, too."""
    views: dict[str, Any] = app.view_functions
    limit = limiter.limit(
        PERSON_SEARCHES, key_func=_reader_key, exempt_when=lambda: not asks_for_person()
    )
    views[endpoint] = limit(views[endpoint])


def _tell(limiter: Limiter, response: Response) -> Response:
    """Tell whoever asks the query API how often more they may.

    Shape: of the limit that is nearest. Units: seconds.
    """
    if request.blueprint == "receiver" or not limiter.current_limits:
        return response
    nearest = min(limiter.current_limits, key=lambda each: (not each.breached, each.remaining))
    seconds = max(1, math.ceil(nearest.window.reset_time - time.time()))
    if nearest.breached:
        response.headers["Retry-After"] = str(seconds)
    if request.path.startswith("/api/"):
        response.headers["RateLimit-Limit"] = str(nearest.limit.amount)
        response.headers["RateLimit-Remaining"] = str(nearest.remaining)
        response.headers["RateLimit-Reset"] = str(seconds)
    return response


def _reader_key() -> str:
    return f"person-search {caller().id}"


def token_key() -> str:
    """Return what the calls of a token are counted under."""
    secret = bearer_secret()
    return "none" if secret is None else hash_of(secret)
