"""Opens the ledger that the environment names, for the commands that work on one."""

import os

import click

from ledger.application import Ledger, bootstrap
from ledger.cli.databases import named_database, refuse_missing
from ledger.errors import SettingsError
from ledger.settings import read_settings
from ledger.storage.migrations import pending


def open_ledger(*, needs_shops: bool = False) -> Ledger:
    """Open the ledger that the environment names until the command ends; never make one.

    Errors: SettingsError.
    """
    settings = read_settings(os.environ)
    refuse_missing(settings, os.environ)
    ledger = bootstrap(settings, os.environ, needs_shops=needs_shops)
    if (context := click.get_current_context(silent=True)) is not None:
        context.call_on_close(ledger.close)
    if pending(ledger.database):
        where = named_database(settings, os.environ)
        raise SettingsError(f"the database {where} is not up to date: run `ledger migrate`")
    return ledger


def only_shop(ledger: Ledger) -> str:
    """Return the shop that is meant where none is named. Errors: UsageError if there are others."""
    ids = list(ledger.shops.shop_by_id)
    if len(ids) != 1:
        raise click.UsageError("name the shop with --shop-id")
    return ids[0]
