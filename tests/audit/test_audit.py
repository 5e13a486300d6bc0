"""An audit finds nothing in a ledger as it was written, and says what it could not check."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.cli import cli
from ledger.ipn.shops_and_keys import Key, Shop, Shops
from ledger.simulator.signed_calls import MIXED
from ledger.storage.database import Database
from tests.audit.tampering import a_filled_ledger, damage, faults, reseal
from tests.builders import (
    KEYS_ENVIRON,
    NOON,
    a_delivery,
    a_form,
    a_ledger,
    an_answer,
    form_body,
    receive,
    rest_body,
    shops,
)

CUT_BODIES = (
    "UPDATE bodies SET body = substr(body, 1, 40) WHERE origin_id IN"
    " (SELECT id FROM notifications WHERE outcome = 'recorded')"
)


def with_keys(ledger: Ledger, *keys: Key) -> Ledger:
    """The same ledger under another shops file."""
    return a_ledger(ledger.database, Shops({"12345678": Shop("12345678", "", keys)}))


def keys_of(ledger: Ledger) -> list[Key]:
    return [key for shop in ledger.shops.shop_by_id.values() for key in shop.keys]


def test_a_ledger_as_it_was_written_has_no_fault(database: Database) -> None:
    """Every story, in both formats and mixed."""
    ledger = a_filled_ledger(database, formats=("form", "rest", MIXED))
    audit = Audit(ledger)

    assert list(audit.faults()) == []
    assert set(audit.remarks) == {
        "origins without an entry yet",
        "no checkpoint to compare the log with",
    }
    assert audit.checked["signatures"] > 300
    assert audit.checked["streams"] == ledger.events.newest_position()


def test_an_empty_ledger_has_no_fault(database: Database) -> None:
    assert faults(a_ledger(database)) == []


def test_what_was_readmitted_has_no_fault(database: Database) -> None:
    quarantined = receive(a_ledger(database, Shops()), form_body(a_form()))
    ledger = a_ledger(database)

    ledger.readmit(quarantined.id)

    assert faults(ledger) == []


def test_a_signed_text_in_another_spelling_has_no_fault(database: Database) -> None:
    """Some senders escape slashes after signing."""
    ledger = a_ledger(database)
    answer = an_answer()
    answer["orderDetails"]["orderId"] = "a/b"
    body = rest_body(answer).replace(b"a%2Fb", b"a%5C%2Fb")
    assert receive(ledger, body).outcome == "recorded"

    assert faults(ledger) == []
    assert faults(with_keys(ledger)) == []


def test_several_processes_find_what_one_finds(ledger: Ledger) -> None:
    damage(ledger.database, CUT_BODIES)

    by_two_workers = faults(ledger, workers=2)

    assert by_two_workers == faults(ledger)
    assert {fault.reason for fault in by_two_workers} == {"unsealable"}


@pytest.mark.parametrize("size", [1, 7])
def test_the_size_of_a_task_changes_nothing(ledger: Ledger, size: int) -> None:
    damage(ledger.database, CUT_BODIES, "DELETE FROM events WHERE position = 9")
    checks = ("signatures", "streams")

    in_small_tasks = faults(ledger, only=checks, task_sizes=(size, size))

    assert in_small_tasks == faults(ledger, only=checks)


# -- keys -------------------------------------------------------------------------------------


def test_a_key_that_has_expired_still_proves(ledger: Ledger) -> None:
    long_ago = NOON - timedelta(days=900)
    keys = [replace(key, not_after=long_ago) for key in keys_of(ledger)]
    audit = Audit(with_keys(ledger, *keys), only=("signatures",))

    assert list(audit.faults()) == []
    assert not audit.remarks


def test_a_key_that_is_gone_is_a_remark(ledger: Ledger) -> None:
    """Everything else is still checked."""
    rest_keys = [key for key in keys_of(ledger) if key.kind == "rest-password"]
    audit = Audit(with_keys(ledger, *rest_keys), only=("signatures",))

    assert list(audit.faults()) == []
    assert 0 < audit.remarks["key gone"] < audit.checked["signatures"]


def test_without_its_key_a_changed_body_is_found(ledger: Ledger) -> None:
    damage(
        ledger.database,
        lambda connection: reseal(connection, lambda body: body[:40] + body[41:]),
    )

    reasons = {fault.reason for fault in faults(with_keys(ledger))}
    assert reasons & {"digest", "signed-tag"}


# -- from a position on -----------------------------------------------------------------------


def test_from_a_position_on_earlier_damage_is_not_looked_at(ledger: Ledger) -> None:
    newest = ledger.events.newest_position() or 0
    changed = f"UPDATE events SET state = 'no json' WHERE position IN (1, {newest})"
    damage(ledger.database, changed, CUT_BODIES)

    late_faults = faults(ledger, first=newest - 3, only=("signatures", "streams", "order"))

    unreadable = [fault for fault in late_faults if fault.reason == "state-unreadable"]
    assert [fault.position for fault in unreadable] == [newest]
    assert 0 < sum(fault.reason == "unsealable" for fault in late_faults) <= 4


def test_from_a_position_on_a_stream_may_have_begun_before(ledger: Ledger) -> None:
    for first in range(1, (ledger.events.newest_position() or 0) + 2, 11):
        assert faults(ledger, first=first, only=("signatures", "streams", "order")) == []


def test_a_counter_set_back_is_a_fault(ledger: Ledger) -> None:
    is_sqlite = ledger.database.is_sqlite
    with ledger.database.begin() as connection:
        back = "UPDATE sqlite_sequence SET seq = 3" if is_sqlite else "SELECT setval('{}', 3)"
        connection.execute(text(back.format("events_position_seq")))

    assert [fault.reason for fault in faults(ledger, only=("order",))] == ["sequence"]


def test_on_sqlite_an_empty_position_is_a_fault(ledger_on_sqlite: Ledger) -> None:
    """Also when the delivery and every trace of its event went with it, also at the end."""
    newest = ledger_on_sqlite.events.newest_position() or 0
    gaps = f"DELETE FROM events WHERE position IN (4, 5, {newest})"
    damage(ledger_on_sqlite.database, gaps)

    missing = [
        fault.position
        for fault in faults(ledger_on_sqlite, only=("order",))
        if fault.reason == "position-missing"
    ]

    assert missing == [4, 5, newest]


# -- the command ------------------------------------------------------------------------------


@pytest.fixture
def environ(ledger: Ledger, tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "shops.toml"
    keys = [
        f'[[shops.keys]]\nmode = "{key.mode}"\nkind = "{key.kind}"\nsecret = "{key.secret}"\n'
        for key in keys_of(ledger)
    ]
    path.write_text('[[shops]]\nid = "12345678"\n' + "".join(keys))
    path.chmod(0o600)
    url = ledger.database.engine.url.render_as_string(hide_password=False)
    return KEYS_ENVIRON | {"LEDGER_DATABASE_URL": url, "LEDGER_SHOPS_FILE": str(path)}


def run(environ: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(cli, ("verify", "--workers", "1", *arguments), env=environ)


def test_a_clean_ledger_ends_well(environ: dict[str, str]) -> None:
    result = run(environ)

    assert (result.exit_code, result.stdout) == (0, "")
    assert "0 faults" in result.stderr


def test_a_fault_is_a_line_and_an_exit_code(ledger: Ledger, environ: dict[str, str]) -> None:
    damage(ledger.database, "UPDATE events SET topic = 'transaction.invented' WHERE position = 1")

    result = run(environ, "--only", "streams")

    assert result.exit_code == 1
    position, subject, reason, _ = result.stdout.splitlines()[0].split("\t")
    assert (position, subject, reason) == ("1", "transaction.invented", "topic-unknown")
    assert "1 fault (" in result.stderr


def test_a_fault_can_be_read_by_a_machine(ledger: Ledger, environ: dict[str, str]) -> None:
    damage(ledger.database, CUT_BODIES)

    result = run(environ, "--json", "--only", "signatures")

    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["reason"] for line in lines} == {"unsealable"}
    assert lines[0].keys() == {"position", "subject", "reason", "detail"}


def test_no_fault_tells_a_key_or_a_person(ledger: Ledger, environ: dict[str, str]) -> None:
    damage(ledger.database, "UPDATE events SET part = NULL")

    result = run(environ)

    assert "personal are not those of the body" in result.stdout
    assert "Synthetic" not in result.output
    assert "@" not in result.output


def test_a_body_that_is_received_while_an_audit_runs_is_left_for_the_next(ledger: Ledger) -> None:
    audit = Audit(ledger)
    running = audit.faults()
    ledger.receive(a_delivery(form_body(a_form(vads_order_id="meanwhile"))))

    assert list(running) == []


def test_another_shops_file_does_not_forget_the_shop(ledger: Ledger) -> None:
    audit = Audit(a_ledger(ledger.database, shops()), only=("signatures",))

    assert list(audit.faults()) == []
