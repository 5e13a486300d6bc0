"""The journal: what is kept, what is a repeat, and what leaves quarantine first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from ledger.storage import references
from ledger.storage.database import Database
from ledger.storage.journal import AlreadyRecorded, Bounds, Evicted, Journal, JournalRow, Repeat
from tests.contract.rows import START, STREAM, a_refusal, a_row, keep

AMPLE = {
    "count_max": 1_000,
    "bytes_max": 1_000_000,
    "total_count_max": 1_000_000,
    "total_bytes_max": 1_000_000_000,
}


def refuse(database: Database, journal: Journal, *rows: JournalRow, **bounds: int) -> list[Evicted]:
    evicted = []
    for row in rows:
        with database.begin() as connection:
            evicted += journal.quarantine(connection, row, Bounds(**AMPLE | bounds))
    return evicted


def ids(rows: list[JournalRow]) -> list[int]:
    return [int(row.id) for row in rows]


def test_a_verified_delivery_comes_back_as_it_was_kept(database: Database) -> None:
    kept = a_row(1, positions=(3, 4, 2**40), endpoint_mode="TEST", reason="no-key")

    keep(database, kept)

    with database.connect() as connection:
        assert Journal(database).get(connection, kept.id) == kept


def test_a_refused_delivery_comes_back_as_it_was_kept(database: Database) -> None:
    kept = a_refusal(1, shop_id="12345678", mode="TEST", format="form-v2", body=b"\x00\xff")

    refuse(database, Journal(database), kept)

    with database.connect() as connection:
        assert Journal(database).get(connection, kept.id) == kept


def test_moments_are_utc_whatever_zone_they_were_told_in(database: Database) -> None:
    paris = timezone(timedelta(hours=1))
    kept = a_row(1, told_at=datetime(2026, 1, 1, 0, 30, 0, 5, tzinfo=paris))

    keep(database, kept)

    with database.connect() as connection:
        found = Journal(database).get(connection, kept.id)
    assert found is not None
    assert found.told_at == kept.told_at
    assert found.told_at is not None
    assert found.told_at.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="time zone"):
        keep(database, a_row(1, told_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - on purpose


def test_the_same_signed_content_is_recorded_once(database: Database) -> None:
    keep(database, a_row(1))

    with pytest.raises(AlreadyRecorded):
        keep(database, replace(a_row(2), signed_digest=a_row(1).signed_digest))


def test_the_same_signed_content_is_repeated_any_number_of_times(database: Database) -> None:
    same = a_row(1).signed_digest
    keep(database, a_row(1, positions=(7,)))

    keep(database, *(a_row(n, outcome="repeated", signed_digest=same) for n in (2, 3)))

    with database.connect() as connection:
        found = Journal(database).positions_by_digest(connection, [str(same), "0" * 64])
    assert found == {same: (7,)}


def test_an_id_used_twice_is_no_repeat(database: Database) -> None:
    keep(database, a_row(1))

    with pytest.raises(IntegrityError):
        keep(database, replace(a_row(1), signed_digest="f" * 64))


def test_a_stream_is_confirmed_by_the_latest_repeat(database: Database) -> None:
    journal, other = Journal(database), UUID(int=8)
    with database.begin() as connection:
        journal.add_repeats(connection, [Repeat(one, "n1", START) for one in (STREAM, other)])
        journal.add_repeats(connection, [Repeat(STREAM, "n2", START + timedelta(hours=1))])
        journal.add_repeats(connection, [Repeat(UUID(int=9), "n3", None)])
        journal.add_repeats(connection, [])

    with database.connect() as connection:
        confirmed = journal.confirmed_at(connection, [STREAM, other, UUID(int=9)])

    assert confirmed == {STREAM: START + timedelta(hours=1), other: START}


def test_a_list_shows_both_kinds_newest_first_page_by_page(database: Database) -> None:
    journal = Journal(database)
    keep(database, a_row(1), a_row(3), a_row(4), a_row(6, outcome="repeated"))
    refuse(database, journal, a_refusal(2), a_refusal(5))

    pages, before = [], None
    with database.connect() as connection:
        while page := journal.list(connection, before_id=before, limit=4):
            pages.append(ids(page))
            before = page[-1].id

    assert pages == [[6, 5, 4, 3], [2, 1]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"outcome": "quarantined"}, [5, 2]),
        ({"outcome": "recorded"}, [4, 3, 1]),
        ({"outcome": "repeated"}, [6]),
        ({"reason": "no-key"}, [5, 4]),
        ({"reason": "no-key", "outcome": "recorded"}, [4]),
        ({"shop_id": "12345678", "mode": "PRODUCTION"}, [5, 3]),
        ({"shop_id": "99999999"}, []),
    ],
)
def test_a_list_is_narrowed(database: Database, asked: dict[str, str], found: list[int]) -> None:
    journal = Journal(database)
    keep(database, a_row(1), a_row(3, mode="PRODUCTION"))
    keep(database, a_row(4, reason="no-key"), a_row(6, outcome="repeated"))
    claimed = {"shop_id": "12345678", "mode": "PRODUCTION", "reason": "no-key"}
    refuse(database, journal, a_refusal(2), a_refusal(5, **claimed))

    with database.connect() as connection:
        rows = journal.list(connection, **asked)  # type: ignore[arg-type]  # all are text

    assert ids(rows) == found
    assert all(row.body is None for row in rows)


def test_a_sender_keeps_only_its_newest_refusals(database: Database) -> None:
    journal = Journal(database)
    rows = [a_refusal(n) for n in range(1, 6)]

    refuse(database, journal, a_refusal(9, peer="198.51.100.1"))
    evicted = refuse(database, journal, *rows, count_max=3)

    assert [int(one.id) for one in evicted] == [1, 2]
    with database.connect() as connection:
        assert ids(journal.list(connection)) == [9, 5, 4, 3]
        assert journal.quarantine_size(connection) == (4, 40)


def test_a_sender_keeps_no_more_bytes_than_allowed(database: Database) -> None:
    evicted = refuse(
        database,
        Journal(database),
        a_refusal(1, body=b"x" * 60),
        a_refusal(2, body=b"x" * 30),
        a_refusal(3, body=b"x" * 50),
        bytes_max=100,
    )

    assert evicted == [Evicted(a_refusal(1).id, "unknown-format", "192.0.2.1")]


def test_what_a_key_may_still_repair_leaves_last(database: Database) -> None:
    journal = Journal(database)
    rows = [
        a_refusal(1, reason="no-key"),
        a_refusal(2),
        a_refusal(3, reason="signature-mismatch"),
        a_refusal(4),
        a_refusal(5, reason="no-key"),
        a_refusal(6, reason="no-key"),
    ]

    evicted = refuse(database, journal, *rows, count_max=3)

    assert [int(one.id) for one in evicted] == [2, 4, 1]
    with database.connect() as connection:
        assert journal.quarantine_reasons(connection) == {"no-key": 2, "signature-mismatch": 1}


def test_all_senders_together_stay_near_the_total(database: Database) -> None:
    journal = Journal(database)
    rows = [a_refusal(n, peer=f"198.51.100.{n}") for n in range(1, 200)]

    refuse(database, journal, *rows, total_bytes_max=500)

    with database.connect() as connection:
        _, size = journal.quarantine_size(connection)
        newest = journal.list(connection, limit=1)[0]
    assert size <= 500 + 64 * 10
    assert newest.id == rows[-1].id


def test_many_senders_of_nothing_stay_near_the_total(database: Database) -> None:
    """A body of no bytes takes a row all the same."""
    journal = Journal(database)
    rows = [a_refusal(n, peer=f"198.51.100.{n}", body=b"") for n in range(1, 200)]

    refuse(database, journal, *rows, total_count_max=50)

    with database.connect() as connection:
        count, _ = journal.quarantine_size(connection)
        newest = journal.list(connection, limit=1)[0]
    assert count <= 50 + 64
    assert newest.id == rows[-1].id


def test_there_is_room_while_nothing_has_to_leave(database: Database) -> None:
    """Another three processes may take as much at the same time."""
    journal, rows = Journal(database), iter(a_refusal(n) for n in range(1, 100))
    first = next(rows)

    assert not journal.take_room(first)  # nobody has looked yet
    refuse(database, journal, first, count_max=21)

    assert [journal.take_room(one) for one, _ in zip(rows, range(6), strict=False)] == [
        *[True] * 5,
        False,
    ]
    assert not journal.take_room(a_refusal(50, peer="198.51.100.1"))
    assert not journal.take_room(a_refusal(51, body=b"x" * 10**6))


def test_a_sender_who_never_ends_is_seldom_looked_at(database: Database) -> None:
    journal, most, calls = Journal(database), 400, 200
    refuse(database, journal, *map(a_refusal, range(1, most)), count_max=most)

    looks = 0
    for number in range(most, most + calls):
        row = a_refusal(number)
        if journal.take_room(row):
            with database.begin() as connection:
                journal.put_aside(connection, [row])
        else:
            looks += 1
            refuse(database, journal, row, count_max=most)
        with database.connect() as connection:
            assert journal.quarantine_size(connection)[0] <= most

    assert looks <= calls / 5


def test_a_delivery_is_released_once(database: Database) -> None:
    journal = Journal(database)
    refuse(database, journal, a_refusal(1))

    with database.begin() as connection:
        released = [journal.release(connection, a_refusal(1).id) for _ in range(2)]
        gone = journal.get(connection, a_refusal(1).id)

    assert released == [True, False]
    assert gone is None


def test_a_subscription_is_found_by_its_names(database: Database) -> None:
    told = [("sub", "alice", "o-1"), ("sub", "bob", "o-2"), ("other", "bob", "o-3")]
    with database.begin() as connection:
        for number, (subscription_id, alias, order_id) in enumerate([*told, told[0]]):
            names = {"subscription_id": subscription_id, "alias": alias, "order_id": order_id}
            stream = {"shop_id": "1", "mode": "TEST", "originator_id": UUID(int=number)}
            references.add_all(connection, [stream | names])

    with database.connect() as connection:
        by_id = references.subscriptions_by_id(connection, "1", "TEST", "sub")
        found = [
            references.orders_by_subscription(connection, "1", mode, alias)
            for mode, alias in [("TEST", "alice"), ("TEST", "bob"), ("PRODUCTION", "alice")]
        ]
    assert by_id == [("alice", UUID(int=0)), ("bob", UUID(int=1))]
    assert found == [{"sub": "o-1"}, {"sub": "o-2", "other": "o-3"}, {}]


def test_an_order_told_first_stands(database: Database) -> None:
    names = {"shop_id": "1", "mode": "TEST", "subscription_id": "sub", "alias": "alice"}
    with database.begin() as connection:
        for order_id in (None, "o-1", "o-2", None):
            told = {"order_id": order_id, "originator_id": STREAM}
            references.add_all(connection, [names | told])

        found = references.orders_by_subscription(connection, "1", "TEST", "alice")

    assert found == {"sub": "o-1"}
