"""A database that was put back from a copy is erased again, from certificates kept outside."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from ledger.application import Ledger
from ledger.errors import SettingsError
from ledger.privacy.certificate import certificate, read_certificate
from ledger.privacy.replay import certified_selection, replay
from ledger.proof.handover import hand_over
from ledger.proof.note import SigningKey
from ledger.proof.restart import restart_log
from ledger.proof.signer import LogSigner
from ledger.sealing.master_keys import add_master_key, create_master_keys
from ledger.sealing.rotation import rotate_secrets
from ledger.storage.database import Database
from tests.builders import NOON, a_ledger
from tests.conftest import created, opened
from tests.privacy.erasing import a_paid_ledger, an_eraser, erase, found, secrets_left
from tests.proof.logged import sign


@pytest.fixture
def restored(
    request: pytest.FixtureRequest, database_url: str, signer: LogSigner, tmp_path: Path
) -> Iterator[tuple[Ledger, str]]:
    """A ledger from a copy of before an erasure, and the certificate of that."""
    with opened(database_url) as database:
        sign(a_paid_ledger(database, signer), signer)
    with ExitStack() as copies:
        if database_url.startswith("sqlite"):
            copy_url = f"sqlite:///{tmp_path}/copy.sqlite"
            paths = [url.removeprefix("sqlite:///") for url in (database_url, copy_url)]
            source, target = (copies.enter_context(closing(sqlite3.connect(p))) for p in paths)
            source.backup(target)
        else:
            server: URL = request.getfixturevalue("postgres_server")
            name = str(make_url(database_url).database)
            copy_url = copies.enter_context(created(server, template=name))
        with opened(database_url) as database:
            ledger = a_ledger(database, log_key_file=signer.file)
            note = certificate(ledger, signer, erase(ledger, signer).id)
        with opened(copy_url) as database:
            yield a_ledger(database, log_key_file=signer.file), note


def test_what_a_certificate_names_is_erased_again(
    restored: tuple[Ledger, str], signer: LogSigner
) -> None:
    ledger, note = restored
    renamed, _ = restart_log(ledger.database, signer, "restored a backup", NOON)
    document = read_certificate(note, renamed)

    done = replay(an_eraser(ledger, renamed), document, by_whom="ada lovelace")

    assert done is not None
    assert len(done.selection.origin_ids) == 3
    assert len(done.selection.stream_ids) == 1
    assert len(secrets_left(ledger)) == 1
    assert document["erasure"] in done.reason
    assert found(ledger)[0] == []
    assert replay(an_eraser(ledger, renamed), document, by_whom="ada lovelace") is None


def test_a_certificate_means_what_was_erased(paid: Ledger, signer: LogSigner) -> None:
    done = erase(paid, signer)
    document = read_certificate(certificate(paid, signer, done.id), signer)

    with paid.database.connect() as connection:
        assert not any(certified_selection(connection, document))
    assert replay(an_eraser(paid, signer), document, by_whom="ada lovelace") is None


def test_a_certificate_of_an_earlier_key_is_read(paid: Ledger, signer: LogSigner) -> None:
    sign(paid, signer)
    note = certificate(paid, signer, erase(paid, signer).id)
    new_key = SigningKey(signer.verifier.name, bytes(32))

    following = hand_over(paid.database, paid.sealing, signer, new_key, lambda: NOON)

    assert read_certificate(note, following) == read_certificate(note, signer)
    with pytest.raises(SettingsError, match="no certificate that the key of this log has signed"):
        read_certificate(note, LogSigner(signer.file, new_key))


def test_after_a_rotation_no_file_holds_the_old_secrets(
    sqlite_url: str, signer: LogSigner, tmp_path: Path
) -> None:
    create_master_keys(tmp_path / "masters.toml", NOON)
    database = Database(sqlite_url)
    with database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM wrapped_keys")
    ledger = a_paid_ledger(database, signer, master_keys_file=tmp_path / "masters.toml")
    with database.connect() as connection:
        wrapped = list(
            connection.exec_driver_sql("SELECT body_secret FROM origin_secrets").scalars()
        )

    erase(ledger, signer)
    masters = add_master_key(tmp_path / "masters.toml", {}, NOON)
    rotate_secrets(database, masters)

    database.dispose()
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
    files = [path.read_bytes() for path in folder.iterdir()]
    assert len(wrapped) == 4
    assert not any(secret in file for secret in wrapped for file in files)
