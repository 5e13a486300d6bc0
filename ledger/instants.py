"""The one way to read and write instants, and what a bare day means."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:?\d\d$)")
_DAY = re.compile(r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})")
_PLATFORM_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})")
_EXTENDED = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_YEARS = range(2, 9999)  # nearer to the ends of the calendar another time zone has no such day
_TICK = timedelta.resolution
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_EPOCH = datetime.fromtimestamp(0, UTC)


def utc_now() -> datetime:
    """Read the wall clock."""
    return datetime.now(UTC)


def instant_of_id(instant: datetime) -> datetime:
    """Return the instant that an id of a moment can begin with: 1970 for a clock before it."""
    return max(instant, _EPOCH)


# -- what people ask for ---------------------------------------------------------------------------


def read_since(text: str, zone: str = "UTC") -> datetime:
    """Read the first instant that is included: a bare day is included from its beginning.

    Shape: ISO 8601, in UTC when it names no offset. `zone` is where a bare day begins. A plus sign
    that an address turned into a blank is one again. Errors: ValueError.
    """
    return _read(text, zone, beginning_of)


def read_until(text: str, zone: str = "UTC") -> datetime:
    """Read the first instant that is not included any more: a bare day is included whole."""
    return _read(text, zone, end_of)


def read_as_of(text: str, zone: str = "UTC") -> datetime:
    """Read the last instant that is included: a bare day means its last microsecond."""
    return _read(text, zone, lambda day, zone: end_of(day, zone) - _TICK)


def read_day(text: str) -> date:
    """Read a day. Shape: `2026-03-10` or `20260310`; a week is none. Errors: ValueError."""
    written = _DAY.fullmatch(text)
    if written is None:
        raise ValueError("a day is written as 2026-03-10")
    year, _, month, day = written.groups()
    return date(int(year), int(month), int(day))


def read_zone(text: str) -> str:
    """Return the name of a time zone as it is. Shape: `Europe/Paris`. Errors: ValueError."""
    if text not in _zones():
        raise ValueError(f"{text} is no time zone")
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def beginning_of(day: date, zone: str = "UTC") -> datetime:
    """Return the first instant of a day; where the calendar ends, that of the day in UTC."""
    midnight = datetime.combine(day, time(), ZoneInfo(zone))
    try:
        return midnight.astimezone(UTC)
    except OverflowError:
        return midnight.replace(tzinfo=UTC)


def end_of(day: date, zone: str = "UTC") -> datetime:
    """Return the first instant after a day; the last day of the calendar ends with the calendar."""
    return _END_OF_TIME if day == date.max else beginning_of(day + timedelta(days=1), zone)


def _read(text: str, zone: str, of_day: Callable[[date, str], datetime]) -> datetime:
    if len(text) <= len("2026-03-10") and "T" not in text:  # what can only be a day
        return of_day(read_day(text), zone)
    if "W" in text:
        raise ValueError("a week is no day: a day is written as 2026-03-10")
    instant = datetime.fromisoformat(_LOST_PLUS.sub("+", text) if "T" in text else text)
    try:
        return _in_utc(instant)
    except OverflowError as error:
        raise ValueError("no calendar reaches so far") from error


# -- what the platform sends -----------------------------------------------------------------------


def read_platform_instant(text: str) -> datetime | None:
    """Read `yyyyMMddHHmmss` in UTC, or `2026-03-10T10:15:47+01:00`; None when it is neither.

    Shape: a fraction may follow the seconds, `Z` stands for UTC; nothing else of ISO 8601 is read.
    Source: form-v2 reference, sections 4.1 and 6.11; rest-v4 reference, section 3.
    """
    compact = _COMPACT.fullmatch(text)
    written = _EXTENDED.fullmatch(compact.expand(r"\1-\2-\3T\4:\5:\6Z") if compact else text)
    if written is None:
        return None
    *numbers, fraction, sign, hours, minutes = written.groups()
    year, month, day, hour, minute, second = map(int, numbers)
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        instant = datetime(year, month, day, hour, minute, second, microsecond, UTC)
        instant += offset if sign == "-" else -offset
    except (ValueError, OverflowError):
        return None
    return instant if year in _YEARS else None


def read_platform_day(text: str) -> date | None:
    """Read `yyyyMMdd`; None when it is nothing of the kind."""
    written = _PLATFORM_DAY.fullmatch(text)
    if written is None:
        return None
    year, month, day = map(int, written.groups())
    try:
        return date(year, month, day) if year in _YEARS else None
    except ValueError:
        return None


def write_day(day: date | None) -> str | None:
    """Write a day as ISO 8601 has it; None for none."""
    return None if day is None else day.isoformat()


def write_second(instant: datetime) -> str:
    """Write an instant of the platform, in whole seconds. Shape: `2026-03-10T09:15:47Z`."""
    return _iso(instant.replace(microsecond=0), "seconds")


def write_second_from(instant: datetime) -> str:
    """Write the first whole second that is not before an instant. Shape: as `write_second`."""
    return write_second(
        min(instant, _END_OF_TIME.replace(microsecond=0)) + (timedelta(seconds=1) - _TICK)
    )


# -- what is stored and shown ----------------------------------------------------------------------


def read_instant(text: str) -> datetime:
    """Read an instant that `write_instant` wrote."""
    return datetime.fromisoformat(text)


def write_instant(instant: datetime) -> str:
    """Write an instant to be stored. Shape: `2026-03-10T09:15:47.000000Z`, so that text sorts."""
    return _iso(instant, "microseconds")


def write_public_instant(instant: datetime) -> str:
    """Write an instant for a machine. Shape: `2026-03-10T09:15:47.123456Z`, no idle fraction."""
    return _iso(instant, "auto")


def without_idle_fraction(stored: str) -> str:
    """Return an instant that `write_instant` wrote as `write_public_instant` would have."""
    return stored.replace(".000000Z", "Z")


def _in_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def _iso(instant: datetime, timespec: str) -> str:
    return instant.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
