"""`ledger export`: every row once, in three formats, and nothing about a person unless asked."""

import csv
import io
import re
import sys
from pathlib import Path
from time import thread_time
from typing import Any

import orjson
import pyarrow.parquet
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.errors import MissingExtraError
from ledger.queries import export as exporting
from ledger.queries import export_formats, notifications
from ledger.queries.export import Export
from ledger.queries.export_formats import CellKind, csv_cell, write_rows
from ledger.queries.filter_declarations import EventFilter, NotificationFilter, TransactionFilter
from ledger.storage.database import Database
from tests.builders import SHOP_ID, a_form, a_ledger, example_body, form_body, receive
from tests.cli.running import run
from tests.queries.filling import follow

KINDS = ("events", "transactions", "notifications")


@pytest.fixture
def ledger(database: Database) -> Ledger:
    ledger = a_ledger(database)
    receive(ledger, example_body("form-v2", "payment-accepted"))
    receive(ledger, example_body("rest-v4", "payment-accepted"))
    receive(ledger, b"hello=world", shop_id=SHOP_ID, mode="TEST")
    form = a_form(vads_trans_uuid="b2" * 16, vads_order_id="=1+1", vads_cust_email="a@b.example")
    receive(ledger, form_body(form))
    follow(ledger)
    return ledger


@pytest.fixture
def url(database_url: str, ledger: Ledger) -> str:
    return database_url


def lines(url: str, *options: str) -> list[dict[str, Any]]:
    result = run(url, None, "export", *options, "--format", "jsonl")
    assert result.exit_code == 0, result.output
    return [orjson.loads(line) for line in result.stdout_bytes.splitlines()]


def test_events_come_with_their_facts_in_order(url: str, ledger: Ledger) -> None:
    rows = lines(url, "events")

    expected = ledger.events.events_after(0, 100)
    assert [row["position"] for row in rows] == [recorded.position for recorded in expected]
    assert [row["facts"] for row in rows] == [recorded.event.facts for recorded in expected]
    assert lines(url, "events", "--kind", "alias") == [
        row for row in rows if row["kind"] == "alias"
    ]
    assert lines(url, "events", "--recorded-until", "2020-01-01") == []
    assert lines(url, "events", "--recorded-until", "2026-11-23") == rows
    assert lines(url, "events", "--recorded-from", "2026-11-24") == []
    assert lines(url, "events", "--shop-id", "00000000") == []


def test_nothing_is_left_out_or_doubled_at_the_edges_of_pages(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports = [
        Export("events", EventFilter()),
        Export("events", EventFilter(type=frozenset({"transaction.payment-accepted"}))),
        Export("notifications", NotificationFilter()),
    ]
    whole = [list(exporting.rows(ledger, export)) for export in exports]

    for size in (1, 2, 3):
        monkeypatch.setattr(exporting, "PAGE", size)
        monkeypatch.setattr(notifications, "PAGE", size)
        assert [list(exporting.rows(ledger, export)) for export in exports] == whole


def test_transactions_come_as_they_stand(url: str) -> None:
    rows = lines(url, "transactions", "--search", "=1+")

    assert [row["order_id"] for row in rows] == ["=1+1"]
    assert rows[0]["mode"] == "test"
    assert "personal" not in rows[0]


def test_personal_data_are_left_out_unless_asked_for(url: str) -> None:
    for kind in ("events", "notifications"):
        assert b"a@b.example" not in run(url, None, "export", kind).stdout_bytes
    assert "192.0.2.7" not in run(url, None, "export", "notifications").output

    output = run(url, None, "export", "events", "--personal").output
    peers = lines(url, "notifications", "--personal")

    assert "a@b.example" in output
    assert {row["peer"] for row in peers} == {"192.0.2.7"}


def test_deliveries_come_without_bodies_unless_asked_for(url: str) -> None:
    rows = lines(url, "notifications")
    raw = lines(url, "notifications", "--raw", "--outcome", "quarantined")

    assert [row["outcome"] for row in rows] == ["recorded", "recorded", "quarantined", "recorded"]
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert all("body_base64" not in row for row in rows)
    assert [row["body_base64"] for row in raw] == ["aGVsbG89d29ybGQ="]


@pytest.mark.parametrize("kind", KINDS)
def test_the_three_formats_tell_the_same(url: str, tmp_path: Path, kind: str) -> None:
    expected = lines(url, kind)

    text = run(url, None, "export", kind).stdout_bytes.decode()
    file = tmp_path / "out.parquet"
    result = run(url, None, "export", kind, "--format", "parquet", "--output", str(file))
    assert result.exit_code == 0, result.output
    from_csv = list(csv.DictReader(io.StringIO(text, newline="")))
    from_parquet = pyarrow.parquet.read_table(file).to_pylist()

    flat = [{name: as_text(value) for name, value in row.items()} for row in expected]
    assert [{n: as_text(v) for n, v in row.items()} for row in from_parquet] == flat
    assert [{n: unquoted(v) for n, v in row.items()} for row in from_csv] == flat
    assert list(tmp_path.glob("*.part")) == []


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return "" if value is None else str(value)


def unquoted(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" else cell


def test_an_order_that_looks_like_a_formula_is_shown_and_not_run(url: str) -> None:
    assert ",'=1+1," in run(url, None, "export", "transactions").output


SIGNS = "=+-@＝＋－＠"
TEXTS = st.text(st.sampled_from([*SIGNS, *";,\t\r\n\"' aé\0"]), max_size=12) | st.text()


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=4))
@example([("a;=1+1", "a\t@x", "a\n＝1")])
@example([('a\n"=1', '"";"=1', "'=1")])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_begins_like_a_formula_wherever_columns_are_divided(
    delimiter: str, texts: list[tuple[str, str, str]]
) -> None:
    """French spreadsheets divide at semicolons, and ask nobody."""
    columns = dict.fromkeys(("one", "two", "three"), CellKind.TEXT)
    rows = [dict(zip(columns, row, strict=True)) for row in texts]

    written = b"".join(write_rows(columns, "csv", rows)).decode()

    cells = [
        cell
        for line in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter)
        for cell in line
    ]
    assert [cell for cell in cells if cell.lstrip(" ").startswith(tuple(SIGNS))] == []


@given(TEXTS)
def test_a_disarmed_cell_gives_its_text_back(text: str) -> None:
    """As the README says: one apostrophe fewer at each place where a formula could begin."""
    cell = csv_cell(text)

    assert isinstance(cell, str)
    assert not cell.startswith((*SIGNS, "\t", "\r", "\n"))
    signs = re.escape(SIGNS)
    places = rf"""\A'(?=[ "']*[\t\r\n{signs}])|(?<=[;\t\r\n])'(?=[ "']*[{signs}])"""
    whole = re.sub(places, "", cell)
    assert whole == text


def test_facts_in_a_cell_are_disarmed_like_text() -> None:
    cell = csv_cell({"note": "a;=1+1"})

    assert cell == """{"note":"a;'=1+1"}"""


def test_disarming_takes_time_in_proportion_to_the_text() -> None:
    """A cell may be as long as a body."""
    for part in (";", "'", '"', "\n'", ";' ", "=", " "):
        text = part * (256 * 1024 // len(part))
        began = thread_time()

        csv_cell(text)

        assert thread_time() - began < 0.5


@given(st.integers() | st.none())
def test_numbers_stay_numbers(number: int | None) -> None:
    assert csv_cell(number) == number


def test_parquet_without_its_library_says_what_to_install(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    export = Export("transactions", TransactionFilter())

    with pytest.raises(MissingExtraError, match="pyarrow, which is not installed"):
        write_rows(export.columns, "parquet", [])


def test_a_parquet_file_has_row_groups(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_formats, "GROUP_ROWS", 2)
    export = Export("events", EventFilter())
    rows = list(exporting.rows(ledger, export))

    parts = list(write_rows(export.columns, "parquet", rows))

    file = pyarrow.parquet.ParquetFile(io.BytesIO(b"".join(parts)))
    assert file.metadata.num_row_groups == len(parts) - 1 == (len(rows) + 1) // 2


def test_a_file_that_could_not_be_finished_leaves_what_was_there(url: str, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("before")

    result = run(url, None, "export", "events", "--output", str(tmp_path / "no" / "out.csv"))

    assert result.exit_code == 2
    assert file.read_text() == "before"


def test_an_empty_export_still_has_its_columns(url: str) -> None:
    result = run(url, None, "export", "transactions", "--order-id", "none")

    assert result.stdout_bytes.startswith(b"uuid,reference,doubtful,shop_id,")
    assert result.stdout_bytes.count(b"\n") == 1
