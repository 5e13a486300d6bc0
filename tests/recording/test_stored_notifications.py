"""What is stored of a notification and of a refused delivery, on both databases."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from sqlalchemy import text

from ledger.application import Ledger
from ledger.ipn.storable import storable_name
from ledger.queries.readable import find_delivery
from ledger.storage.database import Database
from tests.builders import (
    OTHER_SHOP_ID,
    SHOP_ID,
    a_delivery,
    a_form,
    a_ledger,
    a_shop,
    an_answer,
    example,
    form_body,
    receive,
    rest_body,
    shops,
)
from tests.ipn.reading import with_text


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))


def stored_events(ledger: Ledger) -> list[tuple[str, dict[str, Any]]]:
    """Return every event in order. Shape: topic, attributes."""
    with ledger.database.connect() as connection:
        rows = connection.execute(text("SELECT topic, state FROM events ORDER BY position")).all()
    return [(row.topic, orjson.loads(bytes(row.state))) for row in rows]


def topics(ledger: Ledger) -> list[str]:
    return [topic for topic, _ in stored_events(ledger)]


# -- refused --------------------------------------------------------------------------------------

FORM = form_body(a_form())
REFUSED: dict[str, tuple[bytes, Mapping[str, Any]]] = {
    # reason: body, how it is delivered
    "empty-body": (b"", {}),
    "unsupported-content-type": (b"{}", {"content_type": "application/json"}),
    "invalid-utf-8": (FORM + b"&x=%ED%A0%80", {}),
    "unknown-format": (b"payment=accepted", {}),
    "invalid-shop-id": (form_body(a_form(vads_site_id="12345678\0"), "any"), {}),
    "duplicate-json-key": (rest_body('{"shopId":"12345678","shopId":"12345678"}'), {}),
    "unknown-shop": (rest_body(an_answer(whole={"shopId": "11111111"})), {}),
    "signature-mismatch": (form_body(a_form(), "another"), {}),
    "mode-mismatch": (FORM, {"shop_id": SHOP_ID, "mode": "PRODUCTION"}),
}


def test_what_is_refused_is_kept_in_quarantine_with_its_reason(ledger: Ledger) -> None:
    for reason, (body, changes) in REFUSED.items():
        delivery = a_delivery(body, **changes)

        receipt = ledger.receive(delivery)

        assert (receipt.outcome, receipt.reason) == ("quarantined", reason)
        assert quarantined(ledger, delivery.id) == ("quarantined", reason, body)
    assert stored_events(ledger) == []


@pytest.mark.parametrize(("reason", "body"), [("source-not-allowed", FORM), ("too-large", None)])
def test_what_is_refused_unread_is_kept_too(
    ledger: Ledger, reason: str, body: bytes | None
) -> None:
    delivery = a_delivery(body or b"")

    receipt = ledger.refuse(delivery, reason)

    assert receipt.outcome == "quarantined"
    assert quarantined(ledger, delivery.id) == ("quarantined", reason, body)


def test_a_call_that_was_too_large_cannot_be_readmitted(ledger: Ledger) -> None:
    delivery = a_delivery(b"")
    ledger.refuse(delivery, "too-large")

    receipt = ledger.readmit(delivery.id)

    assert (receipt.outcome, receipt.reason) == ("quarantined", "too-large")


def quarantined(ledger: Ledger, id_: str) -> tuple[str, str | None, bytes | None]:
    row = find_delivery(ledger, id_)
    assert row is not None
    return row.outcome, row.reason, row.body


# -- recorded -------------------------------------------------------------------------------------

LONG = "é" * 5_000
ODD: dict[str, tuple[bytes, dict[str, Any]]] = {
    "NUL in a fact": (form_body(a_form(vads_order_id="a\0b")), {"order_id": "a\ufffdb"}),
    "NUL elsewhere": (form_body(a_form(vads_order_info="\0", **{"vads_\0": "a"})), {}),
    "a lone surrogate": (
        with_text('"orderId":"CMD', '"orderId":"\\ud800CMD'),
        {"order_id": "\ufffdCMD-2026-0001"},
    ),
    "a long name": (
        form_body(a_form(vads_order_id=LONG)),
        {"order_id": LONG},
    ),
    "5,000 fields": (form_body(a_form() | {f"vads_x{number}": "x" for number in range(5_000)}), {}),
    "the largest amount": (form_body(a_form(vads_amount="9" * 18)), {}),
    "no such mode of payment": (
        rest_body(an_answer(detailedStatus="MELTED")),
        {"status": "MELTED"},
    ),
}


def test_what_is_signed_and_odd_is_recorded(ledger: Ledger) -> None:
    for number, (what, (body, facts)) in enumerate(ODD.items()):
        receipt = receive(ledger, body)

        assert receipt.outcome in ("recorded", "repeated"), what
        with ledger.sealing.tagging():
            facts = {name: storable_name(value) for name, value in facts.items()}
        recorded = [attributes["facts"] for _, attributes in stored_events(ledger)]
        assert any(facts.items() <= known.items() for known in recorded), (number, what)


def test_a_notification_that_holds_nothing_but_a_name_is_recorded_once(ledger: Ledger) -> None:
    strict = ("vads_hash", "vads_site_id", "vads_ctx_mode", "vads_url_check_src", "vads_trans_uuid")
    body = form_body({name: a_form()[name] for name in strict})

    outcomes = [receive(ledger, body).outcome for _ in range(2)]

    assert outcomes == ["recorded", "repeated"]
    assert len(stored_events(ledger)) == 1


def test_unsigned_fields_beside_the_signed_ones_make_no_other_notification(ledger: Ledger) -> None:
    bodies = (FORM, FORM + b"&utm=1", b"a=&" + FORM)

    outcomes = [receive(ledger, body).outcome for body in bodies]

    assert outcomes == ["recorded", "repeated", "repeated"]


def test_the_raw_body_is_kept_byte_for_byte(ledger: Ledger) -> None:
    body = form_body(a_form(vads_cust_name="é\0 ")) + b"&" + quote("über").encode() + b"=%41"
    delivery = a_delivery(body)

    ledger.receive(delivery)

    row = find_delivery(ledger, delivery.id)
    assert row is not None
    assert row.body == body


# -- subscriptions that a replay has lost ---------------------------------------------------------

PLAN = example("form-v2", "subscription-created")["fields"]
INSTALMENT = example("form-v2", "subscription-installment-accepted")["fields"]


def a_call(fields: Mapping[str, str], **changes: str | None) -> bytes:
    """Return a form with some fields changed; one of None is left out."""
    merged = {**fields, **{f"vads_{name}": value for name, value in changes.items()}}
    return form_body({name: value for name, value in merged.items() if value is not None})


LOST = a_call(INSTALMENT, trans_uuid="b2" * 16, url_check_src="RETRY", subscription=None)
ACCEPTED = "subscription.instalment-accepted"


@pytest.mark.parametrize(
    "known",
    [
        pytest.param([a_call(PLAN)], id="opened"),
        pytest.param([a_call(INSTALMENT)], id="only an instalment"),
        pytest.param([a_call(INSTALMENT, order_id=None), a_call(PLAN)], id="opened afterwards"),
    ],
)
def test_a_lost_subscription_is_found_by_alias_and_order(
    ledger: Ledger, known: list[bytes]
) -> None:
    for body in known:
        receive(ledger, body)

    receive(ledger, LOST)

    topic, attributes = stored_events(ledger)[-1]
    assert (topic, attributes["reference"]) == (ACCEPTED, PLAN["vads_subscription"])


def test_nothing_is_guessed_among_several_subscriptions(ledger: Ledger) -> None:
    receive(ledger, a_call(PLAN))
    receive(ledger, a_call(PLAN, subscription="another", trans_uuid="e5" * 16))

    receive(ledger, LOST)

    assert ACCEPTED not in topics(ledger)


def test_a_subscription_of_the_other_mode_is_not_found(ledger: Ledger) -> None:
    receive(ledger, a_call(PLAN, ctx_mode="PRODUCTION"))

    receive(ledger, LOST)

    assert ACCEPTED not in topics(ledger)
