"""A call that repeats known facts in the other format is what the next one is compared with."""

import pytest

from ledger.application import Ledger
from ledger.ipn.delivery import Delivery
from ledger.recording.receipt import Receipt
from ledger.storage.database import Database
from tests.builders import a_delivery, a_form_call, a_ledger, a_rest_call, minutes, receive

ANSWER = a_rest_call(at=minutes(1))
FACTS_OF_THE_ANSWER = {
    "effective_creation_date": "20260310091502",
    "presentation_date": "20260310091502",
    "trans_id": "900001",
    "contract_used": "9999999",
    "auth_number": "3feda2",
}


def a_form(basket: str) -> bytes:
    """Return a form that says what the answer says, and what is in the basket."""
    return a_form_call(ext_info_basket=basket, **FACTS_OF_THE_ANSWER)


FORM, SAME_FORM, OTHER_FORM = map(a_form, ("B-1", "B-1", "B-2"))


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database)


def outcomes(receipts: list[Receipt]) -> list[str]:
    return [str(receipt.outcome) for receipt in receipts]


def test_what_a_repeat_said_in_its_own_words_is_what_the_next_is_compared_with(
    ledger: Ledger,
) -> None:
    receive(ledger, ANSWER)

    receipts = [receive(ledger, body) for body in (FORM, SAME_FORM, OTHER_FORM, OTHER_FORM)]

    assert outcomes(receipts) == ["repeated", "repeated", "recorded", "repeated"]


def test_calls_that_are_recorded_together_are_compared_with_each_other(ledger: Ledger) -> None:
    deliveries: list[Delivery] = list(map(a_delivery, (ANSWER, FORM, SAME_FORM, OTHER_FORM)))

    receipts = ledger.receive_many(deliveries)

    assert outcomes(receipts) == ["recorded", "repeated", "repeated", "recorded"]
