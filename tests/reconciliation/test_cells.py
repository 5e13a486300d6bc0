"""Names of files and single cells: read without guessing, or not at all."""

import pytest

from ledger.reconciliation.journal_cells import read_amount, sequence_in
from ledger.reconciliation.journal_names import read_file_name
from ledger.reconciliation.journal_rows import AmountScale


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("JT_DEMO_STORE_70258842_200109.csv", ("JT", "70258842", "PRODUCTION", "2020-01-09", 1)),
        ("TEST_JO_A_12345678_26W11.csv.gz", ("JO", "12345678", "TEST", "2026-03-09", 7)),
        ("JRB_A_12345678_26M02.csv", ("JRB", "12345678", "PRODUCTION", "2026-02-01", 28)),
        ("JRI_A_B_12345678_260310_V1.csv", ("JRI", "12345678", "PRODUCTION", "2026-03-10", 1)),
        (
            "70258842_JAM_V1_CL889532_CLIENT_DEMO_092021.csv",
            ("JAM", "70258842", "PRODUCTION", "2021-09-01", 30),
        ),
        (
            "70258842_JAM_V1_CL889532_DEMO_10032026.csv",
            ("JAM", "70258842", "PRODUCTION", "2026-03-10", 1),
        ),
    ],
)
def test_a_name_says_kind_shop_mode_and_days(
    name: str, expected: tuple[str, str, str, str, int]
) -> None:
    read_name = read_file_name(name)

    assert read_name.first_day is not None
    assert read_name.last_day is not None
    days = (read_name.last_day - read_name.first_day).days + 1
    first_day = read_name.first_day.isoformat()
    assert (
        read_name.journal_kind,
        read_name.shop_id,
        read_name.mode,
        first_day,
        days,
    ) == expected


@pytest.mark.parametrize(
    "name", ["export.csv", "JT_1_260399.csv", "JT__.csv", "JT_A_12345678_26W99"]
)
def test_a_name_of_another_make_says_no_day(name: str) -> None:
    assert read_file_name(name).first_day is None


@pytest.mark.parametrize(
    ("text", "scale", "currency", "minor"),
    [
        ("2990", AmountScale.MINOR, None, 2990),
        ("-2990", AmountScale.MINOR, "EUR", -2990),
        ("29.90", AmountScale.MINOR, "EUR", None),
        ("29,90", AmountScale.DECIMAL, "EUR", 2990),
        ("-1 029.90", AmountScale.DECIMAL, "EUR", -102990),
        ("30", AmountScale.DECIMAL, "EUR", None),
        ("29.9", AmountScale.DECIMAL, "EUR", None),
        ("300", AmountScale.DECIMAL, "JPY", 300),
        ("1.234", AmountScale.DECIMAL, "KWD", 1234),
        ("29.90", AmountScale.DECIMAL, None, None),
        ("abc", AmountScale.MINOR, "EUR", None),
    ],
)
def test_an_amount_is_read_or_not_but_never_guessed(
    text: str, scale: AmountScale, currency: str | None, minor: int | None
) -> None:
    assert read_amount(text, scale, currency) == minor


@pytest.mark.parametrize(
    ("archive", "sequence"),
    [("L10294167201", 1), ("L0089jgrvc02", 2), ("PV0310123456", None), ("L1029416720x", None)],
)
def test_an_archive_reference_holds_the_sequence_number(archive: str, sequence: int | None) -> None:
    assert sequence_in(archive) == sequence
