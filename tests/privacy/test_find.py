"""A person is found by what people say of themselves: exactly, in one shop and mode alone."""

from datetime import date

import pytest
from sqlalchemy import update

from ledger.errors import BadIdentifierError
from ledger.ipn.money import decimal_text
from ledger.privacy.identifiers import IdentifierKind
from ledger.privacy.persons import PersonIndex
from ledger.simulator.signed_calls import SignedCall
from ledger.storage.database import Database
from ledger.storage.sealed_rows import destroy_secrets
from ledger.storage.tables import origin_secrets
from tests.builders import (
    OTHER_SHOP_ID,
    a_form_call,
    a_ledger,
    a_shop,
    an_answer,
    receive,
    rest_body,
    shops,
)
from tests.privacy.lives import World, live

SAMPLES = 8
"""So many persons are looked for in each test, spread over all lives."""


@pytest.fixture
def world(database: Database) -> World:
    ledger = a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))
    return live(ledger)


def sample(world: World) -> list[SignedCall]:
    calls = world.calls()
    return calls[:: len(calls) // SAMPLES]


def test_an_address_finds_exactly_the_deliveries_of_its_person(world: World) -> None:
    for call in sample(world):
        address = call.call.buyer.email

        result = world.find(emails=[f"  {address.upper()} "])

        assert result.origin_ids == world.ids(lambda each, of=address: each.call.buyer.email == of)


def test_a_phone_number_is_found_however_it_is_displayed(world: World) -> None:
    for call in sample(world):
        number = call.call.buyer.phone
        displayed = f"{number[:2]}.{number[2:6]} {number[6:8]}-{number[8:]}"

        result = world.find(phones=[displayed])

        assert result.origin_ids == world.ids(lambda each, of=number: each.call.buyer.phone == of)


def test_a_customer_is_found_by_the_reference_of_the_merchant(world: World) -> None:
    for call in sample(world):
        reference = call.call.buyer.reference

        result = world.find(customers=[f" {reference} "])

        expected = world.ids(lambda each, of=reference: each.call.buyer.reference == of)
        assert result.origin_ids == expected


def test_the_end_of_a_card_finds_with_an_amount_or_a_day(world: World) -> None:
    payments = [payment for payment in world.payments() if payment.means.is_card]
    for payment in payments[:: len(payments) // SAMPLES]:
        end, day = payment.means.number[-4:], payment.created_at.date()
        amount = payment.amount_minor, payment.currency

        by_amount = world.find(
            card_end=end, amounts=[(decimal_text(*amount), payment.currency.lower())]
        )
        by_day = world.find(card_end=end, days=[day])

        assert by_amount.origin_ids == world.ids(
            lambda each, of=end, at=amount: of_card(each, of, at)
        )
        assert by_day.origin_ids == world.ids(lambda each, of=end, at=day: of_card(each, of, at))


def of_card(signed_call: SignedCall, end: str, beside: tuple[int, str] | date) -> bool:
    """Whether a call shows a payment by a card, of an amount or a day."""
    return any(
        beside
        in (
            payment.created_at.date(),
            (payment.amount_minor, payment.currency),
            (payment.requested_amount_minor, payment.requested_currency),
        )
        for payment in signed_call.shown_payments
        if end in (payment.means.number[-4:], (payment.means.wallet_card or "")[-4:])
    )


def test_an_object_is_found_by_its_name(world: World) -> None:
    aliased = next(payment for payment in world.payments() if payment.alias)
    alias, uuid = aliased.alias, aliased.uuid

    by_alias = world.find(aliases=[alias])
    by_uuid = world.find(transaction_names=[uuid.upper()])
    by_order = world.find(orders=[aliased.order_id])

    assert by_alias.origin_ids == world.ids(
        lambda each: each.call.alias == alias or any(p.alias == alias for p in each.shown_payments)
    )
    assert by_uuid.origin_ids == world.ids(
        lambda each: any(payment.uuid == uuid for payment in each.shown_payments)
    )
    assert set(by_order.origin_ids) >= set(by_uuid.origin_ids)
    assert ("transaction", uuid, None) in by_uuid.subjects


def test_another_shop_or_mode_finds_nothing(world: World) -> None:
    address = world.calls()[0].call.buyer.email

    assert world.find(emails=[address]).origin_ids
    assert world.find(emails=[address], shop_id=OTHER_SHOP_ID).origin_ids == []
    assert world.find(emails=[address], mode="PRODUCTION").origin_ids == []


def test_each_delivery_says_by_what_it_was_found(world: World) -> None:
    first, last = world.calls()[0].call.buyer, world.calls()[-1].call.buyer

    result = world.find(emails=[first.email, "nobody@example.org"], phones=[last.phone])

    by_email = world.ids(lambda each: each.call.buyer.email == first.email)
    by_phone = world.ids(lambda each: each.call.buyer.phone == last.phone)
    assert result.origin_ids == sorted({*by_email, *by_phone})
    assert list(result.count_by_identifier.values()) == [len(by_email), 0, len(by_phone)]
    assert result.matches[0].identifiers == ((IdentifierKind.EMAIL, first.email),)


def test_what_was_erased_is_not_found(world: World) -> None:
    address = world.calls()[0].call.buyer.email
    result = world.find(emails=[address])
    with world.ledger.database.begin() as connection:
        destroy_secrets(connection, result.origin_ids[:1])

    assert world.find(emails=[address]).origin_ids == result.origin_ids[1:]


def test_a_person_is_found_by_what_events_keep_when_the_body_has_expired(world: World) -> None:
    """Bodies may go before what events say: until that has gone, too, the person is known."""
    payment = next(each for each in world.payments() if each.means.is_card)
    card: dict[str, object] = {
        "card_end": payment.means.number[-4:],
        "days": [payment.created_at.date()],
    }
    by_card = world.find(**card)
    (first, *_) = by_card.origin_ids
    address = world.call_by_id[first].call.buyer.email
    with world.ledger.database.begin() as connection:
        expired = update(origin_secrets).where(origin_secrets.c.origin_id == first)
        connection.execute(expired.values(body_secret=None))

    PersonIndex(world.ledger).rebuild()

    assert world.find(**card).origin_ids == by_card.origin_ids
    found_first = world.find(emails=[address]).matches[0]
    assert found_first.id == first
    assert ("transaction", payment.uuid, None) in found_first.subjects


def test_a_delivery_about_several_persons_is_marked(database: Database) -> None:
    ledger = a_ledger(database)
    common = {"cust_email": "jo@example.org", "cust_first_name": "Zoé", "cust_last_name": "Roux"}
    receive(ledger, a_form_call(**common, card_holder_name="ZOE ROUX", ship_to_name="Mme Roux Zoé"))
    receive(ledger, a_form_call(**common, card_holder_name="NOOR PETIT"))
    receive(ledger, a_form_call(**common, ship_to_first_name="Noor", ship_to_last_name="Petit"))
    receive(ledger, a_form_call(**common, order_info="for noor@example.org"))
    customer = an_answer()["customer"] | {"email": "jo@example.org"}
    customer["shippingDetails"] |= {"firstName": "Noor", "lastName": "Petit"}
    receive(ledger, rest_body(an_answer(whole={"customer": customer}, uuid="c" * 32)))

    result = World(ledger).find(emails=["jo@example.org"])

    assert [each.has_several_persons for each in result.matches] == [False, *[True] * 4]


def test_an_undecided_delivery_is_found(database: Database) -> None:
    """Whatever could not be decided is kept, and may be about the person all the same."""
    ledger = a_ledger(database)
    receipt = receive(
        ledger, a_form_call(trans_status="", trans_uuid="", cust_email="jo@example.org")
    )

    assert receipt.outcome == "undecided"
    assert len(World(ledger).find(emails=["jo@example.org"]).matches) == 1


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"emails": ["no address"]},
        {"phones": ["n/a"]},
        {"orders": [" "]},
        {"card_end": "1234"},
        {"days": [date(2026, 3, 10)]},
        {"card_end": "12345", "days": [date(2026, 3, 10)]},
        {"card_end": "1234", "amounts": [("12.345", "EUR")]},
        {"card_end": "1234", "amounts": [("12", "EURO")]},
    ],
)
def test_what_can_find_nobody_is_refused(said: dict[str, object], sqlite_url: str) -> None:
    database = Database(sqlite_url)

    with pytest.raises(BadIdentifierError):
        World(a_ledger(database)).find(**said)

    database.dispose()
