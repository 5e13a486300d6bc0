"""The HTTP side of the ledger: `create_app` and nothing else."""

import os
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

from flask import Flask, Response

from ledger.application import Ledger, bootstrap
from ledger.instants import utc_now
from ledger.operations import logs
from ledger.operations.metrics import Metrics
from ledger.settings import Settings, read_settings
from web import api, errors, health, readiness, receiver, request_log, security_headers, streams
from web.context import CONTEXT, Clock, Context
from web.pages.registration import register_pages
from web.paths import Application, Name, StorableText
from web.rate_limits import make_limiter
from web.untrusted_proxies import watch_for_proxies

RECEIVER, READER = PARTS = ("receiver", "reader")
"""What a process may serve alone: the address that the platform calls; the API and the pages."""


def create_app(
    settings: Settings | None = None,
    ledger: Ledger | None = None,
    *,
    clock: Clock = utc_now,
    is_stopping: Callable[[], bool] = lambda: False,
    only: str | None = None,
) -> Flask:
    """Build the application inside the worker that serves it: an engine survives no fork.

    Shape: `only` is one of `PARTS`, or None for all of them.
    """
    settings = settings or read_settings(os.environ)
    logs.configure(settings.log_format, settings.log_level)
    app = _hardened(Application(__name__, static_folder=None))
    ledger = ledger or bootstrap(settings, os.environ, clock=clock)
    app.extensions[CONTEXT] = Context(
        ledger=ledger,
        settings=settings,
        metrics=Metrics(os.environ.get("PROMETHEUS_MULTIPROC_DIR")),
        clock=clock,
        is_stopping=is_stopping,
    )
    request_log.register(app)
    errors.register(app)
    watch_for_proxies(app)
    streams.register(app)
    readiness.register(app, ledger.database, writes=only != READER, reads=only != RECEIVER)
    app.register_blueprint(health.bp)
    if only != READER:
        app.register_blueprint(receiver.bp)
    if only != RECEIVER:
        _serve_readers(app)
    app.after_request(security_headers.set_default_headers)
    return app


def _serve_readers(app: Flask) -> None:
    security_headers.allow_origins(app)
    limiter = make_limiter(app)
    api.register(app, limiter)
    register_pages(app, limiter)


def _hardened(app: Flask) -> Flask:
    app.response_class = WholeResponse
    app.config.update(
        PROPAGATE_EXCEPTIONS=False,  # the table in errors.py answers, also under a debugger
        SESSION_REFRESH_EACH_REQUEST=False,  # no cookie for a caller that did not log in
    )
    # The platform follows a redirect without its form data: no path may ever cause one.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    app.url_map.converters.update(default=StorableText, name=Name)
    return app


class WholeResponse(Response):
    """A response that gives the server a whole body at once instead of piece by piece."""

    def get_app_iter(self, environ: dict[str, Any]) -> Iterable[bytes]:
        parts = super().get_app_iter(environ)
        if not self.is_sequence or self.direct_passthrough:
            return parts
        with closing(parts):  # type: ignore[type-var]  # it is a ClosingIterator
            return list(parts)
