"""How instants are read and written, and what a bare day means."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.instants import (
    beginning_of,
    end_of,
    read_as_of,
    read_instant,
    read_platform_day,
    read_platform_instant,
    read_since,
    read_until,
    without_idle_fraction,
    write_instant,
    write_public_instant,
    write_second,
    write_second_from,
)

MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
NEXT_MIDNIGHT = datetime(2026, 3, 11, tzinfo=UTC)
TICK = timedelta(microseconds=1)
LAST = datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("day", ["2026-03-10", "20260310"])
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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-30",
        "2026-03-10T25:00:00Z",
        "2026-W11-2",
        "2026W112",
        "2026-W11",
        "2026-W11-2T09:15:00Z",
        "2026-0310",
        "2026",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the standard library words its own messages
        read_since(text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("20260310000000", MIDNIGHT),
        ("2026-03-10T00:00:00Z", MIDNIGHT),
        ("2026-03-10T00:00:00+00:00", MIDNIGHT),
        ("2026-03-10T01:00:00+01:00", MIDNIGHT),
        ("2026-03-09T20:29:59.5-03:30", MIDNIGHT - timedelta(seconds=0.5)),
        ("2026-03-10T00:00:00.000001999Z", MIDNIGHT + TICK),
        ("20280229235959", datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_the_platform_writes_instants_in_two_ways(text: str, instant: datetime) -> None:
    assert read_platform_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026",
        "20260310",
        "2026-03-10",
        "2026W101",
        "2026-W10-1",
        "2026-W11-2T00:00:00Z",
        "2026W112T000000Z",
        "2026-069T00:00:00Z",
        "20260310T000000",
        "20260310T000000Z",
        "20260310 000000",
        "2026031000000",
        "202603100000000",
        "٢٠٢٦٠٣١٠٠٠٠٠٠٠",
        " 20260310000000",
        "20260310000000\n",
        "20260231250000",
        "20270229101010",
        "20270228240000",
        "20161231235960",
        "2016-12-31T23:59:60Z",
        "2026-03-10T24:00:00Z",
        "2026-03-10T00:00:00",  # where?
        "2026-03-10 00:00:00Z",
        "2026-03-10T00:00Z",
        "2026-03-10T00Z",
        "2026-03-10T00:00:00z",
        "2026-03-10t00:00:00Z",
        "2026-03-10T00:00:00,5Z",
        "2026-03-10T00:00:00.Z",
        "2026-03-10T00:00:00+01",
        "2026-03-10T00:00:00+0100",
        "2026-03-10T00:00:00+01:60",
        "2026-03-10T00:00:00+24:00",
        "2026-03-10T00:00:00+01:00:00",
        "2026-3-10T00:00:00Z",
        "00010101000000",
        "00000101000000",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_nothing_else_is_an_instant_of_the_platform(text: str) -> None:
    assert read_platform_instant(text) is None


def test_the_platform_writes_a_day_in_eight_digits() -> None:
    assert read_platform_day("20260310") == MIDNIGHT.date()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026W101",
        "2026-W10",
        "2026-069",
        "2026069",
        "2026-03-10",
        "20260231",
        "20261301",
        "20260310000000",
        "00000101",
        "00010101",
        "٢٠٢٦٠٣١٠",
        "20260310 ",
    ],
)
def test_nothing_else_is_a_day_of_the_platform(text: str) -> None:
    assert read_platform_day(text) is None


@given(
    st.integers(-(10**16), 10**16).map(lambda ticks: MIDNIGHT + ticks * TICK),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_what_the_platform_writes_is_read_as_it_is_meant(instant: datetime, zone: timezone) -> None:
    second = instant.replace(microsecond=0)

    assert read_platform_instant(f"{instant:%Y%m%d%H%M%S}") == second
    assert read_platform_instant(second.isoformat().replace("+00:00", "Z")) == second
    assert read_platform_instant(instant.astimezone(zone).isoformat()) == instant


def test_stored_instants_sort_as_text_and_come_back() -> None:
    instants = [MIDNIGHT, MIDNIGHT + TICK, MIDNIGHT + timedelta(seconds=1)]

    written = [write_instant(instant) for instant in instants]

    assert written == sorted(written)
    assert written[0] == "2026-03-10T00:00:00.000000Z"
    assert [read_instant(text) for text in written] == instants


def test_a_stored_instant_is_shown_without_an_idle_fraction() -> None:
    for instant in (MIDNIGHT, MIDNIGHT + TICK, MIDNIGHT + timedelta(milliseconds=500)):
        stored, shown = write_instant(instant), write_public_instant(instant)
        assert without_idle_fraction(stored) == shown
        assert without_idle_fraction(shown) == shown


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
