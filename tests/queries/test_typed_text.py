"""What people type into a search is read as they mean it: amounts, days, ends of cards."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ledger.queries.typed_text import read_typed

TODAY = date(2026, 11, 28)
SEPTEMBER_27 = date(2026, 9, 27)


def read(text: str) -> dict[str, Any]:
    """What a text means, without what it does not say."""
    typed = read_typed(text, today=TODAY)
    names = ("amounts", "currency", "day", "card_end", "part")
    meaning = {name: value for name in names if (value := getattr(typed, name))}
    return meaning | ({"amounts": [*map(float, typed.amounts)]} if typed.amounts else {})


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("74,29", {"amounts": [74.29]}),
        (" 74.29 ", {"amounts": [74.29]}),
        ("74,29 €", {"amounts": [74.29], "currency": "EUR"}),
        ("€74.29", {"amounts": [74.29], "currency": "EUR"}),
        ("74,29EUR", {"amounts": [74.29], "currency": "EUR"}),
        ("JPY 8420", {"amounts": [8420], "currency": "JPY"}),
        ("kwd39.738", {"amounts": [39.738, 39738], "currency": "KWD"}),
        ("$12.50", {"amounts": [12.5]}),
        ("8420", {"amounts": [8420]}),
        ("1 234,56", {"amounts": [1234.56]}),
        ("1 234 567,89 EUR", {"amounts": [1234567.89], "currency": "EUR"}),
        ("1.234,56", {"amounts": [1234.56]}),
        ("1,234", {"amounts": [1.234, 1234]}),
        ("27/09/2026", {"day": SEPTEMBER_27}),
        ("27.9.26", {"day": SEPTEMBER_27}),
        ("2026-09-27", {"day": SEPTEMBER_27}),
        ("27 Sep", {"day": SEPTEMBER_27}),
        ("27 sept. 2026", {"day": SEPTEMBER_27}),
        ("1er août", {"day": date(2026, 8, 1)}),
        ("29 nov", {"day": date(2025, 11, 29)}),  # it has not come yet this year
        ("74,29 27/09/2026", {"amounts": [74.29], "day": SEPTEMBER_27}),
        ("27 Sep 74.29 EUR", {"amounts": [74.29], "day": SEPTEMBER_27, "currency": "EUR"}),
        ("1234 74,29", {"amounts": [74.29], "card_end": "1234"}),
        ("74,29 1234", {"amounts": [74.29], "card_end": "1234"}),
        ("1234 27 Sep", {"amounts": [1234], "day": SEPTEMBER_27, "card_end": "1234"}),
        ("CMD-1 0055", {"card_end": "0055", "part": "CMD-1"}),
        ("CMD-1 74,29", {"amounts": [74.29], "part": "CMD-1"}),
        ("CMD-2026-09-27", {"part": "CMD-2026-09-27"}),
        ("31/02/2026", {"part": "31/02/2026"}),
        ("EUR", {"part": "EUR"}),
        ("0612345678", {"part": "0612345678"}),
        ("3 jui", {"amounts": [3], "part": "jui"}),  # June or July
        ("", {}),
        ("two words", {}),
        ("1 27/09/2026 28/09/2026", {}),
        ("x " * 20, {}),
    ],
)
def test_a_text_is_read_as_it_is_meant(text: str, meaning: dict[str, Any]) -> None:
    assert read(text) == meaning


def test_an_amount_is_in_the_decimals_of_each_currency() -> None:
    of_two, of_none, thousands = (
        read_typed(text, today=TODAY).minors() for text in ("74,29", "8420", "1,234")
    )

    assert (7429, "EUR") in of_two
    assert (74290, "KWD") in of_two
    assert all(letters != "JPY" for _, letters in of_two)
    assert {(842000, "EUR"), (8420, "JPY")} <= of_none
    assert {(1234, "KWD"), (123400, "EUR"), (1234, "JPY")} <= thousands
    assert Decimal("1.234") in read_typed("1,234", today=TODAY).amounts
