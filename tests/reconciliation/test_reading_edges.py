"""What a file says at its edges: titles, ends, packing, cells that nobody can read."""

import gzip
import json
import zlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.reconciliation.journal_error import JournalError
from ledger.reconciliation.journal_reading import Journal
from ledger.reconciliation.journal_rows import AmountScale, Heading
from tests.reconciliation.journals import (
    JRB_NAME,
    JT_NAME,
    a_bank_file,
    a_file,
    read,
    refusal_of,
    rows_of,
)


@pytest.mark.parametrize(
    "spelling",
    [
        *("26/03/11_02:04:00", "26/03/11 02:04:00", "20260311 02:04:00", "20260311_02:04:00"),
        *("260311_02:04:00", "2026-03-11T02:04:00Z"),
    ],
)
def test_a_title_says_when_a_file_was_made_in_each_spelling(spelling: str) -> None:
    heading = read(a_file(title=("BOUTIQUE", spelling, "TABLE_V3"))).heading

    assert heading.made_at == datetime(2026, 3, 11, 2, 4, tzinfo=UTC)


@pytest.mark.parametrize("label", ["VELO", "V1", "260101_00:00:00"])
def test_the_label_of_a_shop_is_neither_version_nor_date(label: str) -> None:
    heading = read(a_file(title=(label, "26/03/11_02:04:00", "TABLE_V_CUSTOM"))).heading

    assert (heading.shop_label, heading.version) == (label, "V_CUSTOM")
    assert heading.made_at == datetime(2026, 3, 11, 2, 4, tzinfo=UTC)


def test_a_journal_without_its_first_line_was_cut() -> None:
    reason, message = refusal_of(a_file(title=None))

    assert (reason, "TITRE" in message) == ("cut-file", True)


@pytest.mark.parametrize(
    "detail_lines", ["", "TRANSACTION;410001;1;DEBIT;1;1;978;20260310;1;C;CAPTURED;\n"]
)
def test_labels_that_come_again_are_refused(detail_lines: str) -> None:
    title, labels, _ = a_file().splitlines(keepends=True)

    assert refusal_of(title + labels + labels + detail_lines)[0] == "not-a-journal"


@pytest.mark.parametrize("chunk_bytes", [1, 2, 7, 64, 1 << 18])
def test_packed_members_are_one_file_wherever_they_are_divided(chunk_bytes: int) -> None:
    content = a_file({}, {"TRANSACTION_ID": "410002"}).encode()
    packed = gzip.compress(content[:150]) + gzip.compress(content[150:])

    rows = rows_of(packed, chunk_bytes=chunk_bytes)

    assert [row.trans_id for row in rows] == ["410001", "410002"]


@given(st.integers(min_value=2, max_value=len(gzip.compress(a_file().encode(), mtime=0)) - 1))
def test_a_packed_file_is_cut_wherever_its_end_is_missing(byte_count: int) -> None:
    packed = gzip.compress(a_file().encode(), mtime=0)

    assert refusal_of(packed[:byte_count])[0] == "cut-file"


def test_a_packed_line_of_any_length_is_refused_before_it_is_in_memory() -> None:
    packer = zlib.compressobj(wbits=31)
    megabytes = [packer.compress(b"a" * (1 << 20)) for _ in range(8)]
    title = packer.compress(b"\nTITRE;A;V1\n")

    packed = b"".join([*megabytes, title, packer.flush()])

    assert refusal_of(packed)[0] == "too-big"


@pytest.mark.parametrize("day", ["260311", "20260311", "2026-03-11", "11/03/2026"])
def test_a_day_is_read_in_each_spelling(day: str) -> None:
    (row,) = rows_of(a_file({"PAYMENT_DATE": day}))

    assert (row.paid_on, row.unreadable) == (date(2026, 3, 11), ())


@pytest.mark.parametrize("day", ["2026311", "26311", "2026-03-10T00:30:00+01:00", "20260399"])
def test_a_day_that_could_be_two_or_is_of_another_zone_is_not_guessed(day: str) -> None:
    (row,) = rows_of(a_file({"PAYMENT_DATE": day}))

    assert (row.paid_on, row.paid_at, row.unreadable) == (None, None, ("paid_on",))


def test_a_moment_in_one_cell_is_read() -> None:
    (row,) = rows_of(a_file({"PAYMENT_DATE": "2026-03-10T09:15:04Z", "PAYMENT_TIME": ""}))

    assert row.paid_at == datetime(2026, 3, 10, 9, 15, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("label", "text", "meaning"),
    [
        ("PAYMENT_TIME", "99:99", "paid_time"),
        ("PAYMENT_DATE", "soon", "paid_on"),
        ("TRANSACTION_TYPE", "SIDEWAYS", "direction"),
        ("AMOUNT", "much", "amount"),
        ("ORIGIN_AMOUNT", "much", "requested"),
        ("CURRENCY_CODE", "000", "currency"),
        ("SEQUENCE_NUMBER", "x", "sequence"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(label: str, text: str, meaning: str) -> None:
    further = {"SEQUENCE_NUMBER": "1"}

    (row,) = rows_of(a_file({label: text}, labels=further))

    assert row.unreadable == (meaning,)


def test_money_of_a_bank_that_cannot_be_read_is_named_and_not_guessed() -> None:
    money = {"BRUT_AMOUNT": "29.90", "NET_AMOUNT": "29.55", "COMMISSION_AMOUNT": "0.35"}

    (row,) = rows_of(a_bank_file(money), JRB_NAME)

    assert row.unreadable == ("gross", "net", "fee")
    assert row.settlement is not None
    assert (row.settlement.is_scale_known, row.settlement.gross_minor) == (False, None)


def test_a_bank_row_of_another_scale_than_its_file_says_no_amounts() -> None:
    rows = rows_of(a_bank_file({}, {}, {"NET_AMOUNT": "2955"}), JRB_NAME)

    known = [row.settlement.is_scale_known for row in rows if row.settlement]
    assert known == [True, True, False]
    assert rows[2].settlement is not None
    assert rows[2].settlement.net_minor is None


@pytest.mark.parametrize(
    ("currency", "text", "minor"),
    [("978", "29,90", 2990), ("392", "300", 300), ("414", "1.234", 1234), ("", "29.90", None)],
)
def test_decimals_of_a_file_are_those_of_the_currency(
    currency: str, text: str, minor: int | None
) -> None:
    (row, decimal_row) = rows_of(
        a_file({"CURRENCY_CODE": currency, "AMOUNT": text, "ORIGIN_AMOUNT": ""}, {"AMOUNT": "1.00"})
    )

    assert (row.amount_minor, row.unreadable) == (minor, () if minor else ("amount",))
    assert decimal_row.amount_minor == 100


def test_line_numbers_count_blank_lines() -> None:
    title, labels, detail_line = a_file().splitlines(keepends=True)

    rows = rows_of(f"{title}\n{labels}\n\n{detail_line}\n{detail_line}")

    assert [row.line_number for row in rows] == [6, 8]


def test_the_sequence_number_is_that_of_the_archive_reference() -> None:
    (row,) = rows_of(a_file(labels={"ARCHIVE_REFERENCE": "L0089jgrvc02"}))

    assert row.sequence_number == 2


@pytest.mark.parametrize("text", [a_file({"AMOUNT": "29.90"}), a_file(title=("Été", "26/03/11"))])
def test_a_heading_survives_json_and_opens_the_same_rows(text: str) -> None:
    journal = read(text)

    again = Heading.from_json(json.loads(json.dumps(journal.heading.to_json())))

    assert again == journal.heading
    assert isinstance(again.scale, AmountScale)
    assert list(Journal(journal.chunks, again).rows()) == list(journal.rows())


def test_a_name_with_digits_of_another_script_says_no_day() -> None:
    heading = read(a_file(), JT_NAME.replace("26", "٢٦")).heading

    assert (heading.first_day, heading.last_day) == (None, None)


_CELL = st.sampled_from(
    [
        *("TITRE", "ENTETE", "FIN", "TRANSACTION", "MATCHING", "DETAIL", "V1", "26/03/11", ""),
        *("PAYMENT_DATE", "TRANSACTION_ID", "AMOUNT", "TRANSACTION_STATUS", "CURRENCY_CODE"),
        *("BRUT_AMOUNT", "NET_AMOUNT", "COMMISSION_AMOUNT", "20260310", "2990", "29,90", "978"),
        *("-", '"', "99999999999999999", "٢٩", "²", "\0", "2026-03-10T", "0001-01-01"),
    ]
)
_FILES = st.lists(
    st.lists(_CELL, min_size=1, max_size=7).map(";".join), min_size=1, max_size=5
).map("\n".join)
_BEGINNINGS = st.sampled_from(
    [
        "TITRE;A;V1\nENTETE;PAYMENT_DATE;TRANSACTION_ID;AMOUNT;TRANSACTION_STATUS\n",
        "TITRE;A;V1\nENTETE;PAYMENT_DATE;TRANSACTION_ID;BRUT_AMOUNT;NET_AMOUNT;COMMISSION_AMOUNT\n",
        "PAYMENT_DATE;TRANSACTION_ID;AMOUNT;TRANSACTION_STATUS\n",
        "",
    ]
)


@given(_BEGINNINGS, _FILES, st.sampled_from([JT_NAME, JRB_NAME, "x"]))
def test_a_file_is_refused_or_has_as_many_rows_as_it_says(
    beginning: str, rest: str, name: str
) -> None:
    try:
        journal = read(beginning + rest, name)
    except JournalError:
        return
    assert len(list(journal.rows())) == journal.heading.row_count
