"""Account numbers in free text, and the platform's own references that look like one."""

import pytest

from ledger.ipn.iban import ibans

ACCOUNT = "BA391290079401028494"
LOOKS_LIKE_ONE = "ba913ab8f33bdf41a72ff4ede154b426"
"""Made from a seed as aliases are: its first 20 signs have right check digits."""


@pytest.mark.parametrize(
    "text", [ACCOUNT, ACCOUNT.lower(), f"{ACCOUNT}und{ACCOUNT}", "BA39 1290 0794 0102 8494"]
)
def test_an_account_number_is_found(text: str) -> None:
    assert next(ibans(text))[0] == 0


@pytest.mark.parametrize("text", [LOOKS_LIKE_ONE, f"see {LOOKS_LIKE_ONE}, please"])
def test_a_reference_of_the_platform_is_none(text: str) -> None:
    assert list(ibans(text)) == []


@pytest.mark.parametrize(
    "text", [LOOKS_LIKE_ONE[:31], f"{LOOKS_LIKE_ONE}a", LOOKS_LIKE_ONE.upper()]
)
def test_what_is_not_quite_such_a_reference_still_counts(text: str) -> None:
    assert list(ibans(text)) != []
