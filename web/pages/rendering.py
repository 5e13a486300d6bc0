"""How a page is made: its template, and what every template may use."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Flask, g, render_template
from jinja2 import pass_context

from ledger import __version__
from ledger.access.readers import Reader
from ledger.ipn.modes import PUBLIC_MODES
from web.context import context
from web.pages import formatting, translations
from web.pages.languages import LANGUAGES, ZONES, language, zone_name
from web.pages.navigation import current_mode, in_mode, known_on, link_to, menu
from web.pages.static_files import static_url


def register(app: Flask) -> None:
    """Let templates use what all of them need."""
    app.jinja_env.globals.update(
        static_url=static_url,
        reader=reader,
        version=__version__,
        produced_at=_produced_at,
        menu=menu,
        link_to=link_to,
        in_mode=in_mode,
        current_mode=current_mode,
        modes=PUBLIC_MODES,
        languages=LANGUAGES,
        zones=ZONES,
        language=language,
        zone_name=zone_name,
    )
    filters = formatting.FILTERS | translations.FILTERS | {"known_on": known_on}
    app.jinja_env.filters.update({name: _by_request(each) for name, each in filters.items()})


def _by_request(formatter: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a filter from being applied to a constant once, in the language of the first reader."""

    @pass_context
    def applied(_context: object, *args: Any, **options: Any) -> Any:
        return formatter(*args, **options)

    return applied


def render(template: str, **context: Any) -> str:
    """Render a page from `web/templates/pages`."""
    return render_template(f"pages/{template}", **context)


def _produced_at() -> datetime:
    """Return when a page is made, which it says on paper."""
    return context().clock()


def reader() -> Reader | None:
    """Return who has signed in, for what every page shows; None before that."""
    caller = g.get("caller")
    return caller if isinstance(caller, Reader) else None
