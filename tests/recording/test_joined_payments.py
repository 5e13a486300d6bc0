"""Two streams of one payment, begun before anybody could tell, become one."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.schema import CreateTable

from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.projections.definition import Projection
from ledger.projections.engine.rebuild_as_of import fill
from ledger.projections.engine.registry import PROJECTIONS
from ledger.queries.lists import TRANSACTIONS, list_page
from ledger.queries.orders import order_history
from ledger.storage.database import Database
from tests.audit.tampering import damage
from tests.builders import SHOP_ID, UUID, a_form_call, a_ledger, receive
from tests.projections.brute_force import expected
from tests.projections.helpers import Rows, all_rows, follow, log_end, rebuilt
from tests.recording.one_payment import (
    AN_ORDER,
    REFERENCE,
    balance,
    history,
    state,
    without_number,
    without_uuid,
)


def two_streams(ledger: Ledger) -> None:
    """Record a payment under its uuid and under its short number, and nobody can tell."""
    receive(ledger, without_number())
    receive(ledger, without_uuid("CAPTURED"))
    assert state(ledger)["status"] == "AUTHORISED"
    assert state(ledger, REFERENCE)["status"] == "CAPTURED"
    assert balance(ledger)["transactions"] == 2


def test_two_streams_of_one_payment_are_joined(ledger: Ledger) -> None:
    two_streams(ledger)
    before = ledger.events.events_after(0, 10)

    receipt = receive(ledger, a_form_call("CAPTURED", "BO", auth_number="3fe04f"))

    assert receipt.outcome == "recorded"
    assert state(ledger) == state(ledger, REFERENCE)
    assert (state(ledger)["uuid"], state(ledger)["status"]) == (UUID, "CAPTURED")
    assert (
        state(ledger)["first_seen_at"]
        == state(ledger, as_of=before[0].event.timestamp)["first_seen_at"]
    )
    events = history(ledger)
    assert events == history(ledger, REFERENCE)
    assert [event["version"] for event in events] == [1, 2, 3, 4, 5]
    assert [event["position"] for event in events] == [1, 2, 3, 4, 5]
    assert [event["type"] for event in events[2:4]] == [
        "transaction.continued",
        "transaction.joined",
    ]
    assert state(ledger)["version"] == 5
    assert balance(ledger)["transactions"] == 1
    assert balance(ledger)["captured_minor"] == 2990


def test_a_call_that_only_joins_is_recorded_for_that(ledger: Ledger) -> None:
    two_streams(ledger)

    receipt = receive(ledger, a_form_call("CAPTURED"))

    assert receipt.outcome == "recorded"
    assert state(ledger)["status"] == "CAPTURED"
    assert receive(ledger, a_form_call("CAPTURED", "BO")).outcome == "repeated"
    assert receive(ledger, without_uuid("CAPTURED", "BO")).outcome == "repeated"
    assert receive(ledger, without_number("CAPTURED", "BO")).outcome == "repeated"


def test_what_was_known_before_the_join_stays_known(ledger: Ledger) -> None:
    two_streams(ledger)
    then = ledger.events.events_after(0, 10)[-1].event.timestamp

    receive(ledger, a_form_call("CAPTURED"))

    assert state(ledger, as_of=then)["status"] == "AUTHORISED"
    assert state(ledger, as_of=then)["version"] == 1
    assert state(ledger, REFERENCE, as_of=then)["status"] == "CAPTURED"
    assert state(ledger, REFERENCE, as_of=then)["uuid"] is None
    follow(ledger)
    known = order_history(ledger, SHOP_ID, "TEST", AN_ORDER, as_of=then)
    assert [len(events) for events in known.histories] == [1, 1]


def test_a_joined_payment_stands_once_in_every_list(ledger: Ledger) -> None:
    two_streams(ledger)
    receive(ledger, a_form_call("CAPTURED"))
    follow(ledger)

    with ledger.database.connect() as connection:
        filter_ = TRANSACTIONS.filter_class.of({"mode": "test"})
        items = list_page(connection, TRANSACTIONS, filter_).items

    assert [item["reference"] for item in items] == [UUID]
    assert items[0]["version"] == state(ledger)["version"]
    assert items[0]["first_seen_at"] == state(ledger)["first_seen_at"]
    assert sum(row["count"] for row in all_rows(ledger)["daily_totals"]) == 1


def test_joined_payments_are_rebuilt_as_they_were_followed(ledger: Ledger) -> None:
    two_streams(ledger)
    receive(ledger, a_form_call("CAPTURED"))
    receive(ledger, without_uuid("CAPTURED", "BO", order_info="late"))
    follow(ledger)
    before = all_rows(ledger)

    for name in ("transactions", "orders", "totals", "audit_trail"):
        rebuilt(ledger, name)

    assert all_rows(ledger) == before


def test_read_models_are_right_wherever_they_stop(ledger: Ledger, tmp_path: Path) -> None:
    two_streams(ledger)
    receive(ledger, a_form_call("CAPTURED"))
    receive(ledger, without_uuid("CAPTURED", "BO", auth_number="8"))
    built = [PROJECTIONS[name] for name in ("transactions", "orders", "totals")]
    for name in ("transactions", "orders", "totals"):
        rebuilt(ledger, name)  # two shards, so that the streams may be in different ones

    for until in range(1, log_end(ledger) + 1):
        for model in built:
            path = tmp_path / f"{model.name}-{until}.sqlite"
            tables = rows_until(ledger, model, until, path)
            wanted = expected(ledger, until)
            assert tables == {name: wanted[name] for name in tables}


def rows_until(ledger: Ledger, model: Projection, until: int, path: Path) -> Rows:
    """What a read model holds when it is filled up to a position and no further."""
    target = Database(f"sqlite:///{path}", pool_size=1)
    tables = {table: table for table in model.all_tables}
    with ledger.database.connect() as log, target.begin() as connection:
        for table in tables:
            connection.execute(CreateTable(table))
        fill(log, connection, model, tables, until=until, is_wanted=lambda _: True)
        shown = {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in tables
        }
    target.dispose()
    return {
        name: sorted(rows, key=lambda row: str(list(row.values()))) for name, rows in shown.items()
    }


ORDERS: Sequence[Sequence[int]] = list(permutations(range(4)))


@pytest.mark.parametrize("arrival", ORDERS, ids=str)
def test_every_order_of_arrival_ends_the_same(ledger: Ledger, arrival: Sequence[int]) -> None:
    calls = [
        without_uuid(),
        without_number("CAPTURED", "BO"),
        a_form_call("CAPTURED", "RETRY", auth_number="7"),
        a_form_call("AUTHORISED", presentation_date="20260312000000"),
    ]

    for index in arrival:
        receive(ledger, calls[index])

    ends = state(ledger)
    assert ends == state(ledger, REFERENCE)
    assert (ends["uuid"], ends["status"], ends["amount_minor"]) == (UUID, "CAPTURED", 2990)
    assert balance(ledger)["captured_minor"] == balance(ledger)["balance_minor"] == 2990
    assert balance(ledger)["transactions"] == 1
    assert not ends["contradictions"]


def test_a_doubtful_form_joins_nothing(ledger: Ledger) -> None:
    receive(ledger, without_uuid())

    receive(ledger, a_form_call("CAPTURED", never_documented="x"), is_from_named_range=False)

    assert state(ledger, REFERENCE)["uuid"] is None
    assert state(ledger)["doubtful"]
    receive(ledger, a_form_call("CAPTURED"))
    assert state(ledger) == state(ledger, REFERENCE)
    assert not state(ledger)["doubtful"]


def test_writers_at_one_moment_never_make_one_payment_twice(database: Database) -> None:
    ledger = a_ledger(database)
    bodies = [
        body
        for number in range(100001, 100013)
        for body in (
            without_uuid(trans_id=str(number)),
            a_form_call(trans_id=str(number), trans_uuid=f"{number:032x}"),
            without_number(trans_id=str(number), trans_uuid=f"{number:032x}"),
            a_form_call("CAPTURED", trans_id=str(number), trans_uuid=f"{number:032x}"),
        )
    ]

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda body: receive(ledger, body), bodies))

    assert {receipt.outcome for receipt in receipts} <= {"recorded", "repeated"}
    follow(ledger)
    assert all_rows(ledger) == expected(ledger)
    assert list(Audit(ledger).faults()) == []
    shown = [row for row in all_rows(ledger)["transactions"] if not row["is_continued"]]
    assert sorted(row["uuid"] for row in shown) == [f"{n:032x}" for n in range(100001, 100013)]
    assert {row["status"] for row in shown} == {"CAPTURED"}


def test_an_audit_goes_on_past_an_end_that_cannot_be_read(database: Database) -> None:
    ledger = a_ledger(database)
    two_streams(ledger)
    receive(ledger, a_form_call("CAPTURED", "BO", auth_number="3fe04f"))
    receive(ledger, without_uuid("CANCELLED"))
    (end,) = (
        recorded.position
        for recorded in ledger.events.events_after(0, 10)
        if isinstance(recorded.event, Transaction.Continued)
    )

    damage(database, f"UPDATE events SET state = substr(state, 1, 9) WHERE position = {end}")

    reasons = {fault.reason for fault in Audit(ledger, only=("streams",)).faults()}
    assert "state-unreadable" in reasons
