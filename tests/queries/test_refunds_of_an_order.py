"""An order and the pages of its transactions say the same of what each refund gives back."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.queries.orders import order, order_history
from ledger.queries.related import related_transactions
from ledger.queries.state import State
from ledger.storage.database import Database
from tests.builders import NOON, SHOP_ID, UUID, a_form_call, a_ledger, a_rest_call, minutes, receive
from tests.queries.filling import follow

ORDER_ID = "CMD-2026-0001"
SECOND, REFUND, OTHER_REFUND = "b2" * 16, "c3" * 16, "d4" * 16


def a_refund(amount: int, uuid: str = REFUND, **fields: str | None) -> bytes:
    """A refund as forms tell it: nothing in it names its payment."""
    return a_form_call(
        source="MERCH_BO",
        trans_uuid=uuid,
        operation_type="CREDIT",
        trans_id="900001",
        effective_creation_date="20260312101010",
        effective_amount=str(amount),
        amount=str(amount),
        **fields,
    )


def a_refund_without_an_order(amount: int, parent: str) -> bytes:
    return a_rest_call(
        "CAPTURED",
        minutes(60),
        "MERCH_BO",
        uuid=OTHER_REFUND,
        operationType="CREDIT",
        amount=amount,
        transactionDetails={"parentTransactionUuid": parent},
        order={"orderId": None},
    )


def a_split(**amounts: int) -> bytes:
    elements = [
        {
            "trans_uuid": uuid,
            "amount": str(amount),
            "operation_type": "DEBIT",
            "trans_status": "AUTHORISED",
        }
        for uuid, amount in amounts.items()
    ]
    split = json.dumps({"transactions": elements})
    return a_form_call(trans_uuid="", effective_creation_date=None, payment_seq=split)


def heard(ledger: Ledger, *bodies: bytes) -> None:
    for body in bodies:
        receive(ledger, body)
    follow(ledger)


def the_order(ledger: Ledger, as_of: datetime | None = None) -> State:
    history = order_history(ledger, SHOP_ID, "TEST", ORDER_ID, as_of=as_of)
    return order(history, shop_id=SHOP_ID, mode="TEST", order_id=ORDER_ID)


def original_on_page(ledger: Ledger, transaction: State, as_of: datetime | None) -> Any:
    id_ = Transaction.id_of(SHOP_ID, "TEST", transaction["reference"])
    plain = {name: value for name, value in transaction.items() if name != "original"}
    related = related_transactions(ledger, plain, id_, as_of=as_of)
    assert related is not None
    pair = {"uuid": related.original_uuid, "certainty": related.certainty}
    return pair if related.original_uuid else None


def originals(ledger: Ledger, as_of: datetime | None = None) -> dict[str, Any]:
    """Return the original of each refund, as the order and the page of the refund name it."""
    refunds = [
        transaction
        for transaction in the_order(ledger, as_of)["transactions"]
        if transaction["operation_type"] == "CREDIT"
    ]
    for refund in refunds:
        assert original_on_page(ledger, refund, as_of) == refund["original"]
    return {refund["uuid"]: refund["original"] for refund in refunds}


def test_the_refund_of_a_payment_whose_capture_was_never_told_is_linked(ledger: Ledger) -> None:
    heard(ledger, a_form_call(), a_refund(1000))

    assert originals(ledger) == {REFUND: {"uuid": UUID, "certainty": "inferred"}}
    assert the_order(ledger)["balances"][0]["balance_minor"] == 1990


def test_a_refund_finds_its_payment_in_whatever_order_they_arrive(ledger: Ledger) -> None:
    heard(ledger, a_refund(1000), a_form_call())

    assert originals(ledger) == {REFUND: {"uuid": UUID, "certainty": "inferred"}}


def test_a_refund_of_which_part_it_is_becomes_clear_when_the_other_is_cancelled(
    ledger: Ledger,
) -> None:
    heard(ledger, a_split(**{UUID: 2000, SECOND: 2990}), a_refund(1500))
    before = originals(ledger)
    then = NOON + timedelta(seconds=10_000)

    heard(
        ledger,
        a_form_call("CANCELLED", "MERCH_BO", trans_uuid=SECOND, effective_amount="2990"),
    )

    assert before == {REFUND: None}
    assert originals(ledger, then) == {REFUND: {"uuid": UUID, "certainty": "inferred"}}
    assert the_order(ledger)["balances"][0]["balance_minor"] == 500


@pytest.mark.parametrize("arrival", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)], ids=str)
def test_a_refund_that_names_its_payment_but_no_order_uses_it_up_on_every_page(
    ledger: Ledger, arrival: Sequence[int]
) -> None:
    bodies = [
        a_form_call(),
        a_form_call(trans_uuid=SECOND, trans_id="100002"),
        a_refund_without_an_order(2990, parent=UUID),
        a_refund(1000),
    ]

    heard(ledger, *(bodies[index] for index in arrival))

    assert originals(ledger) == {
        OTHER_REFUND: {"uuid": UUID, "certainty": "told"},
        REFUND: {"uuid": SECOND, "certainty": "inferred"},
    }


def test_an_order_was_first_seen_and_last_changed_with_its_events_also_within_a_second(
    database: Database,
) -> None:
    """As text `…:00Z` sorts behind `…:00.5Z`, though it comes before it."""
    half_seconds = a_ledger(database, tick=timedelta(seconds=0.5))
    heard(half_seconds, a_form_call(), a_form_call(trans_uuid=SECOND))

    state = the_order(half_seconds)

    seen = [transaction["first_seen_at"] for transaction in state["transactions"]]
    assert sum("." in at for at in seen) == 1
    assert (state["first_seen_at"], state["last_changed_at"]) == (seen[0], seen[1])


def test_the_link_as_of_an_earlier_day_is_what_was_clear_then(ledger: Ledger) -> None:
    heard(ledger, a_form_call(), a_refund(1000))
    (recorded,) = ledger.events.events_after(1, 1)
    heard(ledger, a_form_call(trans_uuid=SECOND, trans_id="100002"))

    assert originals(ledger) == {REFUND: None}
    assert originals(ledger, recorded.event.timestamp) == {
        REFUND: {"uuid": UUID, "certainty": "inferred"}
    }
