"""Erasing, holding, expiring and certifying on the command line."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from ledger.application import Ledger
from ledger.cli import cli
from ledger.proof.signer import LogSigner
from ledger.storage.columns import metadata
from ledger.storage.database import Database
from tests.builders import MASTER_KEYS, SHOP_ID, UUID, a_form_call, receive
from tests.cli.running import shops_file
from tests.conftest import opened
from tests.privacy.erasing import OTHER_UUID, secrets_left, tagged
from tests.proof.logged import ids_in_order, sign

Command = Callable[..., Result]
OF_SHOP = ("--shop-id", SHOP_ID, "--mode", "test")
ERASE = ("erase", "--transaction", UUID, *OF_SHOP, "--reason", "art17")


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    with opened(sqlite_url) as database:
        yield database


@pytest.fixture
def privacy(paid: Ledger, signer: LogSigner, tmp_path: Path) -> Command:
    environ = {
        "LEDGER_DATABASE_URL": paid.database.engine.url.render_as_string(hide_password=False),
        "LEDGER_SHOPS_FILE": str(shops_file(tmp_path)),
        "LEDGER_MASTER_KEYS_FILE": str(MASTER_KEYS),
        "LEDGER_LOG_KEY_FILE": str(signer.file),
        "LEDGER_ALLOWED_SOURCES": "any",
    }

    def call(*words: str | Path, answer: str | None = None, group: str = "privacy") -> Result:
        return CliRunner().invoke(cli, [group, *map(str, words)], input=answer, env=environ)

    return call


def all_stored(ledger: Ledger) -> dict[str, list[str]]:
    with ledger.database.connect() as connection:
        return {
            table: sorted(map(str, connection.execute(text(f"SELECT * FROM {table}"))))
            for table in metadata.tables
        }


def test_a_dry_run_shows_what_would_go_and_changes_nothing(paid: Ledger, privacy: Command) -> None:
    before = all_stored(paid)

    shown = privacy(*ERASE, "--dry-run")
    refused = privacy(*ERASE, answer="n\n")

    assert shown.exit_code == 0
    assert "3 deliveries would be erased" in shown.output
    assert f"payment {UUID} CAPTURED 29.90 EUR" in shown.output
    assert refused.exit_code == 1
    assert all_stored(paid) == before


def test_what_was_erased_is_certified_and_its_body_refused(
    paid: Ledger, privacy: Command, tmp_path: Path
) -> None:
    erased = privacy(*ERASE, "--yes")
    id_ = erased.output.partition("erasure ")[2].split()[0]

    note = privacy("certificate", id_)
    words = privacy("certificate", id_, "--text")
    (tmp_path / "certificate").write_text(note.stdout)
    again = privacy("replay", tmp_path / "certificate", "--yes")
    first = ids_in_order(paid.database)[0]
    raw = privacy("show", first, "--raw", group="notifications")
    checked = privacy(group="verify")

    assert (erased.exit_code, note.exit_code, words.exit_code) == (0, 0, 0)
    assert note.stdout.startswith("ipn-ledger/erasure-certificate@v1\n{")
    assert "Unreadable to the service since" in words.stdout
    assert again.stdout == f"{id_}\tnothing is left of it\n"
    assert (raw.exit_code, "(erased)" in raw.output) == (1, True)
    assert id_ in raw.output
    assert checked.exit_code == 0, checked.output
    assert "deliveries whose body was erased" in checked.output


def test_a_hold_stops_an_erasure_until_it_is_released(paid: Ledger, privacy: Command) -> None:
    held = privacy("hold", "transaction", UUID, *OF_SHOP, "--reason", "a lawsuit")
    hold_id = held.output.strip()

    refused = privacy(*ERASE, "--yes")
    listed = privacy("holds")
    released = privacy("release", hold_id)

    assert refused.exit_code == 1
    assert f"{hold_id} of transaction {UUID} (a lawsuit)" in refused.output
    assert hold_id in listed.output
    assert released.exit_code == 0
    assert len(secrets_left(paid)) == 4
    assert privacy(*ERASE, "--yes").exit_code == 0


def test_what_is_old_expires(paid: Ledger, privacy: Command) -> None:
    """Ids of the tests are of 1970."""
    counted = privacy("expire", "--dry-run")

    expired = privacy("expire")

    assert "access_log\t0\nevidence\t4\nnetwork\t0\npersonal\t3\nquarantine\t0\n" in counted.stdout
    assert expired.stdout == counted.stdout
    assert secrets_left(paid) == set()


def test_nothing_is_erased_without_a_name(privacy: Command) -> None:
    assert privacy("erase", *OF_SHOP, "--reason", "art17").exit_code == 2
    assert privacy("erase", "--transaction", "none", *OF_SHOP, "--reason", "x").exit_code == 1


def test_a_delivery_about_two_payments_is_named(paid: Ledger, privacy: Command) -> None:
    receive(paid, a_form_call("CAPTURED", "BO", trans_uuid=OTHER_UUID, trans_id="900002"))
    first = ids_in_order(paid.database)[0]

    shown = privacy("erase", "--delivery", first, *OF_SHOP, "--reason", "art17", "--dry-run")

    assert f"also about something else: delivery {first}" in shown.output


def test_a_check_asks_for_certificates_when_the_log_was_cut(
    paid: Ledger, signer: LogSigner, privacy: Command
) -> None:
    note = sign(paid, signer)
    lines = note.split("\n")
    lines[1] = str(int(lines[1]) + 5)
    signer.memory.write_text(signer.signing_key.sign("\n".join(lines[:3]) + "\n"))

    checked = privacy(group="check")

    assert "ledger privacy replay" in checked.output


def test_who_is_found_by_an_e_mail_address_is_erased_and_forgotten(
    paid: Ledger, privacy: Command
) -> None:
    by_email = ("--email", " JO@Example.org", *OF_SHOP)
    before = secrets_left(paid)

    erased = privacy("erase", *by_email, "--reason", "art17", "--yes")

    assert erased.exit_code == 0, erased.output
    assert "2 deliveries would be erased" in erased.output
    assert privacy("find", *by_email).exit_code == 1
    assert privacy("erase", *by_email, "--reason", "art17", "--yes").exit_code == 1
    assert len(before) - len(secrets_left(paid)) == 2
    assert tagged(paid) == secrets_left(paid)
    other = privacy("find", "--email", "kim@example.org", *OF_SHOP)
    assert other.exit_code == 0
