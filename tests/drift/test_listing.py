"""What is known of calls, listed: names with their shares, two shops beside each other, pairs."""

from datetime import timedelta

import pytest

from ledger.application import Ledger
from ledger.drift.closed_sets import CLOSED_SETS, OTHER, word_of
from ledger.drift.field_pairs import field_pairs, live_pairs
from ledger.drift.follower import DriftIndex
from ledger.drift.known_names import count_calls, differences, listed_names
from ledger.drift.news import drift_standings, listed_news
from ledger.drift.readings import Reading, reading_of
from ledger.storage.database import Database
from tests.builders import (
    NOON,
    OTHER_SHOP_ID,
    SHOP_ID,
    a_form_call,
    a_ledger,
    a_rest_call,
    a_shop,
    an_answer,
    rest_body,
    shops,
)
from tests.drift.calling import a_call, a_form, a_learned_ledger, tell

LONG_AGO = NOON - timedelta(days=400)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))


def followed(ledger: Ledger) -> Ledger:
    DriftIndex(ledger).catch_up()
    return ledger


def test_a_name_has_its_share_in_the_calls_of_its_kinds(ledger: Ledger) -> None:
    first, *_ = tell(ledger, a_form(wallet="PAYLIB"), a_form(), a_form(), a_form("REFUSED"))

    with followed(ledger).database.connect() as connection:
        by_name = {row["name"]: row for row in listed_names(connection, shops={SHOP_ID})}
        assert count_calls(connection) == (4, 0)
        assert listed_names(connection, shops={OTHER_SHOP_ID}) == []

    wallet = by_name["vads_wallet"]
    assert (wallet["calls"], wallet["share"]) == (1, 0.3333)
    assert wallet["kinds"] == [{"kind": "PAY DEBIT AUTHORISED", "calls": 1, "of": 3}]
    assert (wallet["values"], wallet["types"]) == (["PAYLIB"], ["string"])
    assert wallet["first_delivery_id"] == first
    assert by_name["vads_trans_status"]["values"] == ["AUTHORISED", "REFUSED"]
    assert by_name["vads_cust_email"]["values"] is None


def test_two_shops_differ_by_what_only_one_has(ledger: Ledger) -> None:
    other = {"shopId": OTHER_SHOP_ID, "serverDate": None}
    answer = an_answer(whole=other, shopId=OTHER_SHOP_ID, amount="2990", loyalty=1)
    tell(ledger, a_call(), a_form(), rest_body(answer))

    with followed(ledger).database.connect() as connection:
        rows = differences(connection, SHOP_ID, OTHER_SHOP_ID, "test")

    path = "transactions.*."
    said = {row["name"]: (row["difference"], row["first"], row["second"]) for row in rows}
    assert said[f"{path}loyalty"] == ("only-second", None, 1.0)
    assert said[f"{path}amount"] == ("types", ["number"], ["string"])
    assert {row["format"] for row in rows} == {"rest-v4"}


def test_live_pairs_agree_differ_or_are_told_by_one_format_alone(ledger: Ledger) -> None:
    fields = {"order_id": "CMD-1", "payment_src": "MOTO", "wallet": "PAYLIB"}
    tell(
        ledger,
        a_form_call(**fields),
        a_rest_call("AUTHORISED", paymentMethodToken="alias-1"),
        a_form_call("CANCELLED", source="BO", **fields),
        a_rest_call("CANCELED", source="BO", paymentMethodToken="alias-1"),
        a_form(),
    )

    pairs = live_pairs(followed(ledger), SHOP_ID, "TEST")

    assert (pairs.payment_count, pairs.delivery_count) == (1, 5)
    assert pairs.statuses == {("AUTHORISED", "AUTHORISED"): 1, ("CANCELLED", "CANCELED"): 1}
    assert (pairs.agree["status"], pairs.agree["operation_type"]) == (2, 2)
    assert (pairs.differ["order_id"], pairs.differ["payment_source"]) == (2, 2)
    assert (pairs.only_form["wallet"], pairs.only_rest["alias"]) == (2, 2)


def test_each_fact_of_a_transaction_stands_beside_its_fields() -> None:
    by_fact = {pair.fact_name: pair for pair in field_pairs()}

    assert by_fact["order_id"].form_fields == ("vads_order_id",)
    assert by_fact["order_id"].rest_paths == ("orderDetails.orderId",)
    assert by_fact["instalment_number"].told_by == "form-v2"
    assert {name for name, pair in by_fact.items() if pair.told_by == "rest-v4"} == {
        *("captured_at", "refunded_minor", "parent_uuid"),
    }


def test_news_has_a_standing_for_as_long_as_it_is_news(database: Database) -> None:
    ledger = a_learned_ledger(database)
    tell(ledger, a_call(loyalty=1), a_call("PARTLY_SETTLED"))

    with followed(ledger).database.connect() as connection:
        news = listed_news(connection, LONG_AGO, mode="test")
        (standing,) = drift_standings(connection, NOON + timedelta(days=1))
        assert drift_standings(connection, NOON + timedelta(days=8)) == []
        assert listed_news(connection, LONG_AGO, shops={OTHER_SHOP_ID}) == []
        assert listed_news(connection, LONG_AGO, mode="production") == []

    assert standing.count_by_drift == {"new-name": 1, "new-value": 1}
    assert [(row["drift"], row["reading"]) for row in news] == [
        ("new-value", Reading.FACT),
        ("new-name", Reading.DETAILS),
    ]


@pytest.mark.parametrize(
    ("format_name", "name", "reading"),
    [
        ("form-v2", "vads_order_id", Reading.FACT),
        ("form-v2", "vads_hash", Reading.FACT),
        ("form-v2", "vads_cust_email", Reading.PERSONAL),
        ("form-v2", "vads_brand_new", Reading.DETAILS),
        ("rest-v4", "transactions.*.detailedStatus", Reading.FACT),
        ("rest-v4", "transactions.*.transactionDetails.cardDetails.pan", Reading.PERSONAL),
        ("rest-v4", "transactions.*.brandNew", Reading.DETAILS),
        ("rest-v4", "customer.email", Reading.PERSONAL),
        ("rest-v4", "orderDetails.orderId", Reading.FACT),
        ("rest-v4", "orderDetails.brandNew", Reading.DETAILS),
        ("rest-v4", "kr-answer-type", Reading.DETAILS),
    ],
)
def test_a_name_is_a_fact_a_detail_or_personal(
    format_name: str, name: str, reading: Reading
) -> None:
    assert reading_of(format_name, name) is reading


def test_no_closed_set_is_about_a_person() -> None:
    formats = {name: "form-v2" if name.startswith("vads_") else "rest-v4" for name in CLOSED_SETS}

    assert [
        name
        for name, format_name in formats.items()
        if reading_of(format_name, name) is Reading.PERSONAL
    ] == []


@pytest.mark.parametrize("word", ["AUTHORISED", "00", "V4/PaymentV2", "sha256_hmac", "CB"])
def test_a_word_is_kept(word: str) -> None:
    assert word_of(word) == word


@pytest.mark.parametrize(
    "no_word",
    ["jo@example.org", "Jo Exemple", "4970101234567890", "0601020304", "Zoé", "x" * 65, "-"],
)
def test_what_is_no_word_is_a_star(no_word: str) -> None:
    assert word_of(no_word) == OTHER
