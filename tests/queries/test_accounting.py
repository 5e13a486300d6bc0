"""The accountant's export: files that spreadsheets of both languages open, and that add up."""

import csv
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ledger.application import Ledger
from ledger.errors import BadFilterError
from ledger.ipn.currencies import decimals_of
from ledger.queries import accounting_files
from ledger.queries.accounting import AccountingExport, transactions_in_days
from ledger.queries.accounting_files import TooManyRowsError, write_accounts
from ledger.queries.filter_declarations import TotalFilter, TransactionFilter
from ledger.queries.lists import TOTALS, list_page
from tests.builders import (
    OTHER_SHOP_ID,
    SHOP_ID,
    a_form,
    a_ledger,
    a_shop,
    form_body,
    receive,
    shops,
)
from tests.conftest import opened
from tests.queries.filling import follow
from web.pages.accounting_words import accounting_words

PARIS = "Europe/Paris"
BOM = b"\xef\xbb\xbf"
EPOCH = datetime.fromisoformat("1899-12-30")
"""Day 0 of a sheet."""
NAMESPACE = {"sheet": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


@pytest.fixture(scope="module")
def ledger(stories_file: Path) -> Iterator[Ledger]:
    with opened(f"sqlite:///{stories_file}") as database:
        yield a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))


def written(
    ledger: Ledger, format_: str, language: str = "fr", zone: str = PARIS, **filters: Any
) -> tuple[str, bytes]:
    export = AccountingExport(TransactionFilter.of(filters), zone)
    name, parts = write_accounts(ledger, export, format_, accounting_words(language, zone))
    return name, b"".join(parts)


def lines(content: bytes, delimiter: str) -> list[dict[str, str]]:
    text = content.removeprefix(BOM).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def sums(ledger: Ledger) -> dict[str, Decimal]:
    """What the daily totals of the API come to: payments less refunds."""
    net: dict[str, Decimal] = defaultdict(Decimal)
    for outcome, sign in (("accepted", 1), ("refunded", -1)):
        filter_ = TotalFilter(outcome=frozenset({outcome}))
        with ledger.database.connect() as connection:
            items = list_page(connection, TOTALS, filter_, limit=500).items
        for item in items:
            digits = decimals_of(item["currency"])
            net[item["currency"]] += sign * Decimal(item["amount_minor"]).scaleb(-digits)
    return net


def test_a_french_file_adds_up_to_the_totals_of_the_api(ledger: Ledger) -> None:
    name, content = written(ledger, "csv")

    assert content.startswith(BOM)
    assert re.fullmatch(r"all-shops_all-modes_all-days_europe-paris_up-to-event-\d+\.csv", name)
    net: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines(content, ";"):
        amount, currency = line["Montant"], line["Devise"]
        if amount:
            whole, _, decimals = amount.partition(",")
            assert re.fullmatch(r"-?\d+", whole)
            assert len(decimals) == decimals_of(currency)
            assert (whole[0] == "-") == (line["Type"] == "Remboursement")
        if line["Montant retenu"]:
            assert line["Montant retenu"] == amount
            net[currency] += Decimal(line["Montant retenu"].replace(",", "."))
        assert re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", line[f"Connu le ({PARIS})"])
    assert net == sums(ledger) != {}
    assert {0, 2, 3} <= {decimals_of(currency) for currency in net}


def test_an_english_file_has_commas_and_iso_days(ledger: Ledger) -> None:
    _, content = written(ledger, "csv", "en", "UTC")
    _, french = written(ledger, "csv")

    rows, in_french = lines(content, ","), lines(french, ";")
    assert content.startswith(BOM)
    for row, other in zip(rows, in_french, strict=True):
        assert row["Amount"] == other["Montant"].replace(",", ".")
        day, month, year_and_clock = other[f"Connu le ({PARIS})"].split("/")
        paris = datetime.fromisoformat(f"{year_and_clock[:4]}-{month}-{day} {year_and_clock[5:]}")
        utc = datetime.fromisoformat(row["Known since (UTC)"])
        assert paris - utc in (timedelta(hours=1), timedelta(hours=2))
    assert any(row["Authorisation number"] for row in rows)


def test_a_zip_file_has_the_rows_and_their_totals(ledger: Ledger) -> None:
    name, content = written(ledger, "zip")

    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    stem = name.removesuffix(".zip")
    assert archive.namelist() == [f"{stem}.csv", f"{stem}_totals.csv"]
    assert archive.read(f"{stem}.csv") == written(ledger, "csv")[1]
    totals = lines(archive.read(f"{stem}_totals.csv"), ";")
    net = {line["Devise"]: Decimal(line["Net"].replace(",", ".")) for line in totals}
    assert {currency: figure for currency, figure in net.items() if figure} == sums(ledger)
    rows = lines(archive.read(f"{stem}.csv"), ";")
    counts = ("Paiements", "Remboursements", "Transactions non retenues")
    assert sum(int(line[count]) for line in totals for count in counts) == len(rows)


def sheet_rows(content: bytes, number: int) -> list[dict[str, tuple[str, str]]]:
    """The rows of a sheet. Shape: letter of the column -> text and format of the cell."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
    patterns = {
        each.get("numFmtId"): each.get("formatCode") or ""
        for each in styles.iterfind(".//sheet:numFmt", NAMESPACE)
    }
    formats = [
        patterns.get(each.get("numFmtId"), each.get("numFmtId") or "")
        for each in styles.iterfind(".//sheet:cellXfs/sheet:xf", NAMESPACE)
    ]
    root = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
    assert not root.findall(".//sheet:f", NAMESPACE)  # no formula
    return [
        {
            re.sub(r"\d", "", cell.get("r") or ""): (
                "".join(cell.itertext()),
                formats[int(cell.get("s") or 0)],
            )
            for cell in row.iterfind("sheet:c", NAMESPACE)
        }
        for row in root.iterfind(".//sheet:row", NAMESPACE)
    ]


def test_a_workbook_has_numbers_dates_and_a_sheet_of_totals(ledger: Ledger) -> None:
    name, content = written(ledger, "xlsx")

    expected = lines(written(ledger, "csv")[1], ";")
    header, *rows = sheet_rows(content, 1)
    titles = {letter: text for letter, (text, _) in header.items()}
    assert name.endswith(".xlsx")
    assert list(titles.values()) == list(expected[0])
    assert len(rows) == len(expected)
    letter_of = {title: letter for letter, title in titles.items()}
    for row, line in zip(rows, expected, strict=True):
        if line["Montant"]:
            text, pattern = row[letter_of["Montant"]]
            digits = decimals_of(line["Devise"])
            assert Decimal(text) == Decimal(line["Montant"].replace(",", "."))
            assert pattern == "#,##0" + ("." + "0" * digits if digits else "")
        serial, pattern = row[letter_of[f"Connu le ({PARIS})"]]
        at = EPOCH + timedelta(days=float(serial)) + timedelta(milliseconds=500)
        assert at.strftime("%d/%m/%Y %H:%M:%S") == line[f"Connu le ({PARIS})"]
        assert pattern == "dd/mm/yyyy hh:mm:ss"
    _, *totals = sheet_rows(content, 2)
    net = {row["A"][0]: Decimal(row["F"][0]) for row in totals if "A" in row}
    assert {currency: figure for currency, figure in net.items() if figure} == sums(ledger)


def test_more_rows_than_a_sheet_has_are_refused_in_words(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounting_files, "SHEET_ROWS_MAX", 3)

    with pytest.raises(TooManyRowsError, match=r"do not fit into a sheet .* take CSV"):
        written(ledger, "xlsx")

    assert written(ledger, "csv")[1]


def test_an_order_that_looks_like_a_formula_is_text(sqlite_url: str) -> None:
    with opened(sqlite_url) as database:
        ledger = a_ledger(database)
        receive(ledger, form_body(a_form(vads_order_id='=1+1;-2"')))
        follow(ledger)
        _, text = written(ledger, "csv")
        _, book = written(ledger, "xlsx")

    assert lines(text, ";")[0]["Commande"] == """'=1+1;'-2\""""
    assert sheet_rows(book, 1)[1]["B"][0] == '=1+1;-2"'


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("2026-11-01", "2026-11-30", "2026-11"),
        ("2024-01-01", "2024-12-31", "2024"),
        ("2026-11-03", "2026-11-03", "2026-11-03"),
        ("2026-11-03", "2026-12-02", "2026-11-03_2026-12-02"),
        ("2026-11-03", None, "from-2026-11-03"),
        (None, "9999-12-31", "until-9999-12-31"),
        ("0001-01-01", "9999-12-31", "0001-01-01_9999-12-31"),
    ],
)
def test_a_file_is_named_by_shop_mode_days_zone_and_position(
    ledger: Ledger, first: str | None, last: str | None, name: str
) -> None:
    days = [date.fromisoformat(day) if day else None for day in (first, last)]
    filter_ = TransactionFilter.of({"shop_id": [SHOP_ID], "mode": "production"})
    export = AccountingExport(transactions_in_days(filter_, *days, PARIS), PARIS)

    file_name = export.file_name(ledger)

    shop, mode, rest = file_name.split("_", 2)
    assert (shop, mode) == (re.sub(r"[^a-z0-9]+", "-", a_shop().name.lower()), "production")
    assert re.fullmatch(rf"{name}_europe-paris_up-to-event-\d+", rest)


def test_days_are_those_of_the_zone_and_not_mixed_with_instants() -> None:
    day = date(2026, 7, 1)
    in_july = transactions_in_days(TransactionFilter(), day, day, PARIS)

    assert in_july.created_from == datetime.fromisoformat("2026-06-30T22:00:00Z")
    assert in_july.created_until == datetime.fromisoformat("2026-07-01T22:00:00Z")
    for first, last, filter_ in (
        (day, None, in_july),
        (day, day - timedelta(days=1), TransactionFilter()),
    ):
        with pytest.raises(BadFilterError):
            transactions_in_days(filter_, first, last, PARIS)
