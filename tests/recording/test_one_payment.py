"""One payment that is reported without its uuid and with it is one transaction."""

import json

import pytest

from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.storage.database import Database
from tests.builders import (
    OTHER_SHOP_ID,
    UUID,
    a_form_call,
    a_ledger,
    a_rest_call,
    a_shop,
    minutes,
    receive,
    shops,
)
from tests.recording.one_payment import REFERENCE, balance, history, state, without_uuid

OTHER_UUID = "b2" * 16


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


def test_parts_that_share_a_number_and_not_the_uuid_are_two(ledger: Ledger) -> None:
    part = {"amount": "1000", "operation_type": "DEBIT", "trans_status": "AUTHORISED"}
    part |= {"trans_id": "100001", "sequence_number": "1"}
    parts = [part | {"trans_uuid": uuid} for uuid in (UUID, OTHER_UUID)]

    receive(
        ledger,
        without_uuid(
            sequence_number="0", card_brand="MULTI", payment_seq=json.dumps({"transactions": parts})
        ),
    )

    assert balance(ledger)["transactions"] == 2
    assert state(ledger, REFERENCE)["uuid"] == UUID


def test_a_name_that_nobody_has_used_is_not_known(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError):
        state(ledger, REFERENCE)
