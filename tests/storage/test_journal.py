"""The inbox: what is stored, and what is a repeat."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from ledger.storage.database import Database
from ledger.storage.inbox import AlreadyRecorded, Inbox, InboxRecord, Repeat
from ledger.storage.outcomes import Outcome
from tests.storage.rows import START, STREAM, a_quarantine, a_refusal, a_row, keep, refuse


def ids(rows: list[InboxRecord]) -> list[int]:
    return [int(row.id) for row in rows]


def test_a_verified_delivery_comes_back_as_it_was_kept(database: Database) -> None:
    kept = a_row(1, positions=(3, 4, 2**40), endpoint_mode="TEST", reason="no-key")

    keep(database, kept)

    with database.connect() as connection:
        assert Inbox(connection).get(kept.id) == kept


def test_a_refused_delivery_comes_back_as_it_was_kept(database: Database) -> None:
    kept = a_refusal(1, shop_id="12345678", mode="TEST", format="form-v2")

    refuse(database, a_quarantine(), kept)

    with database.connect() as connection:
        assert Inbox(connection).get(kept.id) == kept


def test_moments_are_utc_whatever_zone_they_were_told_in(database: Database) -> None:
    paris = timezone(timedelta(hours=1))
    kept = a_row(1, told_at=datetime(2026, 1, 1, 0, 30, 0, 5, tzinfo=paris))

    keep(database, kept)

    with database.connect() as connection:
        stored = Inbox(connection).get(kept.id)
    assert stored is not None
    assert stored.told_at == kept.told_at
    assert stored.told_at is not None
    assert stored.told_at.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="time zone"):
        keep(database, a_row(1, told_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - on purpose


def test_the_same_signed_content_is_recorded_once(database: Database) -> None:
    keep(database, a_row(1))

    with pytest.raises(AlreadyRecorded):
        keep(database, replace(a_row(2), signed_tag=a_row(1).signed_tag))


def test_the_same_signed_content_is_repeated_any_number_of_times(database: Database) -> None:
    same = a_row(1).signed_tag
    keep(database, a_row(1, positions=(7,)))

    keep(database, *(a_row(n, outcome=Outcome.REPEATED, signed_tag=same) for n in (2, 3)))

    with database.connect() as connection:
        positions = Inbox(connection).positions_by_tag([str(same), "0" * 64])
    assert positions == {same: (7,)}


def test_an_id_used_twice_is_no_repeat(database: Database) -> None:
    keep(database, a_row(1))

    with pytest.raises(IntegrityError):
        keep(database, replace(a_row(1), signed_tag="f" * 64))


def test_a_stream_is_confirmed_by_the_latest_repeat(database: Database) -> None:
    other = UUID(int=8)
    with database.begin() as connection:
        inbox = Inbox(connection)
        inbox.add_repeats([Repeat(stream, "n1", START) for stream in (STREAM, other)])
        inbox.add_repeats([Repeat(STREAM, "n2", START + timedelta(hours=1))])
        inbox.add_repeats([Repeat(UUID(int=9), "n3", None)])
        inbox.add_repeats([])

    with database.connect() as connection:
        confirmed = Inbox(connection).confirmed_at([STREAM, other, UUID(int=9)])

    assert confirmed == {STREAM: START + timedelta(hours=1), other: START}
