"""The one way in which a command opens the ledger that the environment names."""

import os

from ledger.application import Ledger
from ledger.errors import SettingsError
from ledger.settings import Settings, read_settings
from ledger.shops import Shops, read_shops
from ledger.storage.database import Database
from ledger.storage.migrations import pending


def open_ledger(*, needs_shops: bool = False) -> Ledger:
    """Open the ledger that the environment names. Errors: SettingsError."""
    settings = read_settings(os.environ)
    shops = open_shops(settings, is_needed=needs_shops)
    database = Database(settings.database_url)
    if pending(database):
        raise SettingsError("the database is not up to date: run `ledger migrate`")
    return Ledger(settings, shops, database)


def open_shops(settings: Settings, *, is_needed: bool) -> Shops:
    """Read the shops file, when there is one. Errors: SettingsError."""
    if settings.shops_file is not None:
        return read_shops(settings.shops_file, os.environ)
    if is_needed:
        raise SettingsError("LEDGER_SHOPS_FILE is not set")
    return Shops()
