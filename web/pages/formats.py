"""Amounts, instants and names as a reader sees them: in their locale, on their clock, as text."""

from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import NumberPattern, format_decimal
from markupsafe import Markup

from ledger.items import instant
from ledger.money import currency_code, decimal_text
from ledger.queries.event_sentences import printable
from web.context import context
from web.pages.languages import locale_name, zone_name

NOTHING = "–"
SHORT = 80


def amount(amount_minor: int | None, currency: str | None) -> str:
    """Shape: `1 234,56 €`; with the decimals of its currency, whatever the locale is used to."""
    if amount_minor is None:
        return NOTHING
    return _amount(amount_minor, currency or "", locale_name())


@lru_cache(maxsize=4096)
def _amount(amount_minor: int, currency: str, locale: str) -> str:
    exact = decimal_text(amount_minor, currency)
    digits = len(exact.partition(".")[2])
    if currency_code(currency) != currency:
        number = format_decimal(Decimal(exact), format=_pattern(digits), locale=locale)
        return f"{number} {printable(currency)}".strip()
    pattern = _currency_pattern(locale, digits)
    return str(pattern.apply(Decimal(exact), locale, currency=currency, currency_digits=False))


@cache
def _currency_pattern(locale: str, digits: int) -> NumberPattern:
    """The locale's own pattern, with as many decimals as the currency has."""
    pattern: NumberPattern = copy(Locale.parse(locale).currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    return pattern


def _pattern(digits: int) -> str:
    return "#,##0" + ("." + "0" * digits if digits else "")


def moment(told: datetime | str | None) -> Markup | str:
    """An instant with its zone. Shape: a `<time>` element, or a dash for what was not told."""
    if told is None or told == "":
        return NOTHING
    exact = _read(told)
    if exact is None:
        return plain(told)
    shown = _moment(exact.replace(microsecond=0), locale_name(), zone_name())
    return Markup('<time datetime="{}">{}</time>').format(instant(exact), shown)


@lru_cache(maxsize=4096)
def _moment(told: datetime, locale: str, zone: str) -> str:
    local = told.astimezone(ZoneInfo(zone))
    return f"{format_datetime(local, 'medium', locale=locale)} {local.tzname()}"


def day(told: datetime | str | None) -> Markup | str:
    """The day of an instant on the reader's clock, or a bare day as it is."""
    if told is None or told == "":
        return NOTHING
    exact = _read(told)
    if exact is None:
        return plain(told)
    is_bare = isinstance(told, str) and len(told) == len("2026-03-10")
    local = exact if is_bare else exact.astimezone(ZoneInfo(zone_name()))
    machine = local.date().isoformat()
    shown = format_date(local.date(), "medium", locale=locale_name())
    return Markup('<time datetime="{}">{}</time>').format(machine, shown)


def age(told: datetime | str | None) -> str:
    """How long ago. Shape: `3 hours ago`."""
    exact = _read(told) if told else None
    if exact is None:
        return NOTHING
    since = exact - context().clock()
    if abs(since) < timedelta(seconds=1):
        since = timedelta(seconds=-1)
    return str(format_timedelta(since, add_direction=True, locale=locale_name()))


def duration(seconds: float | None) -> str:
    """Shape: `14 minutes`."""
    if seconds is None:
        return NOTHING
    return str(format_timedelta(timedelta(seconds=seconds), locale=locale_name()))


def number(told: int | None) -> str:
    """A count."""
    return NOTHING if told is None else str(format_decimal(told, locale=locale_name()))


def plain(told: object, limit: int | None = None) -> str:
    """Text of somebody else as nothing but text: what steers or turns is spelt out.

    Shape: `limit` is how many characters are shown of a long one.
    """
    if told is None or told == "":
        return NOTHING
    text = str(told)
    return printable(text if limit is None or len(text) <= limit else text[: limit - 1] + "…")


def lines(told: str) -> str:
    """Several lines of somebody else as nothing but text."""
    return "\n".join(printable(one) for one in told.split("\n"))


def name(told: object) -> Markup:
    """A name that somebody else chose, short enough for a table, apart from its neighbours."""
    text = "" if told is None else str(told)
    if len(text) <= SHORT:
        return Markup("<bdi>{}</bdi>").format(plain(text))
    return Markup('<bdi title="{}">{}</bdi>').format(plain(text, 500), plain(text, SHORT))


def _read(told: datetime | str) -> datetime | None:
    if isinstance(told, datetime):
        return told
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


FILTERS: dict[str, Callable[..., Any]] = {
    "amount": amount,
    "moment": moment,
    "day": day,
    "age": age,
    "duration": duration,
    "number": number,
    "plain": plain,
    "lines": lines,
    "name": name,
}
"""What templates call them."""
