"""The one way in which a command opens the ledger that the environment names."""

import os

from ledger.application import Ledger, bootstrap
from ledger.errors import SettingsError
from ledger.settings import read_settings
from ledger.storage.migrations import pending


def open_ledger(*, needs_shops: bool = False) -> Ledger:
    """Open the ledger that the environment names. Errors: SettingsError."""
    ledger = bootstrap(read_settings(os.environ), os.environ, needs_shops=needs_shops)
    if pending(ledger.database):
        raise SettingsError("the database is not up to date: run `ledger migrate`")
    return ledger
