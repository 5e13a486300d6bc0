"""Reads single cells of the platform's files: days, times, amounts, words."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import product

from ledger.ipn.currencies import currency_code, decimals_of
from ledger.ipn.statuses import form_spelling
from ledger.reconciliation.journal_rows import AmountScale

# years of two digits first: `%Y%m%d` would read 260311 as a day of the year 2603
_DAYS = ("%y%m%d", "%Y%m%d", "%Y-%m-%d", "%d/%m/%Y")
_TIMES = ("%H:%M:%S", "%H:%M")
_MADE = (
    *("%y/%m/%d_%H:%M:%S", "%y/%m/%d %H:%M:%S", "%y%m%d_%H:%M:%S", "%Y%m%d %H:%M:%S"),
    *("%Y%m%d_%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%y/%m/%d"),
)
_DIRECTIONS = {
    **dict.fromkeys(("DEBIT", "DÉBIT", "DT", "D"), "DEBIT"),
    **dict.fromkeys(("CREDIT", "CRÉDIT", "CT", "C"), "CREDIT"),
    "VERIFICATION": "VERIFICATION",
    "VÉRIFICATION": "VERIFICATION",
}
_DIVISORS = (1, 100)
_DAY_LENGTHS = (6, 8)
"""Digits of a day without separators; of seven nobody knows where the month ends."""
_DIGITS_MAX = 15
"""No amount has more, and a number of any length would be costly to read."""


@lru_cache(4096)
def read_day(text: str) -> date | None:
    """Read a day in UTC, whatever time follows it; None when it is none, or of another zone."""
    day, _, time_of_day = text.replace("T", " ").partition(" ")
    is_of_another_zone = "+" in time_of_day or "-" in time_of_day
    if is_of_another_zone or (day.isdecimal() and len(day) not in _DAY_LENGTHS):
        return None
    read = _read(day, _DAYS)
    return None if read is None else read.date()


def read_time(text: str) -> time | None:
    """Read a time of day; None when it is none."""
    if text.isascii() and text.isdecimal() and len(text) <= 6:  # as nearly all are written
        digits = text.zfill(6)
        hour, minute, second = int(digits[:2]), int(digits[2:4]), int(digits[4:])
        is_time = hour < 24 and minute < 60 and second < 60
        return time(hour, minute, second) if is_time else None
    read = _read(text.removesuffix("Z"), _TIMES)
    return None if read is None else read.time()


def read_moment(
    paid_on: date | None, day_text: str | None, paid_time: time | None
) -> datetime | None:
    """Return when a payment was made, in UTC; None when the row has no time of day."""
    if paid_on is None:
        return None
    if paid_time is None:
        text = (day_text or "").replace("T", " ").partition(" ")[2]
        paid_time = read_time(text) if text else None
    return None if paid_time is None else datetime.combine(paid_on, paid_time, UTC)


@lru_cache(64)
def read_made_at(text: str) -> datetime | None:
    """Read when a file was made, in any spelling that was seen; None when it is none of these."""
    read = _read(text, _MADE)
    return None if read is None else read.replace(tzinfo=UTC)


@lru_cache(256)
def read_direction(text: str) -> str | None:
    """Return DEBIT, CREDIT or VERIFICATION; None for any other word."""
    return _DIRECTIONS.get(text.upper())


@lru_cache(1024)
def read_status(text: str) -> str:
    """Return a detailed status in its form spelling; an unknown word as it stands."""
    return form_spelling(text.upper())


@lru_cache(256)
def read_currency(text: str) -> str | None:
    """Return the letters of a currency, from its number or its letters."""
    return currency_code(text.zfill(3) if text.isdecimal() else text.upper())


def is_decimal(text: str) -> bool:
    """Return True if an amount is written with a decimal sign."""
    return "." in text or "," in text


def read_amount(text: str, scale: AmountScale, currency: str | None) -> int | None:
    """Return an amount in minor units; None when it cannot be read without guessing.

    Shape: in a file of decimals each amount has as many as its currency.
    """
    plain = text.replace("\xa0", "").replace(" ", "")
    digits = plain.removeprefix("-")
    if scale is AmountScale.MINOR or len(digits) > _DIGITS_MAX:
        return read_integer(plain) if scale is AmountScale.MINOR else None
    whole, sign, fraction = digits.replace(",", ".").partition(".")
    if currency is None or not (whole + fraction).isascii():
        return None
    decimals = decimals_of(currency)
    is_whole = not decimals and not sign
    has_all_decimals = fraction.isdecimal() and len(fraction) == decimals
    if not whole.isdecimal() or not (is_whole or has_all_decimals):
        return None
    minor = int(whole + fraction)
    return -minor if plain.startswith("-") else minor


def read_integer(text: str) -> int | None:
    """Read a whole number of up to 15 digits; None when it is none."""
    digits = text.removeprefix("-")
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS_MAX
    return int(text) if is_number else None


def fitting_divisors(gross: int, net: int, fee: int) -> Sequence[tuple[int, int]]:
    """Return by what net and fee must be divided so that gross less fee is net.

    Shape: pairs for net and fee. Source: delivery reference, section 13, the bank journal.
    """
    return [
        (of_net, of_fee)
        for of_net, of_fee in product(_DIVISORS, _DIVISORS)
        if not net % of_net and not fee % of_fee and gross - fee // of_fee == net // of_net
    ]


def sequence_in(archive_reference: str) -> int | None:
    """Return the sequence number in an archive reference of the network CB, else None.

    Shape: `L`, three digits of the day, six of the short number, two of the sequence.
    """
    digits = archive_reference[10:]
    is_cb = len(archive_reference) == 12 and archive_reference[0] == "L"
    is_numbered = archive_reference[1:4].isdecimal() and digits.isascii() and digits.isdecimal()
    return read_integer(digits) if is_cb and is_numbered else None


def _read(text: str, spellings: Sequence[str]) -> datetime | None:
    for spelling in spellings:
        try:
            return datetime.strptime(text.strip(), spelling)  # noqa: DTZ007  the caller adds UTC
        except ValueError:
            continue
    return None
