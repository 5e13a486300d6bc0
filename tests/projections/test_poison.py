"""Events that a read model cannot apply are skipped, reported and tried again; the rest go on."""

from functools import partial
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from ledger.aggregates.event_catalogue import EVENT_CLASSES, SENTENCES
from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.projections.engine.event_reader import read_events
from ledger.projections.engine.folding import Poison, RowChanges, fold
from ledger.projections.engine.follow import write_changes
from ledger.projections.engine.generations import LIVE, RETIRED
from ledger.projections.engine.leadership import ProjectionRunner
from ledger.projections.engine.registry import PROJECTIONS
from ledger.projections.engine.status import Status, statuses
from ledger.storage.database import Database
from ledger.storage.tables import events
from tests.conftest import opened
from tests.projections.helpers import (
    SEVEN_STORIES,
    eventually,
    follow,
    ledger_of,
    live,
    poison,
    positions,
    rebuilt,
    receive_stories,
    rows,
    states,
)

UNDECODABLE = b"\xff\x00 no JSON"
TOO_LARGE = 2**63


def a_state(**changes: Any) -> bytes:
    """Return a stored event like an honest one, but for the changes."""
    state: dict[str, Any] = {
        "timestamp": "2026-11-23T12:00:00.000000Z",
        "notification_id": "0" * 26,
        "received_at": "2026-11-23T12:00:00.000000Z",
        "shop_id": "12345678",
        "mode": "TEST",
        "reference": "r",
        "rule": "end-of-payment",
        "rule_certainty": "told",
        "facts": {"operation_type": "DEBIT", "status": "CAPTURED", "order_id": "F-1"},
    }
    return orjson.dumps(state | changes)


def append(database: Database, *states: bytes, topic: str = "transaction.captured") -> int:
    """Store events as no code of ours does; return the position of the last."""
    position = 0
    with database.begin() as connection:
        for state in states:
            row = {"originator_id": uuid4(), "originator_version": 1, "topic": topic}
            statement = insert(events).values(origin_id="n").returning(events.c.position)
            position = int(connection.scalar(statement, row | {"state": state}) or 0)
    return position


FACTS = {"operation_type": "DEBIT", "status": "CAPTURED", "order_id": "F-1"}
FAULTS = {
    "undecodable": (UNDECODABLE, "transaction.captured", "DecodeError"),
    "unknown topic": (a_state(), "transaction.teleported", "KeyError"),
    "rows raise": (a_state(moved=["status", "nowhere"]), "transaction.captured", "KeyError"),
    "number too large": (
        a_state(facts=FACTS | {"amount_minor": TOO_LARGE}),
        "transaction.captured",
        "",
    ),
    "no type of ours": (
        a_state(facts=FACTS | {"amount_minor": [1]}),
        "transaction.captured",
        "ValidationError",
    ),
}


def test_what_a_model_cannot_apply_is_skipped_alike_when_following_and_when_rebuilding(
    database: Database,
) -> None:
    ledger = ledger_of(database, "payment-accepted")
    follow(ledger)
    good = rows(ledger, "transactions")
    faulty = {}
    for fault, (state, topic, _) in FAULTS.items():
        faulty[append(database, state, topic=topic)] = fault
        append(database, a_state(reference=f"after {fault}"))

    until = follow(ledger)

    assert poison(ledger, "transactions") == list(faulty)
    assert positions(ledger) == dict.fromkeys(PROJECTIONS, until)
    shown = rows(ledger, "transactions")["transactions"]
    assert len(shown) == len(good["transactions"]) + len(FAULTS)
    for skipped in status_of(ledger, "transactions").poison:
        _, topic, error = FAULTS[faulty[skipped.position]]
        assert skipped.topic == topic
        assert skipped.error.startswith(error)
    for name in ("transactions", "orders", "totals", "audit_trail"):
        skipped_before = poison(ledger, name)
        done = rebuilt(ledger, name)
        assert done.is_identical, done.differences
        assert poison(ledger, name) == skipped_before
        assert done.poison == len(skipped_before)


def status_of(ledger: Ledger, name: str) -> Status:
    (status,) = [status for status in statuses(ledger) if status.generation.name == name]
    return status


def test_nul_is_refused_by_postgresql_alone_in_small_batches_and_by_copy(postgres_url: str) -> None:
    """COPY goes past the database library, whose errors are not those of its driver."""
    facts = FACTS | {"payment_method": "C\x00B"}
    with opened(postgres_url) as database:
        ledger = ledger_of(database, *SEVEN_STORIES)
        with_nul = [append(database, a_state(facts=facts)) for _ in range(3)]
        append(database, *(a_state() for _ in range(250)))

        follow(ledger)

        assert poison(ledger, "transactions") == poison(ledger, "totals") == with_nul
        assert poison(ledger, "orders") == []
        shown = len(rows(ledger, "transactions")["transactions"])
        assert rebuilt(ledger, "transactions", workers=3).is_identical
        assert poison(ledger, "transactions") == with_nul
        assert len(rows(ledger, "transactions")["transactions"]) == shown > 250


def test_a_key_that_is_missing_is_the_event_s_fault_not_the_view_s(database: Database) -> None:
    ledger = ledger_of(database, "subscription")
    position = append(
        database,
        a_state(subscription_id="S", alias="A", status="CREATED", facts={"status": "CAPTURED"}),
        topic="subscription.instalment-accepted",
    )

    follow(ledger)

    assert poison(ledger, "subscriptions") == [position]
    assert rebuilt(ledger, "subscriptions").is_identical


def test_an_event_is_skipped_when_it_is_refused_twice(database: Database) -> None:
    """Once may be somebody else's doing."""
    model = PROJECTIONS["transactions"]
    position = append(database, a_state())
    with database.begin() as connection:
        stored = read_events(connection, model.kinds, after=position - 1, until=position)

        def skipped(refusals: int) -> list[Poison]:
            to_come = iter(range(refusals))

            def write(_: Connection, __: RowChanges) -> None:
                if next(to_come, None) is not None:
                    raise IntegrityError("INSERT", {}, ValueError("refused"))

            return write_changes(
                connection, stored, fold(model, stored), write, partial(fold, model), []
            )

        assert skipped(1) == []
        assert [event.position for event in skipped(2)] == [position]


def test_status_says_how_late_a_model_is_also_before_an_event_nobody_can_read(
    database: Database,
) -> None:
    ledger = ledger_of(database, "payment-accepted")
    follow(ledger)
    append(database, UNDECODABLE)

    shown = statuses(ledger)

    assert {status.lag for status in shown} == {1}
    assert {status.lag_seconds for status in shown} == {0.0}


def test_a_model_that_fails_does_not_stop_the_rest(database: Database) -> None:
    ledger = ledger_of(database, "payment-accepted")
    with database.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE order_lines_g{live(ledger, 'orders').id}")
    runner = ProjectionRunner(ledger)

    runner.start()

    try:
        until = ledger.events.high_water_mark()
        eventually(
            lambda: list(positions(ledger).values()).count(until or 0) == len(PROJECTIONS) - 1
        )
        assert positions(ledger)["orders"] == 0
        receive_stories(ledger, "refunded-in-part")
        until = ledger.events.high_water_mark()
        eventually(lambda: positions(ledger)["transactions"] == until)
    finally:
        runner.stop()


def test_mended_code_applies_what_was_skipped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = ledger_of(database, "payment-accepted")
    position = append(database, a_state(), topic="transaction.teleported")
    follow(ledger)
    assert poison(ledger, "transactions") == [position]
    assert rebuilt(ledger, "transactions", is_dry=True).poison == 1

    class Teleported(Transaction.Event):
        TOPIC = "transaction.teleported"

    monkeypatch.setitem(EVENT_CLASSES, Teleported.TOPIC, Teleported)  # type: ignore[arg-type]  # a dict
    done = rebuilt(ledger, "transactions")

    assert done.poison == 0
    assert done.differences[0].rows[1] == done.differences[0].rows[0] + 1
    assert poison(ledger, "transactions") == []
    assert Teleported not in SENTENCES
    assert states(ledger, "transactions") == [
        RETIRED,
        LIVE,
    ]  # the dry run's is gone
