"""Reads what the name of a file says: kind, shop, mode and the UTC days that it is of.

Source: delivery reference, sections 12.3 and 13. Names are read from the right, since the label of
a shop may hold anything.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from ledger.ipn.modes import Mode
from ledger.reconciliation.journal_rows import JournalKind

_TEST = "TEST_"
_CODES = {kind.value: kind for kind in JournalKind if kind is not JournalKind.EXPORT}


@dataclass(frozen=True, slots=True)
class FileName:
    """What a name says. Shape: None for what it does not say."""

    journal_kind: JournalKind | None = None
    shop_id: str | None = None
    mode: str | None = None
    first_day: date | None = None
    last_day: date | None = None


def read_file_name(name: str) -> FileName:
    """Read the name of a file; a name of any other make says nothing."""
    stem = name.rpartition("/")[2]
    for ending in (".gz", ".csv", ".xls", ".txt"):
        stem = stem[: -len(ending)] if stem.lower().endswith(ending) else stem
    if stem.endswith(")"):  # a browser's second download: `JT_….csv`, `JT_… (1).csv`
        stem = stem.rpartition(" (")[0] or stem
    is_test = stem.startswith(_TEST)
    parts = stem.removeprefix(_TEST).split("_")
    mode = (Mode.TEST if is_test else Mode.PRODUCTION).value
    if len(parts) >= 4 and parts[1] == JournalKind.MERCHANT:
        shop_id = _shop(parts[0])
        return FileName(JournalKind.MERCHANT, shop_id, mode, *_month_or_day(parts[-1]))
    if len(parts) >= 3 and parts[0] in _CODES:
        parts = parts[:-1] if parts[-1].startswith("V") and parts[-1][1:].isdecimal() else parts
        shop_id = _shop(parts[-2])
        return FileName(_CODES[parts[0]], shop_id, mode, *_period(parts[-1]))
    return FileName()


def _shop(text: str) -> str | None:
    return text if _is_number(text) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _period(text: str) -> tuple[date | None, date | None]:
    """Read `YYMMDD`, `YYWnn` or `YYMnn`: a day, a week from its Monday, a month."""
    if len(text) == 6 and _is_number(text):
        day = _day(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
        return day, day
    year, unit, number = text[:2], text[2:3], text[3:]
    if not (_is_number(year) and _is_number(number) and len(number) == 2):
        return None, None
    try:
        if unit == "W":
            first = date.fromisocalendar(2000 + int(year), int(number), 1)
            return first, first + timedelta(days=6)
        return _month(2000 + int(year), int(number)) if unit == "M" else (None, None)
    except ValueError:
        return None, None


def _month_or_day(text: str) -> tuple[date | None, date | None]:
    """Read `MMYYYY`, or `DDMMYYYY` of a daily file."""
    if not _is_number(text):
        return None, None
    if len(text) == 6:
        try:
            return _month(int(text[2:]), int(text[:2]))
        except ValueError:
            return None, None
    day = _day(int(text[4:]), int(text[2:4]), int(text[:2])) if len(text) == 8 else None
    return day, day


def _month(year: int, month: int) -> tuple[date, date]:
    first = date(year, month, 1)
    return first, first.replace(day=monthrange(year, month)[1])


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
