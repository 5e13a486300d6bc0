"""Master keys come from a file that only its owner reads, and can be changed and destroyed."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ledger.application import Ledger
from ledger.errors import MasterKeyMissingError, NotFoundError, SettingsError
from ledger.queries.readable import readable_events
from ledger.sealing.master_keys import (
    add_master_key,
    create_master_keys,
    read_master_keys,
    remove_master_key,
)
from ledger.sealing.rotation import masters_in_use, refuse_in_use, rotate_secrets
from ledger.storage.database import Database
from ledger.storage.tables import origin_secrets
from tests.builders import a_form_call, a_ledger, receive

NOW = datetime(2026, 11, 27, tzinfo=UTC)
KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "masters.toml"
    create_master_keys(path, NOW)
    return path


def write(path: Path, toml: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(toml)
    return path


def test_a_new_file_holds_one_key_for_its_owner_alone(file: Path) -> None:
    masters = read_master_keys(file, {})

    assert list(masters.key_by_id) == [masters.newest] == ["2026-11-27"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert repr(masters) == "MasterKeys()"
    with pytest.raises(SettingsError, match="File exists"):
        create_master_keys(file, NOW)


def test_keys_may_be_kept_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "key", f"{KEY}\n")
    tables = '[[masters]]\nid = "a"\nsecret_env = "K"\n[[masters]]\nid = "b"\nsecret_file = "key"\n'

    masters = read_master_keys(write(tmp_path / "masters.toml", tables), {"K": KEY})

    assert masters.key_by_id == {"a": bytes(32), "b": bytes(32)}


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("", "has no table"),
        ("masters = 1", "has no table"),
        ("[[masters", "cannot be read"),
        (f'[[masters]]\nsecret = "{KEY}"', "key 1 needs an `id`"),
        ('[[masters]]\nid = "a"', "give one of"),
        ('[[masters]]\nid = "a"\nsecret = "c2hvcnQ="', "not 32 bytes"),
        ('[[masters]]\nid = "a"\nsecret = "no base64"', "not 32 bytes"),
        ('[[masters]]\nid = "a"\nsecret_env = "NONE"', "not 32 bytes"),
        ('[[masters]]\nid = "a"\nsecret_file = "none"', "No such file"),
        (f'[[masters]]\nid = "a"\nsecret = "{KEY}"\n' * 2, "key 2 needs an `id`"),
    ],
)
def test_a_fault_is_named_without_a_secret(tmp_path: Path, toml: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refusal:
        read_master_keys(write(tmp_path / "masters.toml", toml), {})

    assert KEY not in str(refusal.value)


def test_what_others_can_read_is_refused(file: Path) -> None:
    file.chmod(0o640)

    with pytest.raises(SettingsError, match="chmod 600"):
        read_master_keys(file, {})


@pytest.fixture
def ledger(bare_database: Database, file: Path) -> Ledger:
    ledger = a_ledger(bare_database, master_keys_file=file)
    receive(ledger, a_form_call(cust_email="jo@example.org"))
    receive(ledger, b"junk=1")
    return ledger


def wrapped(database: Database) -> list[bytes]:
    with database.connect() as connection:
        rows = connection.execute(select(origin_secrets)).all()
        return [bytes(row.body_secret) for row in rows if row.body_secret is not None]


def emails(ledger: Ledger) -> list[str]:
    events = readable_events(ledger, ledger.events.events_after(0, 10))
    return [dict(each.event.personal or [])["vads_cust_email"] for each in events]


def test_rotation_locks_everything_anew(ledger: Ledger, file: Path) -> None:
    before, old = wrapped(ledger.database), ledger.sealing.keys.masters()

    masters = add_master_key(file, {}, NOW + timedelta(days=30))
    count = rotate_secrets(ledger.database, masters)

    assert count == 2
    assert not set(before) & set(wrapped(ledger.database))
    with ledger.database.connect() as connection:
        assert masters_in_use(connection) == {"2026-12-27"}
        with pytest.raises(NotFoundError, match="still locks something"):
            refuse_in_use(connection, "2026-12-27", masters)
        refuse_in_use(connection, old.newest, masters)
    remove_master_key(file, {}, old.newest)
    assert emails(ledger) == ["jo@example.org"]
    assert receive(ledger, a_form_call(cust_email="jo@example.org")).outcome == "repeated"
    assert receive(ledger, a_form_call("CAPTURED")).outcome == "recorded"


def test_what_the_old_key_locked_is_in_no_file_after_a_rotation(ledger: Ledger, file: Path) -> None:
    if not ledger.database.is_sqlite:
        with ledger.database.connect() as connection:
            assert connection.scalar(text("SELECT to_regclass('origin_secrets_before')")) is None
        return
    before = wrapped(ledger.database)

    rotate_secrets(ledger.database, add_master_key(file, {}, NOW + timedelta(days=30)))
    ledger.database.dispose()

    folder = Path(str(ledger.database.engine.url.database)).parent
    contents = b"".join(path.read_bytes() for path in folder.glob("bare.sqlite*"))
    assert [secret for secret in before if secret in contents] == []


def test_a_rotation_that_lacks_a_key_changes_nothing(
    ledger: Ledger, file: Path, tmp_path: Path
) -> None:
    before = wrapped(ledger.database)
    other_keys = create_master_keys(tmp_path / "others.toml", NOW + timedelta(days=1))

    with pytest.raises(MasterKeyMissingError, match="2026-11-27 is not in the master keys file"):
        rotate_secrets(ledger.database, other_keys)

    assert wrapped(ledger.database) == before


def test_other_keys_do_not_start_a_service(ledger: Ledger, tmp_path: Path) -> None:
    create_master_keys(tmp_path / "others.toml", NOW)
    other = a_ledger(ledger.database, master_keys_file=tmp_path / "others.toml")

    with pytest.raises(SettingsError, match="does not open"):
        other.sealing.keys.check()
