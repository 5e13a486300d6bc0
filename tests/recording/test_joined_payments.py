"""One payment that is reported without its uuid and with it is one transaction."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.errors import NotFoundError
from ledger.queries.find_by_name import TRANSACTION, events_known, find_stream
from ledger.queries.history import history_data, timeline
from ledger.queries.lists import TRANSACTIONS, list_page
from ledger.queries.orders import order, order_history
from ledger.queries.state import current_state
from ledger.storage.database import Database
from tests.builders import (
    OTHER_SHOP_ID,
    SHOP_ID,
    UUID,
    a_form_call,
    a_ledger,
    a_rest_call,
    a_shop,
    minutes,
    receive,
    shops,
)
from tests.projections.brute_force import expected
from tests.projections.helpers import all_rows, follow, rebuilt

OTHER_UUID = "b2" * 16
AN_ORDER = "CMD-2026-0001"
REFERENCE = "20260310-100001-1-DEBIT"


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    ledger = a_ledger(database)
    yield ledger
    follow(ledger)
    assert all_rows(ledger) == expected(ledger)
    assert list(Audit(ledger).faults()) == []


def without_uuid(status: str = "AUTHORISED", source: str = "PAY", **fields: str | None) -> bytes:
    return a_form_call(status, source, **({"trans_uuid": None} | fields))


def without_number(status: str = "AUTHORISED", source: str = "PAY", **fields: str | None) -> bytes:
    """A call that names its uuid and not its attempt."""
    return a_form_call(status, source, **({"sequence_number": None} | fields))


def state(ledger: Ledger, name: str = UUID, **known: Any) -> dict[str, Any]:
    return current_state(
        events_known(ledger, find_stream(ledger, TRANSACTION, SHOP_ID, "TEST", name), **known)
    )


def history(ledger: Ledger, name: str = UUID) -> list[dict[str, Any]]:
    stream_id = find_stream(ledger, TRANSACTION, SHOP_ID, "TEST", name)
    return [history_data(entry) for entry in timeline(events_known(ledger, stream_id))]


def balance(ledger: Ledger) -> dict[str, Any]:
    follow(ledger)
    of_order = order(
        order_history(ledger, SHOP_ID, "TEST", AN_ORDER),
        shop_id=SHOP_ID,
        mode="test",
        order_id=AN_ORDER,
    )
    (own,) = of_order["balances"]
    (row,) = (row for row in all_rows(ledger)["orders"] if row["order_id"] == AN_ORDER)
    assert {name: row[name] for name in own if name in row} == own
    assert len(of_order["transactions"]) == own["transactions"]
    return own


def test_a_payment_goes_on_under_its_uuid_when_that_becomes_known(ledger: Ledger) -> None:
    receive(ledger, without_uuid())

    receive(ledger, a_form_call("CAPTURED", "BO", page_action=None))

    assert state(ledger) == state(ledger, REFERENCE)
    assert (state(ledger)["uuid"], state(ledger)["reference"]) == (UUID, UUID)
    assert (state(ledger)["status"], state(ledger)["version"]) == ("CAPTURED", 2)
    assert history(ledger) == history(ledger, REFERENCE)
    assert balance(ledger)["captured_minor"] == 2990
    assert balance(ledger)["transactions"] == 1


def test_what_lacks_its_uuid_belongs_to_the_payment_that_had_one(ledger: Ledger) -> None:
    receive(ledger, a_form_call())

    receive(ledger, without_uuid("CAPTURED", trans_id="100001"))

    assert state(ledger, REFERENCE) == state(ledger)
    assert (state(ledger)["uuid"], state(ledger)["status"]) == (UUID, "CAPTURED")
    assert balance(ledger)["balance_minor"] == 2990


@pytest.mark.parametrize("number", ["aB1c9d", "AB1C9D", "ab1c9d"])
def test_a_short_number_has_no_case(ledger: Ledger, number: str) -> None:
    receive(ledger, a_form_call(trans_id="aB1c9D"))

    receive(ledger, without_uuid("CAPTURED", trans_id=number))

    assert state(ledger)["status"] == "CAPTURED"


def test_an_answer_in_rest_names_the_same_payment(ledger: Ledger) -> None:
    receive(ledger, without_uuid(trans_id="900001"))

    receive(ledger, a_rest_call("CAPTURED", minutes(5)))

    assert balance(ledger)["transactions"] == 1
    assert state(ledger, "20260310-900001-1-DEBIT")["status"] == "CAPTURED"


@pytest.mark.parametrize(
    "fields",
    [
        {"trans_date": "20260311091502"},
        {"trans_id": "100002"},
        {"sequence_number": "2"},
        {"operation_type": "CREDIT"},
        {"ctx_mode": "PRODUCTION"},
        {"site_id": "87654321"},
        {"sequence_number": None},
        {"operation_type": None},
        {"trans_id": None},
    ],
    ids=str,
)
def test_whatever_differs_in_one_part_of_its_name_is_another(
    database: Database, fields: dict[str, str | None]
) -> None:
    ledger = a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))
    receive(ledger, a_form_call())

    receipt = receive(ledger, without_uuid("CAPTURED", **fields))

    assert receipt.outcome == "recorded"
    assert state(ledger)["status"] == "AUTHORISED"
    assert state(ledger)["version"] == 1


def test_another_uuid_is_another_payment_whatever_else_is_the_same(ledger: Ledger) -> None:
    receive(ledger, a_form_call())

    receive(ledger, a_form_call(trans_uuid=OTHER_UUID))

    assert state(ledger)["version"] == state(ledger, OTHER_UUID)["version"] == 1
    assert state(ledger, REFERENCE)["uuid"] == UUID


# -- two streams become one -----------------------------------------------------------------------


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
    assert items[0]["first_seen_at"].rstrip("Z") in state(ledger)["first_seen_at"].replace(
        "Z", ".000000Z"
    )
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


def test_parts_of_a_split_payment_are_told_with_their_uuid_later(ledger: Ledger) -> None:
    part = {"amount": "1000", "operation_type": "DEBIT", "trans_status": "AUTHORISED"}
    parts = [part | {"trans_id": "100001", "sequence_number": str(n)} for n in (1, 2)]
    receive(
        ledger,
        without_uuid(
            sequence_number="0", card_brand="MULTI", payment_seq=json.dumps({"transactions": parts})
        ),
    )
    assert balance(ledger)["balance_minor"] == 2000

    receive(
        ledger,
        a_form_call("CAPTURED", sequence_number="2", effective_amount="1000", amount="2000"),
    )

    assert balance(ledger)["balance_minor"] == 2000
    assert balance(ledger)["captured_minor"] == 1000
    assert balance(ledger)["transactions"] == 2


def test_a_name_that_nobody_has_used_is_not_known(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError):
        state(ledger, REFERENCE)


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
