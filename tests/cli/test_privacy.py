"""Master keys on the command line: made, changed, destroyed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ledger.cli import cli
from ledger.sealing.master_keys import read_master_keys
from ledger.storage.database import Database
from ledger.storage.migrations import migrate
from tests.builders import a_form_call, a_ledger, receive
from tests.cli.running import shops_file


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    database = Database(url)
    migrate(database)
    database.dispose()
    return {
        "LEDGER_DATABASE_URL": url,
        "LEDGER_MASTER_KEYS_FILE": str(tmp_path / "masters.toml"),
    }


def keys(environ: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["privacy", "keys", *arguments], env=environ)


def test_keys_are_made_changed_and_destroyed(environ: dict[str, str]) -> None:
    file = Path(environ["LEDGER_MASTER_KEYS_FILE"])
    assert keys(environ, "init").exit_code == 0
    (first,) = read_master_keys(file, {}).key_by_id
    database = Database(environ["LEDGER_DATABASE_URL"])
    receive(a_ledger(database, master_keys_file=file), a_form_call(cust_email="jo@example.org"))
    database.dispose()

    too_early = keys(environ, "destroy", first)
    rotated = keys(environ, "rotate")
    destroyed = keys(environ, "destroy", first)

    assert (too_early.exit_code, rotated.exit_code, destroyed.exit_code) == (1, 0, 0)
    assert "the secrets of 1 origin are locked" in rotated.output
    assert first not in read_master_keys(file, {}).key_by_id
    exported = CliRunner().invoke(cli, ["export", "events", "--personal"], env=environ)
    assert "jo@example.org" in exported.output


def test_what_is_there_is_not_made_again(environ: dict[str, str]) -> None:
    keys(environ, "init")

    again = keys(environ, "init")

    assert again.exit_code == 2
    assert "File exists" in again.output


def test_a_service_does_not_start_without_the_keys_of_its_database(
    environ: dict[str, str], tmp_path: Path
) -> None:
    environ |= {"LEDGER_SHOPS_FILE": str(shops_file(tmp_path)), "LEDGER_ALLOWED_SOURCES": "any"}
    file = Path(environ["LEDGER_MASTER_KEYS_FILE"])
    keys(environ, "init")
    database = Database(environ["LEDGER_DATABASE_URL"])
    receive(a_ledger(database, master_keys_file=file), a_form_call())
    database.dispose()
    file.unlink()

    served = CliRunner().invoke(cli, ["serve", "--port", "0"], env=environ)
    checked = CliRunner().invoke(cli, ["check", "--json"], env=environ)

    assert served.exit_code == 2
    assert "No such file" in served.output
    states = {each["subject"]: each["state"] for each in json.loads(checked.stdout)["checks"]}
    assert states["master keys"] == "fault"
