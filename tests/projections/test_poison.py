"""Events that a view cannot take are passed over, told, and tried again; the others go on."""

from functools import partial
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from ledger.aggregates.transaction import Transaction
from ledger.projections import generations as g
from ledger.projections.folding import Folded, Poison, fold
from ledger.projections.follower import write_folded
from ledger.projections.reading import read_events
from ledger.projections.registry import PROJECTIONS
from ledger.projections.runner import Followers
from ledger.projections.status import statuses
from ledger.storage.database import Database
from ledger.storage.tables import events
from ledger.vocabulary import EVENT_CLASSES, SENTENCES
from tests.projections.helpers import (
    eventually,
    follow,
    live,
    poison,
    positions,
    rebuilt,
    rows,
    tell,
    told,
)

UNDECODABLE = b"\xff\x00 no JSON"
TOO_LARGE = 2**63


def a_state(**changes: Any) -> bytes:
    """A stored event as an honest one is, but for the changes."""
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


def append(database: Database, state: bytes, topic: str = "transaction.captured") -> int:
    """Write an event as no code of ours does."""
    row = {"originator_id": uuid4(), "originator_version": 1, "topic": topic, "state": state}
    with database.begin() as connection:
        return int(connection.scalar(insert(events).returning(events.c.position), row) or 0)


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


@pytest.mark.parametrize("fault", list(FAULTS))
def test_what_a_view_cannot_take_is_passed_over_alike_live_and_rebuilt(
    database: Database, fault: str
) -> None:
    state, topic, error = FAULTS[fault]
    ledger = told(database, "payment-accepted")
    wanted = follow(ledger)
    good = rows(ledger, "transactions")
    position = append(database, state, topic)
    more = append(database, a_state(reference="after"))

    until = follow(ledger)

    assert until == more == wanted + 2
    assert poison(ledger, "transactions") == [position]
    assert positions(ledger) == dict.fromkeys(PROJECTIONS, until)
    shown = rows(ledger, "transactions")["transactions"]
    assert len(shown) == len(good["transactions"]) + 1
    (told_of,) = [one for one in statuses(ledger) if one.generation.name == "transactions"]
    assert [(one.position, one.topic) for one in told_of.poison] == [(position, topic)]
    assert told_of.poison[0].error.startswith(error)
    for name in ("transactions", "orders", "totals", "audit_trail"):
        passed_over = poison(ledger, name)
        done = rebuilt(ledger, name)
        assert done.is_identical, done.differences
        assert poison(ledger, name) == passed_over
        assert done.poison == len(passed_over)


def test_nul_is_refused_by_postgresql_alone_in_small_batches_and_by_copy(postgres_url: str) -> None:
    """COPY goes past the database library, whose errors are not those of its driver."""
    database = Database(postgres_url)
    ledger = told(database)
    before = ledger.events.high_water_mark() or 0
    facts = FACTS | {"payment_method": "C\x00B"}
    some = [append(database, a_state(facts=facts)) for _ in range(3)]
    for _ in range(250):
        append(database, a_state())

    follow(ledger)

    assert poison(ledger, "transactions") == poison(ledger, "totals") == some
    assert poison(ledger, "orders") == []
    shown = len(rows(ledger, "transactions")["transactions"])
    done = rebuilt(ledger, "transactions", workers=3)
    assert done.is_identical
    assert poison(ledger, "transactions") == some
    assert len(rows(ledger, "transactions")["transactions"]) == shown > 250 + before // 2
    database.dispose()


def test_a_key_that_is_missing_is_the_event_s_fault_not_the_view_s(database: Database) -> None:
    ledger = told(database, "subscription")
    position = append(
        database,
        a_state(subscription_id="S", alias="A", status="CREATED", facts={"status": "CAPTURED"}),
        "subscription.instalment-accepted",
    )

    follow(ledger)

    assert poison(ledger, "subscriptions") == [position]
    assert rebuilt(ledger, "subscriptions").is_identical


def test_an_event_is_passed_over_when_it_is_refused_twice(database: Database) -> None:
    """Once may be somebody else's doing."""
    view = PROJECTIONS["transactions"]
    position = append(database, a_state())
    with database.begin() as connection:
        events = read_events(connection, view.kinds, after=position - 1, until=position)

        def passed_over(refusals: int) -> list[Poison]:
            to_come = iter(range(refusals))

            def write(_: Connection, __: Folded) -> None:
                if next(to_come, None) is not None:
                    raise IntegrityError("INSERT", {}, ValueError("refused"))

            return write_folded(connection, events, fold(view, events), write, partial(fold, view))

        assert passed_over(1) == []
        assert [one.position for one in passed_over(2)] == [position]


def test_status_tells_how_late_a_view_is_also_before_an_event_nobody_can_read(
    database: Database,
) -> None:
    ledger = told(database, "payment-accepted")
    follow(ledger)
    append(database, UNDECODABLE)

    found = statuses(ledger)

    assert {one.lag for one in found} == {1}
    assert {one.lag_seconds for one in found} == {0.0}


def test_one_view_that_fails_does_not_stop_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = told(database, "payment-accepted")
    with database.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE order_lines_g{live(ledger, 'orders').id}")
    followers = Followers(ledger)

    followers.start()

    try:
        until = ledger.events.high_water_mark()
        eventually(lambda: list(positions(ledger).values()).count(until or 0) == 6)
        assert positions(ledger)["orders"] == 0
        tell(ledger, "refunded-in-part")
        until = ledger.events.high_water_mark()
        eventually(lambda: positions(ledger)["transactions"] == until)
    finally:
        followers.stop()


def test_code_that_was_mended_takes_what_was_passed_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = told(database, "payment-accepted")
    position = append(database, a_state(), "transaction.teleported")
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
    with database.connect() as connection:
        states = [one.state for one in g.all_generations(connection, "transactions")]
    assert states == [g.RETIRED, g.LIVE]  # what the dry run had built without it is gone
