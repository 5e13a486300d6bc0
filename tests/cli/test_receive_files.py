"""`ledger receive`: what is known, what is refused, and what a file may be."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.queries.notifications import notification_data
from ledger.storage.database import Database
from tests.builders import (
    MORNING,
    a_delivery,
    a_form,
    a_form_call,
    a_ledger,
    a_rest_call,
    form_body,
)
from tests.cli.receiving import Command, a_line, deliveries, lines, story
from tests.cli.running import run

AUTHORISED_AT = MORNING


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database)


# -- again, and refused ----------------------------------------------------------------------------


def test_what_is_known_is_not_stored_again(ledger: Ledger, receive: Command, folder: Path) -> None:
    known, unreadable = a_form_call(), a_form_call(effective_amount="12,50")
    ledger.receive(a_delivery(known))
    (folder / "known").write_bytes(known)
    (folder / "new").write_bytes(a_rest_call("CAPTURED"))
    (folder / "unreadable").write_bytes(unreadable)

    first, again = receive(folder), receive(folder)

    assert "1 recorded" in first.stderr
    assert "1 repeated" in first.stderr
    assert "2 repeated" in again.stderr
    assert "1 undecided: amount-unreadable" in again.stderr
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert [row.is_imported for row in deliveries(ledger)].count(True) == 2
    assert len(deliveries(ledger)) == 3


def test_what_is_refused_stays_in_its_file(ledger: Ledger, receive: Command, folder: Path) -> None:
    (folder / "1-forged").write_bytes(form_body(a_form(), "another"))
    (folder / "2-readme").write_text("Calls of the old plugin.")
    (folder / "3-signed").write_bytes(a_form_call())

    result = receive(folder)

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{folder}/1-forged\trefused\tsignature-mismatch",
        f"{folder}/2-readme\trefused\tunknown-format",
    ]
    assert "1 refused: signature-mismatch\n1 refused: unknown-format\n3 calls\n" in result.stderr
    assert [row.outcome for row in deliveries(ledger)] == ["recorded"]


def test_a_signed_text_under_other_names_is_refused_and_not_kept(
    ledger: Ledger, receive: Command, folder: Path
) -> None:
    fields = a_form()
    twin = {name.replace("effective_amount", "effective_amounu"): fields[name] for name in fields}
    ledger.receive(a_delivery(form_body(fields)))
    (folder / "twin").write_bytes(form_body(twin))

    result = receive(folder)

    assert result.stdout == f"{folder}/twin\trefused\trelabelled-form\n"
    assert [row.outcome for row in deliveries(ledger)] == ["recorded"]


def test_a_dry_run_stores_nothing(ledger: Ledger, receive: Command, folder: Path) -> None:
    (folder / "1").write_bytes(a_form_call())
    (folder / "2").write_bytes(form_body(a_form(), "another"))

    result = receive(folder, "--dry-run")

    assert "1 verified" in result.stderr
    assert "1 refused: signature-mismatch" in result.stderr
    assert result.exit_code == 1
    assert not deliveries(ledger)


# -- doubtful forms --------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "is_doubtful"), [((), True), (("--vouched",), False)])
def test_a_form_counts_as_from_anywhere_unless_somebody_vouches_for_it(
    ledger: Ledger,
    receive: Command,
    folder: Path,
    options: Sequence[str],
    is_doubtful: bool,
) -> None:
    (folder / "call").write_bytes(a_form_call(never_documented="x"))

    receive(folder, *options)

    (recorded,) = ledger.events.events_after(0, 10)
    assert bool(recorded.event.doubtful) == is_doubtful


# -- what a file may be ----------------------------------------------------------------------------


def test_a_line_end_behind_a_body_is_the_files(
    ledger: Ledger, receive: Command, folder: Path
) -> None:
    body = a_form_call()
    (folder / "call").write_bytes(body + b"\r\n")

    receive(folder / "call")

    assert [row.digest for row in deliveries(ledger)] == [a_delivery(body).digest]


def test_calls_come_from_standard_input(ledger: Ledger, receive: Command) -> None:
    encoded = base64.b64encode(a_form_call("REFUSED")).decode()
    written = [
        a_line(a_form_call()),
        {"body_base64": encoded, "peer": "2001:DB8::1", "mode": "test"},
    ]

    result = receive("-", answer=lines(*written))

    assert "2 recorded" in result.stderr, result.output
    assert sorted(row.peer for row in deliveries(ledger)) == ["", "2001:db8::1"]


@pytest.mark.parametrize(
    "line",
    [
        '{"body"',
        "[]",
        "{}",
        '{"body": 1}',
        '{"body_base64": "%"}',
        '{"body": "a=b", "received_at": "x"}',
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_others_are_received(
    ledger: Ledger, receive: Command, folder: Path, line: str
) -> None:
    file = folder / "calls.jsonl"
    file.write_text(f"{lines(a_line(a_form_call()))}\n{line}\n")

    result = receive(file)

    assert result.stdout == f"{file}:3\trefused\tline-unreadable\n"
    assert len(deliveries(ledger)) == 1


def test_an_export_of_one_ledger_is_received_by_another(
    http_ledger: Ledger, ledger: Ledger, receive: Command, tmp_path: Path
) -> None:
    url, file = f"sqlite:///{tmp_path}/http.sqlite", tmp_path / "export.jsonl"
    what = ("export", "notifications", "--raw", "--personal", "--format", "jsonl")
    run(url, None, *what, "--output", str(file))

    result = receive(file)

    assert result.exit_code == 0, result.output
    assert story(ledger) == story(http_ledger)


def test_folders_are_read_through_but_for_hidden_files(
    ledger: Ledger, receive: Command, folder: Path
) -> None:
    (folder / "2025").mkdir()
    (folder / "2025" / "call").write_bytes(a_form_call())
    (folder / ".call").write_bytes(a_form_call("CAPTURED"))

    result = receive(folder)

    assert result.stderr.endswith("1 recorded\n1 call\n")


def test_a_file_that_cannot_be_opened_is_refused(
    ledger: Ledger, receive: Command, folder: Path
) -> None:
    (folder / "1-unreadable").symlink_to("/proc/self/mem")
    (folder / "2-call").write_bytes(a_form_call())

    result = receive(folder)

    assert result.stdout == f"{folder}/1-unreadable\trefused\tfile-unreadable\n"
    assert len(deliveries(ledger)) == 1


def test_too_large_a_file_is_refused(receive: Command, folder: Path) -> None:
    (folder / "dump").write_bytes(b"x" * 300_000)

    assert "too-large" in receive(folder).stdout


def test_machines_get_a_line_for_each_call(ledger: Ledger, receive: Command, folder: Path) -> None:
    (folder / "call").write_bytes(a_form_call())

    result = receive(folder, "--json", "--received-at", AUTHORISED_AT.isoformat())

    (row,) = deliveries(ledger)
    assert json.loads(result.stdout) == {
        "name": str(folder / "call"),
        "received_at": "2026-03-10T09:00:00Z",
        "outcome": "recorded",
        "reason": None,
        "id": row.id,
    }


def test_a_delivery_says_that_it_was_imported(
    ledger: Ledger, receive: Command, folder: Path
) -> None:
    ledger.receive(a_delivery(a_form_call()))
    (folder / "call").write_bytes(a_form_call("CAPTURED"))

    receive(folder, "--received-at", AUTHORISED_AT.isoformat())

    said = [notification_data(row)["is_imported"] for row in deliveries(ledger)]
    assert sorted(said) == [False, True]
