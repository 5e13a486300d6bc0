"""`ledger ask` on the command line, against the services over real https."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ledger.access.log import accesses
from ledger.cli.asking_findings import asking_findings
from ledger.cli.shop_findings import OK, WARNING
from ledger.simulator.rest_answers import Fault
from ledger.simulator.rest_services import RestServices
from ledger.simulator.signed_calls import SignedCall
from tests.asking.conftest import NOW, PASSWORD, Asking
from tests.asking.test_asker import ask, paid
from tests.builders import SHOP_ID
from tests.cli.running import run, shops_file
from tests.conftest import opened

Run = Callable[..., Result]


@pytest.fixture
def order_id(played_calls: list[SignedCall]) -> str:
    return str(paid(played_calls).call.request.order_id)


@pytest.fixture
def ledger_command(
    database_url: str, tmp_path: Path, services: RestServices, certificate: Path
) -> Run:
    path = shops_file(tmp_path)
    allowed = f"""
[[shops.asking]]
mode = "TEST"
host = "{services.host}"
secret = "{PASSWORD}"
authorities_file = "{certificate}"
"""
    path.write_text(path.read_text() + allowed)
    return lambda *words: run(database_url, path, "ask", *words)


def test_it_asks_about_an_order_and_notes_who_did(
    ledger_command: Run, order_id: str, database_url: str
) -> None:
    done = ledger_command("--mode", "test", "--order-id", order_id, "--json")

    line = json.loads(done.stdout)
    assert (done.exit_code, line["outcome"], line["subject"]) == (0, "recorded", order_id)
    with opened(database_url) as database, database.connect() as connection:
        noted = [each for each in accesses(connection, limit=10) if each.kind == "question"]
    assert [each.reference for each in noted] == [order_id]


def test_what_is_refused_exits_1(
    ledger_command: Run, order_id: str, services: RestServices
) -> None:
    services.fail_next(Fault.WRONG_CREDENTIALS)

    done = ledger_command("--mode", "test", "--order-id", order_id)

    assert (done.exit_code, "INT_905" in done.stdout) == (1, True)


def test_nothing_is_due_without_a_report(ledger_command: Run, services: RestServices) -> None:
    assert ledger_command("--mode", "test").stdout == ""
    assert ledger_command("--mode", "test", "--dry-run").stdout == ""
    assert services.requests == []


def test_whoever_has_not_chosen_it_is_told_how(ledger_command: Run) -> None:
    done = ledger_command("--mode", "production", "--order-id", "CMD-1")

    assert (done.exit_code, "[[shops.asking]]" in done.stderr) == (2, True)


def test_one_thing_is_asked_about(ledger_command: Run) -> None:
    done = ledger_command("--mode", "test", "--order-id", "CMD-1", "--uuid", "a" * 32)

    assert done.exit_code == 2


def test_the_check_names_a_shop_that_was_stopped(asking: Asking) -> None:
    shops = asking.ledger.shops
    object.__setattr__(shops.shop_by_id[SHOP_ID], "asking", (asking.access,))
    (before,) = asking_findings(asking.ledger.database, shops, now=NOW)
    asking.services.fail_next(Fault.WRONG_CREDENTIALS)
    ask(asking)
    (after,) = asking_findings(asking.ledger.database, shops, now=asking.clock.now)

    assert (before.state, after.state) == (OK, WARNING)
    assert "INT_905" in after.message
