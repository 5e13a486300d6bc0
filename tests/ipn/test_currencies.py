"""The table of currencies: whole, only growing, and read by number, letters or either misspelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from ledger.ipn.currencies import (
    currency_code,
    decimals_of,
    respelled_currency_code,
)
from ledger.ipn.money import decimal_text
from tests.builders import DATA, a_form, an_answer, form_body, rest_body
from tests.ipn.reading import content_of

FROZEN = [
    (letters, number, int(decimals))
    for line in (DATA / "currencies.txt").read_text(encoding="ascii").splitlines()
    for letters, number, decimals in [line.split()]
]
"""What stored facts were read with: lines are added to the file, never changed."""

SHARED = {"532": "XCG", "891": "CSD"}
"""Numbers that a currency took over from one that was withdrawn."""
PLATFORM = """
    ARS 032 2, AUD 036 2, BRL 986 2, CAD 124 2, CHF 756 2, CNY 156 2, COP 170 2, CZK 203 2,
    DKK 208 2, EUR 978 2, GBP 826 2, HKD 344 2, HUF 348 2, IDR 360 0, INR 356 2, JPY 392 0,
    KHR 116 2, KRW 410 0, KWD 414 3, MAD 504 2, MXN 484 2, MYR 458 2, NOK 578 2, NZD 554 2,
    PEN 604 2, PHP 608 2, PLN 985 2, RUB 643 2, SEK 752 2, SGD 702 2, THB 764 2, TND 788 3,
    TRY 949 2, TWD 901 2, USD 840 2, XOF 952 0, XPF 953 0, ZAR 710 2
"""
"""The currencies that the platform offers. Source: form-v2 reference, section 4.1."""


@pytest.mark.parametrize(("letters", "number", "decimals"), FROZEN)
def test_a_currency_that_was_once_known_is_known_for_ever(
    letters: str, number: str, decimals: int
) -> None:
    assert currency_code(letters) == letters
    assert currency_code(number) in (letters, SHARED.get(number))
    assert decimals_of(letters) == decimals


def test_a_number_means_the_same_currency_for_ever() -> None:
    read = {number: currency_code(number) for _, number, _ in FROZEN}

    assert read == {number: letters for letters, number, _ in FROZEN} | SHARED


def test_every_currency_of_the_public_list_is_known() -> None:
    """What the list calls a fund or a metal has no number of decimals, and is none of ours."""
    public = {each.code: each.number for each in Currency if each.number and each.exponent}

    known = {code: currency_code(f"{number:03d}") for code, number in public.items()}

    assert {code for code in public if currency_code(code) != code} == set()
    assert {code for code, read in known.items() if read != code} == set()


def test_the_platform_counts_in_these_decimals() -> None:
    rows = [row.split() for row in PLATFORM.split(",")]

    assert len(rows) == 38
    for letters, number, decimals in rows:
        assert currency_code(number) == currency_code(letters) == letters
        assert decimals_of(letters) == int(decimals)


@pytest.mark.parametrize("text", ["", "998", "ZZZ", "eur", "36", "0978", "97 8", "٩٧٨", "EURO"])
def test_nothing_else_is_a_currency(text: str) -> None:
    assert currency_code(text) is None


@given(st.sampled_from(FROZEN))
def test_leading_zeros_and_capitals_may_be_missing(row: tuple[str, str, int]) -> None:
    letters, number, _ = row

    assert respelled_currency_code(number.lstrip("0")) == currency_code(number)
    assert respelled_currency_code(letters.lower()) == letters
    assert respelled_currency_code(letters.capitalize()) == letters


@pytest.mark.parametrize("text", ["", "998", "zzz", "0978", " eur", "euro", "ıdr", "٣٦"])
def test_what_is_no_currency_in_any_spelling_stays_unknown(text: str) -> None:
    assert respelled_currency_code(text) is None


@pytest.mark.parametrize(
    ("text", "currency", "is_odd"),
    [
        ("036", "AUD", False),
        ("36", "AUD", True),
        ("8", "ALL", True),
        ("975", "BGN", False),
        ("HRK", "HRK", False),
        ("eur", "EUR", True),
        ("zzz", "zzz", True),
        ("998", "998", True),
    ],
)
def test_both_formats_read_a_currency_alike(text: str, currency: str, *, is_odd: bool) -> None:
    (of_form,) = content_of(form_body(a_form(vads_effective_currency=text))).transactions
    (of_rest,) = content_of(rest_body(an_answer(currency=text))).transactions

    assert of_form.facts["currency"] == of_rest.facts["currency"] == currency
    assert ("vads_effective_currency" in of_form.odd) is is_odd
    assert ("currency" in of_rest.odd) is is_odd
    assert (["vads_effective_currency", text] in of_form.details) is is_odd


@pytest.mark.parametrize(
    ("currency", "text"),
    [
        ("EUR", "1500.00"),
        ("IDR", "150000"),
        ("KHR", "1500.00"),
        ("TND", "150.000"),
        ("CLF", "15.0000"),
        ("ZZZ", "1500.00"),
    ],
)
def test_an_amount_is_written_in_the_decimals_of_the_platform(currency: str, text: str) -> None:
    assert decimal_text(150000, currency) == text
