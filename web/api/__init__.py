"""The query API: every blueprint of it, its documents, and its limits."""

from flask import Flask
from flask_limiter import Limiter
from werkzeug.routing import BaseConverter

from web.api import administration, documents, feed, items, lists, notifications, orders
from web.rate_limits import limit_addresses, limit_tokens

BLUEPRINTS = (items.bp, orders.bp, lists.bp, feed.bp, notifications.bp, administration.bp)


class Name(BaseConverter):
    """A name that a shop or a sender chose: any text, slashes and line ends too."""

    regex = r"(?s:.+?)"
    weight = 200
    part_isolating = False


def register(app: Flask, limiter: Limiter) -> None:
    """Serve the query API below `/api/v1`, and its documents, which need no token."""
    app.config.update(documents.SETTINGS)
    app.url_map.converters["name"] = Name
    api = documents.DocumentedApi(app)
    limit_addresses(app, limiter, *BLUEPRINTS)
    limit_tokens(app, limiter, *BLUEPRINTS)
    for one in BLUEPRINTS:
        api.register_blueprint(one)
    app.register_blueprint(documents.bp)
