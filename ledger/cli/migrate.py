"""`ledger migrate`: brings the durable tables to what this version expects."""

import os

import click

from ledger.projections.engine.leadership import prepare_views
from ledger.settings import read_settings
from ledger.storage.database import Database
from ledger.storage.migrations import migrate as bring_to_head


@click.command()
def migrate() -> None:
    """Bring the durable tables to the shape this version expects.

    Prints one line per migration that was applied, and one per read model whose code has
    changed since it was built. Only ever goes forward.
    """
    database = Database(read_settings(os.environ).database_url)
    try:
        applied = bring_to_head(database)
        stale = prepare_views(database)
    finally:
        database.dispose()
    for revision in applied:
        click.echo(f"applied {revision}")
    if not applied:
        click.echo("nothing to apply", err=True)
    for name in stale:
        click.echo(f"stale: {name}; its code has changed, run `ledger rebuild {name}`")
