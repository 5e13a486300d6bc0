"""Reads what somebody types into a search beside a name: an amount, a day, the end of a card.

People type what they have in their hand, in the order in which they hear it: `74,29 27/09/2026`.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import product

from ledger.ipn.currencies import CURRENCIES, decimals_of, respelled_currency_code
from ledger.ipn.money import AMOUNT_MINOR_MAX

WORDS_MAX = 8
"""Longer texts are no amounts and no days."""

_AMOUNT = re.compile(
    r"(0|[1-9][0-9]{0,11}|[1-9][0-9]{0,2}(?:[.,][0-9]{3}){1,3})(?:[.,]([0-9]{1,4}))?"
)
_FIRST_GROUP = re.compile(r"[1-9][0-9]{0,2}")
_GROUP = re.compile(r"[0-9]{3}(?:[.,][0-9]{1,4})?")
_FIGURES = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{1,4})?")
_DAY_FIRST = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_YEAR_FIRST = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_DAY_OF_MONTH = re.compile(r"([0-9]{1,2})(?:er|st|nd|rd|th)?")
_YEAR = re.compile(r"20[0-9]{2}")
_CARD_END = re.compile(r"[0-9]{4}")
_LETTERS_MIN = 3

_SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY"}
_DOLLAR = "$"
"""Many currencies share it, so it says none."""
_MONTHS = (
    ("january", "janvier"),
    ("february", "fevrier"),
    ("march", "mars"),
    ("april", "avril"),
    ("may", "mai"),
    ("june", "juin"),
    ("july", "juillet"),
    ("august", "aout"),
    ("september", "septembre"),
    ("october", "octobre"),
    ("november", "novembre"),
    ("december", "decembre"),
)
"""In the languages of the pages, without accents; at least three letters of each may be typed."""


@dataclass(frozen=True, slots=True)
class TypedText:
    """What a text may mean beside a name.

    Shape: `amounts` are in major units, each as it may be meant: `1,234` is two of them. `card_end`
    are four digits that may end a card's number, beside something else. `part` is a word that
    nothing else explains, as part of a name.
    """

    text: str
    amounts: tuple[Decimal, ...] = ()
    currency: str | None = None
    day: date | None = None
    card_end: str | None = None
    part: str | None = None

    @property
    def has_more(self) -> bool:
        """Return True if it may mean payments of an amount or a day."""
        return bool(self.amounts or self.day)

    def minors(self) -> set[tuple[int, str]]:
        """Return each amount in each currency that has as many decimals. Units: minor."""
        letters = CURRENCIES if self.currency is None else (self.currency,)
        return {
            (int(minor), each)
            for amount, each in product(self.amounts, letters)
            if (minor := amount.scaleb(decimals_of(each))) == int(minor) <= AMOUNT_MINOR_MAX
        }


def read_typed(text: str, *, today: date) -> TypedText:
    """Read what somebody has typed. Shape: a day without a year is the last one up to `today`."""
    typed = TypedText(text.strip())
    pieces = _apart(typed.text)
    if not 0 < len(pieces) <= WORDS_MAX:
        return typed
    day, pieces = _without_day(pieces, today)
    currency, pieces = _without_currency(pieces)
    card_end, pieces = _without_card_end(_joined(pieces), has_day=day is not None)
    figures, pieces = _split(pieces)
    if len(pieces) > 1 or len(figures) > 1 or (currency and not figures):
        return typed  # a sentence
    return replace(
        typed,
        amounts=tuple(_amounts(figures[0])) if figures else (),
        currency=currency,
        day=day,
        card_end=card_end,
        part=pieces[0] if pieces else None,
    )


def _apart(text: str) -> list[str]:
    """Return the pieces, with the letters or the sign of a currency apart from its amount."""
    pieces: list[str] = []
    for word in text.split():
        for sign in (*_SIGNS, _DOLLAR):
            word = word.replace(sign, f" {sign} ")
        pieces += [piece for part in word.split() for piece in _letters_apart(part)]
    return pieces


def _letters_apart(word: str) -> list[str]:
    for letters, figures in ((word[:3], word[3:]), (word[-3:], word[:-3])):
        if _currency(letters) and _FIGURES.fullmatch(figures):
            return [letters, figures]
    return [word]


# -- days ------------------------------------------------------------------------------------------


def _without_day(pieces: list[str], today: date) -> tuple[date | None, list[str]]:
    """Return the one day among pieces, and the others; no day if there are several."""
    places = list(_days(pieces, today))
    if len(places) != 1:
        return None, pieces
    day, first, last = places[0]
    return day, pieces[:first] + pieces[last:]


def _days(pieces: list[str], today: date) -> Iterator[tuple[date, int, int]]:
    """Yield the days among pieces, and where each begins and ends."""
    for place, word in enumerate(pieces):
        day = _written_day(word)
        if day is not None:
            yield day, place, place + 1
        month = _month(word)
        if month is None:
            continue
        before = pieces[place - 1] if place else ""
        after = pieces[place + 1] if place + 1 < len(pieces) else ""
        number, year = _DAY_OF_MONTH.fullmatch(before), _YEAR.fullmatch(after)
        if number is None:
            continue
        day = _day(int(after), month, int(number[1])) if year else _last(month, number[1], today)
        if day is not None:
            yield day, place - 1, place + 1 + bool(year)


def _written_day(word: str) -> date | None:
    match = _YEAR_FIRST.fullmatch(word)
    if match is not None:
        return _day(int(match[1]), int(match[2]), int(match[3]))
    match = _DAY_FIRST.fullmatch(word)
    if match is not None:
        year = int(match[4])
        return _day(year if len(match[4]) > 2 else 2000 + year, int(match[3]), int(match[1]))
    return None


def _last(month: int, number: str, today: date) -> date | None:
    days = (_day(year, month, int(number)) for year in range(today.year, today.year - 5, -1))
    return next((day for day in days if day is not None and day <= today), None)


def _day(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _month(word: str) -> int | None:
    """Return the number of a month that is written out or cut short, in either language."""
    signs = unicodedata.normalize("NFKD", word.casefold())
    letters = "".join(sign for sign in signs if not unicodedata.combining(sign)).rstrip(".")
    if len(letters) < _LETTERS_MIN or not letters.isalpha():
        return None
    months = [
        number
        for number, names in enumerate(_MONTHS, 1)
        if any(name.startswith(letters) for name in names)
    ]
    return months[0] if len(months) == 1 else None


# -- amounts ---------------------------------------------------------------------------------------


def _without_currency(pieces: list[str]) -> tuple[str | None, list[str]]:
    """Return the one currency beside figures, and the other pieces."""
    codes = {place: code for place, word in enumerate(pieces) if (code := _currency(word))}
    left = [word for place, word in enumerate(pieces) if place not in codes and word != _DOLLAR]
    if len(codes) != 1 or not any(_AMOUNT.fullmatch(word) for word in left):
        return None, [word for word in pieces if word != _DOLLAR]
    return next(iter(codes.values())), left


def _currency(word: str) -> str | None:
    return _SIGNS.get(word) or (respelled_currency_code(word) if word.isalpha() else None)


def _joined(pieces: list[str]) -> list[str]:
    """Return the words with the thousands of one amount together: `1 234,56` is `1234,56`."""
    joined: list[str] = []
    is_open = False
    for word in pieces:
        if is_open and _GROUP.fullmatch(word):
            joined[-1] += word
        else:
            joined.append(word)
            is_open = _FIRST_GROUP.fullmatch(word) is not None
    return joined


def _split(pieces: list[str]) -> tuple[list[str], list[str]]:
    """Return the words that are amounts, and the others."""
    figures = [word for word in pieces if _AMOUNT.fullmatch(word)]
    return figures, [word for word in pieces if not _AMOUNT.fullmatch(word)]


def _without_card_end(pieces: list[str], *, has_day: bool) -> tuple[str | None, list[str]]:
    """Return the four digits that may end a card's number, and the words that remain.

    Shape: alone they are no card; where nothing else is an amount, they may be one as well.
    """
    ends = [word for word in pieces if _CARD_END.fullmatch(word)]
    if len(ends) != 1 or not (has_day or len(pieces) > 1):
        return None, pieces
    rest = [word for word in pieces if word != ends[0]]
    has_amount = any(_AMOUNT.fullmatch(word) for word in rest)
    return ends[0], rest if has_amount or not _AMOUNT.fullmatch(ends[0]) else pieces


def _amounts(word: str) -> Iterator[Decimal]:
    """Yield what an amount may mean: the last comma or point may be that of thousands."""
    match = _AMOUNT.fullmatch(word)
    assert match is not None, "it was looked at before"
    whole, decimals = match[1].replace(",", "").replace(".", ""), match[2]
    yield Decimal(f"{whole}.{decimals or 0}")
    if decimals and len(decimals) == len("000") and len(whole) < 10:
        yield Decimal(whole + decimals)
