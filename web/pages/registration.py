"""Adds the pages to an application: their routes, their templates' globals, and their limits."""

from flask import Flask
from flask_limiter import Limiter

from web.context import context_of
from web.pages import (  # noqa: F401  # views add their routes when they are imported
    access,
    languages,
    notifications,
    objects,
    order,
    overview,
    projections,
    quarantine,
    rendering,
    search,
    session,
    signing_in,
)
from web.pages.blueprint import bp
from web.rate_limits import limit_addresses


def register_pages(app: Flask, limiter: Limiter) -> None:
    """Serve the pages; without a secret key they say what is missing, and nothing else."""
    session.configure(app, context_of(app).settings)
    languages.register(app)
    rendering.register(app)
    app.register_blueprint(bp)
    app.register_blueprint(signing_in.bp)
    limit_addresses(app, limiter, bp)
    signing_in.limit_attempts(app, limiter)
