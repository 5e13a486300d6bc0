"""`ledger confirm`: shown first, asked for, and one at a time."""

from pathlib import Path

from tests.builders import SHOP_ID, UUID, a_form_call, a_ledger, receive
from tests.cli.running import run, shops_file
from tests.conftest import opened

NAMES = (UUID, "--shop", SHOP_ID, "--mode", "test", "--reason", "seen in the Back Office")


def test_a_doubtful_transaction_is_confirmed(sqlite_url: str, tmp_path: Path) -> None:
    with opened(sqlite_url) as database:
        ledger = a_ledger(database)
        receive(ledger, a_form_call(never_documented="x"), is_from_named_range=False)

        preview = run(sqlite_url, shops_file(tmp_path), "confirm", *NAMES, "--dry-run")
        refused = run(sqlite_url, shops_file(tmp_path), "confirm", *NAMES, answer="n\n")
        assert len(ledger.events.events_after(0, 10)) == 1
        done = run(sqlite_url, shops_file(tmp_path), "confirm", *NAMES, answer="y\n")
        again = run(sqlite_url, shops_file(tmp_path), "confirm", *NAMES, "--yes")

        event = ledger.events.events_after(0, 10)[-1].event
    assert preview.exit_code == 0
    assert "DOUBTFUL: name-unknown vads_never_documented" in preview.stdout
    assert refused.exit_code == 1
    assert done.exit_code == 0, done.stderr
    assert event.TOPIC == "transaction.confirmed-by-operator"
    assert again.exit_code == 1
    assert "nothing doubtful is known about it" in again.stderr


def test_a_reason_is_needed(sqlite_url: str, tmp_path: Path) -> None:
    names = (*NAMES[:-1], " ")

    assert run(sqlite_url, shops_file(tmp_path), "confirm", *names).exit_code == 2
