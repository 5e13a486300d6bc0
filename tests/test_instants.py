"""How instants are read and written, and what a bare day means."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from ledger.instants import (
    beginning_of,
    end_of,
    read_as_of,
    read_instant,
    read_platform_instant,
    read_since,
    read_until,
    write_instant,
    write_public_instant,
    write_second,
    write_second_from,
)

MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
NEXT_MIDNIGHT = datetime(2026, 3, 11, tzinfo=UTC)
TICK = timedelta(microseconds=1)
LAST = datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("day", ["2026-03-10", "20260310", "2026-W11-2"])
def test_a_bare_day_is_included_whole(day: str) -> None:
    assert read_since(day) == MIDNIGHT
    assert read_until(day) == NEXT_MIDNIGHT
    assert read_as_of(day) == NEXT_MIDNIGHT - TICK


@pytest.mark.parametrize("read", [read_since, read_until, read_as_of])
@pytest.mark.parametrize(
    "text",
    [
        "2026-03-10T00:00:00Z",
        "2026-03-10T00:00",
        "2026-03-10 00:00:00",
        "2026-03-10T01:00:00+01:00",
        "2026-03-10T01:00:00 01:00",  # a plus sign that an address turned into a blank
    ],
)
def test_an_instant_means_itself_in_utc_unless_it_names_an_offset(read: object, text: str) -> None:
    assert callable(read)
    assert read(text) == MIDNIGHT


def test_a_day_begins_and_ends_where_its_reader_is() -> None:
    assert read_since("2026-03-29", "Europe/Paris") == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert read_until("2026-03-29", "Europe/Paris") == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_the_calendar_ends_somewhere() -> None:
    assert end_of(date.max) == LAST
    assert beginning_of(date.min, "Asia/Tokyo") == datetime.min.replace(tzinfo=UTC)
    assert write_second_from(LAST) == "9999-12-31T23:59:59Z"
    with pytest.raises(ValueError, match="calendar"):
        read_since("9999-12-31T23:59:59-14:00")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2026-03-10T25:00:00Z"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the standard library words its own messages
        read_since(text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("20260310000000", MIDNIGHT),
        ("2026-03-10T01:00:00+01:00", MIDNIGHT),
        ("2026-03-10T00:00:00", MIDNIGHT),
        ("20260231250000", None),
        ("00010101000000", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("soon", None),
    ],
)
def test_the_platform_writes_instants_in_two_ways(text: str, instant: datetime | None) -> None:
    assert read_platform_instant(text) == instant


def test_stored_instants_sort_as_text_and_come_back() -> None:
    instants = [MIDNIGHT, MIDNIGHT + TICK, MIDNIGHT + timedelta(seconds=1)]

    written = [write_instant(instant) for instant in instants]

    assert written == sorted(written)
    assert written[0] == "2026-03-10T00:00:00.000000Z"
    assert [read_instant(text) for text in written] == instants


def test_instants_are_written_in_utc() -> None:
    in_paris = (MIDNIGHT + TICK).astimezone(timezone(timedelta(hours=1)))

    assert (
        write_instant(in_paris) == write_public_instant(in_paris) == "2026-03-10T00:00:00.000001Z"
    )
    assert write_public_instant(MIDNIGHT) == "2026-03-10T00:00:00Z"
    assert write_second(in_paris) == "2026-03-10T00:00:00Z"


def test_the_first_whole_second_is_not_before_the_instant() -> None:
    assert write_second_from(MIDNIGHT) == "2026-03-10T00:00:00Z"
    assert write_second_from(MIDNIGHT + TICK) == "2026-03-10T00:00:01Z"
