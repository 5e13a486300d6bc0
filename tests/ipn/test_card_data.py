"""The detector of card data: what it finds in a text, what it leaves, and what it costs."""

from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.ipn.card_data import CardData, masked_text, suspicions
from tests.timing import WHOLE, repetition, repetitions, takes_less

NUMBER, HIDDEN_NUMBER = "4970100000000014", "497010XXXXXX0014"
FOUND = {
    # text -> what is left of it
    NUMBER: HIDDEN_NUMBER,
    "4970 1000 0000 0014 cvv 123": f"{HIDDEN_NUMBER} cvv [masked]",
    "4970-1000-0000-0014": HIDDEN_NUMBER,
    "4970\u00a01000\u20090000\u202f0014": HIDDEN_NUMBER,
    "4970.1000.0000.0014": HIDDEN_NUMBER,
    "4 9 7 0 1 0 0 0 0 0 0 0 0 0 1 4": HIDDEN_NUMBER,
    "4970  1000 - 0000\u200b0014": HIDDEN_NUMBER,
    f"x{NUMBER}-x": f"x{HIDDEN_NUMBER}-x",
    "order 12 4970 1000 0000 0014 55": f"order 12 {HIDDEN_NUMBER} 55",
    f"{NUMBER},5555555555554444": f"{HIDDEN_NUMBER},555555XXXXXX4444",
    "378282246310005": "378282XXXXX0005",
    "30569309025904": "305693XXXX5904",
    "4222222222222": "422222XXX2222",
    "2223003122003222": "222300XXXXXX3222",
    "６０１１１１１１１１１１１１１７": "６０１１１１XXXXXX１１１７",
    f";{NUMBER}=25121015432112345601?": "[masked]",
    f"a {NUMBER}=2512101 b": "a [masked] b",
    f"{NUMBER}D2512101000": "[masked]",
    f"%B{NUMBER}^DOE/JO^25121010000000?": "[masked]",
    "cvv: 123": "cvv: [masked]",
    "CVV2=987": "CVV2=[masked]",
    "the CVC is 1234.": "the CVC is [masked].",
    "securityCode: 123": "securityCode: [masked]",
    "code de sécurité : 123": "code de sécurité : [masked]",
    '{"cvx":"123"}': '{"cvx":"[masked]"}',
    "FR7630006000011234567890189": "FRXXXXXXXXXXXXXXXXXXXXX0189",
    "to FR76 3000 6000 0112 3456 7890 189 please": "to FRXXXXXXXXXXXXXXXXXXXXX0189 please",
    "gb82 WEST 1234 5698 7654 32": "gbXXXXXXXXXXXXXXXX5432",
    "4970%201000%200000%200014": "[masked]",
    "%2534970100000000014": "[masked]",
    "\\u0034970100000000014": "[masked]",
    f"%3B{NUMBER}%3D2512101": "[masked]",
}
HONEST = (
    "",
    "4970100000000015",  # the check digit is wrong
    "1970100000000016",  # no card begins with 1
    "49701000000000144970100000000014",  # too long
    "20261126140000",
    "2026-11-26 14:00:00.123456",
    "0033612345678",
    HIDDEN_NUMBER,
    "4970 10XX XXXX 0014",
    "b7c5c619-6841-4c04-9abc-497010000014",
    "4970100000000014a970100000000014",
    "FR7630006000011234567890188",
    "FRXXXXXXXXXXXXXXXXXXXXX0189",
    "CVV",
    "cvv [masked]",
    "12345",
    "https://shop.example/orders/4970?page=2",
)


@pytest.mark.parametrize(("text", "left"), FOUND.items(), ids=range(len(FOUND)))
def test_card_data_is_found_and_masked(text: str, left: str) -> None:
    masked, kinds = masked_text(text)

    assert masked == left
    assert kinds
    assert masked_text(masked) == (masked, frozenset())


@pytest.mark.parametrize("text", HONEST)
def test_honest_texts_stay(text: str) -> None:
    assert masked_text(text) == (text, frozenset())


def _check_digit(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


_BEGINNINGS = st.sampled_from(["4", "51", "55", "34", "37", "36", "30", "6011", "62", "35", "50"])
_GAPS = st.sampled_from(["", "", " ", "-", "\u00a0", "  ", " - ", ".", "\u2009", "\u2013"])


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number as a card may have it. Shape: 13 to 19 digits without gaps."""
    length = draw(st.integers(13, 19))
    digits = draw(_BEGINNINGS)
    digits += draw(st.text("0123456789", min_size=length, max_size=length))
    return digits[: length - 1] + _check_digit(digits[: length - 1])


@given(number=numbers(), data=st.data())
def test_a_number_is_found_however_it_is_grouped(number: str, data: st.DataObject) -> None:
    gaps = data.draw(st.lists(_GAPS, min_size=len(number), max_size=len(number)))
    before = data.draw(st.sampled_from(["", "card ", "(", "n:", '"', "x"]))
    after = data.draw(st.sampled_from(["", " thanks", ")", "\n", '"', "x", ", 25 EUR"]))
    grouped = "".join(map("".join, zip(number, [*gaps[1:], ""], strict=True)))
    masked, kinds = masked_text(f"{before}{grouped}{after}")

    assert CardData.CARD_NUMBER in kinds
    assert "X" * (len(number) - 10) in masked
    assert grouped not in masked


@given(st.integers(10**12, 10**19 - 1))
@example(4970100000000015)
def test_a_number_with_a_wrong_check_digit_is_honest(number: int) -> None:
    text = str(number)
    if _check_digit(text[:-1]) != text[-1]:
        assert suspicions(f"order {text}") == []


@given(st.text(alphabet="4970 -1cv:=;DFR%\\u", max_size=80))
def test_whatever_is_masked_once_is_clean(text: str) -> None:
    masked, _ = masked_text(text)

    assert masked_text(masked)[0] == masked


SECONDS_MAX = 0.150
LETTERS = ("4 -", "07.", "F4 ", "%4u", "=D4", "cv4 ", "a0-")


@pytest.mark.parametrize("letters", LETTERS)
def test_no_repetition_costs_more_than_its_length(letters: str) -> None:
    for text in repetitions(letters, WHOLE // 8):
        assert takes_less(SECONDS_MAX / 8, partial(masked_text, text)), text[:6]


@pytest.mark.parametrize(
    "unit",
    [
        *("4 ", "4970 ", f"{NUMBER} ", "4970100000000015 ", "4 4 4 4 4 4 4 4 4 4 4 4 4x", "0 "),
        *(
            "FR76 ",
            "DE44 5001 ",
            "cvv ",
            "security_code",
            "%34",
            "%",
            "\\u0034",
            "４ ",
            "４",
            "%34x",
        ),
        *("49701000-0000-0014-0000-00000000000a ", "a" * 31 + " ", "4" * 19 + " ", "1 2 3 x"),
    ],
)
def test_no_hostile_text_costs_more_than_its_length(unit: str) -> None:
    assert takes_less(SECONDS_MAX, partial(masked_text, repetition(unit, WHOLE)))
