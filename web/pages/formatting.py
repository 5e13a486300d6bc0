"""Amounts, instants and names as a reader sees them: in their locale, on their clock, as text."""

from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal
from markupsafe import Markup

from ledger.instants import write_public_instant
from ledger.ipn.currencies import currency_code
from ledger.ipn.lookalikes import printable
from ledger.ipn.money import decimal_text
from web.context import context
from web.pages.languages import locale_name, zone_name

NOTHING = "–"
SHORT = 80
_OWN_CURRENCY = "EUR"
"""The currency of the platform's own countries has its sign; others their code, set apart."""


def amount(amount_minor: int | None, currency: str | None) -> str:
    """Format an amount with the decimals of its currency. Shape: `1 234,56 €`."""
    if amount_minor is None:
        return NOTHING
    return _amount(amount_minor, currency or "", locale_name())


@lru_cache(maxsize=4096)
def _amount(amount_minor: int, currency: str, locale: str) -> str:
    exact = decimal_text(amount_minor, currency)
    digits = len(exact.partition(".")[2])
    if currency_code(currency) != currency:
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        number = format_decimal(Decimal(exact), format=pattern, locale=locale)
        return f"{number} {printable(currency)}".strip()
    if currency != _OWN_CURRENCY:
        own = copy(Locale.parse(locale).decimal_formats[None])
        own.frac_prec = (digits, digits)
        if not locale.startswith("en"):
            return f"{own.apply(Decimal(exact), locale)}\u00a0{currency}"
        sign = "-" if amount_minor < 0 else ""  # before the code, as before a symbol
        return f"{sign}{currency}\u00a0{own.apply(abs(Decimal(exact)), locale)}"
    own = copy(Locale.parse(locale).currency_formats["standard"])
    own.frac_prec = (digits, digits)  # as many decimals as the currency has
    return str(own.apply(Decimal(exact), locale, currency=currency, currency_digits=False))


def moment(at: datetime | str | None) -> Markup | str:
    """Format an instant with its zone. Shape: a `<time>` element, or a dash for none."""
    exact = _read(at)
    if exact is None:
        return plain(at)
    return _timed(exact, _moment(exact.replace(microsecond=0), locale_name(), zone_name()))


def _timed(exact: datetime, text: str, local_day: str | None = None) -> Markup:
    """Return a text with the exact instant under the pointer, and for machines, or with its day."""
    in_utc = exact.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    element = Markup('<time datetime="{}" title="{} UTC">{}</time>')
    return element.format(local_day or f"{in_utc}Z", in_utc.replace("T", " "), text)


@lru_cache(maxsize=4096)
def _moment(at: datetime, locale: str, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{format_datetime(local, 'medium', locale=locale)} {local.tzname()}"


def day(at: datetime | str | None) -> Markup | str:
    """Format the day of an instant on the reader's clock, or a bare day as it is."""
    exact = _read(at)
    if exact is None:
        return plain(at)
    is_bare = isinstance(at, str) and len(at) == len("2026-03-10")
    local = exact if is_bare else exact.astimezone(ZoneInfo(zone_name()))
    text = format_date(local.date(), "medium", locale=locale_name())
    if not is_bare:
        return _timed(exact, text, local.date().isoformat())
    return Markup('<time datetime="{}">{}</time>').format(local.date().isoformat(), text)


def age(at: datetime | str | None) -> Markup | str:
    """Format how long ago an instant is. Shape: `3 hours ago` in a `<time>` element."""
    exact = _read(at)
    if exact is None:
        return NOTHING
    since = exact - context().clock()
    if abs(since) < timedelta(seconds=1):
        since = timedelta(seconds=-1)
    return _timed(exact, str(format_timedelta(since, add_direction=True, locale=locale_name())))


def duration(seconds: float | None) -> str:
    """Format a time span. Shape: `14 minutes`."""
    if seconds is None:
        return NOTHING
    return str(format_timedelta(timedelta(seconds=seconds), locale=locale_name()))


def number(count: int | None) -> str:
    """Format a count."""
    return NOTHING if count is None else str(format_decimal(count, locale=locale_name()))


def plain(foreign: object, limit: int | None = None) -> str:
    """Return text of somebody else with every character that steers or turns spelt out.

    Shape: `limit` is how many characters of a long text are shown.
    """
    if foreign is None or foreign == "":
        return NOTHING
    text = str(foreign)
    return printable(text if limit is None or len(text) <= limit else text[: limit - 1] + "…")


def lines(foreign: str) -> str:
    """Return several lines of somebody else as nothing but text."""
    return "\n".join(printable(line) for line in foreign.split("\n"))


def name(foreign: object) -> Markup:
    """Format a name that somebody else chose: short, and isolated from the text beside it."""
    text = "" if foreign is None else str(foreign)
    if len(text) <= SHORT:
        return Markup("<bdi>{}</bdi>").format(plain(text))
    return Markup('<bdi title="{}">{}</bdi>').format(plain(text, 500), plain(text, SHORT))


def _read(at: datetime | str | None) -> datetime | None:
    if isinstance(at, datetime):
        return at
    try:
        exact = datetime.fromisoformat(at or "")
    except ValueError:
        return None
    return exact if exact.tzinfo else exact.replace(tzinfo=UTC)


FILTERS: dict[str, Callable[..., Any]] = {
    formatter.__name__: formatter
    for formatter in (amount, moment, day, age, duration, number, plain, lines, name)
} | {"public_instant": write_public_instant}
"""The names by which templates call them."""
