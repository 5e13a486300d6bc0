"""How far the log is known to be complete, for those who ask often."""

from uuid import uuid4

import pytest

from ledger.storage import high_water_mark
from ledger.storage.database import Database
from ledger.storage.event_recorder import EventRecorder
from tests.storage.rows import an_event, statements_of


def test_a_proven_position_is_never_one_that_an_open_writer_may_still_precede(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(high_water_mark, "PROVEN_SECONDS", 0)
    recorder = EventRecorder(postgres)
    recorder.insert_events([an_event(1)])
    assert recorder.proven_position() == 1

    with postgres.begin() as connection:
        recorder.insert_events([an_event(2)], connection=connection)
        recorder.insert_events([an_event(1, uuid4())])  # overtakes
        assert recorder.proven_position() == 1

    assert recorder.proven_position() == 3


def test_whoever_asks_often_for_a_proven_position_holds_up_writers_once(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(high_water_mark, "PROVEN_SECONDS", 3_600)
    recorder = EventRecorder(postgres)

    with statements_of(postgres) as sql_texts:
        for version in range(1, 5):
            recorder.insert_events([an_event(version)])
            assert recorder.proven_position() == 1

    assert len([sql for sql in sql_texts if "pg_advisory_xact_lock(" in sql]) == 1
