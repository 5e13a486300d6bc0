"""`ledger suspects`, and what `ledger check` says of suspects."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from tests.builders import a_ledger
from tests.cli.running import run, shops_file
from tests.conftest import opened
from tests.projections.helpers import follow
from tests.projections.suspecting import notified

Run = Callable[..., Result]
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture
def ledger_command(database_url: str, tmp_path: Path) -> Run:
    """`ledger` on a database with a refund of which the payment was never told."""
    with opened(database_url) as database:
        ledger = a_ledger(database, since=NEW_YEAR)
        notified(ledger, "b", parent="a", operationType="CREDIT", source="MERCH_BO")
        notified(ledger, "d", "AUTHORISED", number=2, order_id="CMD-2", trans_id="410002")
        follow(ledger)
    path = shops_file(tmp_path)
    return lambda *words: run(database_url, path, *words)


def test_suspects_are_listed_and_a_certain_one_exits_1(ledger_command: Run) -> None:
    done = ledger_command("suspects", "--shop", "12345678", "--mode", "test")

    first, second = done.stdout.splitlines()
    assert done.exit_code == 1
    assert first.split("\t")[:7] == [
        *("certain", "parent-never-told", "2025-01-01T01:15:00Z"),
        *("12345678", "test", "transaction", "b" * 32),
    ]
    assert second.split("\t")[5:8] == ["order", "CMD-2", "1 missing"]
    assert done.stderr == "2 suspects, 1 of them certain\n"


def test_a_machine_reads_a_suspect_a_line(ledger_command: Run) -> None:
    done = ledger_command("suspects", "--certainty", "certain", "--json")

    suspect = json.loads(done.stdout)
    assert (suspect["parent_uuid"], suspect["expected"]) == (
        *("a" * 32, "the payment that it refunds or repeats"),
    )
    assert suspect["remedies"] == ["resend", "ask", "order-file"]


def test_without_a_certain_suspect_it_exits_0(ledger_command: Run) -> None:
    likely = ledger_command("suspects", "--certainty", "likely")
    none = ledger_command("suspects", "--mode", "production")

    assert (likely.exit_code, none.exit_code, none.stdout) == (0, 0, "")


def test_the_check_warns_of_certain_suspects(ledger_command: Run) -> None:
    checked = ledger_command("check")

    assert "1 notification certainly never came, 1 likely: see `ledger suspects`" in checked.output
