"""Adds the pages to an application: their routes, their templates' globals, and their limits."""

from flask import Flask
from flask_limiter import Limiter

from web.context import context_of
from web.pages import (
    access_log,
    alias,
    evidence,
    languages,
    navigation,
    notifications,
    order,
    overview,
    projections,
    quarantine,
    rendering,
    search,
    session,
    signing_in,
    subscription,
    transaction,
    users_and_tokens,
)
from web.pages.blueprint import bp

VIEWS = (
    overview,
    search,
    transaction,
    order,
    alias,
    subscription,
    evidence,
    notifications,
    quarantine,
    projections,
    users_and_tokens,
    access_log,
)
"""Modules that add their routes to the blueprint when they are imported."""


def register_pages(app: Flask, limiter: Limiter) -> None:
    """Serve the pages; without a secret key they say what is missing, and nothing else."""
    settings = context_of(app).settings
    session.configure(app, settings)
    languages.register(app)
    rendering.register(app)
    navigation.register(app)
    app.register_blueprint(bp)
    app.register_blueprint(signing_in.bp)
    limiter.limit(settings.rate_per_address)(bp)
    signing_in.limit_attempts(app, limiter)
