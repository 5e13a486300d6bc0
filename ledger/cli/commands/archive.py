"""How `ledger archive` is called."""

from datetime import datetime

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, Documented


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["archive"],
    variables=DATABASE,
    examples=(
        "ledger archive --before 2026-01 --to file:///srv/ledger-archive",
        "ledger archive --before 2026-01 --to s3://bucket/ledger",
    ),
)
@click.option(
    "--before",
    "before_month",
    type=click.DateTime(["%Y-%m"]),
    required=True,
    metavar="MONTH",
    help="Archive all months before this one, in UTC; it may be the current one.",
)
@click.option(
    "--to", "address", required=True, metavar="ADDRESS", help="The folder that the files go to."
)
def archive(before_month: datetime, address: str) -> None:
    """Put raw bodies and sealed parts of events of old months into files elsewhere.

    They leave the database as they are, sealed; their secrets stay, so that an erasure still makes
    them unreadable, wherever copies are. Evidence, bundles and verify read them where they are, and
    what comes again is still recognised. Each file is written, read back and compared before
    anything leaves. Killed anywhere and called again, the command goes on.

    The service may run meanwhile. On PostgreSQL only the owner of the tables can archive.
    """
    from ledger.cli.archive import put_elsewhere

    put_elsewhere(before_month.date(), address)
