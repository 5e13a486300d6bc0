"""The reader's language and time zone, and the catalogue of translations."""

import io
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from urllib.parse import urlencode

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, current_app, g, redirect, request, session
from flask.typing import ResponseReturnValue

from web.paths import own_path

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
"""UTC, in which the platform writes its times, and the zones of the countries of its brands."""

_CHOICES: dict[str, Collection[str]] = {"lang": LANGUAGES, "zone": ZONES}
_LOCALES = {"en": "en_GB", "fr": "fr_FR"}
_TAG = re.compile(r"[A-Za-z]{2}-[A-Za-z]{2}")


def N_(text: str) -> str:
    """Mark a text that is translated where it is shown."""
    return text


def translated(text: str) -> str:
    """Translate a text of ours to the reader's language; one in no catalogue stays as it is."""
    return str(_catalogue().gettext(text))


def translator(code: str) -> Callable[[str], str]:
    """Return what translates a text of ours to one language, whoever reads."""
    return lambda text: str(_translations(code).gettext(text))


def register(app: Flask) -> None:
    """Let the pages of an application speak the reader's language."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension's
        translated, ngettext, newstyle=True, pgettext=pgettext
    )


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the one of two texts that a number asks for, translated; nothing is filled in."""
    return str(_catalogue().ngettext(singular, plural, number))


def pgettext(use: str, text: str) -> str:
    """Translate a text that has another translation in another use; nothing is filled in."""
    return str(_catalogue().pgettext(use, text))


def language() -> str:
    """Return the reader's language: as chosen, else as the browser prefers."""
    if "language" not in g:
        preferred = request.accept_languages.best_match(list(LANGUAGES))
        g.language = _chosen("lang", LANGUAGES) or preferred or "en"
    return str(g.language)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak one language, with times in UTC, whoever reads."""
    kept = {name: g.get(name) for name in ("language", "locale_name", "zone_name")}
    g.language, g.locale_name, g.zone_name = code, _LOCALES[code], UTC
    try:
        yield
    finally:
        for name, text in kept.items():
            g.pop(name) if text is None else setattr(g, name, text)


def zone_name() -> str:
    """Return the time zone whose clock the reader sees."""
    return str(g.get("zone_name") or _chosen("zone", ZONES) or UTC)


def locale_name() -> str:
    """Return the locale of amounts and dates: as the browser prefers, in the chosen language."""
    if "locale_name" not in g:
        g.locale_name = _locale(language())
    return str(g.locale_name)


def _locale(language: str) -> str:
    for tag in request.accept_languages.values():
        if _TAG.fullmatch(tag) and tag[:2].lower() == language:
            with suppress(UnknownLocaleError):
                return str(Locale.parse(f"{language}_{tag[3:].upper()}"))
    return _LOCALES.get(language, language)


def _chosen(name: str, choices: Collection[str]) -> str | None:
    """Return what the address or else the session names, if it is one of these."""
    chosen = request.args.get(name) or (session.get(name) if current_app.secret_key else None)
    return chosen if chosen in choices else None


def remember_choice() -> ResponseReturnValue | None:
    """Store a language or zone chosen in the address, and redirect to the address without it."""
    chosen = {name: request.args[name] for name in _CHOICES if name in request.args}
    if not chosen or request.method != "GET":
        return None
    session.update({name: text for name, text in chosen.items() if text in _CHOICES[name]})
    left = [pair for pair in request.args.items(multi=True) if pair[0] not in chosen]
    return redirect(own_path() + (f"?{urlencode(left)}" if left else ""), 303)


def _catalogue() -> NullTranslations:
    return _translations(language())


@cache
def _translations(code: str) -> NullTranslations:
    """Return a catalogue straight from its `.po` file: nothing to compile, nothing to forget."""
    file = files("web") / "translations" / code / "LC_MESSAGES" / "messages.po"
    if not file.is_file():
        return Translations()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(file.read_bytes()), locale=code))
    compiled.seek(0)
    return Translations(compiled)
