"""The quarantine: what there is room for, and what leaves it first."""

from sqlalchemy import select

from ledger.storage.database import Database
from ledger.storage.inbox import Inbox
from ledger.storage.quarantine import Evicted, quarantine_size, release
from ledger.storage.tables import quarantine
from tests.storage.rows import a_quarantine, a_refusal, refuse, refused


def remaining(database: Database) -> list[int]:
    """The numbers of all that are in quarantine, in the order of arrival."""
    with database.connect() as connection:
        return [int(id_) for id_ in connection.scalars(select(quarantine.c.id).order_by("id"))]


def sizes(database: Database) -> tuple[int, int]:
    with database.connect() as connection:
        return quarantine_size(connection)


def numbers(evicted: list[Evicted]) -> list[int]:
    return [int(delivery.id) for delivery in evicted]


def test_a_sender_keeps_only_its_newest_refusals(database: Database) -> None:
    bounded = a_quarantine(count_max=3)

    refuse(database, bounded, a_refusal(9, peer="198.51.100.1"))
    evicted = refuse(database, bounded, *(a_refusal(number) for number in range(1, 6)))

    assert numbers(evicted) == [1, 2]
    assert remaining(database) == [3, 4, 5, 9]
    assert sizes(database) == (4, 40)


def test_a_sender_keeps_no_more_bytes_than_allowed(database: Database) -> None:
    evicted = refuse(
        database,
        a_quarantine(bytes_max=100),
        a_refusal(1, body=b"x" * 60),
        a_refusal(2, body=b"x" * 30),
        a_refusal(3, body=b"x" * 50),
    )

    assert evicted == [Evicted(a_refusal(1).id, "unknown-format", "192.0.2.1", 60)]


def test_what_a_key_may_still_repair_leaves_last(database: Database) -> None:
    every = [
        a_refusal(1, reason="no-key"),
        a_refusal(2),
        a_refusal(3, reason="signature-mismatch"),
        a_refusal(4),
        a_refusal(5, reason="no-key"),
        a_refusal(6, reason="no-key"),
    ]

    evicted = refuse(database, a_quarantine(count_max=3), *every)

    assert numbers(evicted) == [2, 4, 1]
    assert remaining(database) == [3, 5, 6]


def test_all_senders_together_stay_near_the_total(database: Database) -> None:
    every = [a_refusal(number, peer=f"198.51.100.{number}") for number in range(1, 130)]

    refuse(database, a_quarantine(total_bytes_max=500), *every)

    assert sizes(database)[1] <= 500 + 64 * 10
    assert remaining(database)[-1] == 129


def test_many_senders_of_nothing_stay_near_the_total(database: Database) -> None:
    """A body of no bytes takes a row all the same."""
    every = [a_refusal(number, peer=f"198.51.100.{number}", body=b"") for number in range(1, 130)]

    refuse(database, a_quarantine(total_count_max=50), *every)

    assert sizes(database)[0] <= 50 + 64
    assert remaining(database)[-1] == 129


def test_there_is_room_while_nothing_has_to_leave(database: Database) -> None:
    """Another three processes may take as much at the same time."""
    bounded = a_quarantine(count_max=21)

    assert not bounded.take_room(refused(a_refusal(1)))  # nobody has measured yet
    refuse(database, bounded, a_refusal(1))

    taken = [bounded.take_room(refused(a_refusal(number))) for number in range(2, 8)]
    assert taken == [*[True] * 5, False]
    assert not bounded.take_room(refused(a_refusal(50, peer="198.51.100.1")))
    assert not bounded.take_room(refused(a_refusal(51, body=b"x" * 10**6)))


def test_a_sender_who_never_ends_is_seldom_measured(database: Database) -> None:
    count_max, calls = 400, 80
    bounded = a_quarantine(count_max=count_max)
    with database.begin() as connection:
        bounded.add_many(connection, [refused(a_refusal(number)) for number in range(1, count_max)])

    measurings = 0
    for number in range(count_max, count_max + calls):
        row = a_refusal(number)
        if bounded.take_room(refused(row)):
            with database.begin() as connection:
                bounded.add_many(connection, [refused(row)])
        else:
            measurings += 1
            refuse(database, bounded, row)
        assert sizes(database)[0] <= count_max

    assert measurings <= calls / 5


def test_a_delivery_is_released_once(database: Database) -> None:
    refuse(database, a_quarantine(), a_refusal(1))

    with database.begin() as connection:
        released = [release(connection, a_refusal(1).id) for _ in range(2)]
        gone = Inbox(connection).get(a_refusal(1).id)

    assert released == [True, False]
    assert gone is None
