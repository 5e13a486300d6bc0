"""Remittances on the command line: printed, and exported as rows, entries and a journal."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.running import run, shops_file
from tests.conftest import opened
from tests.reconciliation.comparing import a_ledger_of_the_day
from tests.reconciliation.money import a_bank_row, an_unpaid_row, import_bank, import_unpaid

DAYS = ("--mode", "test", "--from", "2026-03-12", "--until", "2026-04-30")

Run = Callable[..., Result]


@pytest.fixture
def ledger_command(database_url: str, tmp_path: Path) -> Run:
    """`ledger` on a database with a remittance of two payments, and a chargeback."""
    with opened(database_url) as database:
        ledger = a_ledger_of_the_day(database)
        second = a_bank_row("410002", "5000", "494000", "60", order_id="=1+1")
        import_bank(ledger, a_bank_row(), second)
        import_unpaid(ledger, an_unpaid_row())
    path = shops_file(tmp_path)
    return lambda *words: run(database_url, path, *map(str, words))


def test_a_remittance_is_a_line(ledger_command: Run) -> None:
    done = ledger_command("settlement", "--shop", "12345678", *DAYS)

    expected = "2026-03-12\t1234567\t7\t2\t7990\t0\t95\t7895\t0\tEUR\n"
    assert (done.exit_code, done.stdout) == (0, expected)
    assert "1 remittance, 1 chargeback" in done.stderr


def test_a_row_that_is_not_explained_is_named(ledger_command: Run, database_url: str) -> None:
    with opened(database_url) as database:
        name = "TEST_JRB_BOUTIQUE_12345678_260313.csv"
        unreadable = a_bank_row("410009", "999", "1", "1")
        import_bank(a_ledger_of_the_day(database), a_bank_row("777777"), unreadable, name=name)

    done = ledger_command("settlement", "--shop", "12345678", *DAYS, "--json")

    assert done.exit_code == 1
    assert f"unmatched: 777777, {name} line 3" in done.stderr
    assert f"unreadable: 410009, {name} line 4" in done.stderr
    (remittance,) = json.loads(done.stdout)["remittances"]
    assert remittance["results"]["unreadable"] == 1


def test_rows_are_exported_without_formulas(ledger_command: Run, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"

    done = ledger_command("export", "settlement", "--shop", "12345678", *DAYS, "--output", path)

    assert done.exit_code == 0, done.output
    first, second = csv.DictReader(path.read_text().splitlines())
    assert (first["gross_minor"], first["result"]) == ("2990", "matched")
    assert second["order_id"] == "'=1+1"


def test_entries_have_the_accounts_of_the_file(ledger_command: Run, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.toml"
    accounts.write_text('[fees]\nnumber = "627800"\nlabel = "Card fees"\n')
    words = ("export", "settlement", "--shop", "12345678", *DAYS, "--format", "entries")

    done = ledger_command(*words, "--accounts", accounts)

    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert all(len(line) == 18 for line in lines)
    fee = next(line for line in lines if line[4] == "627800")
    assert (fee[5], fee[3], fee[11], fee[12]) == ("Card fees", "20260312", "0,95", "0,00")
    assert [line[11] for line in lines if line[4] == "512000"] == ["78,95", "0,00"]
    assert "Payment 410002 =1+1" in done.stdout


def test_a_journal_of_hledger_names_each_payment(ledger_command: Run) -> None:
    words = ("export", "settlement", "--shop", "12345678", *DAYS, "--format", "hledger")

    done = ledger_command(*words)

    assert f"411000 Customers  -29.90 EUR  ; uuid:{410001:032x}\n" in done.stdout
    assert "    512000 Bank  78.95 EUR\n" in done.stdout
    assert "2026-04-01 " in done.stdout


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[fee]\nnumber = '1'\nlabel = 'x'\n", "names fee"),
        ("[fees]\nnumber = 627\nlabel = 'x'\n", "[fees]"),
        ("[fees]\nnumber = '627'\n", "number and label"),
        ("fees", "cannot be read"),
    ],
)
def test_accounts_that_cannot_be_read_are_refused(
    ledger_command: Run, tmp_path: Path, text: str, reason: str
) -> None:
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(text)

    done = ledger_command(
        "export", "settlement", *DAYS, "--format", "entries", "--accounts", accounts
    )

    assert done.exit_code == 2
    assert reason in done.stderr


def test_rows_are_made_again_by_a_command(ledger_command: Run) -> None:
    done = ledger_command("import", "--again")

    assert (done.exit_code, done.stdout) == (0, "")
    assert "2 files about money read again" in done.stderr
    assert ledger_command("verify", "--only", "reports").exit_code == 0
