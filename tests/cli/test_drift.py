"""`ledger drift`: news with an exit code, every name, two shops, and fields beside paths."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ledger.drift.catalogue import LEARNED_CALLS
from ledger.instants import utc_now
from tests.builders import OTHER_SHOP_ID, a_form_call, a_ledger, a_rest_call, a_shop, shops
from tests.cli.running import run, shops_file
from tests.conftest import opened
from tests.drift.calling import a_call, tell

Run = Callable[..., Result]


@pytest.fixture
def ledger_command(database_url: str, tmp_path: Path) -> Run:
    """`ledger` on a database that was told of payments just now, the last of them strange."""
    both = (a_shop(), a_shop(OTHER_SHOP_ID))
    with opened(database_url) as database:
        ledger = a_ledger(database, shops(*both))
        plain = [a_call() for _ in range(LEARNED_CALLS - 1)]
        pair = [a_rest_call(), a_form_call()]
        tell(ledger, *pair, *plain, a_call(loyalty=1), received_at=utc_now())
    path = shops_file(tmp_path, both)
    return lambda *words: run(database_url, path, *map(str, words))


def test_news_is_printed_and_exits_1_until_it_is_old(ledger_command: Run) -> None:
    printed = ledger_command("drift")
    later = ledger_command("drift", "--since", "2999-01-01")
    document = json.loads(ledger_command("drift", "--json").stdout)

    (line,) = printed.stdout.splitlines()
    assert line.split("\t")[1:9] == [
        *("12345678", "test", "rest-v4", "new-name", "transactions.*.loyalty", "-"),
        *("PAY DEBIT AUTHORISED", "details"),
    ]
    assert (printed.exit_code, later.exit_code, later.stdout) == (1, 0, "")
    (finding,) = document["findings"]
    assert (finding["drift"], finding["delivery_id"]) == ("new-name", line.split("\t")[-1])
    assert (document["calls"], document["unread"]) == (LEARNED_CALLS + 2, 0)


def test_every_name_is_listed_and_two_shops_are_compared(ledger_command: Run) -> None:
    names = ledger_command("drift", "names", "--mode", "test")
    document = json.loads(ledger_command("drift", "names", "--json").stdout)
    compared = ledger_command(
        *("drift", "compare", "--shop", "12345678", "--shop", OTHER_SHOP_ID, "--mode", "test")
    )
    same = ledger_command("drift", "compare", "--shop", "1", "--shop", "1", "--mode", "test")

    lines = [line.split("\t")[2:6] for line in names.stdout.splitlines()]
    assert ["rest-v4", "orderDetails.orderId", "fact", "string"] in lines
    assert len(document["names"]) == len(lines)
    assert (compared.exit_code, compared.stdout) == (0, "")
    assert same.exit_code == 2


def test_fields_stand_beside_paths_with_live_pairs(ledger_command: Run) -> None:
    words = ("drift", "fields", "--shop", "12345678", "--mode", "test")
    printed, document = ledger_command(*words), json.loads(ledger_command(*words, "--json").stdout)

    assert "status\tvads_trans_status\ttransactions.*.detailedStatus\t1\t0\t0\t0" in printed.stdout
    assert "status word\tAUTHORISED\tAUTHORISED\t1\t0\t0\t0" in printed.stdout
    assert document["payments"] == 1
    assert document["statuses"] == [{"form": "AUTHORISED", "rest": "AUTHORISED", "pairs": 1}]


def test_a_rebuild_says_the_same(ledger_command: Run) -> None:
    before = ledger_command("drift", "names").stdout

    rebuilt = ledger_command("drift", "rebuild")

    assert rebuilt.exit_code == 0
    assert ledger_command("drift", "names").stdout == before


def test_the_check_has_a_line_of_it(ledger_command: Run) -> None:
    ledger_command("drift")

    checks = json.loads(ledger_command("check", "--json").stdout)["checks"]

    (check,) = [each for each in checks if each["subject"] == "drift"]
    assert check["state"] == "warning"
    assert check["data"]["drift"] == {"new-name": 1}
