"""One notification, as an operator looks at it: what became of it, and what to do about it."""

import json
import re
from pathlib import Path

import pytest

from ledger.application import Ledger
from tests.builders import a_form_call, a_shop, receive
from tests.cli.receiving import Command
from tests.cli.running import run, shops_file
from tests.cli.waiting import a_waiting


def test_one_delivery_is_shown_with_what_its_reason_means(ledger: Ledger, command: Command) -> None:
    receipt = a_waiting(ledger, a_form_call())

    result = command("show", receipt.id)

    assert f"{'outcome':<18} quarantined" in result.stdout.splitlines()
    assert f"{'reason':<18} no-key" in result.stdout.splitlines()
    assert "The shop has no key of this kind" in result.stdout
    assert f"{'what to do':<18} add the key to the shops file" in result.stdout
    assert f"`ledger notifications readmit {receipt.id}`" in result.stdout


def test_nothing_of_python_is_shown(ledger: Ledger, command: Command) -> None:
    shown = command("show", receive(ledger, a_form_call()).id).stdout.splitlines()

    assert f"{'mode':<18} TEST" in shown
    assert f"{'positions':<18} 1" in shown
    assert f"{'is_imported':<18} no" in shown
    assert not [line for line in shown if line.split(maxsplit=1)[1] in ("None", "[]", "True")]
    assert not [line for line in shown if line.startswith(("reason", "told_at", "what to do"))]


@pytest.mark.parametrize(("kind", "is_told"), [("form-hmac-sha256", True), ("form-sha1", False)])
def test_a_form_signed_with_sha_1_without_a_key_for_it_is_told(
    ledger: Ledger, sqlite_url: str, tmp_path: Path, kind: str, is_told: bool
) -> None:
    body = re.sub(rb"signature=[^&]*", b"signature=" + b"5a" * 20, a_form_call())
    receipt = receive(ledger, body)
    path = shops_file(tmp_path, [a_shop(kinds=(kind,))])

    shown = run(sqlite_url, path, "notifications", "show", receipt.id).stdout

    assert receipt.reason == "signature-mismatch"
    assert ("this shop signs with SHA-1" in shown) is is_told


def test_an_undecided_notification_is_told_to_be_safe(ledger: Ledger, command: Command) -> None:
    receipt = receive(ledger, a_form_call(effective_amount="12,50"))

    shown = command("show", receipt.id).stdout

    assert receipt.outcome == "undecided"
    assert "it is verified and kept for good" in shown


@pytest.mark.parametrize("body", [a_form_call(cust_name="é\0"), b"\xff\x00\r\n", b""])
def test_the_raw_body_is_written_byte_for_byte(
    ledger: Ledger, command: Command, body: bytes
) -> None:
    receipt = receive(ledger, body)

    result = command("show", "--raw", receipt.id)

    assert (result.exit_code, result.stdout_bytes) == (0, body)


def test_one_delivery_for_machines(ledger: Ledger, command: Command) -> None:
    receipt = receive(ledger, a_form_call())

    shown = json.loads(command("show", "--json", receipt.id).stdout)

    assert (shown["id"], shown["outcome"], shown["reason"]) == (receipt.id, "recorded", None)
    assert len(shown["digest"]) == 64
    assert len(shown["key_fingerprint"]) == 16


def test_an_unknown_delivery_exits_with_one(ledger: Ledger, command: Command) -> None:
    for arguments in (["show"], ["show", "--raw"], ["show", "--json"], ["readmit"]):
        result = command(*arguments, "0" * 26)

        assert (result.exit_code, result.stdout) == (1, "")
        assert "not-found" in result.stderr


def test_hostile_values_cannot_steer_a_terminal(ledger: Ledger, command: Command) -> None:
    hostile = "\x1b[2J\u202e\t\n"
    receipt = receive(ledger, a_form_call(source=hostile), content_type=hostile, peer=hostile)
    verified = receive(ledger, a_form_call(source=hostile))

    shown = [command("show", id_).stdout for id_ in (receipt.id, verified.id)]
    listed = command("list").stdout

    assert {character for text in shown for character in text if not character.isprintable()} == {
        "\n"
    }
    assert {character for character in listed if not character.isprintable()} == {"\n", "\t"}
    assert {line.count("\t") for line in listed.splitlines()} == {6}
