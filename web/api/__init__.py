"""The query API: every blueprint of it, its documents, and its limits."""

from flask import Flask
from flask_limiter import Limiter

from web.api import (
    accounting,
    administration,
    asks,
    bundles,
    confirmations,
    drift,
    feed,
    keys,
    lists,
    log,
    notes,
    notifications,
    objects,
    openapi,
    readable,
    readers,
    reconciliation,
    search,
    settlements,
    to_look_at,
)
from web.context import context_of
from web.rate_limits import limit_by_address, limit_persons, token_key

BLUEPRINTS = (
    *(readers.bp, objects.bp, objects.orders_bp, lists.bp, accounting.bp, feed.bp),
    *(notifications.bp, confirmations.bp, log.bp, bundles.bp, reconciliation.bp),
    *(notes.bp, asks.bp, drift.bp, settlements.bp, search.bp, to_look_at.bp, keys.bp),
    administration.bp,
)


def register(app: Flask, limiter: Limiter) -> None:
    """Serve the query API below `/api/v1`, and its documents, which need no token."""
    app.config.update(openapi.SETTINGS)
    api = openapi.DocumentedApi(app)
    settings = context_of(app).settings
    for blueprint in BLUEPRINTS:
        limit_by_address(limiter, settings.rate_per_address, blueprint)
        limiter.limit(settings.rate_per_token, key_func=token_key)(blueprint)
        api.register_blueprint(blueprint)
    limit_persons(app, limiter, "search.search_posted")
    app.register_blueprint(openapi.bp)
    app.register_blueprint(readable.bp)
