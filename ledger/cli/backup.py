"""What `ledger backup` and `ledger restore` do: a ledger and its keys are one set in two places."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click

from ledger.application import Ledger
from ledger.cli.backup_set import (
    LOG_KEY,
    MASTERS,
    MEMORY,
    BackupSet,
    hash_of,
    read_data_set,
    read_key_set,
    write_list,
)
from ledger.cli.database_copies import copy_database, put_database_back
from ledger.cli.invocation import open_ledger
from ledger.errors import LedgerError, SettingsError
from ledger.instants import utc_now, write_public_instant
from ledger.proof.checkpoints import refuse_unlike_memory, sign_up_to_now
from ledger.proof.log import current_log
from ledger.proof.log_key import key_file, open_signer
from ledger.proof.note import parse_checkpoint
from ledger.proof.signer import LogSigner, memory_of
from ledger.sealing.key_file import write_new
from ledger.sealing.keys import LedgerKeys, default_file
from ledger.sealing.master_keys import whole_file
from ledger.settings import Settings, read_settings
from ledger.storage.archives import all_archives
from ledger.storage.database import Database


def back_up(data_place: Path, keys_place: Path) -> None:
    """Copy the database into one place, and all keys into another. Errors: SettingsError."""
    _refuse_one_place(data_place, keys_place)
    now = utc_now()
    name = now.strftime("%Y%m%dT%H%M%S.%fZ")
    folders = [place / name for place in (data_place, keys_place)]
    with closing(open_ledger()) as ledger:
        ledger.sealing.keys.check()
        signer = open_signer(ledger.settings, ledger.database)
        checkpoint = ""
        if signer is not None:
            checkpoint = sign_up_to_now(ledger.database, ledger.sealing, signer, utc_now)
        for folder in folders:
            _make(folder)
        # the memory goes first: one that is newer than the database would look like a loss
        _copy_keys(ledger, signer, checkpoint, folders[1])
        file = copy_database(ledger.database, folders[0])
        backup_set = BackupSet(
            made_at=write_public_instant(now),
            database=file,
            masters=list(ledger.sealing.keys.masters().key_by_id),
            checkpoint=checkpoint,
            data_hashes={file: hash_of(folders[0] / file)},
            key_hashes={each.name: hash_of(each) for each in sorted(folders[1].iterdir())},
        )
        for folder in folders:
            write_list(folder, backup_set)
        if ledger.database.is_sqlite:
            _check_copy(folders[0] / file, folders[1] / MASTERS, backup_set)
        with ledger.database.connect() as connection:
            has_archives = bool(all_archives(connection))
    click.echo(f"{folders[0]}: the database")
    click.echo(f"{folders[1]}: its keys ({', '.join(backup_set.key_hashes)})")
    click.echo("the shops file, with the keys of the shops, is not in it: keep a copy", err=True)
    if has_archives:
        click.echo("archived bodies are not in it: keep copies of their files, too", err=True)


def put_back(data_place: Path | None, keys_place: Path | None) -> None:
    """Put a backup back where the settings point; exit 1 when something is lost.

    Errors: SettingsError, before anything is written.
    """
    settings = read_settings(os.environ)
    key_set = None if keys_place is None else read_key_set(keys_place)
    data_set = None if data_place is None else read_data_set(data_place)
    database = Database(settings.database_url)
    try:
        if data_place is not None and data_set is not None:
            put_database_back(database, data_place / data_set.database)
            click.echo(f"put back: the database of {data_set.made_at}")
        if keys_place is not None and key_set is not None:
            for name, target in _targets(settings, database).items():
                if name in key_set.key_hashes:
                    _put_key_back(keys_place / name, target)
    finally:
        database.dispose()
    with closing(open_ledger()) as ledger:
        losses = list(_losses(ledger, data_set))
    for loss in losses:
        click.echo(f"lost: {loss}")
    if losses:
        raise click.exceptions.Exit(1)
    click.echo("nothing is lost up to that time: run `ledger verify`, then `ledger serve`")


def _refuse_one_place(data_place: Path, keys_place: Path) -> None:
    first, second = data_place.resolve(), keys_place.resolve()
    if first.is_relative_to(second) or second.is_relative_to(first):
        raise click.UsageError(
            "--data and --keys are one place: whoever has both can read what is sealed"
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be made: {error.strerror}") from error


def _copy_keys(ledger: Ledger, signer: LogSigner | None, checkpoint: str, folder: Path) -> None:
    write_new(folder / MASTERS, whole_file(ledger.sealing.keys.masters()))
    if signer is not None:
        write_new(folder / LOG_KEY, signer.text)
        write_new(folder / MEMORY, checkpoint)


def _check_copy(file: Path, masters: Path, backup_set: BackupSet) -> None:
    """Check that the copied keys open the copied database. Errors: SettingsError."""
    copy = Database(f"sqlite:///{file}")
    try:
        LedgerKeys(copy, masters, {}).check()
        if not _has_signed(copy, backup_set):
            raise SettingsError(f"the copy {file} lacks what was signed: take another one")
    finally:
        copy.dispose()


def _targets(settings: Settings, database: Database) -> dict[str, Path]:
    """Return where each file of keys belongs by the settings."""
    log_key = key_file(settings, database)
    targets = {MASTERS: settings.master_keys_file or default_file(database), LOG_KEY: log_key}
    if log_key is not None:
        targets[MEMORY] = memory_of(log_key)
    return {name: path for name, path in targets.items() if path is not None}


def _put_key_back(file: Path, target: Path) -> None:
    content = file.read_text(encoding="utf-8")
    try:
        write_new(target, content)
    except FileExistsError:
        is_same = target.read_text(encoding="utf-8") == content
        kept = (
            "is there already" if is_same else "is another one: it stays, and is not written over"
        )
        click.echo(f"{target} {kept}")
        return
    except OSError as error:
        raise SettingsError(f"{target} cannot be written: {error.strerror}") from error
    click.echo(f"put back: {target}")


def _losses(ledger: Ledger, data_set: BackupSet | None) -> Iterator[str]:
    """Yield in words what cannot be read, signed or proven."""
    try:
        ledger.sealing.keys.check()
    except LedgerError as error:
        yield f"raw bodies, and what is about people: {error}"
    try:
        signer = open_signer(ledger.settings, ledger.database)
        if signer is None:
            yield "the log key: nothing is signed until it is back"
        else:
            refuse_unlike_memory(ledger.database, signer)
    except LedgerError as error:
        yield f"of the log: {error}"
    if data_set is not None and not _has_signed(ledger.database, data_set):
        yield "the database is not what was signed when the backup was made"


def _has_signed(database: Database, backup_set: BackupSet) -> bool:
    """Return True if a database has all that was signed when a backup of it was made."""
    if not backup_set.checkpoint:
        return True
    signed = parse_checkpoint(backup_set.checkpoint)
    with database.connect() as connection:
        log = current_log(connection)
        return log.has_root(signed.size, signed.root)
