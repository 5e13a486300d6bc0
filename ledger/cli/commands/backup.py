"""How `ledger backup` is called."""

from pathlib import Path

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented

_PLACE = click.Path(file_okay=False, path_type=Path)


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["backup"],
    variables=(*LEDGER, "LEDGER_MASTER_KEYS_FILE", "LEDGER_LOG_KEY_FILE"),
    examples=("ledger backup --data backups --keys keys-elsewhere",),
)
@click.option(
    "--data", "data_place", type=_PLACE, required=True, help="The place of copies of the database."
)
@click.option(
    "--keys", "keys_place", type=_PLACE, required=True, help="The place of copies of the keys."
)
def backup(data_place: Path, keys_place: Path) -> None:
    """Copy the database to one place and its keys to another, while the service runs.

    Both get a folder named after the time. Whoever has only one of them cannot read what is sealed,
    so keep them with different people. Copies are checked against each other before the command
    ends. PostgreSQL needs its program pg_dump.
    """
    from ledger.cli.backup import back_up

    back_up(data_place, keys_place)
