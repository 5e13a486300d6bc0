"""The reader's language and time zone, and the catalogue of translations."""

import io
from datetime import tzinfo
from functools import cache
from importlib.resources import files
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, current_app, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import Babel, Domain, get_locale, gettext

LANGUAGES = {"en": "English", "fr": "Français"}

UTC = "UTC"
ZONES = (
    UTC,
    "Europe/Paris",
    "America/Martinique",
    "America/Cayenne",
    "Indian/Reunion",
    "Indian/Mayotte",
    "Pacific/Noumea",
    "Pacific/Tahiti",
    "America/Lima",
    "America/Bogota",
    "America/Mexico_City",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Madrid",
)
"""UTC, as the platform tells its times, and where its brands are at home."""


def N_(text: str) -> str:
    """Mark a text that is translated where it is shown."""
    return text


def translated(text: str) -> str:
    """A text of ours in the reader's language; what no catalogue has stays as it is."""
    return str(gettext(text))


def register(app: Flask) -> None:
    """Let templates and views speak the reader's language."""
    babel = Babel(app, locale_selector=language, timezone_selector=zone_name)
    babel.domain_instance = _Catalogues()
    app.jinja_env.globals.update(
        languages=LANGUAGES, zones=ZONES, language=language, zone_name=zone_name
    )
    app.jinja_env.filters["translated"] = translated


def language() -> str:
    """The reader's language: as chosen, else as the browser prefers."""
    told = request.args.get("lang") or _chosen("lang")
    if told in LANGUAGES:
        return str(told)
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


def zone_name() -> str:
    """The zone whose clock the reader sees."""
    told = request.args.get("zone") or _chosen("zone")
    return str(told) if told in ZONES else UTC


def zone() -> tzinfo:
    """The same as a zone."""
    return ZoneInfo(zone_name())


def locale_name() -> str:
    """The locale by which amounts and dates are written."""
    return str(get_locale() or "en")


def remember_choice() -> ResponseReturnValue | None:
    """Keep a language or zone chosen in the address, and go on without it: addresses are shared."""
    chosen = {name: request.args[name] for name in ("lang", "zone") if name in request.args}
    if not chosen or request.method != "GET":
        return None
    known = {"lang": tuple(LANGUAGES), "zone": ZONES}
    session.update({name: told for name, told in chosen.items() if told in known[name]})
    left = [pair for pair in request.args.items(multi=True) if pair[0] not in chosen]
    return redirect(request.path + (f"?{urlencode(left)}" if left else ""), 303)


def _chosen(name: str) -> object:
    return session.get(name) if current_app.secret_key else None


class _Catalogues(Domain):  # type: ignore[misc]  # the library has no types
    """Translations straight from the `.po` files: nothing to compile, nothing to forget."""

    def get_translations(self) -> NullTranslations:
        return _translations(locale_name())


@cache
def _translations(locale: str) -> NullTranslations:
    file = files("web") / "translations" / locale / "LC_MESSAGES" / "messages.po"
    if not file.is_file():
        return Translations()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(file.read_bytes()), locale=locale))
    compiled.seek(0)
    return Translations(compiled)
