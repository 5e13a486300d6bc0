"""The query API: every blueprint of it, its documents, and its limits."""

from flask import Flask
from flask_limiter import Limiter

from web import path_converters
from web.api import administration, feed, lists, notifications, objects, openapi, orders
from web.rate_limits import limit_addresses, limit_tokens

BLUEPRINTS = (objects.bp, orders.bp, lists.bp, feed.bp, notifications.bp, administration.bp)


def register(app: Flask, limiter: Limiter) -> None:
    """Serve the query API below `/api/v1`, and its documents, which need no token."""
    app.config.update(openapi.SETTINGS)
    path_converters.register(app)
    api = openapi.DocumentedApi(app)
    limit_addresses(app, limiter, *BLUEPRINTS)
    limit_tokens(app, limiter, *BLUEPRINTS)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    app.register_blueprint(openapi.bp)
