"""The journal of deliveries and the quarantine, as an operator works with them."""

import json

import pytest

from ledger.application import Ledger
from tests.builders import (
    SHOP_ID,
    a_form_call,
    a_rest_call,
    minutes,
    receive,
)
from tests.cli.receiving import Command
from tests.cli.running import run
from tests.cli.waiting import a_waiting

# -- list -------------------------------------------------------------------------------------


def test_deliveries_are_listed_newest_first(ledger: Ledger, command: Command) -> None:
    body = a_form_call()
    receipts = [receive(ledger, body), receive(ledger, body), receive(ledger, b"")]

    result = command("list")

    assert result.exit_code == 0
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == [receipt.id for receipt in reversed(receipts)]
    assert [row[2] for row in rows] == ["quarantined", "repeated", "recorded"]
    assert rows[0][3:] == ["-", "-", "-", "empty-body"]
    assert rows[2][3:] == ["form-v2", SHOP_ID, "TEST", "PAY"]
    assert result.stderr == "3 notifications\n"


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--outcome", "recorded"], 2),
        (["--outcome", "quarantined"], 2),
        (["--reason", "no-key"], 1),
        (["--shop-id", SHOP_ID], 3),
        (["--mode", "production"], 1),
        (["--mode", "test"], 2),
        (["--shop", SHOP_ID], 3),
        (["--format", "rest-v4"], 1),
        (["--format", "form-v2", "--mode", "test"], 1),
        (["--notification-format", "form-v2"], 2),
        (["--limit", "1"], 1),
        (["--outcome", "recorded", "--mode", "test"], 1),
    ],
)
def test_a_list_can_be_narrowed(
    ledger: Ledger, command: Command, options: list[str], count: int
) -> None:
    receive(ledger, a_form_call())
    receive(ledger, a_form_call(ctx_mode="PRODUCTION"))
    a_waiting(ledger, a_rest_call())
    receive(ledger, b"")

    assert len(command("list", *options).stdout.splitlines()) == count


def test_a_list_goes_on_before_an_id(ledger: Ledger, command: Command) -> None:
    ids = [receive(ledger, a_form_call()).id for _ in range(3)]

    for option in ("--cursor", "--before"):
        lines = command("list", option, ids[1]).stdout.splitlines()
        assert [line.split("\t")[0] for line in lines] == [ids[0]]


def test_a_list_for_machines_has_a_line_each(ledger: Ledger, command: Command) -> None:
    receipt = receive(ledger, a_rest_call("AUTHORISED", minutes(1)))

    (line,) = command("list", "--json").stdout.splitlines()

    listed = json.loads(line)
    assert set(listed) >= {
        *("id", "received_at", "format", "shop_id", "mode", "source", "outcome", "reason"),
        *("digest", "positions"),
    }
    assert (listed["id"], listed["format"], listed["mode"]) == (receipt.id, "rest-v4", "test")
    assert listed["positions"] == list(receipt.positions)
    assert listed["told_at"] == "2026-03-10T09:01:00Z"
    assert "body" not in listed


def test_an_unknown_reason_is_a_wrong_use(ledger: Ledger, command: Command) -> None:
    assert command("list", "--reason", "bad-luck").exit_code == 2


# -- readmit ----------------------------------------------------------------------------------


def test_one_delivery_is_readmitted(ledger: Ledger, command: Command) -> None:
    receipt = a_waiting(ledger, a_form_call())

    result = command("readmit", receipt.id)

    assert result.exit_code == 0
    assert result.stdout == f"{receipt.id}\trecorded\t-\n"
    assert result.stderr == "1 readmitted, 0 refused again\n"
    assert len(ledger.events.events_after(0, 10)) == 1


def test_one_that_is_refused_again_exits_with_one(ledger: Ledger, command: Command) -> None:
    receipt = receive(ledger, b"")

    result = command("readmit", receipt.id)

    assert result.exit_code == 1
    assert result.stdout == f"{receipt.id}\tquarantined\tempty-body\n"


def test_how_many_wait_is_said_before_they_are_touched(ledger: Ledger, command: Command) -> None:
    for _ in range(3):
        a_waiting(ledger, a_form_call())
    receive(ledger, b"")

    declined = command("readmit", "--reason", "no-key", answer="n\n")

    assert declined.exit_code == 1
    assert declined.stderr.startswith("3 notifications wait\n")
    assert declined.stdout == ""
    assert ledger.events.events_after(0, 10) == []


def test_all_of_a_reason_are_readmitted_in_the_order_of_their_arrival(
    ledger: Ledger, command: Command
) -> None:
    calls = [a_form_call("AUTHORISED"), a_form_call("CAPTURED"), a_form_call("CAPTURED", "RETRY")]
    ids = [a_waiting(ledger, body).id for body in calls]

    result = command("readmit", "--reason", "no-key", answer="y\n")

    assert result.exit_code == 0
    assert [line.split("\t")[:2] for line in result.stdout.splitlines()] == [
        [ids[0], "recorded"],
        [ids[1], "recorded"],
        [ids[2], "repeated"],
    ]
    assert result.stderr.endswith("3 readmitted, 0 refused again\n")


def test_all_that_wait_may_be_tried_without_a_question(ledger: Ledger, command: Command) -> None:
    a_waiting(ledger, a_form_call())
    receive(ledger, b"")

    result = command("readmit", "--all", "--yes")

    assert result.exit_code == 0
    assert result.stderr == "2 notifications wait\n1 readmitted, 1 refused again\n"


def test_more_than_a_page_is_readmitted(ledger: Ledger, command: Command) -> None:
    for _ in range(501):
        receive(ledger, b"")

    result = command("readmit", "--all", "--yes")

    assert result.stderr == "501 notifications wait\n0 readmitted, 501 refused again\n"


def test_when_nothing_waits_nothing_is_asked(ledger: Ledger, command: Command) -> None:
    result = command("readmit", "--all")

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "0 notifications wait\n0 readmitted, 0 refused again\n"


@pytest.mark.parametrize("arguments", [[], ["--all", "--reason", "no-key"], ["0" * 26, "--all"]])
def test_it_is_to_be_said_what_to_readmit(command: Command, arguments: list[str]) -> None:
    assert command("readmit", *arguments).exit_code == 2


def test_without_a_shops_file_nothing_can_be_readmitted(sqlite_url: str, ledger: Ledger) -> None:
    receipt = a_waiting(ledger, a_form_call())

    result = run(sqlite_url, None, "notifications", "readmit", receipt.id)

    assert result.exit_code == 2
    assert "LEDGER_SHOPS_FILE" in result.stderr


def test_one_that_left_the_quarantine_meanwhile_does_not_stop_the_others(
    ledger: Ledger, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an operator answers the question, another one may have readmitted the first."""
    first, second = (a_waiting(ledger, a_form_call(trans_uuid=f"{n:032x}")) for n in range(2))
    readmitted = []

    def confirm(*_: object, **__: object) -> bool:
        readmitted.append(ledger.readmit(first.id))
        return True

    monkeypatch.setattr("click.confirm", confirm)

    result = command("readmit", "--all")

    assert readmitted
    assert result.exit_code == 0
    assert result.stdout == f"{second.id}\trecorded\t-\n"
    assert f"{first.id} does not wait any more" in result.stderr
