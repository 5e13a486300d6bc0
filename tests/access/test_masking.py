"""Masking: the words by which a person is known, and the time that looking for them takes."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.access.masking import MASKED, TEXT_MAX, masked
from tests.timing import WHOLE, repetition, repetitions, takes_less

PERSONAL = (
    "jo@example.org",
    "write to jo.doe+x@mail.example.org, please",
    "https://shop.example/?mail=jo%40example.org",
    "card 497010XXXXXX0055",
    "4970********0055",
    "from 203.0.113.9 today",
    "2001:db8:0:0:0:0:0:1",
)
HARMLESS = (
    "CMD-2026-0101",
    "@",
    "@example.org",
    "jo@",
    "jo@example",
    "a @ b.c",
    "12:30:45",
    "1.2.3",
    "4970XX12",
)


@pytest.mark.parametrize("text", PERSONAL)
def test_a_text_that_names_a_person_is_masked(text: str) -> None:
    assert masked({"details": {"note": text}})["details"]["note"] == MASKED


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_text_stays(text: str) -> None:
    assert masked({"details": {"note": text}})["details"]["note"] == text
    assert masked({"order_id": text})["order_id"] == text


@pytest.mark.parametrize("address", ["/orders/@0./history", "/x@?alias=y.z", "/a?alias=@0.0"])
def test_an_address_is_no_name_although_it_has_the_signs_of_one(address: str) -> None:
    assert masked({"links": {"self": address}})["links"]["self"] == address


def test_an_id_of_ours_stays_whatever_it_seems_to_hold() -> None:
    id_ = "01M8HM8Z0FHBFECZCVVNMB900B"

    event = {"notification_id": id_, "links": {"notification": f"/api/v1/notifications/{id_}"}}

    assert masked(event) == event
    assert masked({"order_id": "cvv 900"})["order_id"] == MASKED


def test_a_card_number_is_masked_also_in_what_has_the_form_of_our_ids() -> None:
    assert masked({"order_id": "4970100000000014ABCDEFGHJK"})["order_id"] == MASKED


def test_an_address_with_a_name_of_a_person_is_masked() -> None:
    for address in ("/orders/jo%40example.org/history", "/subscriptions/x?alias=jo%40example.org"):
        assert masked({"links": {"self": address}})["links"]["self"] == MASKED


@pytest.mark.parametrize(
    "name",
    [
        *("buyer_email", "vads_cust_id", "custFieldName", "customerName", "user_ip", "client.ip"),
        *("PAN", "cardExpiryMonth", "expiration_year", "Shipping_Street"),
    ],
)
def test_a_field_named_after_a_person_is_masked(name: str) -> None:
    assert masked({"details": {name: "x"}})["details"][name] == MASKED


@pytest.mark.parametrize("name", ["vads_pays_ip", "shipping", "span", "product_label0"])
def test_a_field_with_a_harmless_name_stays(name: str) -> None:
    assert masked({"details": {name: "x"}})["details"][name] == "x"


def test_a_long_text_is_masked_whole() -> None:
    long = "x" * (TEXT_MAX + 1)

    hidden = masked({"order_id": long, "details": [["note", long], [long, "x"], ["n", long[1:]]]})

    assert hidden == {
        "order_id": MASKED,
        "details": [["note", MASKED], [long, MASKED], ["n", long[1:]]],
    }


LETTERS = "a0@.:X-p"


def test_no_repetition_costs_more_than_its_length() -> None:
    """However a stranger divides 256 kB over the values and names of fields: below 50 ms."""
    for text in repetitions(LETTERS, TEXT_MAX):
        fields = {"details": [["n", text]] * (WHOLE // TEXT_MAX), "order_id": text}
        assert takes_less(0.050, partial(masked, fields)), text[:3]


def test_no_name_costs_more_than_its_length() -> None:
    for text in repetitions("ip_na.", TEXT_MAX):
        fields = {"details": [[text, "v"]] * (WHOLE // TEXT_MAX)}
        assert takes_less(0.050, partial(masked, fields)), text[:3]


@settings(deadline=None)  # the test itself measures, and processor time alone
@given(st.text(alphabet="a0@%4.:XXp- \ncust_nme", min_size=1, max_size=40))
def test_no_longer_pattern_costs_more_than_its_length(unit: str) -> None:
    for length in (TEXT_MAX, WHOLE):
        text = repetition(unit, length)
        fields = {"details": [[text, text]] * (WHOLE // length), "order_id": text}
        assert takes_less(0.100, partial(masked, fields))
