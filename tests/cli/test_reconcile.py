"""Files of the platform on the command line: kept, compared, and which days they prove."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ledger.access.log import accesses
from tests.cli.running import run, shops_file
from tests.conftest import opened
from tests.reconciliation.comparing import NAME, ROWS, a_journal, a_ledger_of_the_day

DAY = ("--shop", "12345678", "--mode", "test", "--from", "2026-03-10", "--until", "2026-03-10")

Run = Callable[..., Result]


@pytest.fixture
def ledger_command(database_url: str, tmp_path: Path) -> Run:
    """`ledger` on a database that was told of a day."""
    with opened(database_url) as database:
        a_ledger_of_the_day(database)
    path = shops_file(tmp_path)
    return lambda *words: run(database_url, path, *map(str, words))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(a_journal())
    return path


def test_a_file_is_kept_once(ledger_command: Run, journal: Path) -> None:
    first = ledger_command("import", journal, "--json")
    again = ledger_command("import", journal, "--json")

    kept, known = json.loads(first.stdout), json.loads(again.stdout)
    assert (first.exit_code, again.exit_code) == (0, 0)
    expected = {"outcome": "imported", "kind": "JT", "rows": 5, "first_day": "2026-03-10"}
    assert expected.items() <= kept.items()
    assert (known["outcome"], known["id"]) == ("already-imported", kept["id"])


def test_a_copy_with_another_byte_is_another_file(ledger_command: Run, journal: Path) -> None:
    first = json.loads(ledger_command("import", journal, "--json").stdout)
    journal.write_bytes(a_journal().replace(b"CMD-9", b"CMD-8").replace(b"CMD-3", b"CMD-4"))

    second = json.loads(ledger_command("import", journal, "--json").stdout)

    assert (second["outcome"], second["id"] != first["id"]) == ("imported", True)


def test_a_report_lists_what_is_missing_and_exits_1(ledger_command: Run, journal: Path) -> None:
    ledger_command("import", journal)

    printed = ledger_command("reconcile", *DAY)
    document = json.loads(ledger_command("reconcile", *DAY, "--json").stdout)
    resend = ledger_command("reconcile", *DAY, "--resend")

    assert (printed.exit_code, resend.exit_code) == (1, 1)
    refund = "never-told\t-\t2026-03-10\t900004\tCMD-1\tCAPTURED 2990 EUR\t-\trule-never-seen"
    assert refund in printed.stdout
    assert document["days"]["2026-03-10"]["gaps"] == 3
    assert len(document["digest"]) == 64
    numbers = [line.split("\t")[1] for line in resend.stdout.splitlines()]
    assert numbers == ["410003", "900004", "410001", "410002"]


def test_what_is_due_is_made_once(ledger_command: Run, journal: Path) -> None:
    ledger_command("import", journal)

    first, second = ledger_command("reconcile", "--due"), ledger_command("reconcile", "--due")

    assert (first.exit_code, "1 report made" in first.stderr) == (1, True)
    assert (second.exit_code, second.stdout.count("2026-03-10")) == (0, 0)


def test_without_gaps_it_exits_0_and_the_day_is_proven(ledger_command: Run, journal: Path) -> None:
    journal.write_bytes(a_journal(ROWS[3]))
    ledger_command("import", journal)

    done = ledger_command("reconcile", *DAY)
    days = ledger_command("completeness", *DAY)

    assert done.exit_code == 0, done.stdout
    assert days.stdout == "2026-03-10\tproven\t1\t1\t0\t1.0\n"
    assert (days.exit_code, "1 of 1 day proven" in days.stderr) == (0, True)


def test_a_day_without_a_file_has_no_number(ledger_command: Run) -> None:
    document = json.loads(ledger_command("completeness", *DAY, "--json").stdout)

    (day,) = document["days"]
    assert (day["state"], day["score"], day["report_id"]) == ("unproven", None, None)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("JT_BOUTIQUE_12345678_260310.csv", b"", "not-a-journal"),
        ("JT_BOUTIQUE_87654321_260310.csv", a_journal(), "unknown-shop"),
        (NAME, a_journal().replace(b"PAYMENT_DATE", b"Date du paiement"), "unknown-labels"),
        ("export.csv", a_journal(), "no-shop"),
    ],
)
def test_what_cannot_be_read_is_refused_whole(
    ledger_command: Run, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    done = ledger_command("import", path, "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout)["reason"] == reason
    assert ledger_command("verify", "--only", "reports").stderr.count("0 rows") == 1


def test_a_file_of_another_shop_or_mode_than_named_is_refused(
    ledger_command: Run, journal: Path
) -> None:
    shop = json.loads(ledger_command("import", "--shop", "87654321", journal, "--json").stdout)
    mode = json.loads(ledger_command("import", "--mode", "production", journal, "--json").stdout)

    assert (shop["reason"], mode["reason"]) == ("other-shop", "other-mode")


def test_the_checks_know_files_and_reports(ledger_command: Run, journal: Path) -> None:
    ledger_command("import", journal)
    ledger_command("reconcile", *DAY)

    verified = ledger_command("verify")
    checked = ledger_command("check")

    assert verified.exit_code == 0, verified.output
    assert "12345678 TEST" in checked.output
    assert "last proven day: none of the last 30" in checked.output


def test_files_and_reports_are_in_the_access_log(
    ledger_command: Run, journal: Path, database_url: str
) -> None:
    ledger_command("import", journal)
    ledger_command("reconcile", *DAY)

    with opened(database_url) as database, database.connect() as connection:
        kinds = [access.kind for access in accesses(connection, limit=5)]
    assert kinds == ["report", "file"]
