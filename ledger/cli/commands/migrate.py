"""How `ledger migrate` is called."""

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, Documented


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["migrate"],
    variables=DATABASE,
    examples=("ledger migrate", "ledger migrate --service-role ledger_service"),
)
@click.option(
    "--service-role",
    metavar="ROLE",
    help="On PostgreSQL: the role that runs the service. It may add to what was recorded and"
    " cannot change it. The database remembers it.",
)
def migrate(service_role: str | None) -> None:
    """Bring the tables of the database to the shape that this version expects.

    The command prints a line for each migration that it applies, one that names the read models
    that are new, and one for each read model whose code has changed since it was built.
    Migrations only go forward.
    """
    from ledger.cli.migrate import bring_up_to_date

    bring_up_to_date(service_role)
