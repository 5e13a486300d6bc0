"""What waited in quarantine is recorded as of its arrival, once, when a key for it is there."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.ipn.delivery import Delivery
from ledger.ipn.refusal_reasons import WRONG_ADDRESS
from ledger.ipn.shops_and_keys import Shops
from ledger.queries.readable import find_delivery
from ledger.queries.state import current_state
from ledger.recording.receipt import Receipt
from ledger.storage.database import Database
from ledger.storage.inbox import InboxRecord
from ledger.storage.quarantine import quarantine_size
from tests.builders import (
    NOON,
    SHOP_ID,
    UUID,
    a_delivery,
    a_form_call,
    a_ledger,
    a_rest_call,
    a_shop,
    minutes,
    receive,
    shops,
)

ARRIVED_AT = NOON - timedelta(days=3)
KEYLESS = shops(a_shop(kinds=()))


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Its shop has no key yet."""
    return a_ledger(database, KEYLESS)


def a_waiting(ledger: Ledger, body: bytes, **changes: Any) -> Delivery:
    """A delivery that arrived three days ago and could not be verified."""
    delivery = a_delivery(body, **({"received_at": ARRIVED_AT} | changes))
    keyring, ledger.shops = ledger.shops, KEYLESS
    assert ledger.receive(delivery).reason == "no-key"
    ledger.shops = keyring
    return delivery


def row_of(ledger: Ledger, delivery: Delivery) -> InboxRecord:
    row = find_delivery(ledger, delivery.id)
    assert row is not None
    return row


def waiting(ledger: Ledger) -> int:
    with ledger.database.connect() as connection:
        return quarantine_size(connection)[0]


def windowed(**window: Any) -> Shops:
    shop = a_shop()
    return shops(replace(shop, keys=tuple(replace(key, **window) for key in shop.keys)))


def state(ledger: Ledger) -> Mapping[str, Any]:
    return current_state(ledger.events.history(Transaction.id_of(SHOP_ID, "TEST", UUID)))


@pytest.mark.parametrize("body", [a_form_call(), a_rest_call(at=minutes(1))], ids=["form", "rest"])
def test_what_passes_is_recorded_as_of_its_arrival(ledger: Ledger, body: bytes) -> None:
    delivery = a_waiting(ledger, body)
    ledger.shops = shops()

    receipt = ledger.readmit(delivery.id)

    assert (receipt.id, receipt.outcome, receipt.reason) == (delivery.id, "recorded", None)
    row = row_of(ledger, delivery)
    assert (row.outcome, row.received_at, row.body) == ("recorded", ARRIVED_AT, body)
    assert row.recorded_at is not None
    assert row.recorded_at >= NOON
    assert row.reason == "no-key"  # why it waited
    assert row.positions == receipt.positions
    assert waiting(ledger) == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (a_form_call(), None),
        (a_rest_call(at=minutes(1)), None),
        (a_form_call() + b"0", "signature-mismatch"),
        (b"no=notification", "unknown-format"),
    ],
)
def test_what_was_sent_to_a_wrong_address_is_verified_by_what_it_says(
    ledger: Ledger, body: bytes, reason: str | None
) -> None:
    ledger.shops = shops()
    delivery = a_delivery(body, received_at=ARRIVED_AT)
    assert ledger.refuse(delivery, WRONG_ADDRESS).reason == WRONG_ADDRESS

    receipt = ledger.readmit(delivery.id)

    assert receipt.reason == reason
    assert row_of(ledger, delivery).reason == WRONG_ADDRESS
    assert waiting(ledger) == (1 if reason else 0)


def test_its_events_are_known_only_from_now_on(ledger: Ledger) -> None:
    delivery = a_waiting(ledger, a_form_call())
    ledger.shops = shops()

    ledger.readmit(delivery.id)

    (recorded,) = ledger.events.events_after(0, 10)
    assert recorded.event.timestamp >= NOON
    assert recorded.event.received_at == ARRIVED_AT
    with pytest.raises(NotFoundError):
        ledger.events.history(recorded.event.originator_id, as_of=NOON - timedelta(hours=1))


def test_it_moves_nothing_that_became_known_since(ledger: Ledger) -> None:
    delivery = a_waiting(ledger, a_form_call(effective_amount="3000", wallet="OLD"))
    ledger.shops = shops()
    receive(ledger, a_form_call(effective_amount="1000", wallet=None), received_at=NOON)

    receipt = ledger.readmit(delivery.id)

    assert receipt.outcome == "recorded"
    assert ledger.events.events_after(0, 10)[-1].event.late
    assert state(ledger)["amount_minor"] == 1000
    assert state(ledger)["wallet"] == "OLD"  # never told before or since


def test_it_still_moves_what_was_older_at_its_arrival(ledger: Ledger) -> None:
    ledger.shops = shops()
    receive(
        ledger,
        a_form_call(effective_amount="3000"),
        received_at=ARRIVED_AT - timedelta(days=1),
    )
    delivery = a_waiting(ledger, a_form_call(effective_amount="2000", source="MERCH_BO"))

    ledger.readmit(delivery.id)

    assert state(ledger)["amount_minor"] == 2000
    assert not ledger.events.events_after(0, 10)[-1].event.late


def test_several_end_the_same_in_whatever_order_they_are_readmitted(ledger: Ledger) -> None:
    amounts = (3000, 2000, 1000)
    calls = [
        a_waiting(
            ledger,
            a_form_call(effective_amount=str(amount)),
            received_at=ARRIVED_AT + timedelta(hours=number),
        )
        for number, amount in enumerate(amounts)
    ]
    ledger.shops = shops()

    for delivery in (calls[1], calls[2], calls[0]):
        ledger.readmit(delivery.id)

    assert state(ledger)["amount_minor"] == 1000


def test_what_is_refused_again_stays(ledger: Ledger) -> None:
    delivery = a_waiting(ledger, a_form_call())
    before = row_of(ledger, delivery)
    ledger.shops = shops(replace(a_shop(), keys=(replace(a_shop().keys[0], secret="another"),)))

    receipt = ledger.readmit(delivery.id)

    assert (receipt.outcome, receipt.reason) == ("quarantined", "signature-mismatch")
    assert row_of(ledger, delivery) == before
    assert ledger.events.events_after(0, 10) == []


def test_it_is_readmitted_only_once(ledger: Ledger) -> None:
    delivery = a_waiting(ledger, a_form_call())
    ledger.shops = shops()
    ledger.readmit(delivery.id)

    with pytest.raises(NotFoundError):
        ledger.readmit(delivery.id)

    assert len(ledger.events.events_after(0, 10)) == 1


def test_what_never_waited_cannot_be_readmitted(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError):
        ledger.readmit("0" * 26)


def test_what_was_recorded_meanwhile_is_a_repeat(ledger: Ledger) -> None:
    body = a_form_call()
    delivery = a_waiting(ledger, body)
    ledger.shops = shops()
    first = receive(ledger, body)

    receipt = ledger.readmit(delivery.id)

    assert (receipt.outcome, receipt.positions) == ("repeated", first.positions)
    assert row_of(ledger, delivery).outcome == "repeated"
    assert waiting(ledger) == 0


def test_two_copies_that_waited_become_one_recorded_and_one_repeated(ledger: Ledger) -> None:
    body = a_form_call()
    copies = [a_waiting(ledger, body) for _ in range(2)]
    ledger.shops = shops()

    receipts: list[Receipt] = [ledger.readmit(copy.id) for copy in copies]

    assert [copy.outcome for copy in receipts] == ["recorded", "repeated"]
    assert receipts[0].positions == receipts[1].positions


@pytest.mark.parametrize(
    "window",
    [
        {"not_before": NOON - timedelta(hours=1)},
        {"not_before": ARRIVED_AT, "not_after": ARRIVED_AT + timedelta(hours=1)},
    ],
    ids=["valid since after the arrival", "valid on arrival, expired since"],
)
def test_the_key_of_the_day_counts_and_so_does_that_of_today(
    ledger: Ledger, window: Mapping[str, Any]
) -> None:
    delivery = a_waiting(ledger, a_form_call())
    ledger.shops = windowed(**window)

    assert ledger.readmit(delivery.id).outcome == "recorded"


def test_a_key_that_was_valid_neither_then_nor_now_does_not_count(ledger: Ledger) -> None:
    delivery = a_waiting(ledger, a_form_call())
    ledger.shops = windowed(
        not_before=ARRIVED_AT + timedelta(hours=1), not_after=ARRIVED_AT + timedelta(hours=2)
    )

    assert ledger.readmit(delivery.id).reason == "no-key"


def test_the_address_it_was_sent_to_still_counts(ledger: Ledger) -> None:
    delivery = a_delivery(a_form_call(), mode="PRODUCTION", received_at=ARRIVED_AT)
    ledger.receive(delivery)
    ledger.shops = shops()

    assert ledger.readmit(delivery.id).reason == "mode-mismatch"


def test_what_arrives_after_a_readmission_is_ordered_by_its_own_arrival(ledger: Ledger) -> None:
    delivery = a_waiting(ledger, a_form_call(effective_amount="3000"))
    ledger.shops = shops()
    ledger.readmit(delivery.id)

    receive(ledger, a_form_call(effective_amount="1000", source="MERCH_BO"))

    assert state(ledger)["amount_minor"] == 1000
