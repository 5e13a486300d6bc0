"""The keys that a ledger needs beside those of its shops: made, found missing, told about."""

import os
from collections.abc import Iterator, Mapping

from sqlalchemy import select

from ledger.application import Ledger
from ledger.cli.output import counted
from ledger.cli.shop_findings import FAULT, OK, WARNING, Finding
from ledger.errors import LedgerError, SettingsError
from ledger.instants import utc_now
from ledger.ipn.modes import Mode
from ledger.ipn.shops_and_keys import Shops
from ledger.proof.checkpoints import refuse_unlike_memory
from ledger.proof.log import newest_checkpoint, newest_log
from ledger.proof.log_key import make_default_key, open_signer
from ledger.proof.signer import LogBehindError, LogForkedError, LogSigner
from ledger.sealing.keys import is_sealing
from ledger.sealing.sealing import Sealing
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.sealed_rows import add_months
from ledger.storage.tables import notifications


def prepare_keys(settings: Settings, database: Database) -> list[str]:
    """Make sure that what comes can be sealed and logged; return what was made, in words.

    Errors: SettingsError when master keys or the log key are missing.
    """
    made = []
    sealing = Sealing(database, settings.master_keys_file, os.environ)
    if sealing.keys.prepare():
        made.append(
            f"made the master keys {sealing.keys.file}: keep a copy where no copy of the database"
            " is; without them nothing about a person can ever be read again"
        )
    log_key = make_default_key(settings, database)
    if log_key is not None:
        made.append(f"made the key {log_key}, which signs the log")
    add_months(database, utc_now())
    return made


def own_signer(ledger: Ledger) -> LogSigner:
    """Return what signs the log on this machine. Errors: SettingsError where there is no key."""
    signer = open_signer(ledger.settings, ledger.database)
    if signer is None:
        raise SettingsError(
            "there is no log key here: LEDGER_LOG_KEY_FILE names it, `ledger proof init` makes one"
        )
    return signer


def key_findings(
    database: Database, settings: Settings, environ: Mapping[str, str], shops: Shops
) -> Iterator[Finding]:
    """Report whether what is sealed can be opened, and whether the log is what was signed."""
    yield _master_keys_finding(database, settings, environ)
    if database.is_sqlite and settings.master_keys_file is None and _has_production(shops):
        yield Finding(
            WARNING,
            "master keys",
            "they lie beside the database: a copy of this folder can be read by whoever has it."
            " Set LEDGER_MASTER_KEYS_FILE to a place that is not copied with it",
        )
    yield from _log_findings(database, settings)


def _has_production(shops: Shops) -> bool:
    return any(
        key.mode == Mode.PRODUCTION for shop in shops.shop_by_id.values() for key in shop.keys
    )


def _master_keys_finding(
    database: Database, settings: Settings, environ: Mapping[str, str]
) -> Finding:
    keys = Sealing(database, settings.master_keys_file, environ).keys
    with database.connect() as connection:
        is_in_use = is_sealing(connection)
    if not is_in_use and keys.is_default and keys.file is not None and not keys.file.exists():
        return Finding(OK, "master keys", "none yet: `ledger serve` makes them")
    try:
        count = len(keys.masters().key_by_id)
        if is_in_use:
            keys.check()
    except SettingsError as error:
        return Finding(FAULT, "master keys", str(error))
    newest = keys.masters().newest
    return Finding(OK, "master keys", f"{counted(count, 'key')}; {newest} locks what is new")


def _log_findings(database: Database, settings: Settings) -> Iterator[Finding]:
    """Compare the log with what was signed of it; changes nothing."""
    with database.connect() as connection:
        log = newest_log(connection)
        checkpoint = None if log is None else newest_checkpoint(connection, log)
        has_rows = connection.scalar(select(notifications.c.place).limit(1)) is not None
    try:
        signer = open_signer(settings, database)
        if signer is not None:
            refuse_unlike_memory(database, signer)
    except LedgerError as error:
        yield Finding(FAULT, "log", str(error))
        if isinstance(error, LogBehindError | LogForkedError):
            message = "after a restore, `ledger privacy replay` the certificates of erasures since"
            yield Finding(WARNING, "erasures", message)
        return
    if signer is None:
        message = "no key signs it: `ledger proof init` makes one, LEDGER_LOG_KEY_FILE names it"
        yield Finding(WARNING if has_rows else OK, "log", message)
    elif checkpoint is None:
        yield Finding(OK, "log", "nothing signed yet: `ledger serve` signs")
    else:
        at = checkpoint.signed_at.strftime("%Y-%m-%d %H:%M UTC")
        yield Finding(OK, "log", f"{counted(checkpoint.size, 'entry', 'entries')} signed at {at}")
