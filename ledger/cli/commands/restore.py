"""How `ledger restore` is called."""

from pathlib import Path

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["restore"],
    variables=(*LEDGER, "LEDGER_MASTER_KEYS_FILE", "LEDGER_LOG_KEY_FILE"),
    examples=(
        "ledger restore --data backups/20260310T021500.123456Z"
        " --keys keys-elsewhere/20260310T021500.123456Z",
        "ledger restore --keys keys-elsewhere/20260310T021500.123456Z",
    ),
)
@click.option("--data", "data_place", type=_FOLDER, help="The folder of one copy of the database.")
@click.option("--keys", "keys_place", type=_FOLDER, help="The folder of one copy of the keys.")
def restore(data_place: Path | None, keys_place: Path | None) -> None:
    """Put a backup back where the settings point, and say what it has lost.

    Nothing that is there is written over: the database must be missing or empty, and keys are put
    back where there are none. Give one of the two if only that is gone. The command exits 1 when
    something is lost all the same.
    """
    from ledger.cli.backup import put_back

    if data_place is None and keys_place is None:
        raise click.UsageError("name what to put back: --data, --keys or both")
    put_back(data_place, keys_place)
