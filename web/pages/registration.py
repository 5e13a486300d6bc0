"""Adds the pages to an application: their routes, their templates' globals, and their limits."""

from flask import Flask
from flask_limiter import Limiter

from ledger.access.password_hashes import nobodys_hash
from web.context import context_of
from web.pages import (  # noqa: F401  # views add their routes when they are imported
    access,
    certificates,
    completeness,
    events,
    holds,
    languages,
    new_events,
    notes,
    notifications,
    objects,
    order,
    overview,
    own_password,
    privacy,
    projections,
    proof,
    provider_sign_in,
    quarantine,
    rendering,
    search,
    search_accounting,
    second_factor,
    second_step,
    session,
    settlement,
    signing_in,
    suspects,
    to_look_at,
)
from web.pages.blueprint import bp
from web.rate_limits import limit_by_address, limit_persons


def register_pages(app: Flask, limiter: Limiter) -> None:
    """Serve the pages; without a secret key they say what is missing, and nothing else."""
    settings = context_of(app).settings
    session.configure(app, settings)
    languages.register(app)
    rendering.register(app)
    app.register_blueprint(bp)
    app.register_blueprint(signing_in.bp)
    limit_by_address(limiter, settings.rate_per_address, bp)
    limit_persons(app, limiter, "pages.search_typed")
    provider_sign_in.add_provider(app, limiter)
    nobodys_hash()
