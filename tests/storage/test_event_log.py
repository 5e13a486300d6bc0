"""The event log under concurrency: nothing is missed, nothing is half stored."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from time import sleep
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import IntegrityError, OperationalError
from sqlalchemy import func, insert, select

from ledger.errors import SettingsError
from ledger.storage.database import Database
from ledger.storage.event_recorder import EventRecorder, read_streams
from ledger.storage.high_water_mark import POSITIONS_LOCK
from ledger.storage.tables import events
from tests.storage.rows import AN_EVENT, STREAM, a_row, an_event, keep, statements_of

WRITERS = 8
WRITES = 60


@pytest.fixture
def recorder(database: Database) -> EventRecorder:
    return EventRecorder(database)


def test_a_reader_that_follows_eight_writers_misses_nothing(
    database: Database, recorder: EventRecorder
) -> None:
    """Positions are drawn before they are committed; a reader must not run ahead of them."""
    done = Event()

    def write(_: int) -> list[int]:
        stream, positions = uuid4(), []
        for version in range(WRITES):
            with database.begin() as connection:
                own = [an_event(version * 2, stream), an_event(version * 2 + 1, stream)]
                positions += recorder.insert_events(own, connection=connection)
                sleep(0.0005 * (version % 3))  # commit out of order
        return positions

    def follow() -> list[int]:
        reader, seen = EventRecorder(database), [0]
        while True:
            was_done = done.is_set()
            page = reader.select_notifications(seen[-1], 50, inclusive_of_start=False)
            seen += [entry.id for entry in page]
            if was_done and not page:
                return seen[1:]
            if not page:
                sleep(0.001)

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        following = pool.submit(follow)
        written = [
            position for positions in pool.map(write, range(WRITERS)) for position in positions
        ]
        done.set()
        seen = following.result()

    assert len(written) == WRITERS * WRITES * 2
    assert seen == sorted(written)


def test_an_open_writer_holds_the_high_water_mark_back_and_nobody_up(postgres: Database) -> None:
    recorder = EventRecorder(postgres)
    recorder.insert_events([an_event(1)])
    assert recorder.high_water_mark() == 1

    with postgres.begin() as connection:
        recorder.insert_events([an_event(2)], connection=connection)
        recorder.insert_events([an_event(1, uuid4())])  # overtakes

        assert recorder.max_notification_id() == 3
        assert recorder.high_water_mark(after=1) == 1
        assert [entry.id for entry in recorder.select_notifications(1, 10)] == [1]

    assert recorder.high_water_mark(after=1) == 3
    assert [entry.id for entry in recorder.select_notifications(1, 10)] == [1, 2, 3]


def test_a_rolled_back_writer_leaves_a_gap_and_stops_nobody(postgres: Database) -> None:
    recorder = EventRecorder(postgres)
    recorder.insert_events([an_event(1)])
    with pytest.raises(IntegrityError):
        recorder.insert_events([an_event(1)])
    recorder.insert_events([an_event(2)])

    assert [entry.id for entry in recorder.select_notifications(None, 10)] == [1, 3]


def test_any_insert_of_events_takes_the_lock_of_positions(postgres: Database) -> None:
    """Whatever statement writes, also one that never heard of the recorder."""
    with postgres.begin() as writer:
        writer.execute(insert(events), AN_EVENT)
        with postgres.connect() as reader:
            is_free = reader.scalar(select(func.pg_try_advisory_xact_lock(POSITIONS_LOCK)))

    assert is_free is False


def test_history_below_the_high_water_mark_is_read_without_a_lock(postgres: Database) -> None:
    recorder = EventRecorder(postgres)
    recorder.insert_events([an_event(version) for version in range(1, 5)])
    recorder.high_water_mark()

    with postgres.begin() as writer:
        writer.execute(select(func.pg_advisory_xact_lock_shared(POSITIONS_LOCK)))
        with statements_of(postgres) as sql_texts:
            page = recorder.select_notifications(1, 4)
            whole = recorder.select_notifications(1, 10, stop=4)

    assert page == whole
    assert sql_texts
    assert not [sql for sql in sql_texts if "lock" in sql]


def test_events_join_the_callers_transaction(database: Database, recorder: EventRecorder) -> None:
    def fail_after_writing() -> None:
        with database.begin() as connection:
            recorder.insert_events([an_event(1)], connection=connection)
            assert len(read_streams(connection, [STREAM])[STREAM]) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_writing()

    assert recorder.select_events(STREAM) == []


def test_an_event_names_the_notification_it_came_from(
    database: Database, recorder: EventRecorder
) -> None:
    recorder.insert_events([an_event(1)], origin_id="n")

    with database.connect() as connection:
        assert connection.scalar(select(events.c.origin_id)) == "n"


def test_many_streams_are_read_at_once_in_version_order(
    database: Database, recorder: EventRecorder
) -> None:
    first, second, empty = uuid4(), uuid4(), uuid4()
    positions = recorder.insert_events(
        [an_event(1, first), an_event(1, second), an_event(2, first)]
    )

    with database.connect() as connection:
        streams = read_streams(connection, [first, second, empty])
        assert read_streams(connection, []) == {}

    assert [(entry.originator_version, entry.id) for entry in streams[first]] == [
        (1, positions[0]),
        (2, positions[2]),
    ]
    assert (len(streams[second]), streams[empty]) == (1, [])


def test_positions_are_in_the_order_of_the_events(
    database: Database, recorder: EventRecorder
) -> None:
    """Above one page of the driver's bulk insert, too."""
    streams = [uuid4() for _ in range(2_500)]

    positions = recorder.insert_events([an_event(1, stream) for stream in streams])

    with database.connect() as connection:
        stored = select(events.c.originator_id).order_by(events.c.position)
        assert list(connection.scalars(stored)) == streams
    assert positions == sorted(positions)


def test_a_subscription_passes_over_other_topics_and_can_be_stopped(
    recorder: EventRecorder,
) -> None:
    versions = range(1, 1_201)
    topics = {version: "asked" if version % 600 == 0 else "other" for version in versions}
    recorder.insert_events([an_event(version, topic=topics[version]) for version in versions])
    seen: list[int] = []
    subscription = recorder.subscribe(topics=["asked"])
    thread = Thread(target=lambda: seen.extend(entry.originator_version for entry in subscription))

    thread.start()
    while len(seen) < 2 and thread.is_alive():
        sleep(0.01)
    subscription.stop()
    thread.join(timeout=5)

    assert seen == [600, 1200]
    assert not thread.is_alive()


def test_a_database_that_is_gone_is_the_librarys_operational_error(tmp_path: Path) -> None:
    recorder = EventRecorder(Database("postgresql://postgres@127.0.0.1:1/none"))

    with pytest.raises(OperationalError):
        recorder.insert_events([an_event(1)])


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/ledger", "no url"]
)
def test_a_database_that_would_not_last_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        Database(url)


def test_no_raw_body_is_in_a_database_error(database: Database) -> None:
    keep(database, a_row(1))

    with pytest.raises(Exception, match=r"(?i)unique") as caught:
        keep(database, a_row(1, signed_tag="0f"))

    assert "vads_site_id" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_of_a_fork_uses_connections_of_its_own(
    database: Database, recorder: EventRecorder
) -> None:
    recorder.insert_events([an_event(1)])

    def write(first: int) -> None:
        for version in range(first, first + 20):
            recorder.insert_events([an_event(version, UUID(int=first))])

    context = multiprocessing.get_context("fork")
    children = [context.Process(target=write, args=(first,)) for first in (100, 200)]
    for child in children:
        child.start()
    write(300)
    for child in children:
        child.join(timeout=30)

    assert [child.exitcode for child in children] == [0, 0]
    assert len(recorder.select_notifications(None, 100)) == 61


def test_threads_queue_for_the_one_writer_of_sqlite(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    recorder = EventRecorder(database)

    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda _: recorder.insert_events([an_event(1, uuid4())]), range(200)))
    database.dispose()

    assert sorted(position for positions in done for position in positions) == list(range(1, 201))
