"""After every story the read models show what plain Python computes from the streams."""

from itertools import cycle

import pytest

from ledger.application import Ledger
from ledger.projections.engine.registry import PROJECTIONS
from ledger.simulator.signed_calls import FORM, MIXED, REST
from ledger.simulator.stories import STORIES
from ledger.storage.database import Database
from tests.builders import a_ledger, an_answer, receive, rest_body
from tests.conftest import opened
from tests.projections.brute_force import expected
from tests.projections.golden_rows import STORIES_SHOWN, path_of, shown
from tests.projections.helpers import (
    all_rows,
    follow,
    ledger_of,
    poison,
    rebuilt,
    receive_stories,
    rows,
)


@pytest.mark.parametrize("format_", [FORM, REST, MIXED])
def test_after_every_story_each_model_shows_what_the_streams_say(
    sqlite_url: str, format_: str
) -> None:
    with opened(sqlite_url) as database:
        ledger = ledger_of(database, "payment-accepted", formats=[format_])
        for number, name in enumerate(STORIES, 1):
            receive_stories(ledger, name, formats=[format_], seed=11)
            if format_ == MIXED or number % 9 == 0:  # the others a few stories at a time
                follow(ledger)
                assert all_rows(ledger) == expected(ledger), name


def test_all_stories_together_show_the_same_on_both_databases(stories: Ledger) -> None:
    assert all_rows(stories) == expected(stories)


def test_as_stories_come_in_a_rebuild_of_the_same_code_is_identical(sqlite_url: str) -> None:
    names = cycle(PROJECTIONS)
    with opened(sqlite_url) as database:
        ledger = ledger_of(database, "payment-accepted")
        for number, story in enumerate(STORIES):
            receive_stories(ledger, story, formats=[MIXED], seed=13)
            if number % 4 == 0:
                follow(ledger)
                done = rebuilt(ledger, next(names))

                assert done.is_identical, (story, done.differences)
                assert done.against is not None
                assert done.differences[0].digests[0] == done.differences[0].digests[1]
        follow(ledger)
        assert all_rows(ledger) == expected(ledger)


def test_a_rebuild_of_all_stories_is_identical(postgres_stories: Ledger) -> None:
    for name, model in PROJECTIONS.items():
        done = rebuilt(postgres_stories, name, workers=3)

        assert done.is_identical
        assert done.is_live
        assert [table.differing for table in done.differences] == [0] * len(model.all_tables)


@pytest.mark.parametrize("name", STORIES_SHOWN)
def test_the_rows_of_a_story_are_as_they_were_once_checked_by_hand(
    database: Database, name: str
) -> None:
    ledger = ledger_of(database, name, formats=[REST])

    follow(ledger)

    assert shown(ledger) == path_of(name).read_text(), "run `python -m tests.update`, and look"


def test_a_refund_that_names_only_its_payment_is_of_the_same_order(database: Database) -> None:
    """Whichever of the two is received first, and also when they are far apart in the log."""
    ledger = a_ledger(database)
    payment = a_rest("a" * 32, "DEBIT", "CAPTURED", 5000, order_id="F-1")
    refund = a_rest("b" * 32, "CREDIT", "CAPTURED", 2000, parent="a" * 32)
    early = a_rest("c" * 32, "CREDIT", "CAPTURED", 300, parent="d" * 32)
    late = a_rest("d" * 32, "DEBIT", "AUTHORISED", 900, order_id="F-2")

    for body in (payment, early, refund, late):
        assert receive(ledger, body).outcome == "recorded"
        follow(ledger, batch=1)

    order_by_id = {order["order_id"]: order for order in rows(ledger, "orders")["orders"]}
    assert {
        name: (order["captured_minor"], order["refunded_minor"], order["open_minor"])
        for name, order in order_by_id.items()
    } == {"F-1": (5000, 2000, 0), "F-2": (0, 300, 900)}
    assert order_by_id["F-1"]["balance_minor"] == 3000
    assert rows(ledger, "orders")["orders"] == expected(ledger)["orders"]


def a_rest(
    uuid: str,
    operation: str,
    status: str,
    amount: int,
    *,
    order_id: str | None = None,
    parent: str | None = None,
) -> bytes:
    answer = an_answer(
        uuid=uuid, operationType=operation, detailedStatus=status, amount=amount, orderStatus="PAID"
    )
    details = answer["transactions"][0]["transactionDetails"]
    details.pop("parentTransactionUuid", None)
    details["effectiveAmount"] = amount
    if parent:
        details["parentTransactionUuid"] = parent
    answer["orderDetails"]["orderId"] = order_id
    return rest_body(answer)


def test_amounts_beyond_the_platform_never_make_a_sum_overflow(database: Database) -> None:
    ledger = a_ledger(database)
    for number in range(12):
        uuid = f"{number:032x}"
        receive(ledger, a_rest(uuid, "DEBIT", "CAPTURED", 10**18 - 1, order_id="F-1"))
    receive(ledger, a_rest("f" * 32, "DEBIT", "CAPTURED", 500, order_id="F-1"))

    follow(ledger)

    (order,) = rows(ledger, "orders")["orders"]
    assert order["transactions"] == 13
    assert order["captured_minor"] == 500
    assert poison(ledger, "orders") == poison(ledger, "totals") == []
    assert rebuilt(ledger, "totals").is_identical
