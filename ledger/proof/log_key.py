"""Where the key of the log lies, and how a service gets its signer."""

from pathlib import Path

from ledger.errors import SettingsError
from ledger.proof.log import newest_checkpoint, newest_log
from ledger.proof.signer import LogSigner, create_key
from ledger.settings import Settings
from ledger.storage.database import Database, beside

_DEFAULT_NAME = "ipn-ledger.invalid"


def key_file(settings: Settings, database: Database) -> Path | None:
    """Return the file of the log key; by default it lies beside an SQLite database."""
    return settings.log_key_file or beside(database, ".log-key")


def open_signer(settings: Settings, database: Database) -> LogSigner | None:
    """Return what signs the log on this machine; None where there is no key.

    Errors: SettingsError when a key that is named cannot be read.
    """
    file = key_file(settings, database)
    if file is None or (settings.log_key_file is None and not file.exists()):
        return None
    return LogSigner.open(file)


def make_default_key(settings: Settings, database: Database) -> Path | None:
    """Make the key beside an SQLite database of which nothing was signed yet; return its file.

    Shape: None when there is one, or another is named. Errors: SettingsError.
    """
    file = key_file(settings, database)
    if settings.log_key_file is not None or file is None or file.exists():
        return None
    with database.connect() as connection:
        log = newest_log(connection)
        if log is not None and newest_checkpoint(connection, log) is not None:
            raise SettingsError(
                f"the log key {file} is missing: put it back from its copy, with {file}.last"
            )
    try:
        create_key(file, f"{_DEFAULT_NAME}/{file.stem}")
    except SettingsError:
        if not file.exists():
            raise
        return None  # another process was faster
    return file
