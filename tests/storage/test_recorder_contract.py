"""Our recorder passes the event library's own acceptance tests, on both databases."""

from collections.abc import Iterator
from threading import current_thread
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
)

from ledger.storage.database import Database
from ledger.storage.event_recorder import EventRecorder


class _StreamsOnly(EventRecorder):
    """The library expects no positions from a recorder of streams alone."""

    def insert_events(self, *args: Any, **kwargs: Any) -> Any:
        super().insert_events(*args, **kwargs)


def _close(database: Database) -> None:
    for thread in enumerate_threads():  # the library's tests do not join their readers
        if thread is not current_thread() and not thread.daemon:
            thread.join(timeout=5)
    database.dispose()


class _OnSqlite:
    @pytest.fixture(autouse=True)
    def _open(self, sqlite_url: str) -> Iterator[None]:
        self.database = Database(sqlite_url)
        yield
        _close(self.database)


class _OnPostgresql:
    @pytest.fixture(autouse=True)
    def _open(self, postgres_url: str) -> Iterator[None]:
        self.database = Database(postgres_url)
        yield
        _close(self.database)


class _Streams:
    database: Database

    def create_recorder(self) -> EventRecorder:
        return _StreamsOnly(self.database)


class _Log:
    database: Database

    def create_recorder(self) -> EventRecorder:
        return EventRecorder(self.database)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()  # type: ignore[attr-defined]  # of the test case


class TestStreamsOnSqlite(_OnSqlite, _Streams, AggregateRecorderTestCase):
    pass


class TestStreamsOnPostgresql(_OnPostgresql, _Streams, AggregateRecorderTestCase):
    pass


class TestLogOnSqlite(_OnSqlite, _Log, ApplicationRecorderTestCase[EventRecorder]):
    pass


class TestLogOnPostgresql(_OnPostgresql, _Log, ApplicationRecorderTestCase[EventRecorder]):
    pass


del AggregateRecorderTestCase, ApplicationRecorderTestCase  # else they are collected themselves
