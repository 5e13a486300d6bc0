"""Backups in two places, and the drill: each part is lost in turn, and words say what is gone."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import URL

from ledger.application import Ledger
from ledger.cli import cli
from ledger.proof.signer import create_key
from ledger.storage.database import Database
from tests.builders import MASTER_KEYS, a_form_call, a_ledger, receive
from tests.conftest import created, opened
from tests.faults.cluster import binaries

EMAIL = "jo@example.org"


@dataclass
class Machine:
    """A machine with a ledger and its keys; another one is made from its backup."""

    folder: Path
    database_url: str

    @property
    def environ(self) -> dict[str, str]:
        return {
            "LEDGER_DATABASE_URL": self.database_url,
            "LEDGER_MASTER_KEYS_FILE": str(self.folder / "masters.toml"),
            "LEDGER_LOG_KEY_FILE": str(self.folder / "log-key"),
        }

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, list(arguments), env=self.environ)

    def whole_run(self, *arguments: str) -> str:
        """Run what must succeed; return what it printed."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout


@pytest.fixture
def machine(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Machine:
    """A machine that has received two payments."""
    monkeypatch.setenv("PATH", f"{binaries(tmp_path)}:{os.environ['PATH']}")
    folder = tmp_path / "machine"
    create_key(folder / "log-key", "ledger.example.com/shop")
    shutil.copyfile(MASTER_KEYS, folder / "masters.toml")
    (folder / "masters.toml").chmod(0o600)
    for number in range(2):
        receive_one(a_ledger(database), number)
    return Machine(folder, database_url)


@pytest.fixture
def new_machine(
    request: pytest.FixtureRequest, machine: Machine, tmp_path: Path
) -> Iterator[Machine]:
    """Another machine, with an empty database of the same kind and no keys."""
    folder = tmp_path / "new"
    folder.mkdir()
    if machine.database_url.startswith("sqlite"):
        yield Machine(folder, f"sqlite:///{folder}/ledger.sqlite")
        return
    server: URL = request.getfixturevalue("postgres_server")
    with created(server) as url:
        yield Machine(folder, url)


def receive_one(ledger: Ledger, number: int) -> None:
    call = a_form_call(trans_uuid=f"{number:032x}", trans_id=f"90000{number}", cust_email=EMAIL)
    assert receive(ledger, call).outcome == "recorded"


def back_up(machine: Machine) -> tuple[str, str]:
    """Take a backup; return its folders of data and of keys."""
    places = [machine.folder.parent / name for name in ("data", "keys")]
    machine.whole_run("backup", "--data", str(places[0]), "--keys", str(places[1]))
    data, keys = (max(place.iterdir()) for place in places)
    return str(data), str(keys)


def shown_email(machine: Machine) -> bool:
    name = f"{1:032x}"
    item = machine.whole_run("history", "transaction", name, "--shop", "12345678", "--json")
    return EMAIL in item


def test_the_whole_of_it_comes_back(machine: Machine, new_machine: Machine) -> None:
    data, keys = back_up(machine)

    restored = new_machine.whole_run("restore", "--data", data, "--keys", keys)

    assert "nothing is lost up to that time" in restored
    assert shown_email(new_machine)
    before, after = (m.whole_run("proof", "checkpoint") for m in (machine, new_machine))
    assert before == after
    new_machine.whole_run("verify", "--only", "log", "--only", "streams")


def test_whoever_has_one_place_has_nothing_of_a_person(machine: Machine) -> None:
    data, keys = back_up(machine)

    names = {place: sorted(os.listdir(place)) for place in (data, keys)}
    assert names[keys] == ["backup.json", "log-key", "log-key.last", "masters.toml"]
    assert len(names[data]) == 2
    for name in names[data]:
        content = (Path(data) / name).read_bytes()
        assert EMAIL.encode() not in content
        assert b"secret = " not in content
    assert all((Path(keys) / name).stat().st_mode & 0o077 == 0 for name in names[keys])


def test_both_in_one_place_is_refused(machine: Machine, tmp_path: Path) -> None:
    result = machine.run("backup", "--data", f"{tmp_path}/all", "--keys", f"{tmp_path}/all/keys")

    assert result.exit_code == 2
    assert "one place" in result.output
    assert not (tmp_path / "all").exists()


def test_without_the_master_keys_facts_come_back_and_persons_do_not(
    machine: Machine, new_machine: Machine
) -> None:
    data, keys = back_up(machine)
    (Path(keys) / "masters.toml").unlink()
    listed = json.loads((Path(keys) / "backup.json").read_text())
    del listed["key_hashes"]["masters.toml"]
    (Path(keys) / "backup.json").write_text(json.dumps(listed))

    result = new_machine.run("restore", "--data", data, "--keys", keys)

    assert result.exit_code == 1
    assert "lost: raw bodies, and what is about people" in result.stdout
    assert new_machine.run("check").exit_code == 2
    machine.whole_run("privacy", "keys", "rotate")  # those of the old machine are still there
    shown = new_machine.whole_run("history", "transaction", f"{1:032x}", "--shop", "12345678")
    assert "CMD-2026-0001" in shown


def test_without_the_log_key_nothing_is_signed(machine: Machine, new_machine: Machine) -> None:
    data, keys = back_up(machine)
    shutil.copyfile(Path(keys) / "masters.toml", new_machine.folder / "masters.toml")
    (new_machine.folder / "masters.toml").chmod(0o600)

    result = new_machine.run("restore", "--data", data)

    assert result.exit_code == 1
    assert "lost: of the log: the log key" in result.stdout
    assert shown_email(new_machine)
    again = new_machine.whole_run("restore", "--keys", keys)
    assert "nothing is lost" in again
    new_machine.whole_run("proof", "checkpoint")


def test_without_its_memory_the_key_signs_nothing(machine: Machine, new_machine: Machine) -> None:
    data, keys = back_up(machine)
    new_machine.whole_run("restore", "--data", data, "--keys", keys)
    memory = new_machine.folder / "log-key.last"
    kept = memory.read_text()
    memory.unlink()

    refused = new_machine.run("proof", "checkpoint")

    assert refused.exit_code == 1
    assert "put the newest checkpoint there that anybody has kept" in refused.output
    assert new_machine.run("check").exit_code == 2
    memory.write_text(kept)
    new_machine.whole_run("proof", "checkpoint")


def test_what_came_after_the_backup_is_missed(
    machine: Machine, new_machine: Machine, database: Database
) -> None:
    data, _ = back_up(machine)
    receive_one(a_ledger(database), 7)
    _, newer_keys = back_up(machine)

    result = new_machine.run("restore", "--data", data, "--keys", newer_keys)

    assert result.exit_code == 1
    assert "the log has 3 entries, and 4 were signed" in result.stdout
    assert "ledger proof restart" in result.stdout


def test_keys_that_are_there_are_not_written_over(machine: Machine) -> None:
    _, keys = back_up(machine)
    (machine.folder / "log-key").unlink()
    create_key(machine.folder / "log-key", "ledger.example.com/other")
    before = (machine.folder / "log-key").read_text()

    result = machine.run("restore", "--keys", keys)

    assert "is another one: it stays" in result.stdout
    assert (machine.folder / "log-key").read_text() == before


def test_a_ledger_that_is_there_is_not_written_over(machine: Machine) -> None:
    data, _ = back_up(machine)

    result = machine.run("restore", "--data", data)

    assert result.exit_code == 2
    assert "nothing was written over" in result.output


def test_a_copy_that_was_changed_is_not_put_back(machine: Machine, new_machine: Machine) -> None:
    data, keys = back_up(machine)
    (copy,) = Path(data).glob("ledger.*")
    copy.write_bytes(copy.read_bytes()[:-1])

    result = new_machine.run("restore", "--data", data, "--keys", keys)

    assert result.exit_code == 2
    assert "it was changed or cut" in result.output
    assert os.listdir(new_machine.folder) == []


def test_a_folder_that_is_no_backup_is_refused(machine: Machine, tmp_path: Path) -> None:
    result = machine.run("restore", "--keys", str(tmp_path))

    assert result.exit_code == 2
    assert "is no backup" in result.output


def test_keys_that_open_nothing_are_not_backed_up(machine: Machine) -> None:
    (machine.folder / "masters.toml").unlink()

    result = machine.run("backup", "--data", f"{machine.folder}/a", "--keys", f"{machine.folder}/b")

    assert result.exit_code == 2
    assert "master keys file" in result.output
    with opened(machine.database_url):
        assert not (machine.folder / "a").exists()
