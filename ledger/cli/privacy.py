"""What `ledger privacy` does: it makes, changes and destroys the master keys."""

import os
from pathlib import Path

import click

from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted
from ledger.errors import SettingsError
from ledger.instants import utc_now
from ledger.sealing.keys import default_file
from ledger.sealing.master_keys import add_master_key, create_master_keys, remove_master_key
from ledger.sealing.rotation import refuse_in_use, rotate_secrets
from ledger.settings import read_settings
from ledger.storage.database import Database


def make_master_keys() -> None:
    """Make the file of master keys."""
    settings = read_settings(os.environ)
    file = settings.master_keys_file
    if file is None:
        database = Database(settings.database_url)
        file = default_file(database)
        database.dispose()
    if file is None:
        raise SettingsError("LEDGER_MASTER_KEYS_FILE is not set: it names the file to be made")
    made = create_master_keys(file, utc_now())
    click.echo(f"made {file} with the master key {made.newest}: keep a copy elsewhere")


def rotate_master_keys() -> None:
    """Add a master key and lock every secret under it."""
    ledger = open_ledger()
    file = _file(ledger.sealing.keys.file)
    ledger.sealing.keys.masters()
    masters = add_master_key(file, os.environ, utc_now())
    count = rotate_secrets(ledger.database, masters)
    rows = counted(count, "origin")
    click.echo(f"the secrets of {rows} are locked by the master key {masters.newest} now")
    older = ", ".join(id_ for id_ in masters.key_by_id if id_ != masters.newest)
    click.echo(
        f"copies of the database from before need {older}: `ledger privacy keys destroy` when they"
        " are gone",
        err=True,
    )


def destroy_master_key(key_id: str) -> None:
    """Take a master key out of the file, once it locks nothing. Errors: NotFoundError."""
    ledger = open_ledger()
    keys = ledger.sealing.keys
    with ledger.database.connect() as connection:
        refuse_in_use(connection, key_id, keys.masters())
    remove_master_key(_file(keys.file), os.environ, key_id)
    click.echo(f"the master key {key_id} is destroyed: destroy every copy of it, too")


def _file(file: Path | None) -> Path:
    if file is None:
        raise SettingsError("LEDGER_MASTER_KEYS_FILE is not set")
    return file
