"""What identifies a person is recognised, and written so that equals are equal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ipn.delivery import Limits, read_fields
from ledger.ipn.money import decimal_text, minor_of
from ledger.ipn.rest_v4_json import flatten
from ledger.privacy.identifiers import (
    Identifier,
    IdentifierKind,
    email,
    identifiers_of_fields,
    phone,
)
from tests.builders import a_delivery, a_form, an_answer, form_body, rest_body

WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
DIGITS = st.text("123456789", min_size=6, max_size=14)


def found_in(body: bytes) -> set[Identifier]:
    fields = read_fields(a_delivery(body), Limits())
    answer = fields.get("kr-answer")
    return set(identifiers_of_fields(flatten(json.loads(answer)) if answer else fields.items()))


@given(local=WORDS, domain=WORDS, blank=st.sampled_from(["", " ", "\t", "\u00a0", "\u3000"]))
def test_an_address_is_the_same_in_capitals_and_among_blanks(
    local: str, domain: str, blank: str
) -> None:
    written = email(f"{local}@{domain}")

    if written is not None:
        assert email(written) == written
        assert email(f"{blank}{local.lower()}{blank}@{blank}{domain.lower()}{blank}") == email(
            f"{local.lower()}@{domain.lower()}"
        )


def test_a_wide_address_is_the_same() -> None:
    assert email("Ｊｏ＠example．org") == email("JO @ example.org") == "jo@example.org"


@given(
    digits=DIGITS, gaps=st.lists(st.sampled_from(["", " ", ".", "-", "\u00a0", "/"]), max_size=14)
)
def test_a_number_is_the_same_however_it_is_displayed(digits: str, gaps: list[str]) -> None:
    gaps += [""] * (len(digits) - len(gaps))
    displayed = "".join(digit + gap for digit, gap in zip(digits, gaps, strict=False))

    assert phone(displayed) == digits
    assert phone(f"+{displayed}") == phone(f"00{displayed}") == f"+{digits}"
    assert phone(f"(+{displayed[0]}) (0) {displayed[1:]}") == f"+{digits}"
    assert phone(f"0{displayed}") == f"0{digits}"


@pytest.mark.parametrize("text", ["", "n/a", "+", "00", "12", "+33"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert phone(text) is None


def test_a_form_holds_identifiers_in_its_fields_and_addresses_anywhere() -> None:
    fields = a_form(
        vads_cust_email=" Jo@Example.org",
        vads_cust_phone="+33 6 39 98 04 17",
        vads_cust_cell_phone="0033639980418",
        vads_ship_to_phone_num="06.39.98.04.19",
        vads_cust_id="C-42 ",
        vads_order_info="ask <second@example.org>, please",
        vads_ext_info_mail="third@example.org",
        vads_card_number="497010XXXXXX0055",
    )

    assert found_in(form_body(fields)) == {
        Identifier(IdentifierKind.EMAIL, "jo@example.org"),
        Identifier(IdentifierKind.EMAIL, "second@example.org"),
        Identifier(IdentifierKind.EMAIL, "third@example.org"),
        Identifier(IdentifierKind.PHONE, "+33639980417"),
        Identifier(IdentifierKind.PHONE, "+33639980418"),
        Identifier(IdentifierKind.PHONE, "0639980419"),
        Identifier(IdentifierKind.CUSTOMER, "C-42"),
    }


def test_an_answer_holds_the_same() -> None:
    customer = json.loads(json.dumps(an_answer()["customer"]))
    customer |= {"email": "jo@example.org", "reference": "C-42"}
    customer["billingDetails"] |= {"phoneNumber": "+33 639980417", "cellPhoneNumber": "06 39"}
    customer["shippingDetails"] |= {"phoneNumber": "0639980419"}
    whole = {"customer": customer, "subMerchantDetails": {"phoneNumber": "0199000000"}}

    assert found_in(rest_body(an_answer(whole=whole))) == {
        Identifier(IdentifierKind.EMAIL, "jo@example.org"),
        Identifier(IdentifierKind.PHONE, "+33639980417"),
        Identifier(IdentifierKind.PHONE, "0639"),
        Identifier(IdentifierKind.PHONE, "0639980419"),
        Identifier(IdentifierKind.CUSTOMER, "C-42"),
    }


@given(amount_minor=st.integers(0, 10**12 - 1), currency=st.sampled_from(["EUR", "JPY", "KWD"]))
def test_an_amount_is_read_as_it_is_written(amount_minor: int, currency: str) -> None:
    written = decimal_text(amount_minor, currency)

    assert minor_of(written, currency) == amount_minor
    assert minor_of(written.replace(".", ","), currency) == amount_minor


@pytest.mark.parametrize("text", ["", "12.345", "-1", "1e400", "NaN", "Infinity", "1.2.3"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        minor_of(text, "EUR")
